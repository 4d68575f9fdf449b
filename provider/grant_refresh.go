package provider

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strings"

	"github.com/zitadel/oidc/v3/pkg/oidc"

	"github.com/einlass/einlass/keys"
	"github.com/einlass/einlass/provider/session"
	"github.com/einlass/einlass/provider/web"
	"github.com/einlass/einlass/users"
)

// exchangeRefresh redeems a refresh token (RFC 6749 section 6, OpenID Connect
// Core section 12). Everything that can be refused is looked at before the token
// is used up, the person included: while the directory does not answer, no
// application loses its grant. The rotation then compares once more, atomically.
func (p *Provider) exchangeRefresh(r *http.Request, c *client, in params) (tokenResponse, error) {
	ctx := r.Context()
	if !c.OfflineAccess {
		return tokenResponse{}, refuse(errUnauthorizedClient("The client may not use refresh tokens."))
	}
	token := keys.Secret(in.get("refresh_token"))
	if token == "" {
		return tokenResponse{}, refuse(errInvalidRequest("The refresh_token is missing."))
	}
	known, err := p.cfg.Sessions.RefreshToken(ctx, token)
	if err != nil {
		return tokenResponse{}, refuseGrant(err, because(users.CallRefreshUnknown))
	}
	callOf(ctx).about(known.Grant.User)
	if !c.owns(known.Grant) {
		return tokenResponse{}, refuseFor(errInvalidGrant(), because(users.CallTokenOther))
	}
	if known.Rotated { // a replay counts whatever else is wrong with the request
		_, _, err := p.rotate(ctx, c, token)
		return tokenResponse{}, err
	}
	scopes, failure := narrowScopes(known.Grant.Scopes, in)
	if failure != nil {
		return tokenResponse{}, refuse(failure)
	}
	person, err := p.personOrRevoke(ctx, known.Grant)
	if err != nil {
		return tokenResponse{}, err
	}
	if err := p.consentOrRevoke(ctx, c, known.Grant); err != nil {
		return tokenResponse{}, err
	}
	next, g, err := p.rotate(ctx, c, token)
	if err != nil {
		return tokenResponse{}, err
	}
	g.Scopes = scopes // of this access token; the family keeps what was granted
	answer, err := p.issueTokens(ctx, c, g, person)
	if err != nil {
		return tokenResponse{}, err
	}
	answer.RefreshToken = next.Reveal()
	return answer, nil
}

// consentOrRevoke ends a grant whose person has taken back what they allowed, or
// has never allowed what the registration releases by now.
func (p *Provider) consentOrRevoke(ctx context.Context, c *client, g session.Grant) error {
	if c.Trusted {
		return nil
	}
	consent, err := users.ConsentOf(ctx, p.cfg.Users.Read(), g.User, c.application.ID)
	if err == nil && consent.Covers(c.releases(g.Scopes)) {
		return nil
	}
	if err != nil && !errors.Is(err, users.ErrNotFound) {
		return web.Unavailable(err)
	}
	if err := p.cfg.Sessions.Revoke(ctx, g); err != nil {
		return web.Unavailable(err)
	}
	return refuseFor(errInvalidGrant(), because(users.CallNoConsent))
}

// rotate uses up a refresh token. One that had been used before has revoked its family.
func (p *Provider) rotate(ctx context.Context, c *client, token keys.Secret) (keys.Secret, session.Grant, error) {
	next, g, err := p.cfg.Sessions.Refresh(ctx, token, c.ClientID)
	if err == nil {
		return next, g, nil
	}
	why := because(users.CallRefreshUnknown)
	if errors.Is(err, session.ErrReplayed) {
		why = because(users.CallRefreshUsed)
		observe(ctx, p.cfg.Users, p.cfg.Logger, users.EventRefreshReplayed, users.ActorSystem, string(c.application.ID), eventPayload{})
	}
	return "", session.Grant{}, refuseGrant(err, why)
}

// refuseGrant is invalid_grant for what the store of sessions refused; any other
// error means that it did not answer. A nil cause is an unknown one.
func refuseGrant(err error, why *cause) error {
	if !errors.Is(err, session.ErrNotFound) && !errors.Is(err, session.ErrMismatch) && !errors.Is(err, session.ErrReplayed) {
		return web.Unavailable(err)
	}
	return refuseFor(errInvalidGrant(), why)
}

// narrowScopes returns the scopes that a refresh asks for: by default all that
// were granted, never others, and always openid.
func narrowScopes(granted []string, in params) ([]string, *oidc.Error) {
	if in.get("scope") == "" {
		return granted, nil
	}
	asked := splitScopes(in.get("scope"))
	for _, s := range asked {
		if !slices.Contains(granted, s) {
			return nil, errScopeNotGranted()
		}
	}
	if !slices.Contains(asked, oidc.ScopeOpenID) {
		return nil, errScopeNotGranted()
	}
	return slices.DeleteFunc(slices.Clone(granted), func(s string) bool { return !slices.Contains(asked, s) }), nil
}

// splitScopes separates scopes by spaces or, as Personio's form writes them, commas.
func splitScopes(text string) []string {
	return strings.FieldsFunc(text, func(r rune) bool { return r == ' ' || r == ',' })
}
