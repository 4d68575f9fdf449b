package provider

import (
	"cmp"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/go-jose/go-jose/v4/jwt"
	"github.com/zitadel/oidc/v3/pkg/oidc"

	"github.com/einlass/einlass/keys"
	"github.com/einlass/einlass/provider/web"
	"github.com/einlass/einlass/users"
)

// Failures of client authentication in a window, per client and network, that
// are answered as such and are events each. Further ones are answered with 429
// and only counted. What proves itself is let in all the same: secrets are
// random, so guessing leads nowhere, and no stranger can keep an application out.
const (
	clientFailures       = 30
	clientFailuresWindow = time.Minute
)

// presented is how a client has introduced itself at the token endpoint.
type presented struct {
	clientID  string
	secret    keys.Secret
	asSent    keys.Secret       // the secret of Basic before decoding; empty: there is none
	assertion *jwt.JSONWebToken // of private_key_jwt; not verified yet
	method    string            // of users.AuthMethod…
}

// readClientAuth finds out how the client authenticates. More than one way in
// one request is refused (RFC 6749 section 2.3).
func readClientAuth(r *http.Request, in params) (presented, *oidc.Error) {
	headers := r.Header.Values("Authorization")
	inBody := in.get("client_secret") != ""
	switch {
	case len(headers) > 1 || len(headers) == 1 && inBody:
		return presented{}, errInvalidRequest("More than one way of client authentication.")
	case in.get("client_assertion") != "" || in.get("client_assertion_type") != "":
		if len(headers) > 0 || inBody {
			return presented{}, errInvalidRequest("More than one way of client authentication.")
		}
		return readAssertion(in)
	case len(headers) == 1:
		p, ok := readBasic(headers[0])
		if !ok {
			return presented{method: users.AuthMethodBasic}, errInvalidClient()
		}
		if id := in.get("client_id"); id != "" && id != p.clientID {
			return p, errInvalidRequest("Two different clients in one request.")
		}
		return p, nil
	case inBody:
		return presented{clientID: in.get("client_id"), secret: keys.Secret(in.get("client_secret")), method: users.AuthMethodPost}, nil
	}
	return presented{clientID: in.get("client_id"), method: users.AuthMethodNone}, nil
}

// credentials takes an Authorization header apart: the scheme, and after one or
// more spaces what proves something by it (RFC 9110 section 11.4).
func credentials(header string) (scheme, proof string) {
	scheme, proof, _ = strings.Cut(header, " ")
	return scheme, strings.TrimLeft(proof, " ")
}

// readBasic decodes Basic credentials, whose parts are form-encoded first (RFC
// 6749 section 2.3.1). Many libraries leave that out, which shows when a secret has
// a %, a + or another sign that means something there; so what they sent is kept, too.
func readBasic(header string) (presented, bool) {
	scheme, encoded := credentials(header)
	if !strings.EqualFold(scheme, "Basic") {
		return presented{}, false
	}
	decoded, err := base64.StdEncoding.DecodeString(encoded)
	if err != nil {
		return presented{}, false
	}
	user, password, found := strings.Cut(string(decoded), ":")
	id, err := url.QueryUnescape(user)
	if !found || err != nil {
		return presented{}, false
	}
	secret, err := url.QueryUnescape(password)
	if err != nil {
		secret = password
	}
	return presented{clientID: id, secret: keys.Secret(secret), asSent: keys.Secret(password), method: users.AuthMethodBasic}, true
}

// authenticateClient returns the client that makes a request. It proves itself
// by its registered method and no other; every failure reads alike.
func (p *Provider) authenticateClient(r *http.Request, in params) (*client, error) {
	who, failure := readClientAuth(r, in)
	if c, found := p.cfg.Registry.client(cmp.Or(who.clientID, in.get("client_id"))); found {
		callOf(r.Context()).of(c)
	}
	if failure == nil {
		c, found := p.cfg.Registry.client(who.clientID)
		if !found {
			c = &client{} // has no secret that could match
		}
		proven, err := p.proves(r.Context(), c, who)
		if err != nil {
			return nil, err
		}
		if found && c.AuthMethod == who.method && proven {
			return c, nil
		}
		failure = errInvalidClient().WithParent(p.whyUnproven(r, c, who, in))
	}
	return nil, p.refuseClient(r, who, failure)
}

// whyUnproven says for the log why c, which has no name where there is no such client, is not who it says.
func (p *Provider) whyUnproven(r *http.Request, c *client, who presented, in params) *cause {
	switch {
	case c.ClientID == "":
		meant := p.cfg.Registry.clientAt(in.get("redirect_uri"))
		callOf(r.Context()).of(meant)
		return unknownClientCause(meant, who.clientID)
	case who.method == users.AuthMethodNone:
		return because(users.CallSecretMissing)
	case who.method != c.AuthMethod:
		return because(users.CallMethodOther, users.FactSent, who.method, users.FactRegistered, c.AuthMethod)
	case who.method == users.AuthMethodPrivateKey:
		return because(users.CallAssertion)
	case c.hasExpired(who.secret) || c.hasExpired(who.asSent):
		return because(users.CallSecretExpired)
	}
	return because(users.CallSecretWrong)
}

// proves reports whether what a client presented is what it is registered with.
func (p *Provider) proves(ctx context.Context, c *client, who presented) (bool, error) {
	switch who.method {
	case users.AuthMethodNone:
		return true, nil // whether that is enough, its registration says
	case users.AuthMethodPrivateKey:
		return p.checkAssertion(ctx, c, who.assertion)
	}
	now := p.cfg.Now()
	return c.checkSecret(who.secret, now) || who.asSent != "" && c.checkSecret(who.asSent, now), nil
}

// refuseClient counts a failed authentication and says how it is answered.
func (p *Provider) refuseClient(r *http.Request, who presented, failure *oidc.Error) error {
	refusal := &protocolError{err: failure}
	if failure.ErrorType != oidc.InvalidClient {
		return refusal
	}
	ctx := r.Context()
	application := p.knownClient(who.clientID) // empty for all that strangers make up
	key := fmt.Sprintf("client:%s:%s", application, web.NetworkOf(web.ClientIP(ctx)))
	verdict, err := p.cfg.Sessions.Reserve(ctx, key, clientFailures, clientFailuresWindow)
	if !verdict.Allowed {
		application = "" // counted by the minute
	}
	observe(ctx, p.cfg.Users, p.cfg.Logger, users.EventClientAuthFailed, users.ActorSystem, application, eventPayload{})
	if err != nil {
		return errors.Join(refusal, err)
	}
	if !verdict.Allowed {
		refusal.retryAfter = verdict.RetryAfter
	}
	return refusal
}

// knownClient is the application of a client id, or empty: what strangers send is no subject of an event.
func (p *Provider) knownClient(id string) string {
	if c, found := p.cfg.Registry.client(id); found {
		return string(c.application.ID)
	}
	return ""
}
