package provider

import (
	"embed"
	"errors"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/zitadel/oidc/v3/pkg/oidc"

	"github.com/einlass/einlass/keys"
	"github.com/einlass/einlass/provider/session"
	"github.com/einlass/einlass/provider/web"
	"github.com/einlass/einlass/users"
)

//go:embed templates/*.html
var templates embed.FS

// Fields of the consent form.
const (
	fieldRequest  = "request"
	fieldDecision = "decision"
	decisionAllow = "allow"
	decisionDeny  = "deny"
)

// reasonNoConsent is why access was denied when the person did not consent.
const reasonNoConsent = "no_consent"

// consentData is what the consent page shows.
type consentData struct {
	Request     string
	Token       string
	Application string // label
	Logo        string // its URL; empty: none
	Host        string // where the application lives
	SignedInAs  string
	Profile     bool
	Email       bool
	Offline     bool
	Claims      string // names of the claims that the registration releases whatever the scope
}

// released are the scopes a person is asked for: those of the request, and those whose claims
// the claims parameter names one by one.
func (s situation) released() []string {
	all := slices.Sorted(slices.Values(append(slices.Clone(s.params.Scopes), s.claims.scopes()...)))
	return slices.Compact(all)
}

// claimConsent stands before the name of a claim in what people have consented to.
const claimConsent = "claim:"

// releases is what people consent to together with scopes: the claims, too, that the
// registration adds whatever the scope.
func (c *client) releases(scopes []string) []string {
	all := slices.Clone(scopes)
	for name := range c.Claims {
		all = append(all, claimConsent+name)
	}
	return all
}

// startConsent keeps the request for this browser and person, and shows the consent page.
func (a *Authorizer) startConsent(w http.ResponseWriter, r *http.Request, c *client, s situation) error {
	if err := checkVisible(r); err != nil {
		return err
	}
	browser := keys.Secret(a.cfg.Site.Browser(w, r))
	req, err := a.cfg.Sessions.Ask(r.Context(), c.application.ID, s.params, s.session.User, s.requested, browser)
	if err != nil {
		return web.Unavailable(err)
	}
	callOf(r.Context()).waits(users.CallConsentAsked)
	return web.Redirect(w, pathConsent+"?"+url.Values{fieldRequest: {req.ID}}.Encode())
}

// errConsentOver is for a question that was answered or has expired, or that was somebody else's.
func errConsentOver(cause error) error {
	return &web.Error{Status: http.StatusBadRequest, Key: "consent.start_again", Err: cause}
}

var errNotTheirs = errors.New("the consent is not this person's to give")

// question is a request that waits for the consent of the person who is signed in.
type question struct {
	session.AuthRequest
	client  *client
	session *session.Session
}

// situation is that of the request before the person has answered.
func (q question) situation() situation {
	return situation{
		params: q.Params, claims: storedClaims(q.Params.Claims), requested: q.Created, session: q.session,
	}
}

// asked returns the question that waits in this browser for the person of its session.
func (a *Authorizer) asked(r *http.Request, id string) (question, error) {
	req, err := a.cfg.Sessions.Pending(r.Context(), id, a.browserOf(r))
	switch {
	case errors.Is(err, session.ErrNotFound):
		return question{}, errConsentOver(err)
	case errors.Is(err, session.ErrMismatch):
		return question{}, &web.Error{Status: http.StatusForbidden, Key: "login.other_browser", Err: err}
	case err != nil:
		return question{}, web.Unavailable(err)
	}
	current, err := a.currentSession(r)
	if err != nil {
		return question{}, err
	}
	if current == nil || req.User == "" || current.User != req.User {
		return question{}, errConsentOver(errNotTheirs)
	}
	c, found := a.cfg.Registry.client(req.Params.ClientID)
	if !found {
		return question{}, unknownClient(nil, req.Params.ClientID)
	}
	if !c.takes(req.Params.RedirectURI) {
		return question{}, unknownRedirect(c, req.Params.RedirectURI)
	}
	return question{AuthRequest: req, client: c, session: current}, nil
}

func (a *Authorizer) browserOf(r *http.Request) keys.Secret {
	return keys.Secret(a.cfg.Site.Cookies.Read(r, web.CookieBrowser))
}

// getConsent asks the person whether the application may learn what it asks for.
func (a *Authorizer) getConsent(w http.ResponseWriter, r *http.Request) error {
	q, err := a.asked(r, r.URL.Query().Get(fieldRequest))
	if err != nil {
		return err
	}
	person, err := a.cfg.Users.Read().User(r.Context(), q.User)
	if err != nil {
		return web.Unavailable(err)
	}
	targets, err := web.FormTargets(q.Params.RedirectURI, q.client.application.Beyond()...)
	if err != nil {
		return err
	}
	redirectURI, err := url.Parse(q.Params.RedirectURI)
	if err != nil {
		return err
	}
	data := consentData{
		Request:     q.ID,
		Token:       a.cfg.Site.FormToken(w, r),
		Application: q.client.application.Label,
		Host:        redirectURI.Host,
		SignedInAs:  person.DisplayName(),
		Logo:        web.LogoURL(q.client.application.LogoDigest()),
		Claims:      strings.Join(slices.Sorted(maps.Keys(q.client.Claims)), ", "),
	}
	for _, scope := range q.situation().released() {
		switch scope {
		case oidc.ScopeProfile:
			data.Profile = true
		case oidc.ScopeEmail:
			data.Email = true
		case session.ScopeOffline:
			data.Offline = true
		}
	}
	v := web.View{FormTargets: targets, Locales: q.Params.UILocales}
	return a.consentPage.Render(w, r, http.StatusOK, v, data)
}

// postConsent takes the answer, once, and finishes the request: with a new
// decision, because the account may have changed, or with access_denied.
func (a *Authorizer) postConsent(w http.ResponseWriter, r *http.Request) error {
	fields, err := web.Form(w, r)
	if err != nil {
		return err
	}
	q, err := a.asked(r, fields.Get(fieldRequest))
	if err != nil {
		return err
	}
	if err := a.cfg.Site.CheckForm(r, fields); err != nil {
		return err
	}
	answer := fields.Get(fieldDecision)
	if answer != decisionAllow && answer != decisionDeny {
		return &web.Error{Status: http.StatusBadRequest, Err: errors.New("neither allowed nor denied")}
	}
	_, err = a.cfg.Sessions.Take(r.Context(), q.ID, a.browserOf(r))
	if errors.Is(err, session.ErrNotFound) {
		return errConsentOver(err)
	}
	if err != nil {
		return web.Unavailable(err)
	}
	if answer == decisionDeny {
		a.observeDenial(r, q.client, q.session, reasonNoConsent)
		return a.calls.watch(users.EndpointAuthorize, func(w http.ResponseWriter, r *http.Request) error {
			callOf(r.Context()).of(q.client)
			callOf(r.Context()).about(q.User)
			return a.fail(w, r, q.client, q.Params, errConsentRefused())
		})(w, r)
	}
	s := q.situation()
	s.consent = consentGiven
	return a.answerKept(w, r, s)
}
