package provider

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"time"

	"github.com/einlass/einlass/keys"
	"github.com/einlass/einlass/provider/session"
	"github.com/einlass/einlass/provider/web"
	"github.com/einlass/einlass/users"
)

// postAuthorize answers with the same request by GET. What GET would no longer
// see is refused here.
func (a *Authorizer) postAuthorize(w http.ResponseWriter, r *http.Request) error {
	in, err := formParams(w, r)
	if err != nil {
		return err
	}
	if in.broken || len(in.repeated) > 0 {
		return a.authorize(w, r, in)
	}
	return redirectToGet(w, r, in)
}

func (a *Authorizer) getAuthorize(w http.ResponseWriter, r *http.Request) error {
	return a.authorize(w, r, queryParams(r))
}

// authorize answers an authorization request. Before client and redirect URI
// are known to belong together nothing is sent anywhere (RFC 6749 section 4.1.2.1).
func (a *Authorizer) authorize(w http.ResponseWriter, r *http.Request, in params) error {
	c, found := a.cfg.Registry.client(in.get("client_id"))
	if in.isRepeated("client_id") {
		return &web.Error{Status: http.StatusBadRequest, Key: "error.unknown_client", Err: repeatedCause("client_id")}
	}
	if !found {
		meant := a.cfg.Registry.clientAt(in.get("redirect_uri"))
		callOf(r.Context()).of(meant)
		return unknownClient(meant, in.get("client_id"))
	}
	callOf(r.Context()).of(c)
	if isPushed(in) {
		return a.authorizePushed(w, r, c, in)
	}
	redirectURI := in.get("redirect_uri")
	if in.isRepeated("redirect_uri") {
		return &web.Error{Status: http.StatusBadRequest, Key: "error.redirect_uri", Err: repeatedCause("redirect_uri")}
	}
	if !c.takes(redirectURI) {
		return unknownRedirect(c, redirectURI)
	}
	p, failure := a.readRequest(r.Context(), c, in)
	if failure == nil && c.RequirePAR {
		failure = errInvalidRequest("This client must push its authorization requests.").WithParent(because(users.CallPARRequired))
	}
	if failure != nil {
		return a.fail(w, r, c, p, failure)
	}
	return a.authorizeValid(w, r, c, p)
}

// unknownRedirect is for a request whose answer would go where the client has registered nothing. The log tells where.
func unknownRedirect(c *client, uri string) error {
	return &web.Error{
		Status: http.StatusBadRequest, Key: "error.redirect_uri",
		Err: fmt.Errorf("client %s: %w", c.ClientID, redirectCause(users.CallRedirectUnknown, uri, c.RedirectURIs...)),
	}
}

// repeatedCause is why a request is refused that names something twice.
func repeatedCause(name string) *cause {
	return refusalCause("invalid_request", name+" occurs more than once")
}

// unknownClient is for a request of a client that is not registered as it says;
// meant is whose it seems to be, nil if nobody's. The log tells which.
func unknownClient(meant *client, id string) error {
	return &web.Error{
		Status: http.StatusBadRequest, Key: "error.unknown_client",
		Err: unknownClientCause(meant, id),
	}
}

// authorizeValid answers a request that has passed every check of its own.
func (a *Authorizer) authorizeValid(w http.ResponseWriter, r *http.Request, c *client, p session.Params) error {
	current, err := a.currentSession(r)
	if err == nil {
		err = a.answer(w, r, c, situation{params: p, session: current, requested: arrival(a.cfg.Now(), current)})
	}
	return toldSilently(c, p, err)
}

// arrival is when a request came in: now, but after the authentication of the
// browser's session, which was not made for it, even if the clock that wrote it was ahead of ours.
func arrival(now time.Time, s *session.Session) time.Time {
	if s == nil || s.AuthTime.Before(now) {
		return now
	}
	return s.AuthTime.Add(time.Millisecond)
}

// answer decides and responds. Of the situation the caller knows the request,
// when it came in (an authentication since then was made for it), the session,
// and whether consent was given for it.
func (a *Authorizer) answer(w http.ResponseWriter, r *http.Request, c *client, s situation) error {
	if err := a.complete(r.Context(), c, &s); err != nil {
		return err
	}
	p, current, d := s.params, s.session, decide(s)
	if s.signedIn() {
		callOf(r.Context()).about(current.User)
	}
	switch d.verdict {
	case verdictIssue:
		if err := a.remember(r.Context(), c, s); err != nil {
			return err
		}
		return a.issue(w, r, c, p, *current, d.acr)
	case verdictDeny:
		return a.deny(w, r, c, p, *current, d.reason)
	case verdictFail:
		a.observeDenial(r, c, current, d.reason)
		return a.fail(w, r, c, p, d.failure())
	case verdictAsk:
		return a.startConsent(w, r, c, s)
	case verdictSignIn:
	}
	return a.startSignIn(w, r, c, p)
}

