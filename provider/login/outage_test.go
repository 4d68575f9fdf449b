package login_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gorilla/mux"

	"github.com/einlass/einlass/keys"
	"github.com/einlass/einlass/provider/login"
	"github.com/einlass/einlass/provider/providertest"
	"github.com/einlass/einlass/provider/session"
	"github.com/einlass/einlass/provider/session/sessiontest"
	"github.com/einlass/einlass/provider/web"
	"github.com/einlass/einlass/provider/web/webtest"
	"github.com/einlass/einlass/users"
	"github.com/einlass/einlass/users/userstest"
)

var errDown = errors.New("connection refused")

// switchedStore is a session store that can be cut off.
type switchedStore struct {
	session.Store
	down atomic.Bool
}

func (s *switchedStore) Session(ctx context.Context, h keys.Secret, now time.Time) (session.Session, error) {
	if s.down.Load() {
		return session.Session{}, errDown
	}
	return s.Store.Session(ctx, h, now)
}

func (s *switchedStore) Request(ctx context.Context, id string, now time.Time) (session.AuthRequest, error) {
	if s.down.Load() {
		return session.AuthRequest{}, errDown
	}
	return s.Store.Request(ctx, id, now)
}

func (s *switchedStore) Reserve(ctx context.Context, key string, limit int, window time.Duration, now time.Time) (session.Verdict, error) {
	if s.down.Load() {
		return session.Verdict{}, errDown
	}
	return s.Store.Reserve(ctx, key, limit, window, now)
}

func TestWithoutTheSessionStoreNobodyIsSignedInOrOut(t *testing.T) {
	t.Parallel()
	store := &switchedStore{Store: sessiontest.SQLite(t)}
	b := providertest.NewOn(t, providertest.Stores{Users: userstest.SQLite(t), Sessions: store})
	browser := b.NewBrowser()
	browser.SignIn("/login", providertest.Ada, providertest.Password)
	_, logout := providertest.FormOf(t, browser.Get("/logout").Body, "form_token")
	other := b.NewBrowser()
	portalForm := filled(t, other.Get("/login").Body, providertest.Ada, providertest.Password)
	page, path := openForm(t, b, other)
	requestForm := filled(t, page.Body, providertest.Ada, providertest.Password)

	store.down.Store(true)
	for what, answer := range map[string]providertest.Response{
		"form":                browser.Get("/login"),
		"form of a request":   other.Get(path),
		"sign-in":             other.Post("/login", portalForm),
		"sign-in to Personio": other.Post("/login", requestForm),
		"sign-out":            browser.Post("/logout", logout),
		"portal":              browser.Get("/portal"),
	} {
		wantStatus(t, what, answer, http.StatusServiceUnavailable)
		if answer.Header.Get("Retry-After") == "" || len(answer.Cookies()) > 0 {
			t.Errorf("%s: want Retry-After and no cookies", what)
		}
	}
	store.down.Store(false)
	wantStatus(t, "portal afterwards", browser.Get("/portal"), http.StatusOK)
	wantStatus(t, "sign-in afterwards", other.Post("/login", requestForm), http.StatusSeeOther)
}

// forgetfulDirectory cannot write that sessions end.
type forgetfulDirectory struct {
	*users.Directory
}

func (forgetfulDirectory) RecordSessionEnds(context.Context, users.Actor, users.ID, []users.SessionEnd) error {
	return errDown
}

// One browser has one session: where the one before cannot be ended, the next does not begin.
func TestWithoutTheDirectoryNobodyTakesOverABrowser(t *testing.T) {
	t.Parallel()
	b := providertest.New(t)
	h := newServer(t, b, func(*login.Config) {})
	page, cookies := exchange(t, h, http.MethodGet, "/login", nil, nil)
	fields := page.All("form")[0].Fields()
	fields.Set("password", providertest.Password)
	fields.Set("username", providertest.Ada)
	_, adas := exchange(t, h, http.MethodPost, "/login", fields, cookies)

	fields.Set("username", providertest.Bob)
	h = newServer(t, b, func(cfg *login.Config) { cfg.Users = forgetfulDirectory{b.Directory} })
	answer, set := exchange(t, h, http.MethodPost, "/login", fields, append(cookies, adas...))
	if answer.Status != http.StatusServiceUnavailable || len(set) > 0 {
		t.Errorf("status %d with cookies %v, want 503 without", answer.Status, set)
	}
	if events := b.FlushEvents(users.EventSignedIn); len(events) != 1 {
		t.Errorf("%d sign-ins in the log, want Ada's", len(events))
	}
	if sessions, err := b.Sessions.Of(t.Context(), b.User(providertest.Ada).ID); err != nil || len(sessions) != 1 {
		t.Errorf("Ada has %d sessions (%v), want the one", len(sessions), err)
	}
}

// busyDirectory has no time to check passwords.
type busyDirectory struct {
	*users.Directory
}

func (busyDirectory) Authenticate(context.Context, string, keys.Secret) (users.User, error) {
	return users.User{}, users.ErrBusy
}

