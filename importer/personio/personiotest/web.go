package personiotest

import (
	"bytes"
	"crypto/rand"
	"embed"
	"errors"
	"html/template"
	"log/slog"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"
)

//go:embed pages
var pages embed.FS

const (
	sessionCookie = "acmehr_session"
	browserCookie = "acmehr_browser"

	attemptLife = 15 * time.Minute
	sessionLife = 12 * time.Hour
	maxAttempts = 10_000 // waiting at once
	maxListed   = 50     // people on a page
)

// webApp is the part of Personio that people see.
type webApp struct {
	company   *Company
	cfg       Config
	templates *template.Template

	mu       sync.Mutex // guards what follows
	rp       *RelyingParty
	attempts map[string]attempt // by state
	sessions map[string]session // by cookie value
}

// session is a browser that is signed in.
type session struct {
	employee int64
	claim    string // as the identity provider wrote it
	started  time.Time
}

func newWebApp(company *Company, cfg Config) *webApp {
	return &webApp{
		company:   company,
		cfg:       cfg,
		templates: template.Must(template.ParseFS(pages, "pages/*.html")), // a broken build otherwise
		attempts:  map[string]attempt{},
		sessions:  map[string]session{},
	}
}

// appHandler answers a browser. A refusal becomes a page that says why.
type appHandler func(w http.ResponseWriter, r *http.Request) error

// handler is the route table of the web app.
func (a *webApp) handler() http.Handler {
	mux := http.NewServeMux()
	ordinary := RelyingParty.callback
	mobile := func(RelyingParty) string { return callbackMobile }
	mux.Handle("GET /{$}", a.handle(a.start))
	for _, spelling := range []string{"GET /oauth/authorise", "GET /oauth/authorize"} {
		mux.Handle(spelling, a.handle(a.begin(ordinary)))
	}
	mux.Handle("GET /providers/oauth/authorise", a.handle(a.begin(mobile)))
	mux.Handle("GET /settings/authentication", a.handle(a.settings))
	mux.Handle("GET /settings/authentication/test", a.handle(a.beginTest))
	for _, path := range []string{callbackLegacy, callbackOIDC, callbackMobile} {
		mux.Handle("GET "+path, a.handle(a.callback))
	}
	mux.Handle("POST /logout", a.handle(a.logout))
	mux.Handle("GET /people", a.handle(a.people))
	mux.Handle("POST /people/{id}", a.handle(a.changeStatus))
	mux.Handle("GET /style.css", http.HandlerFunc(stylesheet))
	mux.Handle("/", a.handle(func(http.ResponseWriter, *http.Request) error {
		return &refusal{status: http.StatusNotFound, check: "path", text: "There is no such page."}
	}))
	return http.NewCrossOriginProtection().Handler(mux)
}

// handle sets the headers of every page and renders refusals.
func (a *webApp) handle(h appHandler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		header := w.Header()
		header.Set("Content-Security-Policy", "default-src 'none'; style-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'")
		header.Set("X-Content-Type-Options", "nosniff")
		header.Set("Referrer-Policy", "same-origin")
		header.Set("Cache-Control", "no-store")
		r.Body = http.MaxBytesReader(w, r.Body, maxBody)
		err := h(w, r)
		if err == nil {
			return
		}
		refused, ok := errors.AsType[*refusal](err)
		if !ok {
			refused = &refusal{status: http.StatusInternalServerError, check: "internal", text: "The simulation has failed."}
		}
		a.cfg.Logger.InfoContext(r.Context(), "refused", slog.String("path", r.URL.Path), slog.Any("error", err))
		a.render(w, refused.status, "error.html", errorPage{a.company.Name, refused.check, refused.text})
	})
}

type errorPage struct{ Company, Check, Text string }

type startPage struct {
	Company   string
	Connected bool
	SignedIn  bool
	Claim     string
	Employee  Employee
}

type settingsPage struct {
	Company      string
	RelyingParty RelyingParty
	Scopes       string
	Callbacks    []string
}

type testedPage struct{ Company, Claim string }

type peoplePage struct {
	Company  string
	Search   string
	People   []Employee
	More     int
	Statuses []Status
}

