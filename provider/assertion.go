package provider

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"
	"github.com/zitadel/oidc/v3/pkg/oidc"

	"github.com/einlass/einlass/keys"
	"github.com/einlass/einlass/provider/web"
	"github.com/einlass/einlass/users"
)

// assertionAlgs are the algorithms with which a client may sign. All are
// asymmetric: whoever can verify must not be able to sign.
var assertionAlgs = []string{keys.RS256, keys.PS256, keys.ES256, keys.EdDSA, keys.Ed25519}

// Limits of a client assertion.
const (
	assertionLife     = 5 * time.Minute
	maxAssertionBytes = 16 << 10
)

// readAssertion takes a client assertion apart (private_key_jwt: RFC 7523 section
// 2.2, OpenID Connect Core section 9). Nothing of it is verified here; its issuer
// says whose keys to verify it with.
func readAssertion(in params) (presented, *oidc.Error) {
	text := in.get("client_assertion")
	if in.get("client_assertion_type") != oidc.ClientAssertionTypeJWTAssertion || len(text) > maxAssertionBytes {
		return presented{}, errInvalidClient()
	}
	algs := make([]jose.SignatureAlgorithm, 0, len(assertionAlgs))
	for _, alg := range assertionAlgs {
		algs = append(algs, jose.SignatureAlgorithm(alg))
	}
	token, err := jwt.ParseSigned(text, algs)
	if err != nil {
		return presented{}, errInvalidClient()
	}
	var claims jwt.Claims
	if err := token.UnsafeClaimsWithoutVerification(&claims); err != nil {
		return presented{}, errInvalidClient()
	}
	if id := in.get("client_id"); id != "" && id != claims.Issuer {
		return presented{clientID: id}, errInvalidRequest("Two different clients in one request.")
	}
	return presented{clientID: claims.Issuer, assertion: token, method: users.AuthMethodPrivateKey}, nil
}

// checkAssertion reports whether an assertion is the client's, for us, fresh and
// used for the first time. An error means that this could not be found out.
func (p *Provider) checkAssertion(ctx context.Context, c *client, token *jwt.JSONWebToken) (bool, error) {
	if c.AuthMethod != users.AuthMethodPrivateKey || len(token.Headers) != 1 || !isPlainHeader(token.Headers[0]) {
		return false, nil
	}
	header := token.Headers[0]
	key, found := p.clientKeys.key(ctx, c, header.KeyID, header.Algorithm)
	if !found {
		return false, nil
	}
	var claims jwt.Claims
	if err := token.Claims(key, &claims); err != nil {
		return false, nil
	}
	now := p.cfg.Now()
	if !p.isForUs(claims, c) || !isFresh(claims, now) {
		return false, nil
	}
	name := fmt.Sprintf("assertion:%s:%s", c.ClientID, claims.ID)
	first, err := p.cfg.Sessions.Reserve(ctx, name, 1, claims.Expiry.Time().Sub(now)+keys.ClockSkew)
	if err != nil {
		return false, web.Unavailable(err)
	}
	return first.Allowed, nil
}

// isPlainHeader reports whether a header asks for nothing special. Extensions we
// would have to understand are refused, and so are keys that the token brings
// along: a client's keys are the registered ones (RFC 8725 section 3.10).
func isPlainHeader(h jose.Header) bool {
	for _, name := range []jose.HeaderKey{"crit", "b64", "jku", "x5u"} {
		if _, found := h.ExtraHeaders[name]; found {
			return false
		}
	}
	typ, found := h.ExtraHeaders[jose.HeaderType]
	text, isText := typ.(string)
	return h.JSONWebKey == nil && (!found || isText && strings.EqualFold(text, "JWT"))
}

// isForUs reports whether an assertion is by the client, about it, and meant for us
// alone: for the issuer (RFC 7523 section 3, RFC 9126 section 2) or an endpoint where clients prove themselves.
// Another server that it is meant for as well could be the first to use it here.
func (p *Provider) isForUs(claims jwt.Claims, c *client) bool {
	issuer := p.cfg.Issuer
	names := []string{issuer, issuer + pathToken, issuer + pathPAR, issuer + pathRevoke, issuer + pathIntrospect}
	isForeign := func(name string) bool { return !slices.Contains(names, name) }
	return claims.Issuer == c.ClientID && claims.Subject == c.ClientID && claims.ID != "" &&
		len(claims.Audience) > 0 && !slices.ContainsFunc(claims.Audience, isForeign)
}

// isFresh reports whether an assertion is valid now and not for long. There is
// no leeway at its end; at its start the client's clock may be ahead of ours.
func isFresh(claims jwt.Claims, now time.Time) bool {
	if claims.Expiry == nil || !now.Before(claims.Expiry.Time()) {
		return false
	}
	begin := now
	if claims.IssuedAt != nil {
		begin = claims.IssuedAt.Time()
	}
	ahead := now.Add(keys.ClockSkew)
	if begin.After(ahead) || claims.NotBefore != nil && claims.NotBefore.Time().After(ahead) {
		return false
	}
	return !claims.Expiry.Time().After(begin.Add(assertionLife))
}
