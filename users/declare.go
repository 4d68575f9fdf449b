package users

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/einlass/einlass/keys"
)

// Declaration is what the configuration file says there is. It is read-only
// everywhere else.
type Declaration struct {
	Applications []DeclaredApplication
	Groups       []Group
	Users        []DeclaredUser
}

// DeclaredApplication is an application of the file with its secrets.
type DeclaredApplication struct {
	Application
	ClientSecrets []keys.Secret
	ImportSecret  keys.Secret

	WebhookTokens  []keys.Secret          // one, or two while both are valid; none: none of the file
	WebhookHeaders map[string]keys.Secret // by canonical name
}

// secretHashes are the hashes of the client secrets, each once.
func (a DeclaredApplication) secretHashes() [][32]byte {
	var hashes [][32]byte
	for _, s := range a.ClientSecrets {
		if h := s.Hash(); !slices.Contains(hashes, h) {
			hashes = append(hashes, h)
		}
	}
	return hashes
}

// DeclaredUser is a person of the file.
type DeclaredUser struct {
	Email      string
	Username   string // empty: the e-mail address
	FirstName  string
	LastName   string
	State      State
	Role       Role // empty: none
	Groups     []GroupID
	Attributes map[string]string
	Password   keys.Secret // empty: none of ours
}

// What is remembered of the last declaration: its digest, and a list of what it named.
const (
	declaredOwner   = "config"
	declaredDigest  = "declaration.digest"
	declaredSetting = "declared"
	leaseConfig     = "config"
)

// declaredNames is the settings document of what the file named last.
type declaredNames struct {
	Applications []ApplicationID `json:"applications"`
	Groups       []GroupID       `json:"groups"`
	Users        []ID            `json:"users"`
}

// digest identifies the declaration, secrets included. It is stored sealed,
// because a hash of a weak password would give the password away.
func (dec Declaration) digest() (keys.Secret, error) {
	h := sha256.New()
	enc := json.NewEncoder(h)
	for _, a := range dec.Applications {
		revealed := []string{a.ImportSecret.Reveal()}
		for _, s := range a.ClientSecrets {
			revealed = append(revealed, s.Reveal())
		}
		webhook := []string{}
		for _, s := range a.WebhookTokens {
			webhook = append(webhook, s.Reveal())
		}
		headers := map[string]string{}
		for name, value := range a.WebhookHeaders {
			headers[name] = value.Reveal()
		}
		if err := enc.Encode([]any{a.ID, a.Application, a.Groups, revealed, webhook, headers}); err != nil {
			return "", err
		}
	}
	for _, u := range dec.Users {
		if err := enc.Encode([]any{u, u.Password.Reveal()}); err != nil {
			return "", err
		}
	}
	if err := enc.Encode(dec.Groups); err != nil {
		return "", err
	}
	return keys.Secret(hex.EncodeToString(h.Sum(nil))), nil
}

// DeclarationCurrent reports whether the directory holds this very declaration.
// Another replica with another file makes it false.
func (d *Directory) DeclarationCurrent(ctx context.Context, dec Declaration) (bool, error) {
	digest, err := dec.digest()
	if err != nil {
		return false, err
	}
	stored, err := d.openSecret(ctx, declaredOwner, declaredDigest)
	if errors.Is(err, ErrNotFound) {
		return false, nil
	}
	return err == nil && stored.Equal(digest), err
}

// declareLease is how long one process may take to write the file's objects.
const declareLease = 30 * time.Second

// Declare writes the file's applications, groups and users in one transaction
// under the lease "config", and nothing when the directory holds them already.
// What has left the file since is switched off, never deleted. It returns
// ErrInvalid for a rule that does not compile.
//
// When rules of groups change, who is in them follows by Regroup.
func (d *Directory) Declare(ctx context.Context, dec Declaration) (changed bool, err error) {
	current, err := d.DeclarationCurrent(ctx, dec)
	if err != nil || current {
		return false, err
	}
	lease, err := d.waitForLease(ctx, leaseConfig, declareLease)
	if err != nil {
		return false, fmt.Errorf("declare: %w", err)
	}
	defer func() { _ = d.store.ReleaseLease(context.WithoutCancel(ctx), lease) }() // it runs out by itself
	// Whoever held the lease may have written the same file.
	if current, err = d.DeclarationCurrent(ctx, dec); err != nil || current {
		return false, err
	}
	// Hashing takes long, so passwords are hashed before the transaction begins.
	hashes, err := d.declaredHashes(ctx, dec.Users)
	if err != nil {
		return false, fmt.Errorf("declare: %w", err)
	}
	err = d.updateHolding(ctx, lease, declareLease, func(tx Tx) error {
		w := declarer{d: d, tx: tx, hashes: hashes, now: d.now(), written: map[ID]User{}}
		return w.write(ctx, dec)
	})
	if err != nil {
		return false, fmt.Errorf("declare: %w", err)
	}
	return true, nil
}

