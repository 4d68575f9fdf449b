package provider

import (
	"errors"
	"net/http"
	"strings"

	"github.com/zitadel/oidc/v3/pkg/oidc"

	"github.com/einlass/einlass/keys"
	"github.com/einlass/einlass/provider/session"
	"github.com/einlass/einlass/provider/web"
	"github.com/einlass/einlass/users"
)

// userinfo answers who an access token is about (OpenID Connect Core section 5.3).
func (p *Provider) userinfo(w http.ResponseWriter, r *http.Request) error {
	token, err := bearerToken(w, r)
	if err != nil {
		return err
	}
	ctx := r.Context()
	t, err := p.cfg.Sessions.Token(ctx, token)
	if errors.Is(err, session.ErrNotFound) {
		return refuseFor(errInvalidToken(), because(users.CallTokenUnknown))
	}
	if err != nil {
		return web.Unavailable(err)
	}
	c, found := p.cfg.Registry.client(t.Grant.ClientID)
	callOf(ctx).of(c)
	callOf(ctx).about(t.Grant.User)
	if !found || !c.owns(t.Grant) {
		return refuseFor(errInvalidToken(), because(users.CallTokenOther))
	}
	u, err := p.person(ctx, t.Grant)
	if _, refused := errors.AsType[*protocolError](err); refused {
		return refuseFor(errInvalidToken(), causeOf(err))
	}
	if err != nil {
		return err
	}
	claims := subjectClaims(c, t.Grant, u)
	if watched := callOf(ctx); watched != nil {
		names, addresses := claims.names(u)
		watched.done(users.CallClaimsSent, users.FactClaims, names, users.FactEmail, addresses)
	}
	p.proofs.note(ctx, c, t.Grant, u, claims)
	return web.JSON(w, http.StatusOK, claims)
}

// subjectClaims is the userinfo answer: sub always, and never what a registration put in its place.
func subjectClaims(c *client, g session.Grant, u users.User) claimSet {
	claims := userinfoClaims(c, g.Scopes, storedClaims(g.Claims), u)
	claims["sub"] = string(g.User)
	return claims
}

var errNoToken = errors.New("no access token")

// bearerToken takes the access token from the header or, for POST, the form:
// one of them, and never the query (RFC 6750 section 2, RFC 9700 section 4.3.2).
func bearerToken(w http.ResponseWriter, r *http.Request) (keys.Secret, error) {
	headers := r.Header.Values("Authorization")
	inQuery := r.URL.Query().Has("access_token")
	var inBody string
	if r.Method == http.MethodPost && r.ContentLength != 0 {
		in, err := formParams(w, r)
		switch {
		case errors.Is(err, errNotForm): // a body of another kind carries no token
		case err != nil:
			return "", err
		case in.broken || len(in.repeated) > 0:
			return "", refuse(errInvalidRequest("The request is not properly encoded, or a parameter occurs more than once."))
		case !inQuery:
			inBody = in.get("access_token")
		}
	}
	if len(headers) > 1 || len(headers) == 1 && (inBody != "" || inQuery) {
		return "", refuse(errInvalidRequest("More than one access token."))
	}
	if len(headers) == 0 {
		if inBody == "" {
			return "", errNoToken
		}
		return keys.Secret(inBody), nil
	}
	scheme, token := credentials(headers[0])
	if token == "" || !strings.EqualFold(scheme, oidc.BearerToken) {
		return "", errNoToken
	}
	return keys.Secret(token), nil
}

// bearerError renders the errors of endpoints that take an access token (RFC 6750 section 3).
func bearerError(w http.ResponseWriter, _ *http.Request, e *web.Error) error {
	refusal, ok := errors.AsType[*protocolError](e.Err)
	switch {
	case errors.Is(e.Err, errNoToken):
		w.Header().Set("WWW-Authenticate", `Bearer realm="einlass"`)
		return web.JSON(w, http.StatusUnauthorized, struct{}{})
	case !ok:
		return web.JSON(w, e.Status, errorBody{Error: codeOf(e.Status)})
	}
	status := http.StatusBadRequest
	if refusal.err.ErrorType != oidc.InvalidRequest {
		status = http.StatusUnauthorized
	}
	code, description := string(refusal.err.ErrorType), refusal.err.Description
	w.Header().Set("WWW-Authenticate", `Bearer realm="einlass", error="`+code+`", error_description="`+description+`"`)
	return web.JSON(w, status, errorBody{Error: code, Description: description})
}
