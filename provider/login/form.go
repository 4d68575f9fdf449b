package login

import (
	"errors"
	"net/http"
	"net/url"
	"path"
	"slices"
	"strings"

	"github.com/einlass/einlass/keys"
	"github.com/einlass/einlass/provider/session"
	"github.com/einlass/einlass/provider/web"
	"github.com/einlass/einlass/users"
)

// Names of the form's inputs and of the parameter of /login.
const (
	fieldRequest  = "request"
	fieldUsername = "username"
	fieldPassword = "password"
	fieldNext     = "next"
	fieldAgain    = "again" // not empty: asks also somebody who is signed in
)

// pathPortal is where a sign-in for nothing else leads.
const pathPortal = "/portal"

// maxNextBytes bounds the address of a page that asked for a sign-in.
const maxNextBytes = 2048

// ownPages are our pages that ask for a sign-in to come back from. What they show
// by GET changes nothing, whoever made the link.
var ownPages = []string{"/admin/", "/account/"}

// afterSignIn returns where a sign-in leads that no application asked for: to
// the page of ours that did, else to the portal.
func afterSignIn(next string) string {
	u, err := url.Parse(next)
	if err != nil || len(next) > maxNextBytes || u.Scheme != "" || u.Host != "" || u.User != nil || path.Clean(u.Path) != u.Path ||
		!slices.ContainsFunc(ownPages, func(pages string) bool { return strings.HasPrefix(u.Path, pages) }) {
		return pathPortal
	}
	return (&url.URL{Path: u.Path, RawQuery: u.RawQuery}).String()
}

// form is the sign-in form as it is shown.
type form struct {
	request  *session.AuthRequest // nil: signing in to our own pages
	next     string               // where to, without a request
	again    bool                 // of somebody who is signed in; without a request
	username string
	refusal  string // translation key; empty: shown for the first time
	status   int
}

// formData is what the template sees of a form.
type formData struct {
	Request     string
	Next        string // empty: the portal
	Again       bool   // the person is signed in
	Token       string
	Application string // label; empty: the portal
	Logo        string // its URL; empty: none
	Host        string // where the application lives
	Username    string
	Refusal     string
}

// getLogin shows the form.
func (h *Handler) getLogin(w http.ResponseWriter, r *http.Request) error {
	request, err := h.pending(r, r.URL.Query().Get(fieldRequest))
	if err != nil {
		return err
	}
	f := form{request: request, next: afterSignIn(r.URL.Query().Get(fieldNext)), status: http.StatusOK}
	if request == nil {
		user, err := h.signedIn(r)
		if err != nil {
			return err
		}
		f.again = user != nil && r.URL.Query().Get(fieldAgain) != ""
		if user != nil && !f.again {
			return web.Redirect(w, f.next)
		}
		if f.again {
			f.username = user.Username
		}
	}
	if request != nil && len(request.Params.LoginHint) <= users.MaxLoginBytes {
		f.username = request.Params.LoginHint
	}
	return h.show(w, r, f)
}

// signedIn returns who is signed in, or nil.
func (h *Handler) signedIn(r *http.Request) (*users.User, error) {
	visitor, err := h.cfg.Sessions.Visit(r.Context(), h.sessionCookie(r), h.cfg.Users.Read(), "")
	if errors.Is(err, session.ErrNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, web.Unavailable(err)
	}
	return &visitor.User, nil
}

// pending returns the request that the form is for, or nil if it is for the
// portal. A request of another browser is refused, so that nobody can be led to finish
// a sign-in that somebody else started.
func (h *Handler) pending(r *http.Request, id string) (*session.AuthRequest, error) {
	if id == "" {
		return nil, nil
	}
	request, err := h.cfg.Sessions.Pending(r.Context(), id, keys.Secret(h.cfg.Site.Cookies.Read(r, web.CookieBrowser)))
	switch {
	case errors.Is(err, session.ErrNotFound):
		return nil, errStartAgain(err)
	case errors.Is(err, session.ErrMismatch):
		h.observeMismatch(r, request)
		return nil, &web.Error{Status: http.StatusForbidden, Key: "login.other_browser", Err: err}
	case err != nil:
		return nil, web.Unavailable(err)
	}
	return &request, nil
}

// observeMismatch notes that a request came from another browser than its own,
// but not without end: anybody can send as many as they like.
func (h *Handler) observeMismatch(r *http.Request, request session.AuthRequest) {
	ctx := r.Context()
	key := "login:mismatch:" + web.NetworkOf(web.ClientIP(ctx)).String()
	verdict, err := h.cfg.Sessions.Reserve(ctx, key, maxMismatchEvents, throttleWindow)
	if err != nil {
		h.cfg.Logger.WarnContext(ctx, "sign-in of another browser not counted", "request_id", web.RequestID(ctx), "error", err)
	}
	if !verdict.Allowed {
		h.cfg.Logger.InfoContext(ctx, "sign-in of another browser", "request_id", web.RequestID(ctx), "application", request.Application)
		return
	}
	h.observe(r, users.EventRequestMismatch, users.ActorSystem, string(request.Application),
		eventPayload{Application: request.Application})
}

// errStartAgain is the answer to a request that has expired or was finished;
// the two cannot be told apart, because a finished request leaves no trace.
func errStartAgain(cause error) error {
	return &web.Error{Status: http.StatusBadRequest, Key: "login.start_again", Err: cause}
}

// show renders the form.
func (h *Handler) show(w http.ResponseWriter, r *http.Request, f form) error {
	data := formData{
		Token:    h.cfg.Site.FormToken(w, r),
		Username: f.username,
		Refusal:  f.refusal,
	}
	v := web.View{Here: "/login"}
	if f.request != nil {
		var err error
		if v.FormTargets, err = h.formTargets(*f.request); err != nil {
			return err
		}
		data.Request = f.request.ID
		data.Application, data.Logo, data.Host = h.destination(*f.request)
		v.Locales = f.request.Params.UILocales
		v.Here += "?" + url.Values{fieldRequest: {f.request.ID}}.Encode()
	} else if q := f.query(); len(q) > 0 {
		data.Next, data.Again = q.Get(fieldNext), f.again
		v.Here += "?" + q.Encode()
	}
	return h.loginPage.Render(w, r, f.status, v, data)
}

// query is what the address of a form without a request says.
func (f form) query() url.Values {
	q := url.Values{}
	if f.next != pathPortal {
		q.Set(fieldNext, f.next)
	}
	if f.again {
		q.Set(fieldAgain, "1")
	}
	return q
}

// formTargets are the origins where a browser comes by that follows the form to the application.
func (h *Handler) formTargets(request session.AuthRequest) ([]string, error) {
	a, _ := h.cfg.Applications.Application(request.Application) // of one that is gone nothing is known beyond
	return web.FormTargets(request.Params.RedirectURI, a.Beyond()...)
}

// destination says where a sign-in leads: the label and logo people know, and the host
// that will get the answer, so that they can tell a look-alike.
func (h *Handler) destination(request session.AuthRequest) (label, logo, host string) {
	label = string(request.Application)
	if a, found := h.cfg.Applications.Application(request.Application); found {
		label, logo = a.Label, web.LogoURL(a.LogoDigest())
	}
	if u, err := url.Parse(request.Params.RedirectURI); err == nil {
		host = u.Host
	}
	return label, logo, host
}