// waitForLease takes a short lease, waiting for a holder that does the same.
func (d *Directory) waitForLease(ctx context.Context, name string, life time.Duration) (Lease, error) {
	holder := newToken()
	for {
		lease, err := d.store.AcquireLease(ctx, name, holder, d.now(), life)
		if !errors.Is(err, ErrLeaseHeld) {
			return lease, err
		}
		select {
		case <-ctx.Done():
			return Lease{}, ctx.Err()
		case <-time.After(100 * time.Millisecond):
		}
	}
}

// declaredHashes returns new hashes for the people whose stored password does not verify.
func (d *Directory) declaredHashes(ctx context.Context, people []DeclaredUser) (map[LoginKey]string, error) {
	hashes := map[LoginKey]string{}
	for _, p := range people {
		if p.Password == "" {
			continue
		}
		key := KeyOf(p.Email)
		_, stored, reason, err := d.lookUpPassword(ctx, p.Email)
		if err != nil {
			return nil, err
		}
		if reason == "" {
			ok, _, err := d.passwords.verify(ctx, p.Password, stored)
			if err != nil {
				return nil, err
			}
			if ok {
				continue
			}
		}
		if hashes[key], err = d.passwords.hash(ctx, p.Password); err != nil {
			return nil, err
		}
	}
	return hashes, nil
}

// declarer writes one declaration within one transaction.
type declarer struct {
	d      *Directory
	tx     Tx
	hashes map[LoginKey]string
	now    time.Time

	rulesChanged bool
	written      map[ID]User // people whose attributes were written
}

func (w *declarer) write(ctx context.Context, dec Declaration) error {
	// Before anybody is written: who writes people by the rules has finished then, and nobody begins.
	if err := w.tx.RaiseRevision(ctx); err != nil {
		return err
	}
	before, version, err := readSetting[declaredNames](ctx, w.tx, declaredSetting)
	if err != nil {
		return err
	}
	var names declaredNames
	if names.Groups, err = w.groups(ctx, dec.Groups); err != nil {
		return err
	}
	if names.Applications, err = w.applications(ctx, dec.Applications); err != nil {
		return err
	}
	if names.Users, err = w.users(ctx, dec.Users); err != nil {
		return err
	}
	if err := w.retire(ctx, before, names); err != nil {
		return err
	}
	if err := w.regroup(ctx); err != nil {
		return err
	}
	if err := putSetting(ctx, w.tx, declaredSetting, names, version); err != nil {
		return err
	}
	digest, err := dec.digest()
	if err != nil {
		return err
	}
	if err := w.d.putSecret(ctx, w.tx, declaredOwner, declaredDigest, digest); err != nil {
		return err
	}
	return appendRegistryEvent(ctx, w.tx, EventDeclared, ActorConfig, declaredSetting, declaredEvent{names, dec.logos()})
}

// declaredEvent is what the log says of a declaration.
type declaredEvent struct {
	declaredNames
	Logos map[ApplicationID]string `json:"logos,omitempty"` // their digests
}

func (dec Declaration) logos() map[ApplicationID]string {
	digests := map[ApplicationID]string{}
	for _, a := range dec.Applications {
		if digest := a.LogoDigest(); digest != "" {
			digests[a.ID] = digest
		}
	}
	return digests
}

func (w *declarer) groups(ctx context.Context, declared []Group) ([]GroupID, error) {
	ids := []GroupID{}
	for _, g := range declared {
		if g.Rule != "" {
			if err := CheckRule(g.Rule); err != nil {
				return nil, fmt.Errorf("group %s: %w rule: %w", g.ID, ErrInvalid, err)
			}
		}
		g.Origin = OriginConfig
		if err := w.group(ctx, g); err != nil {
			return nil, err
		}
		ids = append(ids, g.ID)
	}
	return ids, nil
}

