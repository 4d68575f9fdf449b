// Package login is the sign-in conversation: the password form and signing out.
//
//	GET  /login     the form, for a pending authorization request or for the portal
//	POST /login     verifies and answers the application, or leads to the portal
//	GET  /logout    asks whether to sign out
//	POST /logout    signs out here
//	POST /logout/everywhere    signs out on all devices
//
// A pending request belongs to the browser that started it and is used once.
// The form answers every refusal alike; why it refused is in the event log and
// in the process log, under the request id.
package login

import (
	"context"
	"embed"
	"errors"
	"log/slog"
	"net/http"
	"net/url"

	"github.com/einlass/einlass/keys"
	"github.com/einlass/einlass/provider/session"
	"github.com/einlass/einlass/provider/web"
	"github.com/einlass/einlass/users"
)

//go:embed templates/*.html
var templates embed.FS

// directory is the part of the directory that signing in needs.
type directory interface {
	// Authenticate returns the active person of a login name and password,
	// users.ErrBadCredentials (as *users.SignInError) or users.ErrBusy.
	Authenticate(ctx context.Context, login string, password keys.Secret) (users.User, error)
	Read() users.Reader
	Observe(e users.Event)
	// RecordSessionEnds writes that sessions end, before they are deleted.
	RecordSessionEnds(ctx context.Context, actor users.Actor, id users.ID, ends []users.SessionEnd) error
	// EndSessions makes every session of a person dead.
	EndSessions(ctx context.Context, actor users.Actor, id users.ID) error
}

// applications says what people call the application they sign in to.
type applications interface {
	// Application returns an enabled application.
	Application(id users.ApplicationID) (users.Application, bool)
}

// Config is what a Handler needs. LogoutTarget, SessionEnded and Logger are optional.
type Config struct {
	Users    directory
	Sessions *session.Manager
	Site     *web.Site
	// Finish answers the application once the person has signed in for its request.
	Finish       func(w http.ResponseWriter, r *http.Request, req session.AuthRequest, s session.Session) error
	Applications applications
	// LogoutTarget returns where an application wants the person to be after
	// sign-out, from the parameters of /logout, which it validates; empty: nowhere. From there
	// the application may lead on to addresses beyond. Nil: sign-outs end on our own page.
	LogoutTarget func(params url.Values) (target string, beyond []string, err error)
	// SessionEnded is called after a sign-out, before it is answered: it may wait a
	// moment for the applications of the session to be told. Nil: nothing.
	SessionEnded func(ctx context.Context, s session.Session)
	Logger       *slog.Logger // nil discards
}

// Handler serves the pages of the sign-in conversation.
type Handler struct {
	cfg              Config
	loginPage        *web.Page
	confirmationPage *web.Page
}

// New returns the pages of the sign-in conversation.
func New(cfg Config) (*Handler, error) {
	if cfg.Users == nil || cfg.Sessions == nil || cfg.Site == nil || cfg.Finish == nil || cfg.Applications == nil {
		return nil, errors.New("login: users, sessions, site, finish and applications are required")
	}
	if cfg.LogoutTarget == nil {
		cfg.LogoutTarget = func(url.Values) (string, []string, error) { return "", nil, nil }
	}
	if cfg.SessionEnded == nil {
		cfg.SessionEnded = func(context.Context, session.Session) {}
	}
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	h := &Handler{cfg: cfg}
	var err error
	if h.loginPage, err = cfg.Site.Page(templates, "templates/login.html"); err != nil {
		return nil, err
	}
	if h.confirmationPage, err = cfg.Site.Page(templates, "templates/logout.html"); err != nil {
		return nil, err
	}
	return h, nil
}

// Routes are the routes of this package. The POST routes expect
// [web.Site.SameOrigin] around them.
func (h *Handler) Routes() []web.Route {
	read, write := []string{http.MethodGet, http.MethodHead}, []string{http.MethodPost}
	return []web.Route{
		{Methods: read, Path: "/login", Handler: h.getLogin},
		{Methods: write, Path: "/login", Handler: h.postLogin},
		{Methods: read, Path: "/logout", Handler: h.getLogout},
		{Methods: write, Path: "/logout", Handler: h.postLogout},
		{Methods: write, Path: "/logout/everywhere", Handler: h.postLogoutEverywhere},
	}
}

// eventPayload is what the events of the conversation say beside who and what.
type eventPayload struct {
	SID         string              `json:"sid,omitempty"`
	AMR         []string            `json:"amr,omitempty"`
	Application users.ApplicationID `json:"application,omitempty"`
	Reason      string              `json:"reason,omitempty"`
	IP          string              `json:"ip,omitempty"`
	Request     string              `json:"request_id,omitempty"`
}

// observe queues an event about subject; it never fails a request.
func (h *Handler) observe(r *http.Request, kind users.EventKind, actor users.Actor, subject string, payload eventPayload) {
	payload.IP, payload.Request = web.ClientIPText(r.Context()), web.RequestID(r.Context())
	e, err := users.NewEvent(kind, actor, subject, payload)
	if err != nil {
		h.cfg.Logger.ErrorContext(r.Context(), "event not built", "request_id", payload.Request, "error", err)
		return
	}
	h.cfg.Users.Observe(e)
}
