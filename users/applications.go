package users

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/einlass/einlass/keys"
)

// AddApplication stores a new application. When its client authenticates with a
// secret, that secret is made here and returned: it can be read only now.
func (d *Directory) AddApplication(ctx context.Context, actor Actor, a Application) (keys.Secret, error) {
	if err := a.Check(); err != nil {
		return "", err
	}
	if err := d.checkGroups(ctx, a.Groups); err != nil {
		return "", fmt.Errorf("application %s: %w", a.ID, err)
	}
	a.Origin, a.Version = OriginLocal, 0
	var secret keys.Secret
	if a.SignIn != nil && a.SignIn.UsesSecret() {
		secret = keys.NewSecret()
	}
	err := d.store.Update(ctx, func(tx Tx) error {
		if err := putApplication(ctx, tx, Application{}, a, false); err != nil {
			return err
		}
		if secret != "" {
			if err := tx.PutClientSecret(ctx, d.newClientSecret(a.ID, secret, OriginLocal)); err != nil {
				return err
			}
		}
		return appendRegistryEvent(ctx, tx, EventApplicationPut, actor, string(a.ID), a)
	})
	if err != nil {
		return "", fmt.Errorf("add application %s: %w", a.ID, err)
	}
	return secret, nil
}

// UsesSecret reports whether the client proves itself with a shared secret.
func (s SignIn) UsesSecret() bool {
	return s.AuthMethod == AuthMethodPost || s.AuthMethod == AuthMethodBasic
}

// RotateSecret gives a client a new secret, valid at once, and lets its present
// ones end after overlap. The secret can be read only now.
func (d *Directory) RotateSecret(ctx context.Context, actor Actor, id ApplicationID, overlap time.Duration) (keys.Secret, error) {
	a, err := d.store.Application(ctx, id)
	if err != nil {
		return "", fmt.Errorf("rotate secret of %s: %w", id, err)
	}
	if a.Origin == OriginConfig {
		return "", fmt.Errorf("rotate secret of %s: %w; change client_secret there (a list while two are valid)", id, ErrReadOnly)
	}
	if a.SignIn == nil || !a.SignIn.UsesSecret() {
		return "", fmt.Errorf("rotate secret of %s: %w: its client has no secret", id, ErrInvalid)
	}
	secret, end := keys.NewSecret(), d.now().Add(overlap)
	err = d.store.Update(ctx, func(tx Tx) error {
		current, err := tx.Application(ctx, id)
		if err != nil {
			return err
		}
		if err := putApplication(ctx, tx, current, current, true); err != nil {
			return err
		}
		if err := endSecrets(ctx, tx, id, end); err != nil {
			return err
		}
		if err := tx.PutClientSecret(ctx, d.newClientSecret(id, secret, OriginLocal)); err != nil {
			return err
		}
		return appendRegistryEvent(ctx, tx, EventSecretRotated, actor, string(id), map[string]time.Time{"old_end": end})
	})
	if err != nil {
		return "", fmt.Errorf("rotate secret of %s: %w", id, err)
	}
	return secret, nil
}

// endSecrets moves the end of an application's secrets to end, where they would live longer.
func endSecrets(ctx context.Context, tx Tx, id ApplicationID, end time.Time) error {
	all, err := tx.ClientSecrets(ctx)
	if err != nil {
		return err
	}
	for _, s := range all {
		if s.Application != id || (!s.ExpiresAt.IsZero() && s.ExpiresAt.Before(end)) {
			continue
		}
		s.ExpiresAt = end
		if err := tx.PutClientSecret(ctx, s); err != nil {
			return err
		}
	}
	return nil
}

// hintChars is how much of a secret we keep readable, to tell two apart.
const hintChars = 4

func (d *Directory) newClientSecret(id ApplicationID, secret keys.Secret, origin Origin) ClientSecret {
	text := secret.Reveal()
	return ClientSecret{
		Application: id,
		Hash:        secret.Hash(),
		CreatedAt:   d.now(),
		Hint:        text[max(0, len(text)-hintChars):],
		Origin:      origin,
	}
}

// appendRegistryEvent adds an event for a change that replicas keep in memory.
func appendRegistryEvent(ctx context.Context, tx Tx, kind EventKind, actor Actor, subject string, payload any) error {
	if err := tx.RaiseRevision(ctx); err != nil {
		return err
	}
	return appendEvent(tx, kind, actor, subject, payload)
}

func (d *Directory) checkGroups(ctx context.Context, ids []GroupID) error {
	known, err := d.store.Groups(ctx)
	if err != nil {
		return err
	}
	for _, id := range ids {
		if !slices.ContainsFunc(known, func(g Group) bool { return g.ID == id }) {
			return fmt.Errorf("%w: there is no group %q", ErrInvalid, id)
		}
	}
	return nil
}

// Names under which an application's secrets are sealed.
const secretImport = "import.client_secret"

// ImportSecret returns the credential a connection reads its source with.
func (d *Directory) ImportSecret(ctx context.Context, connection ApplicationID) (keys.Secret, error) {
	secret, err := d.openSecret(ctx, string(connection), secretImport)
	if err != nil {
		return "", fmt.Errorf("credentials of connection %s: %w", connection, err)
	}
	return secret, nil
}

// sealedTable is the table that sealed values are bound to.
const sealedTable = "secrets"

func (d *Directory) openSecret(ctx context.Context, owner, name string) (keys.Secret, error) {
	sealed, err := d.store.SealedSecret(ctx, owner, name)
	if err != nil {
		return "", err
	}
	if sealed == "" { // forgotten
		return "", ErrNotFound
	}
	plain, err := d.sealer.Open(sealed, sealedTable, name, owner)
	return keys.Secret(plain), err
}

func (d *Directory) putSecret(ctx context.Context, tx Tx, owner, name string, value keys.Secret) error {
	sealed, err := d.sealer.Seal([]byte(value.Reveal()), sealedTable, name, owner)
	if err != nil {
		return err
	}
	return tx.PutSealedSecret(ctx, owner, name, sealed)
}
