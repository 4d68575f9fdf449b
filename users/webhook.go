package users

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/einlass/einlass/keys"
)

// Webhook is what a connection's source has to show when it tells of changes,
// beside the secrets, which are sealed.
type Webhook struct {
	CompanyID string `json:"company_id,omitempty"` // the source's own name of the company; empty: any
	Register  bool   `json:"register,omitempty"`   // we make the webhook at the source, with a token of our own, and keep it in order
}

// WebhookOverlap is how long the webhook token before the present one is still
// accepted: deliveries that are tried again may carry it.
const WebhookOverlap = 24 * time.Hour

// Bounds of a webhook token. It is random, so no slow hash and no throttle is needed.
const (
	MinWebhookTokenChars = 32
	MaxWebhookTokenChars = 1024
)

// WebhookToken is a token by which a source proves that a delivery is its own.
type WebhookToken struct {
	Token keys.Secret
	Until time.Time // zero: no end
}

// WebhookAccess is what opens the webhook receiver of a connection: one of the
// tokens, or all of the headers.
type WebhookAccess struct {
	Tokens  []WebhookToken         // the present one first
	Headers map[string]keys.Secret // by canonical name
}

// Names under which what opens a connection's webhook receiver is sealed.
const (
	secretWebhookToken    = "webhook_token"
	secretWebhookPrevious = "webhook_token_previous"
	secretWebhookHeaders  = "webhook_headers"
)

// sealedToken is the document that is sealed for a webhook token; without a
// token there is none.
type sealedToken struct {
	Token  string `json:"token,omitempty"`
	Until  int64  `json:"until,omitempty"` // milliseconds; 0: no end
	Origin Origin `json:"origin,omitempty"`
}

// CheckWebhookToken returns ErrInvalid unless token can stand in a header as it is and is long enough.
func CheckWebhookToken(token keys.Secret) error {
	text := token.Reveal()
	switch {
	case len(text) < MinWebhookTokenChars || len(text) > MaxWebhookTokenChars:
		return fmt.Errorf("%w webhook token: want %d to %d characters", ErrInvalid, MinWebhookTokenChars, MaxWebhookTokenChars)
	case strings.TrimSpace(text) != text || strings.ContainsFunc(text, func(r rune) bool { return r < ' ' || r > '~' }):
		return fmt.Errorf("%w webhook token: want printable ASCII characters without blanks around them", ErrInvalid)
	}
	return nil
}

// WebhookTokens returns the tokens that open a connection's webhook receiver
// now, the present one first; none: there is no receiver.
func (d *Directory) WebhookTokens(ctx context.Context, application ApplicationID) ([]keys.Secret, error) {
	access, err := d.WebhookAccess(ctx, application)
	if err != nil {
		return nil, err
	}
	var tokens []keys.Secret
	for _, t := range access.Tokens {
		if t.Until.IsZero() || d.now().Before(t.Until) {
			tokens = append(tokens, t.Token)
		}
	}
	return tokens, nil
}

// WebhookToken returns the present token of a connection's webhook receiver; empty:
// there is none, though one before it may be valid still.
func (d *Directory) WebhookToken(ctx context.Context, application ApplicationID) (keys.Secret, error) {
	sealed, err := readSealed[sealedToken](ctx, d, d.store, application, secretWebhookToken)
	if err != nil {
		return "", fmt.Errorf("webhook of connection %s: %w", application, err)
	}
	return keys.Secret(sealed.Token), nil
}

// WebhookAccess returns what opens a connection's webhook receiver, for somebody
// who keeps it until the revision rises: tokens come with their end.
func (d *Directory) WebhookAccess(ctx context.Context, application ApplicationID) (WebhookAccess, error) {
	var access WebhookAccess
	for _, name := range []string{secretWebhookToken, secretWebhookPrevious} {
		sealed, err := readSealed[sealedToken](ctx, d, d.store, application, name)
		if err != nil {
			return WebhookAccess{}, fmt.Errorf("webhook of connection %s: %w", application, err)
		}
		if sealed.Token == "" {
			continue
		}
		t := WebhookToken{Token: keys.Secret(sealed.Token)}
		if sealed.Until != 0 {
			t.Until = time.UnixMilli(sealed.Until).UTC()
		}
		access.Tokens = append(access.Tokens, t)
	}
	headers, err := readSealed[map[string]string](ctx, d, d.store, application, secretWebhookHeaders)
	if err != nil {
		return WebhookAccess{}, fmt.Errorf("webhook of connection %s: %w", application, err)
	}
	for name, value := range headers {
		if access.Headers == nil {
			access.Headers = make(map[string]keys.Secret, len(headers))
		}
		access.Headers[name] = keys.Secret(value)
	}
	return access, nil
}

// PutWebhookToken makes token the one that opens a connection's webhook
// receiver. The one before stays valid for WebhookOverlap. Nothing is written if it
// is the present one already; ErrReadOnly is returned if the configuration file says which it is.
func (d *Directory) PutWebhookToken(ctx context.Context, actor Actor, application ApplicationID, token keys.Secret) error {
	if err := CheckWebhookToken(token); err != nil {
		return fmt.Errorf("webhook of connection %s: %w", application, err)
	}
	err := d.store.Update(ctx, func(tx Tx) error {
		// First, so that of two who do this at once the second sees what the first wrote.
		if err := tx.RaiseRevision(ctx); err != nil {
			return err
		}
		a, err := tx.Application(ctx, application)
		if err != nil {
			return err
		}
		if a.Import == nil {
			return fmt.Errorf("%w: it imports nobody", ErrInvalid)
		}
		before, err := readSealed[sealedToken](ctx, d, tx, application, secretWebhookToken)
		if err != nil {
			return err
		}
		if before.Origin == OriginConfig {
			return fmt.Errorf("%w; change webhook.token there (a list while two are valid)", ErrReadOnly)
		}
		if keys.Secret(before.Token).Equal(token) {
			return nil
		}
		return d.replaceWebhookToken(ctx, tx, actor, application, before, token)
	})
	if err != nil {
		return fmt.Errorf("webhook of connection %s: %w", application, err)
	}
	return nil
}

