package provider

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/einlass/einlass/keys"
	"github.com/einlass/einlass/provider/session"
	"github.com/einlass/einlass/provider/web"
	"github.com/einlass/einlass/users"
)

// signingKeys is the part of the key ring that the protocol needs.
type signingKeys interface {
	Signer(alg string) (*keys.Signer, error)
	JWKS() keys.KeySet
	VerifySignature(ctx context.Context, token *jose.JSONWebSignature) ([]byte, error)
}

// Config is what a Provider needs. All but Outgoing, Now and Logger are required.
type Config struct {
	Issuer      string // exactly as configured
	Authorizer  *Authorizer
	Registry    *Registry
	Users       directory
	Sessions    *session.Manager
	Keys        signingKeys
	SigningAlgs []string // for ID tokens; RS256 among them
	Outgoing    caller   // fetches clients' keys from their jwks_uri; nil: such clients are refused
	Site        *web.Site
	Login       []web.Route // pages of the sign-in conversation
	Portal      []web.Route // pages of the portal
	Admin       []web.Route // pages of the console
	Hooks       []web.Route // what sources of people call, each with a check of its own
	// SignOut ends a session, nil for none, and leads the browser to target; see login.Handler.SignOut.
	SignOut func(w http.ResponseWriter, r *http.Request, s *session.Session, target string) error
	Now     func() time.Time
	Logger  *slog.Logger
	// TokensIssued is told which kinds of token an exchange gave, such as access_token; nil: nobody.
	TokensIssued func(application users.ApplicationID, kinds []string)
}

// Provider serves the OpenID Connect endpoints and everything people see.
type Provider struct {
	cfg               Config
	discoveryDocument document
	clientKeys        *clientKeys
	calls             recorder
	proofs            *proofs
	handler           http.Handler
}

// New returns a Provider with its routes.
func New(cfg Config) (*Provider, error) {
	if cfg.Issuer == "" || cfg.Authorizer == nil || cfg.Registry == nil || cfg.Users == nil ||
		cfg.Sessions == nil || cfg.Keys == nil || len(cfg.SigningAlgs) == 0 || cfg.Site == nil || cfg.SignOut == nil {
		return nil, errors.New("provider: a required part of the configuration is missing")
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	if cfg.TokensIssued == nil {
		cfg.TokensIssued = func(users.ApplicationID, []string) {}
	}
	p := &Provider{
		cfg: cfg, clientKeys: newClientKeys(cfg.Outgoing, cfg.Now, cfg.Logger), calls: recorder{cfg.Registry, cfg.Users},
		proofs: newProofs(cfg),
	}
	var err error
	if p.discoveryDocument, err = newDocument(p.metadata()); err != nil {
		return nil, fmt.Errorf("provider: %w", err)
	}
	p.handler = cfg.Site.Wrap(p.router())
	return p, nil
}

// ServeHTTP answers every request to the public listener.
func (p *Provider) ServeHTTP(w http.ResponseWriter, r *http.Request) { p.handler.ServeHTTP(w, r) }