// newServer serves the pages on the stores of b, by https, with a
// configuration of its own.
func newServer(t *testing.T, b *providertest.Bench, change func(*login.Config)) http.Handler {
	t.Helper()
	site, err := web.New(web.Config{Issuer: &url.URL{Scheme: "https", Host: "sso.acme.example"}})
	if err != nil {
		t.Fatal(err)
	}
	cfg := login.Config{
		Users: b.Directory, Sessions: b.Sessions, Site: site, Applications: b.Registry,
		Finish: func(http.ResponseWriter, *http.Request, session.AuthRequest, session.Session) error { return nil },
	}
	change(&cfg)
	h, err := login.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	router := mux.NewRouter()
	for _, route := range h.Routes() {
		router.Handle(route.Path, site.Handle(route.Handler)).Methods(route.Methods...)
	}
	return site.Wrap(router)
}

// exchange sends a request with cookies and returns the answer and its cookies.
func exchange(t *testing.T, h http.Handler, method, path string, fields url.Values, cookies []*http.Cookie) (webtest.Answer, []*http.Cookie) {
	t.Helper()
	r := httptest.NewRequest(method, "https://sso.acme.example"+path, strings.NewReader(fields.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	for _, c := range cookies {
		r.AddCookie(c)
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return webtest.ReadAnswer(t, w.Result()), w.Result().Cookies()
}

// N168
func TestTooManyPasswordsAtOnceAreTurnedAway(t *testing.T) {
	t.Parallel()
	b := providertest.New(t)
	h := newServer(t, b, func(cfg *login.Config) { cfg.Users = busyDirectory{b.Directory} })
	page, cookies := exchange(t, h, http.MethodGet, "/login", nil, nil)
	fields := page.All("form")[0].Fields()
	fields.Set("username", providertest.Ada)
	fields.Set("password", providertest.Password)
	for range 11 { // being busy is not the person's failure
		answer, _ := exchange(t, h, http.MethodPost, "/login", fields, cookies)
		if answer.Status != http.StatusServiceUnavailable || answer.Header.Get("Retry-After") == "" {
			t.Fatalf("status %d, want 503 with Retry-After", answer.Status)
		}
	}
}

// F-05
func TestSignOutGoesWhereTheApplicationMaySendPeople(t *testing.T) {
	t.Parallel()
	b := providertest.New(t)
	const target = "https://personio.example/bye"
	h := newServer(t, b, func(cfg *login.Config) {
		cfg.LogoutTarget = func(params url.Values) (string, []string, error) {
			switch params.Get("post_logout_redirect_uri") {
			case "":
				return "", nil, nil
			case target:
				return target + "?state=" + params.Get("state"), []string{"https://personio.example/", "https://acme.app.personio.example/"}, nil
			}
			return "", nil, &web.Error{Status: http.StatusBadRequest, SignOut: true}
		}
	})
	query := url.Values{"client_id": {"personio"}, "post_logout_redirect_uri": {target}, "state": {"s"}, "other": {"x"}}
	page, cookies := exchange(t, h, http.MethodGet, "/logout?"+query.Encode(), nil, nil)
	if policy := page.Header.Get("Content-Security-Policy"); !strings.Contains(policy, "form-action 'self' https://personio.example https://acme.app.personio.example;") {
		t.Errorf("policy %q does not let the form end at the application", policy)
	}
	fields := page.ByID("logout-form").Fields()
	answer, _ := exchange(t, h, http.MethodPost, "/logout", fields, cookies)
	if got := answer.Header.Get("Location"); answer.Status != http.StatusSeeOther || got != target+"?state=s" {
		t.Errorf("status %d to %q, want the application", answer.Status, got)
	}
	if got := answer.Header.Get("Clear-Site-Data"); got != `"cache", "storage"` {
		t.Errorf("Clear-Site-Data %q", got)
	}

	fields.Set("post_logout_redirect_uri", "https://evil.example/")
	answer, _ = exchange(t, h, http.MethodPost, "/logout", fields, cookies)
	if answer.Status != http.StatusBadRequest || answer.Header.Get("Location") != "" {
		t.Errorf("status %d to %q, want an error", answer.Status, answer.Header.Get("Location"))
	}
	answer, _ = exchange(t, h, http.MethodGet, "/logout?post_logout_redirect_uri=https://evil.example/", nil, nil)
	if answer.Status != http.StatusBadRequest {
		t.Errorf("confirmation: status %d, want 400", answer.Status)
	}
}

// N141
func TestCookiesOfASignInAreStrict(t *testing.T) {
	t.Parallel()
	b := providertest.New(t)
	h := newServer(t, b, func(*login.Config) {})
	page, cookies := exchange(t, h, http.MethodGet, "/login", nil, nil)
	fields := page.All("form")[0].Fields()
	fields.Set("username", providertest.Ada)
	fields.Set("password", providertest.Password)
	answer, set := exchange(t, h, http.MethodPost, "/login", fields, cookies)
	if answer.Status != http.StatusSeeOther || len(set) != 2 {
		t.Fatalf("status %d with %d cookies, want 303 with session and device", answer.Status, len(set))
	}
	for _, c := range append(set, cookies...) {
		if !strings.HasPrefix(c.Name, "__Host-einlass-") || !c.Secure || !c.HttpOnly || c.SameSite != http.SameSiteLaxMode || c.Path != "/" || c.Domain != "" {
			t.Errorf("cookie %v is not bound to the host", c)
		}
	}
}