func (d *Directory) replaceWebhookToken(ctx context.Context, tx Tx, actor Actor, application ApplicationID, before sealedToken, token keys.Secret) error {
	said := map[string]time.Time{}
	if before.Token != "" {
		end := d.now().Add(WebhookOverlap)
		before.Until = end.UnixMilli()
		said["old_end"] = end
		if err := putSealed(ctx, d, tx, application, secretWebhookPrevious, before); err != nil {
			return err
		}
	}
	now := sealedToken{Token: token.Reveal(), Origin: OriginLocal}
	if err := putSealed(ctx, d, tx, application, secretWebhookToken, now); err != nil {
		return err
	}
	return appendEvent(tx, EventWebhookRotated, actor, string(application), said)
}

// declareWebhook makes what the file says the only thing that opens the webhook
// receiver of an application. Where the file has the webhook but no token, the one that was put
// in another way stays, and one that the file had before is taken for WebhookOverlap:
// the source has still to be told of its successor.
func (w *declarer) declareWebhook(ctx context.Context, a DeclaredApplication) error {
	if a.Import != nil && a.Import.Webhook != nil && a.Import.Webhook.Register && len(a.WebhookTokens) == 0 {
		if err := w.retireDeclaredToken(ctx, a.ID); err != nil {
			return err
		}
	}
	var declared [2]sealedToken
	for i, token := range a.WebhookTokens {
		if i == len(declared) {
			return fmt.Errorf("%w webhook tokens: want at most %d", ErrInvalid, len(declared))
		}
		declared[i] = sealedToken{Token: token.Reveal(), Origin: OriginConfig}
	}
	for i, name := range []string{secretWebhookToken, secretWebhookPrevious} {
		stored, err := readSealed[sealedToken](ctx, w.d, w.tx, a.ID, name)
		if err != nil {
			return err
		}
		ours := len(a.WebhookTokens) == 0 && stored.Origin == OriginLocal && a.Import != nil && a.Import.Webhook != nil
		if ours || stored == declared[i] {
			continue
		}
		if err := putSealed(ctx, w.d, w.tx, a.ID, name, declared[i]); err != nil {
			return err
		}
	}
	return w.declareWebhookHeaders(ctx, a)
}

// retireDeclaredToken makes a token that the file does not have any more the one before
// the present, which is for us to make.
func (w *declarer) retireDeclaredToken(ctx context.Context, application ApplicationID) error {
	stored, err := readSealed[sealedToken](ctx, w.d, w.tx, application, secretWebhookToken)
	if err != nil || stored.Token == "" || stored.Origin != OriginConfig {
		return err
	}
	end := w.d.now().Add(WebhookOverlap)
	before := sealedToken{Token: stored.Token, Until: end.UnixMilli(), Origin: OriginLocal}
	if err := putSealed(ctx, w.d, w.tx, application, secretWebhookPrevious, before); err != nil {
		return err
	}
	if err := putSealed(ctx, w.d, w.tx, application, secretWebhookToken, sealedToken{Origin: OriginLocal}); err != nil {
		return err
	}
	return appendEvent(w.tx, EventWebhookRotated, ActorConfig, string(application), map[string]time.Time{"old_end": end})
}

func (w *declarer) declareWebhookHeaders(ctx context.Context, a DeclaredApplication) error {
	stored, err := readSealed[map[string]string](ctx, w.d, w.tx, a.ID, secretWebhookHeaders)
	if err != nil || len(stored)+len(a.WebhookHeaders) == 0 {
		return err
	}
	headers := make(map[string]string, len(a.WebhookHeaders))
	for name, value := range a.WebhookHeaders {
		headers[name] = value.Reveal()
	}
	return putSealed(ctx, w.d, w.tx, a.ID, secretWebhookHeaders, headers)
}

// readSealed opens a sealed document of an application; where there is none it returns the zero value.
func readSealed[T any](ctx context.Context, d *Directory, r Reader, application ApplicationID, name string) (document T, err error) {
	sealed, err := r.SealedSecret(ctx, string(application), name)
	if errors.Is(err, ErrNotFound) {
		return document, nil
	}
	if err != nil {
		return document, err
	}
	plain, err := d.sealer.Open(sealed, sealedTable, name, string(application))
	if err != nil {
		return document, err
	}
	if err := json.Unmarshal(plain, &document); err != nil {
		return document, fmt.Errorf("secret %s: is no document", name) // the cause would quote it
	}
	return document, nil
}

// putSealed seals a document of an application.
func putSealed(ctx context.Context, d *Directory, tx Tx, application ApplicationID, name string, document any) error {
	plain, err := json.Marshal(document)
	if err != nil {
		return fmt.Errorf("secret %s: %w", name, err)
	}
	return d.putSecret(ctx, tx, string(application), name, keys.Secret(plain))
}
