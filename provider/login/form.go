package login

import (
	"errors"
	"net/http"
	"net/url"
	"path"
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
)

// pathPortal is where a sign-in for nothing else leads.
const pathPortal = "/portal"

// maxNextBytes bounds the address of a page that asked for a sign-in.
const maxNextBytes = 2048

// afterSignIn returns where a sign-in leads that no application asked for: to
// the page of the console that did, else to the portal. Only the console's
// addresses are taken: they change nothing, whoever made the link.
func afterSignIn(next string) string {
	u, err := url.Parse(next)
	if err != nil || len(next) > maxNextBytes || u.Scheme != "" || u.Host != "" || u.User != nil ||
		path.Clean(u.Path) != u.Path || !strings.HasPrefix(u.Path, "/admin/") {
		return pathPortal
	}
	return (&url.URL{Path: u.Path, RawQuery: u.RawQuery}).String()
}

// maxHintBytes bounds what an application may fill into the form.
const maxHintBytes = 320

// form is the sign-in form as it is shown.
type form struct {
	request  *session.AuthRequest // nil: signing in to our own pages
	next     string               // where to, without a request
	username string
	refusal  string // translation key; empty: shown for the first time
	status   int
}

// formData is what the template sees of a form.
type formData struct {
	Request     string
	Next        string // empty: the portal
	Token       string
	Application string // label; empty: the portal
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
	next := afterSignIn(r.URL.Query().Get(fieldNext))
	if request == nil {
		signedIn, err := h.isSignedIn(r)
		if err != nil {
			return err
		}
		if signedIn {
			return web.Redirect(w, next)
		}
	}
	f := form{request: request, next: next, status: http.StatusOK}
	if request != nil && len(request.Params.LoginHint) <= maxHintBytes {
		f.username = request.Params.LoginHint
	}
	return h.show(w, r, f)
}

func (h *Handler) isSignedIn(r *http.Request) (bool, error) {
	_, _, err := h.cfg.Sessions.Live(r.Context(), h.sessionCookie(r), h.cfg.Users.Read(), "")
	if errors.Is(err, session.ErrNotFound) {
		return false, nil
	}
	if err != nil {
		return false, web.Unavailable(err)
	}
	return true, nil
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
		data.Application, data.Host = h.destination(*f.request)
		v.Locales = f.request.Params.UILocales
		v.Here += "?" + url.Values{fieldRequest: {f.request.ID}}.Encode()
	} else if f.next != pathPortal {
		data.Next = f.next
		v.Here += "?" + url.Values{fieldNext: {f.next}}.Encode()
	}
	return h.loginPage.Render(w, r, f.status, v, data)
}

// formTargets are the origins where a browser comes by that follows the form to the application.
func (h *Handler) formTargets(request session.AuthRequest) ([]string, error) {
	a, _ := h.cfg.Applications.Application(request.Application) // of one that is gone nothing is known beyond
	return web.FormTargets(request.Params.RedirectURI, a.Beyond()...)
}

// destination says where a sign-in leads: the label people know, and the host
// that will get the answer, so that they can tell a look-alike.
func (h *Handler) destination(request session.AuthRequest) (label, host string) {
	label = string(request.Application)
	if a, found := h.cfg.Applications.Application(request.Application); found {
		label = a.Label
	}
	if u, err := url.Parse(request.Params.RedirectURI); err == nil {
		host = u.Host
	}
	return label, host
}