func (a *webApp) render(w http.ResponseWriter, status int, name string, data any) {
	var page bytes.Buffer
	if err := a.templates.ExecuteTemplate(&page, name, data); err != nil {
		http.Error(w, "The simulation has failed.", http.StatusInternalServerError)
		a.cfg.Logger.Error("render", slog.String("page", name), slog.Any("error", err))
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(status)
	_, _ = w.Write(page.Bytes()) // the browser has gone
}

// start is the front door: who is signed in, or a button.
func (a *webApp) start(w http.ResponseWriter, r *http.Request) error {
	_, err := a.relyingParty()
	data := startPage{Company: a.company.Name, Connected: err == nil}
	if s, ok := a.session(r); ok {
		data.Employee, data.SignedIn = a.company.byID(s.employee)
		data.Claim = s.claim
	}
	a.render(w, http.StatusOK, "start.html", data)
	return nil
}

// settings is the form that an administrator has filled in, without the secret.
func (a *webApp) settings(w http.ResponseWriter, _ *http.Request) error {
	rp, err := a.relyingParty()
	if err != nil {
		return err
	}
	a.render(w, http.StatusOK, "settings.html", settingsPage{a.company.Name, rp, strings.Join(rp.Scopes, ","), rp.RedirectURIs()})
	return nil
}

// people is what HR sees: a list to search in, with the status of each person.
func (a *webApp) people(w http.ResponseWriter, r *http.Request) error {
	search := strings.TrimSpace(r.URL.Query().Get("search"))
	data := peoplePage{Company: a.company.Name, Search: search, Statuses: []Status{Onboarding, Active, Leave, Inactive}}
	for _, e := range a.company.People() {
		if !strings.Contains(strings.ToLower(e.Name()+" "+string(e.Email)), strings.ToLower(search)) {
			continue
		}
		if len(data.People) == maxListed {
			data.More++
			continue
		}
		data.People = append(data.People, e)
	}
	a.render(w, http.StatusOK, "people.html", data)
	return nil
}

// changeStatus is HR's one deed that access hangs on.
func (a *webApp) changeStatus(w http.ResponseWriter, r *http.Request) error {
	id, err := strconv.ParseInt(r.PathValue("id"), 10, 64)
	if err != nil {
		return &refusal{status: http.StatusNotFound, check: "person", text: "There is no such person.", cause: err}
	}
	status := Status(r.PostFormValue("status"))
	if status != Onboarding && status != Active && status != Leave && status != Inactive {
		return &refusal{status: http.StatusBadRequest, check: "status", text: "There is no such status."}
	}
	if err := a.company.Update(id, func(e *Employee) { e.Status = status }); err != nil {
		return &refusal{status: http.StatusNotFound, check: "person", text: "There is no such person.", cause: err}
	}
	employee, _ := a.company.byID(id)
	back := "/people?search=" + template.URLQueryEscaper(string(employee.Email))
	http.Redirect(w, r, back, http.StatusSeeOther)
	return nil
}

func stylesheet(w http.ResponseWriter, r *http.Request) {
	http.ServeFileFS(w, r, pages, "pages/style.css")
}

func (a *webApp) connect(rp RelyingParty) error {
	rp = rp.withDefaults()
	if err := rp.validate(); err != nil {
		return err
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.rp = &rp
	return nil
}

func (a *webApp) relyingParty() (RelyingParty, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.rp == nil {
		return RelyingParty{}, &refusal{status: http.StatusNotFound, check: "setup", text: "No identity provider is set up here."}
	}
	return *a.rp, nil
}

// browser returns the value of the cookie that binds attempts to a browser.
func (a *webApp) browser(w http.ResponseWriter, r *http.Request) string {
	if cookie, err := r.Cookie(browserCookie); err == nil && cookie.Value != "" {
		return cookie.Value
	}
	value := rand.Text()
	a.setCookie(w, browserCookie, value, 0)
	return value
}

func (a *webApp) setCookie(w http.ResponseWriter, name, value string, maxAge int) {
	rp, err := a.relyingParty()
	http.SetCookie(w, &http.Cookie{
		Name: name, Value: value, Path: "/", MaxAge: maxAge, HttpOnly: true, SameSite: http.SameSiteLaxMode,
		Secure: err == nil && strings.HasPrefix(rp.BaseURL, "https://"),
	})
}

// remember keeps an attempt and returns its state parameter.
func (a *webApp) remember(at attempt) string {
	state := rand.Text()
	a.mu.Lock()
	defer a.mu.Unlock()
	if len(a.attempts) >= maxAttempts {
		clear(a.attempts) // a simulation need not be fair to a flood
	}
	a.attempts[state] = at
	return state
}

// recall returns an attempt once.
func (a *webApp) recall(state string) (attempt, bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	at, ok := a.attempts[state]
	delete(a.attempts, state)
	return at, ok && a.cfg.Now().Sub(at.started) < attemptLife
}

func (a *webApp) signIn(w http.ResponseWriter, employee int64, claim string) {
	value := rand.Text()
	a.setCookie(w, sessionCookie, value, 0)
	a.mu.Lock()
	defer a.mu.Unlock()
	if len(a.sessions) >= maxAttempts {
		clear(a.sessions)
	}
	a.sessions[value] = session{employee: employee, claim: claim, started: a.cfg.Now()}
}

func (a *webApp) session(r *http.Request) (session, bool) {
	cookie, err := r.Cookie(sessionCookie)
	if err != nil {
		return session{}, false
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	s, ok := a.sessions[cookie.Value]
	return s, ok && a.cfg.Now().Sub(s.started) < sessionLife
}

func (a *webApp) logout(w http.ResponseWriter, r *http.Request) error {
	if cookie, err := r.Cookie(sessionCookie); err == nil {
		a.mu.Lock()
		delete(a.sessions, cookie.Value)
		a.mu.Unlock()
	}
	a.setCookie(w, sessionCookie, "", -1)
	http.Redirect(w, r, "/", http.StatusSeeOther)
	return nil
}
