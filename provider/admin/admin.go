// Package admin is the console.
//
//	GET /admin                            leads to the imports
//	GET /admin/imports/{run}              figures, and whom it concerns and why
//	GET /admin/imports/{run}/result.csv   the same to be saved, ?separator=semicolon for spreadsheets
//	GET /admin/imports/{run}/result.json  the same for programs
//
// Who may see it follows from the role alone: owner, administrator, auditor. Pages
// stand in one frame, see frame.go: a page is a template that defines "title" and "main", and a
// handler behind seer that calls render.
package admin

import (
	"embed"
	"errors"
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

// directory is the part of the directory that the console needs.
type directory interface {
	Read() users.Reader
}

// Config is what a Handler needs. Zone and Now are optional.
type Config struct {
	Users    directory
	Sessions *session.Manager
	Site     *web.Site
	Links    *Links
	Zone     *time.Location   // of the organization; nil means UTC
	Now      func() time.Time // nil means time.Now
}

// Handler serves the console.
type Handler struct {
	cfg        Config
	resultPage *web.Page
	linkPage   *web.Page
}

// New returns the console.
func New(cfg Config) (*Handler, error) {
	if cfg.Users == nil || cfg.Sessions == nil || cfg.Site == nil || cfg.Links == nil {
		return nil, errors.New("admin: users, sessions, site and links are required")
	}
	if cfg.Zone == nil {
		cfg.Zone = time.UTC
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	h := &Handler{cfg: cfg}
	var err error
	if h.resultPage, err = h.page("result.html"); err != nil {
		return nil, err
	}
	if h.linkPage, err = cfg.Site.Page(templates, "templates/link.html"); err != nil {
		return nil, err
	}
	return h, nil
}

// Paths that pages lead to.
const (
	pathImports = "/admin/imports"
)

// Routes are the routes of this package.
func (h *Handler) Routes() []web.Route {
	read := []string{http.MethodGet, http.MethodHead}
	return []web.Route{
		{Methods: read, Path: "/admin", Handler: h.seer(h.getRoot)},
		{Methods: read, Path: "/admin/imports/{run}", Handler: h.seer(h.getResult)},
		{Methods: read, Path: "/admin/imports/{run}/result.csv", Handler: h.seer(h.getCSV)},
		{Methods: read, Path: "/admin/imports/{run}/result.json", Handler: h.seer(h.getJSON)},
	}
}

func (h *Handler) getRoot(w http.ResponseWriter, _ *http.Request, _ users.User) error {
	return web.Redirect(w, pathImports)
}

// seerFunc answers a request of somebody who may look at everything.
type seerFunc func(w http.ResponseWriter, r *http.Request, user users.User) error

// seer lets people in who may look at everything. Who is not signed in comes
// back after the sign-in.
func (h *Handler) seer(next seerFunc) web.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) error {
		cookie := keys.Secret(h.cfg.Site.Cookies.Read(r, web.CookieSession))
		user, _, err := h.cfg.Sessions.Visit(r.Context(), cookie, h.cfg.Users.Read(), "")
		if errors.Is(err, session.ErrNotFound) {
			q := url.Values{"next": {r.URL.RequestURI()}}
			return web.Redirect(w, "/login?"+q.Encode())
		}
		if err != nil {
			return web.Unavailable(err)
		}
		if !user.Role.SeesConsole() {
			return &web.Error{Status: http.StatusForbidden, Key: "admin.no_role", Err: errors.New("the person has no role that may see this")}
		}
		return next(w, r, user)
	}
}
