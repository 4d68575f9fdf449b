package personio

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"github.com/einlass/einlass/importer"
	"github.com/einlass/einlass/keys"
	"github.com/einlass/einlass/users"
)

const (
	// tokenSettles is how long every replica needs to learn of a new token. Before that
	// Personio is not told: what it sends with a token that we do not know is lost.
	tokenSettles = 3 * time.Second
	// registerPatience bounds one look at a webhook.
	registerPatience = 45 * time.Second
)

// registrarDirectory is the part of the directory that a Registrar needs.
type registrarDirectory interface {
	Read() users.Reader
	ImportSecret(ctx context.Context, application users.ApplicationID) (keys.Secret, error)
	WebhookToken(ctx context.Context, application users.ApplicationID) (keys.Secret, error)
	PutWebhookToken(ctx context.Context, actor users.Actor, application users.ApplicationID, token keys.Secret) error
	WebhookRegistration(ctx context.Context, connection users.ApplicationID) (users.WebhookRegistration, error)
	PutWebhookRegistration(ctx context.Context, connection users.ApplicationID, registration users.WebhookRegistration) error
	AcquireWebhookLease(ctx context.Context, connection users.ApplicationID, holder string) (users.Lease, error)
	ReleaseLease(ctx context.Context, lease users.Lease) error
}

// RegistrarConfig is what a Registrar needs. Directory, Accounts and Issuer are required.
type RegistrarConfig struct {
	Directory registrarDirectory
	Accounts  *Accounts
	Issuer    string           // ours: deliveries go to {issuer}/hooks/personio/{connection}
	Holder    string           // names this process in leases
	Now       func() time.Time // nil means time.Now
	Logger    *slog.Logger     // nil discards
	// Sleep waits until a new token is known everywhere. Nil means really waiting.
	Sleep func(ctx context.Context, d time.Duration) error
}

// Registrar registers our webhook at Personio and keeps it as it has to be, for
// connections that say so (webhook.register) and for no others.
type Registrar struct {
	cfg RegistrarConfig
	due chan users.ApplicationID
}

