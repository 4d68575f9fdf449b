package provider

import (
	"errors"
	"net/http"
	"net/url"
	"slices"
	"time"

	"github.com/einlass/einlass/keys"
	"github.com/einlass/einlass/provider/session"
	"github.com/einlass/einlass/provider/web"
	"github.com/einlass/einlass/users"
)

// postAuthorize turns a POST into the same request by GET, because a cross-site
// POST carries no SameSite=Lax cookie. What GET would no longer see is refused here.
func (a *Authorizer) postAuthorize(w http.ResponseWriter, r *http.Request) error {
	in, err := formParams(w, r)
	if err != nil {
		return err
	}
	if in.broken || len(in.repeated) > 0 {
		return a.authorize(w, r, in)
	}
	query := url.Values{}
	for name, value := range in.values {
		query.Set(name, value)
	}
	return web.Redirect(w, http.StatusSeeOther, r.URL.Path+"?"+query.Encode())
}

func (a *Authorizer) getAuthorize(w http.ResponseWriter, r *http.Request) error {
	return a.authorize(w, r, queryParams(r))
}

// authorize answers an authorization request. Before client and redirect URI
// are known to belong together nothing is sent anywhere (RFC 6749 section 4.1.2.1).
func (a *Authorizer) authorize(w http.ResponseWriter, r *http.Request, in params) error {
	c, found := a.cfg.Registry.client(in.get("client_id"))
	if !found || in.isRepeated("client_id") {
		return &web.Error{Status: http.StatusBadRequest, Key: "error.unknown_client"}
	}
	redirectURI := in.get("redirect_uri")
	if !slices.Contains(c.RedirectURIs, redirectURI) || in.isRepeated("redirect_uri") {
		return &web.Error{Status: http.StatusBadRequest, Key: "error.redirect_uri"}
	}
	p, failure := readAuthRequest(c, in)
	if failure != nil {
		return a.fail(w, r, c, p, failure)
	}
	current, err := a.currentSession(r)
	if err != nil {
		return err
	}
	return a.answer(w, r, c, p, current, a.cfg.Now())
}

// answer decides and responds. requested is when the request came in: an
// authentication since then was made for it.
func (a *Authorizer) answer(w http.ResponseWriter, r *http.Request, c *client, p session.Params, current *session.Session, requested time.Time) error {
	s := situation{params: p, requested: requested, session: current, now: a.cfg.Now()}
	if current != nil {
		var err error
		s.person, err = a.cfg.Users.Read().Decision(r.Context(), current.User, c.application.ID)
		if err != nil && !errors.Is(err, users.ErrNotFound) {
			return web.Unavailable(err)
		}
	}
	d := decide(s)
	switch d.verdict {
	case verdictIssue:
		return a.issue(w, r, c, p, *current)
	case verdictDeny:
		return a.deny(w, r, c, p, *current, d.reason)
	case verdictFail:
		a.observeDenial(r, c, current, d.reason)
		return a.fail(w, r, c, p, d.err)
	case verdictSignIn:
	}
	return a.startSignIn(w, r, c, p)
}

// issue sends a code to the application in this response.
func (a *Authorizer) issue(w http.ResponseWriter, r *http.Request, c *client, p session.Params, s session.Session) error {
	code, err := a.cfg.Sessions.IssueCode(r.Context(), s, c.application.ID, p, "")
	if errors.Is(err, session.ErrNotFound) { // signed out in another window this moment
		return a.startSignIn(w, r, c, p)
	}
	if err != nil {
		return web.Unavailable(err)
	}
	a.observePerson(r, users.EventAccessGranted, s.User, eventPayload{Application: c.application.ID})
	return a.respond(w, r, c, p, responseFields{code: code.Reveal()})
}

// Finish answers the application after the person has signed in for req. It
// decides again: the person may have no access, or the account may have changed.
func (a *Authorizer) Finish(w http.ResponseWriter, r *http.Request, req session.AuthRequest, s session.Session) error {
	c, found := a.cfg.Registry.client(req.Params.ClientID)
	if !found || !slices.Contains(c.RedirectURIs, req.Params.RedirectURI) {
		return &web.Error{Status: http.StatusBadRequest, Key: "error.unknown_client"}
	}
	return a.answer(w, r, c, req.Params, &s, req.Created)
}

// startSignIn keeps the request for this browser and shows the sign-in form.
func (a *Authorizer) startSignIn(w http.ResponseWriter, r *http.Request, c *client, p session.Params) error {
	req, err := a.cfg.Sessions.Start(r.Context(), c.application.ID, p, keys.Secret(a.cfg.Site.Browser(w, r)))
	if err != nil {
		return web.Unavailable(err)
	}
	return web.Redirect(w, http.StatusSeeOther, "/login?request="+url.QueryEscape(req.ID))
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
