// Package admin is the console.
//
//	GET  /admin                            leads to the imports
//	GET  /admin/imports                    how imports stand, and all of them so far
//	POST /admin/imports                    starts one, or a preview
//	GET  /admin/imports/{run}              figures, and whom it concerns and why; while it is under way, how far it is
//	GET  /admin/imports/{run}/progress     the same as a stream of events
//	POST /admin/imports/{run}/approval     has a plan applied exactly
//	POST /admin/imports/{run}/selection    imports chosen people of those who are new
//	POST /admin/imports/{run}/group        puts the people whom it created into a group
//	GET  /admin/imports/{run}/result.csv   the same to be saved, ?separator=semicolon for spreadsheets
//	GET  /admin/imports/{run}/result.json  the same for programs
//	GET  /admin/applications               to which people sign in here
//	GET  /admin/applications/{id}          what to type there, and whether the sign-in can be made mandatory
//	GET  /admin/applications/{id}/log      calls while somebody watches, and whether the sign-in works
//	POST /admin/applications/{id}/log      begins and ends watching, for all who may look
//
// Who may see it follows from the role alone: owner, administrator, auditor; only the
// first two change anything. Pages stand in one frame, see frame.go: a page is a
// template that defines "title" and "main", and a handler behind seer that calls
// render. What changes something is a form that posts to a handler behind changer.
package admin

import (
	"context"
	"embed"
	"errors"
	"net/http"
	"net/url"
	"time"

	"github.com/einlass/einlass/importer"
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
	ImportState(ctx context.Context, connection users.ApplicationID) (users.ImportState, error)
	AddMembers(ctx context.Context, actor users.Actor, group users.GroupID, ids []users.ID) (added int, err error)
	Watch(ctx context.Context, actor users.Actor, application users.ApplicationID, holder string, life time.Duration) (users.Watch, error)
	EndWatch(ctx context.Context, w users.Watch) error
	Readiness(ctx context.Context, a users.Application, issuer string, zone *time.Location) (users.Readiness, error)
}

// imports starts what an administrator asks for; importer.Engine does.
type imports interface {
	Start(ctx context.Context, req importer.Request) (users.Run, error)
	StartApproval(ctx context.Context, id users.RunID, actor users.Actor) (users.Run, error)
}

// Config is what a Handler needs. Zone and Now are optional.
type Config struct {
	Users    directory
	Imports  imports
	Sessions *session.Manager
	Site     *web.Site
	Links    *Links
	Issuer   string                           // exactly as configured
	Form     func(s users.SignIn) []FormValue // what an application's own form asks for
	Zone     *time.Location                   // of the organization; nil means UTC
	Now      func() time.Time                 // nil means time.Now
}

// Handler serves the console.
type Handler struct {
	cfg         Config
	importsPage *web.Page
	resultPage  *web.Page
	refusalPage *web.Page
	linkPage    *web.Page
	callsPage   *web.Page

	applicationsPage *web.Page
	applicationPage  *web.Page
}