// NewRegistrar returns a registrar.
func NewRegistrar(cfg RegistrarConfig) (*Registrar, error) {
	if cfg.Directory == nil || cfg.Accounts == nil || cfg.Issuer == "" {
		return nil, errors.New("personio: a registrar needs directory, accounts and issuer")
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	if cfg.Sleep == nil {
		cfg.Sleep = sleep
	}
	return &Registrar{cfg: cfg, due: make(chan users.ApplicationID, 64)}, nil
}

// WebhookURL is where deliveries about a connection go.
func WebhookURL(issuer string, connection users.ApplicationID) string {
	return issuer + "/hooks/personio/" + string(connection)
}

// Registers reports whether the webhook of an application is ours to look after.
func Registers(a users.Application) bool {
	return !a.Disabled && a.Import != nil && a.Import.Source == users.SourcePersonio && a.Import.Webhook != nil && a.Import.Webhook.Register
}

// Look asks for a look at a connection's webhook soon. It never waits.
func (r *Registrar) Look(connection users.ApplicationID) {
	select {
	case r.due <- connection:
	default: // the next import asks again
	}
}

// Run looks at all webhooks that are ours, and then at those that are asked for,
// until ctx ends. It returns nil.
func (r *Registrar) Run(ctx context.Context) error {
	applications, err := r.cfg.Directory.Read().Applications(ctx)
	if err != nil && ctx.Err() == nil {
		r.cfg.Logger.ErrorContext(ctx, "webhooks not looked at", "error", err)
	}
	for _, a := range applications {
		r.look(ctx, a.ID)
	}
	for {
		select {
		case <-ctx.Done():
			return nil
		case id := <-r.due:
			r.look(ctx, id)
		}
	}
}

// look reports what was done, and what could not be.
func (r *Registrar) look(ctx context.Context, id users.ApplicationID) {
	a, err := r.cfg.Directory.Read().Application(ctx, id)
	if err == nil && !Registers(a) {
		return
	}
	var done Registration
	if err == nil {
		done, err = r.Ensure(ctx, a)
	}
	switch {
	case ctx.Err() != nil || errors.Is(err, users.ErrLeaseHeld): // another process is at it
	case errors.Is(err, importer.ErrForbidden):
		r.cfg.Logger.WarnContext(ctx, "the credential may not register the webhook at Personio; for what to do type: einlass import webhook "+string(id),
			"connection", id, "error", err)
	case err != nil:
		r.cfg.Logger.WarnContext(ctx, "webhook at Personio not in order", "connection", id, "error", err)
	case done != RegistrationInOrder:
		r.cfg.Logger.InfoContext(ctx, "webhook at Personio put in order", "connection", id, "was", string(done))
	}
}

// Registration is what a webhook was like before it was put in order.
type Registration string

// What a webhook was like.
const (
	RegistrationInOrder Registration = "in order"
	RegistrationMissing Registration = "missing"
	RegistrationWrong   Registration = "not as it has to be"
	RegistrationOld     Registration = "with another token"
)

// Ensure registers or repairs the webhook of a connection, and returns what it was
// like. Without the scope it returns importer.ErrForbidden; ErrLeaseHeld if
// another process is at it.
func (r *Registrar) Ensure(ctx context.Context, a users.Application) (Registration, error) {
	if !Registers(a) {
		return "", fmt.Errorf("%w webhook: it is not registered by us", users.ErrInvalid)
	}
	ctx, cancel := context.WithTimeout(ctx, registerPatience)
	defer cancel()
	lease, err := r.cfg.Directory.AcquireWebhookLease(ctx, a.ID, r.cfg.Holder)
	if err != nil {
		return "", err
	}
	defer func() { _ = r.cfg.Directory.ReleaseLease(context.WithoutCancel(ctx), lease) }() // it runs out by itself
	known, err := r.cfg.Directory.WebhookRegistration(ctx, a.ID)
	if err != nil {
		return "", err
	}
	was, err := r.ensure(ctx, a, &known)
	known.CheckedAt, known.Problem = r.cfg.Now().UTC(), ""
	if err != nil {
		known.Problem = err.Error()
	}
	return was, errors.Join(err, r.cfg.Directory.PutWebhookRegistration(context.WithoutCancel(ctx), a.ID, known))
}

func (r *Registrar) ensure(ctx context.Context, a users.Application, known *users.WebhookRegistration) (Registration, error) {
	secret, err := r.cfg.Directory.ImportSecret(ctx, a.ID)
	if err != nil {
		return "", err
	}
	source, err := r.cfg.Accounts.openV2(a, secret)
	if err != nil {
		return "", err
	}
	hooks, err := source.hooks(ctx) // first: without the scope no token is made
	if err != nil {
		return "", err
	}
	address := WebhookURL(r.cfg.Issuer, a.ID)
	found, was := find(hooks, known.ID, address)
	token, err := r.token(ctx, a.ID)
	if err != nil {
		return "", err
	}
	switch sent := sentHash(token); {
	case was != RegistrationInOrder:
	case known.TokenHash != sent:
		was = RegistrationOld
	case known.ID != found.id || known.ChangedAt != found.changedAt: // what cannot be seen of it may have been changed
		was = RegistrationWrong
	default:
		return RegistrationInOrder, nil
	}
	written, err := source.writeHook(ctx, found, address, token)
	if err != nil {
		return was, err
	}
	if !written.isAs(address) {
		return was, fmt.Errorf("the webhook was taken, and is shown as another: %w", importer.ErrCorrupt)
	}
	known.ID, known.TokenHash, known.ChangedAt = written.id, sentHash(token), written.changedAt
	return was, nil
}

// find returns our webhook: the one that we made, or one with our address.
func find(hooks []hook, id, address string) (hook, Registration) {
	var found *hook
	for i, h := range hooks {
		if h.id != "" && (h.id == id || (found == nil && h.url == address)) {
			found = &hooks[i]
		}
	}
	switch {
	case found == nil:
		return hook{}, RegistrationMissing
	case !found.isAs(address):
		return *found, RegistrationWrong
	}
	return *found, RegistrationInOrder
}

// token returns the one that opens our receiver; the first is made here.
func (r *Registrar) token(ctx context.Context, id users.ApplicationID) (keys.Secret, error) {
	token, err := r.cfg.Directory.WebhookToken(ctx, id)
	if err != nil || token != "" {
		return token, err
	}
	return r.newToken(ctx, users.ActorSystem, id)
}

func (r *Registrar) newToken(ctx context.Context, actor users.Actor, id users.ApplicationID) (keys.Secret, error) {
	token := keys.NewSecret()
	if err := r.cfg.Directory.PutWebhookToken(ctx, actor, id, token); err != nil {
		return "", err
	}
	return token, r.cfg.Sleep(ctx, tokenSettles)
}

// Rotate makes a new token. The one before is taken for users.WebhookOverlap.
// Personio is told of the new one by the next Ensure, whoever calls it. Where
// Personio has not been told of the last one yet, or cannot be, none is made: the
// one that it sends would be forgotten.
func (r *Registrar) Rotate(ctx context.Context, actor users.Actor, a users.Application) error {
	if !Registers(a) {
		return fmt.Errorf("%w webhook: it is not registered by us", users.ErrInvalid)
	}
	secret, err := r.cfg.Directory.ImportSecret(ctx, a.ID)
	if err != nil {
		return err
	}
	source, err := r.cfg.Accounts.openV2(a, secret)
	if err != nil {
		return err
	}
	if _, err := source.hooks(ctx); err != nil {
		return err
	}
	known, err := r.cfg.Directory.WebhookRegistration(ctx, a.ID)
	if err != nil {
		return err
	}
	token, err := r.cfg.Directory.WebhookToken(ctx, a.ID)
	if err != nil {
		return err
	}
	if token != "" && known.TokenHash != sentHash(token) {
		return nil
	}
	_, err = r.newToken(ctx, actor, a.ID)
	return err
}

// sentHash is how a token that Personio was told of is remembered.
func sentHash(token keys.Secret) string {
	hash := token.Hash()
	return hex.EncodeToString(hash[:])
}

// Steps tells an administrator how to do by hand what we may not do.
func Steps(issuer string, a users.Application) string {
	base := DefaultBaseURL
	if a.Import != nil && a.Import.BaseURL != "" {
		base = strings.TrimRight(a.Import.BaseURL, "/")
	}
	return fmt.Sprintf(`Personio has no page for webhooks. Either give the API credential the scopes personio:webhooks:read and
personio:webhooks:write, and set webhook: { register: true } for the application; or make the webhook by hand:

1. Make a token, and name its file as webhook.token_file of the application:

    openssl rand -hex 32 > /etc/einlass/personio-webhook && chmod 600 /etc/einlass/personio-webhook

2. With a credential that has the scope personio:webhooks:write:

    TOKEN=$(curl -s %[1]s/v2/auth/token -d grant_type=client_credentials \
      -d client_id="$CLIENT_ID" -d client_secret="$CLIENT_SECRET" | jq -r .access_token)
    curl %[1]s/v2/webhooks -H "Authorization: Bearer $TOKEN" -H 'Content-Type: application/json' -d @- <<END
    { "url": "%[2]s",
      "description": "Einlass", "status": "ENABLED", "auth_type": "TOKEN",
      "token": "$(cat /etc/einlass/personio-webhook)",
      "enabled_events": ["%[3]s"] }
    END
`, base, WebhookURL(issuer, a.ID), strings.Join(webhookEvents, `", "`))
}