// complete fills in what the directory and the registration know.
func (a *Authorizer) complete(ctx context.Context, c *client, s *situation) error {
	s.claims, s.trusted, s.now = storedClaims(s.params.Claims), c.Trusted, a.cfg.Now()
	s.anyPort, s.needsEmail = c.takesOnAnyPort(s.params.RedirectURI), c.needsEmail(s.params.Scopes)
	if s.session == nil {
		return nil
	}
	var err error
	s.person, err = a.cfg.Users.Read().Decision(ctx, s.session.User, c.application.ID, s.now)
	if err != nil && !errors.Is(err, users.ErrNotFound) {
		return web.Unavailable(err)
	}
	if s.trusted || s.consent == consentGiven {
		return nil
	}
	given, err := users.ConsentOf(ctx, a.cfg.Users.Read(), s.session.User, c.application.ID)
	switch {
	case err != nil && !errors.Is(err, users.ErrNotFound):
		return web.Unavailable(err)
	case err == nil && given.Covers(c.releases(s.released())):
		s.consent = consentRemembered
	}
	return nil
}

// remember keeps a consent that was given for this request.
func (a *Authorizer) remember(ctx context.Context, c *client, s situation) error {
	if s.consent != consentGiven {
		return nil
	}
	if err := a.cfg.Users.GrantConsent(ctx, s.session.User, c.application.ID, c.releases(s.released())); err != nil {
		return web.Unavailable(err)
	}
	return nil
}

// issue sends a code to the application in this response.
func (a *Authorizer) issue(w http.ResponseWriter, r *http.Request, c *client, p session.Params, s session.Session, acr string) error {
	code, err := a.cfg.Sessions.IssueCode(r.Context(), s, c.application.ID, p, acr)
	if errors.Is(err, session.ErrNotFound) { // signed out in another window this moment
		return a.answer(w, r, c, situation{params: p, requested: a.cfg.Now()})
	}
	if err != nil {
		return web.Unavailable(err)
	}
	a.observePerson(r, users.EventAccessGranted, s.User, eventPayload{Application: c.application.ID})
	callOf(r.Context()).done(users.CallCodeSent, users.FactAddress, p.RedirectURI)
	return a.respond(w, r, c, p, responseFields{code: code.Reveal()})
}

// Finish answers the application after the person has signed in for req. It
// decides again: the person may have no access, or the account may have changed.
func (a *Authorizer) Finish(w http.ResponseWriter, r *http.Request, req session.AuthRequest, s session.Session) error {
	a.finishPending(r)
	requested := req.Created
	if s.AuthTime.Before(requested) { // it was made for req: only the clock that wrote req was ahead
		requested = s.AuthTime
	}
	return a.answerKept(w, r, situation{params: req.Params, session: &s, requested: requested})
}

// answerKept answers a request that was kept while the person was asked, as authorize does.
func (a *Authorizer) answerKept(w http.ResponseWriter, r *http.Request, s situation) error {
	return a.calls.watch(users.EndpointAuthorize, func(w http.ResponseWriter, r *http.Request) error {
		c, found := a.cfg.Registry.client(s.params.ClientID)
		callOf(r.Context()).of(c)
		if !found {
			return unknownClient(nil, s.params.ClientID)
		}
		if !c.takes(s.params.RedirectURI) {
			return unknownRedirect(c, s.params.RedirectURI)
		}
		return a.answer(w, r, c, s)
	})(w, r)
}

// startSignIn keeps the request for this browser and shows the sign-in form.
func (a *Authorizer) startSignIn(w http.ResponseWriter, r *http.Request, c *client, p session.Params) error {
	if err := checkVisible(r); err != nil {
		return err
	}
	if err := a.boundPending(r); err != nil {
		return err
	}
	req, err := a.cfg.Sessions.Start(r.Context(), c.application.ID, p, keys.Secret(a.cfg.Site.Browser(w, r)))
	if err != nil {
		return web.Unavailable(err)
	}
	callOf(r.Context()).waits(users.CallSignInAsked)
	return web.Redirect(w, "/login?request="+url.QueryEscape(req.ID))
}

// currentSession returns the browser's session, or nil. Whether it still counts is for decide.
func (a *Authorizer) currentSession(r *http.Request) (*session.Session, error) {
	s, err := a.cfg.Sessions.Current(r.Context(), keys.Secret(a.cfg.Site.Cookies.Read(r, web.CookieSession)))
	if errors.Is(err, session.ErrNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, web.Unavailable(err)
	}
	return &s, nil
}

func (a *Authorizer) observeDenial(r *http.Request, c *client, s *session.Session, reason string) {
	if s != nil && reason != "" {
		a.observePerson(r, users.EventAccessDenied, s.User, eventPayload{Application: c.application.ID, Reason: reason})
	}
}

func (a *Authorizer) observePerson(r *http.Request, kind users.EventKind, person users.ID, payload eventPayload) {
	observe(r.Context(), a.cfg.Users, a.cfg.Logger, kind, users.ActorUser(person), string(person), payload)
}