// group writes a group and notes whether its rule becomes another.
func (w *declarer) group(ctx context.Context, g Group) error {
	stored, err := w.tx.Group(ctx, g.ID)
	if err != nil && !errors.Is(err, ErrNotFound) {
		return err
	}
	w.rulesChanged = w.rulesChanged || stored.Rule != g.Rule
	return w.tx.PutGroup(ctx, g)
}

// regroup puts the declared people into groups by rule at once, and has
// everybody looked at if the rules have changed.
func (w *declarer) regroup(ctx context.Context) error {
	groups, err := w.d.regrouper(ctx, w.tx, ActorConfig)
	if err != nil {
		return err
	}
	if err := groups.written(ctx, slices.Collect(maps.Values(w.written))...); err != nil {
		return err
	}
	if !w.rulesChanged {
		return nil
	}
	return startRegroup(ctx, w.tx)
}

func (w *declarer) applications(ctx context.Context, declared []DeclaredApplication) ([]ApplicationID, error) {
	ids := []ApplicationID{}
	secrets, err := w.tx.ClientSecrets(ctx) // each application changes its own alone
	if err != nil {
		return nil, err
	}
	for _, a := range declared {
		if err := w.application(ctx, a, secrets); err != nil {
			return nil, fmt.Errorf("application %s: %w", a.ID, err)
		}
		ids = append(ids, a.ID)
	}
	return ids, nil
}

// application writes one application; secrets are those of all, as they are stored.
func (w *declarer) application(ctx context.Context, a DeclaredApplication, secrets []ClientSecret) error {
	stored, err := w.tx.Application(ctx, a.ID)
	if err != nil && !errors.Is(err, ErrNotFound) {
		return err
	}
	if err == nil && stored.Origin != OriginConfig {
		return fmt.Errorf("%w in the directory; choose another id or remove it there", ErrConflict)
	}
	if a.Logo != nil {
		if err := a.Logo.Check(); err != nil {
			return err
		}
	}
	a.Origin, a.Version = OriginConfig, stored.Version
	if err := putApplication(ctx, w.tx, stored, a.Application, hasOtherSecrets(secrets, a.ID, a.secretHashes())); err != nil {
		return err
	}
	if err := w.importSecret(ctx, a); err != nil {
		return err
	}
	if err := w.declareWebhook(ctx, a); err != nil {
		return err
	}
	return w.clientSecrets(ctx, a)
}

// importSecret stores the declared credential of a connection. One that is
// declared no longer is forgotten: imports ask for it from now on.
func (w *declarer) importSecret(ctx context.Context, a DeclaredApplication) error {
	if a.ImportSecret != "" {
		return w.d.putSecret(ctx, w.tx, string(a.ID), secretImport, a.ImportSecret)
	}
	sealed, err := w.tx.SealedSecret(ctx, string(a.ID), secretImport)
	if errors.Is(err, ErrNotFound) || err == nil && sealed == "" {
		return nil
	}
	if err != nil {
		return err
	}
	return w.tx.PutSealedSecret(ctx, string(a.ID), secretImport, "")
}

// clientSecrets makes the declared secrets the only live ones of the application.
func (w *declarer) clientSecrets(ctx context.Context, a DeclaredApplication) error {
	if err := endSecrets(ctx, w.tx, a.ID, w.now); err != nil {
		return err
	}
	for _, secret := range a.ClientSecrets {
		if err := w.tx.PutClientSecret(ctx, w.d.newClientSecret(a.ID, secret, OriginConfig)); err != nil {
			return err
		}
	}
	return nil
}

// retire switches off what the file named before and names no longer.
func (w *declarer) retire(ctx context.Context, before, now declaredNames) error {
	for _, id := range before.Applications {
		if slices.Contains(now.Applications, id) {
			continue
		}
		a, err := w.tx.Application(ctx, id)
		if err != nil {
			return err
		}
		before := a
		a.Disabled = true
		if err := putApplication(ctx, w.tx, before, a, false); err != nil {
			return err
		}
	}
	for _, id := range before.Groups {
		if slices.Contains(now.Groups, id) {
			continue
		}
		g, err := w.tx.Group(ctx, id)
		if err != nil {
			return err
		}
		g.Origin, g.Rule = OriginLocal, "" // from now on looked after in the console, members by hand alone
		if err := w.group(ctx, g); err != nil {
			return err
		}
	}
	for _, id := range before.Users {
		if slices.Contains(now.Users, id) {
			continue
		}
		if err := w.suspend(ctx, id, "left the configuration file"); err != nil {
			return err
		}
	}
	return nil
}
