// Package portal shows a person their applications and launches them, and where
// they are signed in.
//
//	GET  /                             leads to the portal
//	GET  /portal                       greeting and tiles
//	GET  /portal/launch/{application}  checks access and opens the application
//	GET  /account                      leads to the sessions
//	GET  /account/sessions             where the person is signed in, and what goes on while they are away
//	POST /account/sessions/{session}   ends one of them
//	POST /account/sessions/others      ends all but this one
//	POST /account/access/{family}      ends what an application can use while they are away
//
// People see and end what is theirs alone; whatever else is asked for does not exist.
package portal

import (
	"context"
	"embed"
	"errors"
	"log/slog"
	"net/http"
	"net/url"
	"time"

	"github.com/einlass/einlass/keys"
	"github.com/einlass/einlass/provider/session"
	"github.com/einlass/einlass/provider/web"
	"github.com/einlass/einlass/users"
)

//go:embed templates/*.html
var templates embed.FS

// directory is the part of the directory that the portal needs.
type directory interface {
	Read() users.Reader
	Observe(e users.Event)
	// RecordSessionEnds writes that sessions end, before they are deleted.
	RecordSessionEnds(ctx context.Context, actor users.Actor, id users.ID, ends []users.SessionEnd) error
	// RecordGrantEnd writes that an access ends, before it is revoked.
	RecordGrantEnd(ctx context.Context, actor users.Actor, id users.ID, end users.GrantEnd) error
}

// applications knows what can be launched.
type applications interface {
	// Application returns an enabled application.
	Application(id users.ApplicationID) (users.Application, bool)
}

// Config is what a Handler needs. Zone, Now and Logger are optional.
type Config struct {
	Users        directory
	Sessions     *session.Manager
	Site         *web.Site
	Applications applications
	Zone         *time.Location   // of the organization; nil means UTC
	Now          func() time.Time // nil means time.Now
	Logger       *slog.Logger     // nil discards
}

// Handler serves the portal.
type Handler struct {
	cfg          Config
	page         *web.Page
	sessionsPage *web.Page
}

// New returns the portal.
func New(cfg Config) (*Handler, error) {
	if cfg.Users == nil || cfg.Sessions == nil || cfg.Site == nil || cfg.Applications == nil {
		return nil, errors.New("portal: users, sessions, site and applications are required")
	}
	if cfg.Zone == nil {
		cfg.Zone = time.UTC
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	h := &Handler{cfg: cfg}
	var err error
	if h.page, err = cfg.Site.Page(templates, "templates/topbar.html", "templates/portal.html"); err != nil {
		return nil, err
	}
	if h.sessionsPage, err = cfg.Site.Page(templates, "templates/topbar.html", "templates/sessions.html"); err != nil {
		return nil, err
	}
	return h, nil
}

// Routes are the routes of this package.
func (h *Handler) Routes() []web.Route {
	read, post := []string{http.MethodGet, http.MethodHead}, []string{http.MethodPost}
	return []web.Route{
		{Methods: read, Path: "/", Handler: h.getRoot},
		{Methods: read, Path: "/portal", Handler: h.getPortal},
		{Methods: read, Path: "/portal/launch/{application}", Handler: h.getLaunch},
		{Methods: read, Path: "/account", Handler: h.getAccount},
		{Methods: read, Path: pathSessions, Handler: h.getSessions},
		{Methods: post, Path: pathOthers, Handler: h.ender(h.endOthers)},
		{Methods: post, Path: pathSessions + "/{session}", Handler: h.ender(h.endSession)},
		{Methods: post, Path: pathAccess + "/{family}", Handler: h.ender(h.endAccess)},
	}
}

func (h *Handler) getRoot(w http.ResponseWriter, _ *http.Request) error {
	return web.Redirect(w, "/portal")
}

func (h *Handler) getAccount(w http.ResponseWriter, _ *http.Request) error {
	return web.Redirect(w, pathSessions)
}

// topbar is what every page of this package shows above its own data.
type topbar struct {
	Console    bool // the person may see the console
	OnSessions bool // this is the page of their sessions
}

// visit returns who is signed in, with what the directory decides about
// application (empty: none), or session.ErrNotFound.
func (h *Handler) visit(r *http.Request, application users.ApplicationID) (session.Visitor, error) {
	cookie := keys.Secret(h.cfg.Site.Cookies.Read(r, web.CookieSession))
	return h.cfg.Sessions.Visit(r.Context(), cookie, h.cfg.Users.Read(), application)
}

// signIn answers a request that visit refused: with the sign-in form, or, when a
// store did not answer, with an error.
func signIn(w http.ResponseWriter, err error) error {
	if errors.Is(err, session.ErrNotFound) {
		return web.Redirect(w, "/login")
	}
	return web.Unavailable(err)
}

// signInAt is signIn that comes back to a page of ours.
func signInAt(w http.ResponseWriter, err error, next string) error {
	if errors.Is(err, session.ErrNotFound) {
		return web.Redirect(w, "/login?"+url.Values{"next": {next}}.Encode())
	}
	return web.Unavailable(err)
}

// eventPayload is what the portal's events say beside who and what.
type eventPayload struct {
	Application users.ApplicationID `json:"application"`
	Reason      string              `json:"reason,omitempty"`
	IP          string              `json:"ip,omitempty"`
	Request     string              `json:"request_id,omitempty"`
}

// observe queues an event of user; it never fails a request.
func (h *Handler) observe(ctx context.Context, kind users.EventKind, user users.ID, payload eventPayload) {
	payload.IP, payload.Request = web.ClientIPText(ctx), web.RequestID(ctx)
	e, err := users.NewEvent(kind, users.ActorUser(user), string(user), payload)
	if err != nil {
		h.cfg.Logger.ErrorContext(ctx, "event not built", "request_id", payload.Request, "error", err)
		return
	}
	h.cfg.Users.Observe(e)
}
