package provider

import (
	"context"
	"errors"
	"net/http"
	"strings"

	"github.com/zitadel/oidc/v3/pkg/oidc"

	"github.com/einlass/einlass/provider/session"
	"github.com/einlass/einlass/provider/web"
	"github.com/einlass/einlass/users"
)

// requestURIPrefix is how the references of pushed requests begin (RFC 9126 section 2.2).
const requestURIPrefix = "urn:ietf:params:oauth:request_uri:"

// pushed is the answer to a pushed authorization request.
type pushed struct {
	RequestURI string `json:"request_uri"`
	ExpiresIn  int64  `json:"expires_in"` // seconds
}

// push keeps an authorization request that a client sends itself, and answers
// with the reference under which its browser brings it to /authorize (RFC 9126).
func (p *Provider) push(w http.ResponseWriter, r *http.Request) error {
	c, in, err := p.readClient(w, r)
	if err != nil {
		return err
	}
	if in.get("client_id") != c.ClientID {
		return refuse(errInvalidRequest("The client_id is missing or another client's."))
	}
	request, failure := p.cfg.Authorizer.readPushed(r.Context(), c, in)
	if failure != nil {
		return refuse(failure)
	}
	if isOpenToAll(c) {
		if !isOfItsPages(c, r) {
			return refuse(errInvalidRequest("The client has no pages at this origin."))
		}
		if err := p.cfg.Authorizer.boundPending(r); err != nil {
			return err
		}
	}
	reference, expires, err := p.cfg.Sessions.Push(r.Context(), c.application.ID, request)
	if err != nil {
		return web.Unavailable(err)
	}
	callOf(r.Context()).done(users.CallRequestPushed)
	return web.JSON(w, http.StatusCreated, pushed{
		RequestURI: requestURIPrefix + reference.Reveal(),
		ExpiresIn:  expiresIn(expires, p.cfg.Now()),
	})
}

// isOpenToAll reports whether anybody can push in the name of c, so that what
// it pushes counts among unfinished requests until a browser comes with it.
func isOpenToAll(c *client) bool { return c.AuthMethod == users.AuthMethodNone }

// readPushed validates a pushed request as /authorize would.
func (a *Authorizer) readPushed(ctx context.Context, c *client, in params) (session.Params, *oidc.Error) {
	if in.get("request_uri") != "" {
		return session.Params{}, errInvalidRequest("A pushed request cannot refer to another request.")
	}
	if !c.takes(in.get("redirect_uri")) {
		return session.Params{}, errInvalidRequest("The redirect_uri is not registered.").
			WithParent(redirectCause(users.CallRedirectUnknown, in.get("redirect_uri"), c.RedirectURIs...))
	}
	return a.readRequest(ctx, c, in)
}

// readRequest validates a request whose client and redirect URI are known to belong together.
func (a *Authorizer) readRequest(ctx context.Context, c *client, in params) (session.Params, *oidc.Error) {
	p, failure := readAuthRequest(c, in)
	if failure == nil {
		failure = a.readHint(ctx, c, &p, in.get("id_token_hint"))
	}
	return p, failure
}

// isPushed reports whether a request refers to one that was pushed here.
func isPushed(in params) bool { return strings.HasPrefix(in.get("request_uri"), requestURIPrefix) }

// authorizePushed answers the request that a client has pushed before. Nothing
// beside client_id and request_uri counts (RFC 9126 section 4). Where a wrong
// reference should be answered nobody knows, so that is said on a page.
func (a *Authorizer) authorizePushed(w http.ResponseWriter, r *http.Request, c *client, in params) error {
	reference := strings.TrimPrefix(in.get("request_uri"), requestURIPrefix)
	if in.broken || in.isRepeated("request_uri") {
		return &web.Error{Status: http.StatusBadRequest}
	}
	p, err := a.cfg.Sessions.TakePushed(r.Context(), c.ClientID, reference)
	if err == nil && isOpenToAll(c) {
		a.finishPending(r) // if it has to wait for a sign-in, it is counted anew
	}
	if errors.Is(err, session.ErrNotFound) || err == nil && !c.takes(p.RedirectURI) {
		return &web.Error{Status: http.StatusBadRequest, Key: "error.request_uri", Err: err}
	}
	if err != nil {
		return web.Unavailable(err)
	}
	return a.authorizeValid(w, r, c, p)
}
