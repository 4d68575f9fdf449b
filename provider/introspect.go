package provider

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/zitadel/oidc/v3/pkg/oidc"

	"github.com/einlass/einlass/keys"
	"github.com/einlass/einlass/provider/session"
	"github.com/einlass/einlass/provider/web"
	"github.com/einlass/einlass/users"
)

// Answers "not active" that a client gets in a window before it is told to
// wait: one that asks about its own tokens needs few, one that scans needs many.
const (
	inactiveAnswers       = 300
	inactiveAnswersWindow = time.Minute
)

// introspection is what a client is told of a token of its own (RFC 7662
// section 2.2). Of a token that is not active it is told nothing else.
type introspection struct {
	Active    bool   `json:"active"`
	Scope     string `json:"scope,omitempty"`
	ClientID  string `json:"client_id,omitempty"`
	Username  string `json:"username,omitempty"`
	TokenType string `json:"token_type,omitempty"`
	Expires   int64  `json:"exp,omitempty"`
	Subject   string `json:"sub,omitempty"`
	Audience  string `json:"aud,omitempty"`
	Issuer    string `json:"iss,omitempty"`
}

// introspect answers whether a token is active (RFC 7662). A client learns of
// its own tokens only; all others look alike.
func (p *Provider) introspect(w http.ResponseWriter, r *http.Request) error {
	c, in, err := p.readClient(w, r)
	if err != nil {
		return err
	}
	if c.AuthMethod == users.AuthMethodNone { // a name alone would let anybody scan
		return p.refuseClient(r, presented{clientID: c.ClientID}, errInvalidClient())
	}
	if in.get("token") == "" {
		return refuse(errInvalidRequest("The token is missing."))
	}
	answer, err := p.inspect(r.Context(), c, in)
	if err != nil {
		return err
	}
	if !answer.Active {
		if err := p.countInactive(r.Context(), c); err != nil {
			return err
		}
	}
	reason := users.CallTokenActive
	if !answer.Active {
		reason = users.CallTokenInactive
	}
	callOf(r.Context()).done(reason)
	return web.JSON(w, http.StatusOK, answer)
}

// inspect looks at a token as userinfo and the refresh grant would.
func (p *Provider) inspect(ctx context.Context, c *client, in params) (introspection, error) {
	t, err := p.findToken(ctx, in)
	if errors.Is(err, session.ErrNotFound) {
		return introspection{}, nil
	}
	if err != nil {
		return introspection{}, err
	}
	if !c.owns(t.grant) || t.rotated || t.refresh && !c.OfflineAccess {
		return introspection{}, nil
	}
	person, err := p.person(ctx, t.grant)
	if _, refused := errors.AsType[*protocolError](err); refused {
		return introspection{}, nil
	}
	if err != nil {
		return introspection{}, err
	}
	answer := introspection{
		Active:   true,
		Scope:    strings.Join(t.grant.Scopes, " "),
		ClientID: t.grant.ClientID,
		Expires:  t.expires.Unix(),
		Subject:  string(t.grant.User),
		Audience: t.grant.ClientID,
		Issuer:   p.cfg.Issuer,
	}
	if !t.refresh {
		answer.TokenType = oidc.BearerToken
	}
	if slices.Contains(t.grant.Scopes, oidc.ScopeProfile) {
		answer.Username = person.Username
	}
	return answer, nil
}

// countInactive slows down a client that tries tokens.
func (p *Provider) countInactive(ctx context.Context, c *client) error {
	verdict, err := p.cfg.Sessions.Reserve(ctx, "introspect:"+c.ClientID, inactiveAnswers, inactiveAnswersWindow)
	if err != nil {
		return web.Unavailable(err)
	}
	if !verdict.Allowed {
		return &protocolError{err: errTooMany(), retryAfter: verdict.RetryAfter}
	}
	return nil
}

// heldToken is an access or refresh token of some client.
type heldToken struct {
	grant   session.Grant
	expires time.Time
	refresh bool
	rotated bool // a refresh token that was used already
}

// findToken finds the token of a request, or returns session.ErrNotFound. The
// hint says where to look first and is wrong without harm (RFC 7009 section 2.1).
func (p *Provider) findToken(ctx context.Context, in params) (heldToken, error) {
	token := keys.Secret(in.get("token"))
	lookups := []func(context.Context, keys.Secret) (heldToken, error){p.findAccessToken, p.findRefreshToken}
	if in.get("token_type_hint") == "refresh_token" {
		lookups[0], lookups[1] = lookups[1], lookups[0]
	}
	for _, lookup := range lookups {
		t, err := lookup(ctx, token)
		if err == nil {
			return t, nil
		}
		if !errors.Is(err, session.ErrNotFound) {
			return heldToken{}, web.Unavailable(fmt.Errorf("find token: %w", err))
		}
	}
	return heldToken{}, session.ErrNotFound
}

func (p *Provider) findAccessToken(ctx context.Context, token keys.Secret) (heldToken, error) {
	t, err := p.cfg.Sessions.Token(ctx, token)
	return heldToken{grant: t.Grant, expires: t.Expires}, err
}

func (p *Provider) findRefreshToken(ctx context.Context, token keys.Secret) (heldToken, error) {
	t, err := p.cfg.Sessions.RefreshToken(ctx, token)
	return heldToken{grant: t.Grant, expires: t.Expires, refresh: true, rotated: t.Rotated}, err
}
