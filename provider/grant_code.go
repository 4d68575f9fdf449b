package provider

import (
	"context"
	"errors"
	"net/http"
	"regexp"
	"strings"
	"time"

	"github.com/zitadel/oidc/v3/pkg/oidc"

	"github.com/einlass/einlass/keys"
	"github.com/einlass/einlass/provider/session"
	"github.com/einlass/einlass/provider/web"
	"github.com/einlass/einlass/users"
)

// replayWindow is how long further replays of a code are no news.
const replayWindow = 24 * time.Hour

// verifierPattern is RFC 7636 section 4.1.
var verifierPattern = regexp.MustCompile(`^[A-Za-z0-9._~-]{43,128}$`)

// exchangeCode redeems an authorization code. The client is known; client,
// redirect URI and PKCE are compared in the very step that consumes the code, so that
// nobody else can burn it and no two can redeem it. Then the person is looked at again.
func (p *Provider) exchangeCode(r *http.Request, c *client, in params) (tokenResponse, error) {
	ctx := r.Context()
	check := session.CodeCheck{ClientID: c.ClientID, RedirectURI: in.get("redirect_uri")}
	if verifier := in.get("code_verifier"); verifier != "" {
		if !verifierPattern.MatchString(verifier) {
			return tokenResponse{}, refuseFor(errInvalidGrant(), because(users.CallCodePKCE))
		}
		check.Challenge = oidc.NewSHACodeChallenge(verifier)
	}
	if in.get("code") == "" {
		return tokenResponse{}, refuse(errInvalidRequest("The code is missing."))
	}
	g, err := p.cfg.Sessions.Redeem(ctx, keys.Secret(in.get("code")), check)
	if errors.Is(err, session.ErrReplayed) {
		p.observeReplay(ctx, c, keys.Secret(in.get("code")))
	}
	if err != nil {
		return tokenResponse{}, p.refuseCode(ctx, keys.Secret(in.get("code")), check, err)
	}
	callOf(ctx).about(g.User)
	if !c.owns(g) {
		return tokenResponse{}, refuseFor(errInvalidGrant(), because(users.CallCodeClient))
	}
	if g.SignInVersion != c.signInVersion() || provedByEnding(r, c, in) {
		g.SignInVersion = session.NoProof
	}
	return p.tokensFor(ctx, c, g)
}

// observeReplay notes that a code came again. The first time is an event of the
// application; further ones are only counted, because whoever has a code that
// is used up can send it without end. In doubt it is the first time. (Of a
// refresh token only the first replay is known as one: with its family it goes.)
func (p *Provider) observeReplay(ctx context.Context, c *client, code keys.Secret) {
	application := string(c.application.ID)
	verdict, err := p.cfg.Sessions.Reserve(ctx, "replay:"+code.Reveal(), 1, replayWindow)
	if err != nil {
		p.cfg.Logger.WarnContext(ctx, "replay not counted", "request_id", web.RequestID(ctx), "error", err)
	} else if !verdict.Allowed {
		application = "" // counted by the minute
	}
	observe(ctx, p.cfg.Users, p.cfg.Logger, users.EventCodeReplayed, users.ActorSystem, application, eventPayload{})
}

// refuseCode is refuseGrant that finds out for the log why a code was refused.
func (p *Provider) refuseCode(ctx context.Context, code keys.Secret, check session.CodeCheck, err error) error {
	if errors.Is(err, session.ErrReplayed) {
		return refuseGrant(err, because(users.CallCodeUsed))
	}
	refused, unknown := p.cfg.Sessions.Explain(ctx, code, check)
	if unknown != nil { // the refusal stands without a reason
		return refuseGrant(err, nil)
	}
	if refused.Fault == session.CodeRedirect {
		return refuseGrant(err, redirectCause(users.CallCodeRedirect, check.RedirectURI, refused.Code.RedirectURI))
	}
	return refuseGrant(err, because(codeCauses[refused.Fault]))
}

// tokensFor gives an application its tokens, if the person may still use it.
func (p *Provider) tokensFor(ctx context.Context, c *client, g session.Grant) (tokenResponse, error) {
	person, err := p.personOrRevoke(ctx, g)
	if err != nil {
		return tokenResponse{}, err
	}
	answer, err := p.issueTokens(ctx, c, g, person)
	if err != nil || !g.Offline {
		return answer, err
	}
	refresh, err := p.cfg.Sessions.IssueRefresh(ctx, g)
	if err != nil {
		return tokenResponse{}, web.Unavailable(err)
	}
	answer.RefreshToken = refresh.Reveal()
	return answer, nil
}

// issueTokens writes an access token for g and signs the ID token that goes with it.
func (p *Provider) issueTokens(ctx context.Context, c *client, g session.Grant, person users.User) (tokenResponse, error) {
	token, expires, err := p.cfg.Sessions.IssueToken(ctx, g)
	if err != nil {
		return tokenResponse{}, web.Unavailable(err)
	}
	idToken, err := p.idToken(c, g, person, token)
	if err != nil {
		return tokenResponse{}, err
	}
	return tokenResponse{
		AccessToken: token.Reveal(),
		TokenType:   oidc.BearerToken,
		ExpiresIn:   expiresIn(expires, p.cfg.Now()),
		IDToken:     idToken,
		Scope:       strings.Join(g.Scopes, " "),
	}, nil
}

// personOrRevoke is person, and revokes the family of a grant whose person is refused.
func (p *Provider) personOrRevoke(ctx context.Context, g session.Grant) (users.User, error) {
	person, err := p.person(ctx, g)
	if _, refused := errors.AsType[*protocolError](err); refused {
		err = errors.Join(err, p.cfg.Sessions.Revoke(ctx, g))
	}
	return person, err
}

// person returns whom a grant is about, or invalid_grant when they may not use
// the application any more. It comes without groups: no claim is made of them.
func (p *Provider) person(ctx context.Context, g session.Grant) (users.User, error) {
	u, d, err := p.cfg.Users.Read().UserDecision(ctx, g.User, g.Application, p.cfg.Now())
	if errors.Is(err, users.ErrNotFound) {
		return users.User{}, refuseFor(errInvalidGrant(), because(users.CallPersonUnknown))
	}
	if err == nil && !d.MayEnter(g.Epoch) {
		return users.User{}, refuseFor(errInvalidGrant(), whyNot(d, g))
	}
	if err != nil {
		return users.User{}, web.Unavailable(err)
	}
	return u, nil
}
