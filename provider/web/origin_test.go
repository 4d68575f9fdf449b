package web_test

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"net/url"
	"testing"

	"github.com/einlass/einlass/provider/web"
)

// N192
func TestOnlyOurOwnPagesChangeAnything(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name   string
		method string
		header http.Header
		want   int
	}{
		{"our own page", "POST", http.Header{"Origin": {"https://sso.acme.example"}, "Sec-Fetch-Site": {"same-origin"}}, 204},
		{"a program or old browser without headers", "POST", http.Header{}, 204},
		{"another site", "POST", http.Header{"Origin": {"https://evil.example"}, "Sec-Fetch-Site": {"cross-site"}}, 403},
		{"another site in an old browser", "POST", http.Header{"Origin": {"https://evil.example"}}, 403},
		{"a sister site", "POST", http.Header{"Origin": {"https://www.acme.example"}, "Sec-Fetch-Site": {"same-site"}}, 403},
		{"no origin to tell", "POST", http.Header{"Origin": {"null"}}, 403},
		{"our host by http", "POST", http.Header{"Origin": {"http://sso.acme.example"}}, 403},
		{"two origins", "POST", http.Header{"Origin": {"https://sso.acme.example", "https://evil.example"}}, 403},
		{"another site reads", "GET", http.Header{"Origin": {"https://evil.example"}, "Sec-Fetch-Site": {"cross-site"}}, 204},
		{"another site deletes", "DELETE", http.Header{"Origin": {"https://evil.example"}}, 403},
	}
	s := newSite(t, nil)
	h := s.Wrap(s.SameOrigin(s.Handle(func(w http.ResponseWriter, _ *http.Request) error {
		return web.NoBody(w, http.StatusNoContent)
	})))
	for _, tt := range tests {
		r := httptest.NewRequest(tt.method, "https://sso.acme.example/login", nil)
		r.Header = tt.header
		if a := serve(t, h, r); a.Status != tt.want {
			t.Errorf("%s: status %d, want %d", tt.name, a.Status, tt.want)
		}
	}
}

func TestLoopbackNamesAreTheirOwnOriginAndNoOthers(t *testing.T) {
	t.Parallel()
	s := newSite(t, func(cfg *web.Config) {
		cfg.Issuer = &url.URL{Scheme: "http", Host: "localhost:8080"}
		cfg.AllowLoopback = true
	})
	h := s.Wrap(s.SameOrigin(nothing(s)))
	for _, tt := range []struct {
		host, origin string
		want         int
	}{
		{"127.0.0.1:8080", "http://127.0.0.1:8081", 403},
		{"127.0.0.1:8080", "https://127.0.0.1:8080", 403},
		{"203.0.113.9:8080", "http://203.0.113.9:8080", 403},
		{"10.0.0.1:8080", "http://10.0.0.1:8080", 403},
		{"[2001:db8::1]:8080", "http://[2001:db8::1]:8080", 403},
		{"0.0.0.0:8080", "http://0.0.0.0:8080", 403},
		{"localhost:8080", "http://localhost:8080", 204},
		{"127.0.0.1:8080", "http://127.0.0.1:8080", 204},
		{"127.1.2.3:8080", "http://127.1.2.3:8080", 204},
		{"[::1]:8080", "http://[::1]:8080", 204},
		{"[::1]", "http://[::1]", 204},
	} {
		r := httptest.NewRequest(http.MethodPost, "http://"+tt.host+"/login", nil)
		r.Header.Set("Origin", tt.origin)
		if a := serve(t, h, r); a.Status != tt.want {
			t.Errorf("%s at %s: status %d, want %d", tt.origin, tt.host, a.Status, tt.want)
		}
	}
}

// N196
func TestAFormBelongsToTheBrowserThatGotIt(t *testing.T) {
	t.Parallel()
	s := newSite(t, nil)
	w := httptest.NewRecorder()
	token := s.FormToken(w, get("/login"))
	own := w.Result().Cookies()[0]
	other := httptest.NewRecorder()
	s.Browser(other, get("/login"))

	check := func(cookie *http.Cookie, fields url.Values) error {
		r := get("/login")
		if cookie != nil {
			r.AddCookie(cookie)
		}
		return s.CheckForm(r, fields)
	}
	fields := url.Values{web.FormField: {token}}
	if err := check(own, fields); err != nil {
		t.Errorf("own form: %v", err)
	}
	for name, err := range map[string]error{
		"no cookie":     check(nil, fields),
		"other browser": check(other.Result().Cookies()[0], fields),
		"no token":      check(own, url.Values{}),
		"no secrets":    check(&http.Cookie{Name: own.Name}, url.Values{}),
	} {
		if e, ok := errors.AsType[*web.Error](err); !ok || e.Status != http.StatusForbidden {
			t.Errorf("%s: got %v, want status 403", name, err)
		}
	}
}

func TestABrowserKeepsItsSecret(t *testing.T) {
	t.Parallel()
	s := newSite(t, nil)
	w := httptest.NewRecorder()
	first := s.Browser(w, get("/"))
	r := get("/")
	r.AddCookie(w.Result().Cookies()[0])
	again := httptest.NewRecorder()
	if second := s.Browser(again, r); second != first || len(again.Result().Cookies()) != 0 {
		t.Error("the browser got another secret")
	}
}