// New returns the console.
func New(cfg Config) (*Handler, error) {
	if cfg.Users == nil || cfg.Imports == nil || cfg.Sessions == nil || cfg.Site == nil || cfg.Links == nil || cfg.Issuer == "" || cfg.Form == nil {
		return nil, errors.New("admin: users, imports, sessions, site, links, issuer and form are required")
	}
	if cfg.Zone == nil {
		cfg.Zone = time.UTC
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	h := &Handler{cfg: cfg}
	var err error
	for name, page := range map[string]**web.Page{
		"imports.html": &h.importsPage, "result.html": &h.resultPage, "refusal.html": &h.refusalPage, "calls.html": &h.callsPage,
		"applications.html": &h.applicationsPage, "application.html": &h.applicationPage,
	} {
		if *page, err = h.page(name); err != nil {
			return nil, err
		}
	}
	if h.linkPage, err = cfg.Site.Page(templates, "templates/link.html"); err != nil {
		return nil, err
	}
	return h, nil
}

// Paths that pages lead to.
const (
	pathImports      = "/admin/imports"
	pathApplications = "/admin/applications"
)

// Routes are the routes of this package.
func (h *Handler) Routes() []web.Route {
	get, read, post := []string{http.MethodGet}, []string{http.MethodGet, http.MethodHead}, []string{http.MethodPost}
	return []web.Route{
		{Methods: read, Path: "/admin", Handler: h.seer(h.getRoot)},
		{Methods: read, Path: pathImports, Handler: h.seer(h.getImports)},
		{Methods: post, Path: pathImports, Handler: h.changer(h.postImport)},
		{Methods: read, Path: pathImports + "/{run}", Handler: h.seer(h.getResult)},
		{Methods: get, Path: pathImports + "/{run}/progress", Handler: h.seer(h.getProgress)},
		{Methods: post, Path: pathImports + "/{run}/approval", Handler: h.changer(h.postApproval)},
		{Methods: post, Path: pathImports + "/{run}/selection", Handler: h.changer(h.postSelection)},
		{Methods: post, Path: pathImports + "/{run}/group", Handler: h.changer(h.postGroup)},
		{Methods: read, Path: pathImports + "/{run}/result.csv", Handler: h.seer(h.getCSV)},
		{Methods: read, Path: pathImports + "/{run}/result.json", Handler: h.seer(h.getJSON)},
		{Methods: read, Path: pathApplications, Handler: h.seer(h.getApplications)},
		{Methods: read, Path: pathApplications + "/{application}", Handler: h.seer(h.getApplication)},
		{Methods: read, Path: pathApplications + "/{application}/log", Handler: h.seer(h.getCalls)},
		{Methods: post, Path: pathApplications + "/{application}/log", Handler: h.seer(h.postCalls)},
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
		user, err := h.visitor(r)
		if errors.Is(err, session.ErrNotFound) {
			return signIn(w, r.URL.RequestURI())
		}
		if err != nil {
			return err
		}
		return next(w, r, user)
	}
}

// changerFunc answers a form of somebody who may change things.
type changerFunc func(w http.ResponseWriter, r *http.Request, user users.User, fields url.Values) error

// changer lets forms in of people who may change things, from pages of ours that
// this browser was given. Who is not signed in any more comes to the list of imports
// after the sign-in, and what they asked for is not done.
func (h *Handler) changer(next changerFunc) web.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) error {
		user, err := h.visitor(r)
		if errors.Is(err, session.ErrNotFound) {
			return signIn(w, pathImports)
		}
		if err != nil {
			return err
		}
		if !user.Role.Administers() {
			return &web.Error{Status: http.StatusForbidden, Key: "admin.no_change", Err: errors.New("the person's role may not change anything")}
		}
		fields, err := web.Form(w, r)
		if err != nil {
			return err
		}
		if err := h.cfg.Site.CheckForm(r, fields); err != nil {
			return err
		}
		return next(w, r, user, fields)
	}
}

// signIn leads to the sign-in form, and from there to a page of ours.
func signIn(w http.ResponseWriter, next string) error {
	q := url.Values{"next": {next}}
	return web.Redirect(w, "/login?"+q.Encode())
}

// visitor returns who is signed in, if they may see the console, or session.ErrNotFound.
func (h *Handler) visitor(r *http.Request) (users.User, error) {
	cookie := keys.Secret(h.cfg.Site.Cookies.Read(r, web.CookieSession))
	visitor, err := h.cfg.Sessions.Visit(r.Context(), cookie, h.cfg.Users.Read(), "")
	switch {
	case errors.Is(err, session.ErrNotFound):
		return users.User{}, err
	case err != nil:
		return users.User{}, web.Unavailable(err)
	case !visitor.User.Role.SeesConsole():
		return users.User{}, &web.Error{Status: http.StatusForbidden, Key: "admin.no_role", Err: errors.New("the person has no role that may see this")}
	}
	return visitor.User, nil
}
