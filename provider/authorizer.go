package provider

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/einlass/einlass/provider/session"
	"github.com/einlass/einlass/provider/web"
	"github.com/einlass/einlass/users"
)

// directory is the part of the directory that the protocol needs.
type directory interface {
	Read() users.Reader
	Observe(e users.Event)
	callLog
	GrantConsent(ctx context.Context, id users.ID, application users.ApplicationID, scopes []string) error
}

// AuthorizerConfig is what an Authorizer needs. All but Now and Logger are required.
type AuthorizerConfig struct {
	Issuer   string // exactly as configured
	Registry *Registry
	Users    directory
	Sessions *session.Manager
	Keys     hintVerifier
	Site     *web.Site
	Now      func() time.Time // nil means time.Now
	Logger   *slog.Logger     // nil discards
}

// Authorizer answers authorization requests: it decides, issues codes and
// responds. The sign-in pages call Finish when a person has signed in.
type Authorizer struct {
	cfg         AuthorizerConfig
	calls       recorder
	consentPage *web.Page
}

// NewAuthorizer returns an Authorizer.
func NewAuthorizer(cfg AuthorizerConfig) (*Authorizer, error) {
	if cfg.Issuer == "" || cfg.Registry == nil || cfg.Users == nil || cfg.Sessions == nil || cfg.Keys == nil || cfg.Site == nil {
		return nil, errors.New("provider: the authorizer needs issuer, registry, users, sessions, keys and site")
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	page, err := cfg.Site.Page(templates, "templates/consent.html")
	if err != nil {
		return nil, fmt.Errorf("provider: %w", err)
	}
	return &Authorizer{cfg: cfg, calls: recorder{cfg.Registry, cfg.Users}, consentPage: page}, nil
}

// eventPayload is what the protocol's events say beside who and what.
type eventPayload struct {
	Application users.ApplicationID `json:"application,omitempty"`
	Reason      string              `json:"reason,omitempty"`
	IP          string              `json:"ip,omitempty"`
	Request     string              `json:"request_id,omitempty"`
}

// observe queues an event; it never fails a request.
func observe(ctx context.Context, d directory, log *slog.Logger, kind users.EventKind, actor users.Actor, subject string, payload eventPayload) {
	payload.IP, payload.Request = web.ClientIPText(ctx), web.RequestID(ctx)
	e, err := users.NewEvent(kind, actor, subject, payload)
	if err != nil {
		log.ErrorContext(ctx, "event not built", "request_id", payload.Request, "error", err)
		return
	}
	d.Observe(e)
}
