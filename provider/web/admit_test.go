package web_test

import (
	"bytes"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"strings"
	"testing"

	"github.com/einlass/einlass/provider/web"
)

// nothing answers everything with 204.
func nothing(s *web.Site) http.Handler {
	return s.Wrap(s.Handle(func(w http.ResponseWriter, _ *http.Request) error {
		return web.NoBody(w, http.StatusNoContent)
	}))
}

func TestHeadersBeyondTheLimitAreRefused(t *testing.T) {
	t.Parallel()
	h := nothing(newSite(t, nil))
	many := get("/")
	for i := range web.MaxHeaderFields + 1 {
		many.Header.Add("X-Field", fmt.Sprint(i))
	}
	large := get("/")
	large.Header.Set("X-Large", strings.Repeat("x", web.MaxHeaderBytes))
	for name, r := range map[string]*http.Request{"many": many, "large": large} {
		if a := serve(t, h, r); a.Status != http.StatusRequestHeaderFieldsTooLarge || a.Header.Get("X-Request-Id") == "" {
			t.Errorf("%s: status %d, want 431 with a request id", name, a.Status)
		}
	}
	enough := get("/")
	for i := range web.MaxHeaderFields {
		enough.Header.Add("X-Field", fmt.Sprint(i))
	}
	if a := serve(t, h, enough); a.Status != http.StatusNoContent {
		t.Errorf("as many as allowed: status %d, want 204", a.Status)
	}
}

// N032
func TestNoOtherNameThanTheIssuersIsAnswered(t *testing.T) {
	t.Parallel()
	for host, want := range map[string]int{
		"sso.acme.example":              http.StatusNoContent,
		"SSO.ACME.example":              http.StatusNoContent,
		"sso.acme.example:8443":         http.StatusNoContent, // a proxy's port
		"127.0.0.1:8080":                http.StatusNoContent, // a probe
		"[2001:db8::1]:8080":            http.StatusNoContent,
		"localhost":                     http.StatusNoContent,
		"":                              http.StatusMisdirectedRequest,
		"evil.example":                  http.StatusMisdirectedRequest,
		"evil.example:443":              http.StatusMisdirectedRequest,
		"sso.acme.example.evil.example": http.StatusMisdirectedRequest,
		"acme.example":                  http.StatusMisdirectedRequest,
		"localhost.evil.example":        http.StatusMisdirectedRequest,
		"127.0.0.1.evil.example":        http.StatusMisdirectedRequest,
	} {
		s := newSite(t, func(cfg *web.Config) { cfg.Issuer, _ = url.Parse("https://sso.acme.example") })
		r := get("/")
		r.Host = host
		if a := serve(t, nothing(s), r); a.Status != want {
			t.Errorf("Host %q: status %d, want %d", host, a.Status, want)
		}
	}
}

func TestAPathHasOneSpelling(t *testing.T) {
	t.Parallel()
	h := nothing(newSite(t, nil))
	for _, path := range []string{"//authorize", "/x/../authorize", "/./authorize", "/authorize%2f", "/%61uthorize", "/a//b", "/authorize/..", "/a%5cb"} {
		if a := serve(t, h, get(path)); a.Status != http.StatusNotFound {
			t.Errorf("%s: status %d, want 404", path, a.Status)
		}
	}
	for _, path := range []string{"/", "/authorize?x=%2f//", "/portal/launch/wiki", "/.well-known/openid-configuration", "/static/"} {
		if a := serve(t, h, get(path)); a.Status != http.StatusNoContent {
			t.Errorf("%s: status %d, want 204", path, a.Status)
		}
	}
}

func TestTheClientIsWhoTrustedProxiesSay(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, peer string
		forwarded  []string
		want       string
	}{
		{"no proxy", "203.0.113.9:4711", nil, "203.0.113.9"},
		{"a client that pretends", "203.0.113.9:4711", []string{"198.51.100.1"}, "203.0.113.9"},
		{"behind one proxy", "10.0.0.1:4711", []string{"198.51.100.1"}, "198.51.100.1"},
		{"what the client wrote first is not believed", "10.0.0.1:4711", []string{"192.0.2.1, 198.51.100.1"}, "198.51.100.1"},
		{"behind two proxies", "10.0.0.1:4711", []string{"192.0.2.1, 198.51.100.1, 10.0.0.2"}, "198.51.100.1"},
		{"two fields are one list", "10.0.0.1:4711", []string{"192.0.2.1", "198.51.100.1"}, "198.51.100.1"},
		{"nothing but proxies", "10.0.0.1:4711", []string{"10.0.0.3, 10.0.0.2"}, "10.0.0.3"},
		{"garbage ends the search", "10.0.0.1:4711", []string{"198.51.100.1, x"}, "10.0.0.1"},
		{"an address with a port", "10.0.0.1:4711", []string{"203.0.113.9:51234"}, "203.0.113.9"},
		{"IPv6", "10.0.0.1:4711", []string{"2001:db8::9"}, "2001:db8::9"},
		{"IPv6 with a port", "10.0.0.1:4711", []string{"[2001:db8::9]:51234"}, "2001:db8::9"},
		{"IPv6 in brackets", "10.0.0.1:4711", []string{"[2001:db8::9]"}, "2001:db8::9"},
		{"two proxies with ports", "10.0.0.1:4711", []string{"192.0.2.1:1, 198.51.100.1:2, 10.0.0.2:3"}, "198.51.100.1"},
		{"a client that pretends, with a port", "203.0.113.9:4711", []string{"198.51.100.1:1"}, "203.0.113.9"},
		{"a port that is none", "10.0.0.1:4711", []string{"198.51.100.1:70000"}, "10.0.0.1"},
		{"a host name with a port", "10.0.0.1:4711", []string{"localhost:80"}, "10.0.0.1"},
		{"half a bracket", "10.0.0.1:4711", []string{"[2001:db8::9"}, "10.0.0.1"},
		{"the other half", "10.0.0.1:4711", []string{"2001:db8::9]"}, "10.0.0.1"},
		{"IPv4 in brackets", "10.0.0.1:4711", []string{"[198.51.100.1]"}, "10.0.0.1"},
		{"an empty entry ends the search", "10.0.0.1:4711", []string{"198.51.100.1,"}, "10.0.0.1"},
		{"a proxy that says nothing", "10.0.0.1:4711", nil, "10.0.0.1"},
		{"IPv4 in IPv6", "[::ffff:10.0.0.1]:4711", []string{"::ffff:198.51.100.1"}, "198.51.100.1"},
		{"no address", "@", nil, ""},
	}
	s := newSite(t, func(cfg *web.Config) { cfg.TrustedProxies = []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")} })
	for _, tt := range tests {
		got := "not called"
		h := s.Wrap(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { got = web.ClientIPText(r.Context()) }))
		r := get("/")
		r.RemoteAddr = tt.peer
		for _, value := range tt.forwarded {
			r.Header.Add("X-Forwarded-For", value)
		}
		h.ServeHTTP(httptest.NewRecorder(), r)
		if got != tt.want {
			t.Errorf("%s: client %q, want %q", tt.name, got, tt.want)
		}
	}
}

// Where a proxy's word cannot be read, all its people share one limit: that is said, but not at each request.
func TestAnUnreadableProxyIsReportedOnce(t *testing.T) {
	t.Parallel()
	var logs bytes.Buffer
	s := newSite(t, func(cfg *web.Config) {
		cfg.TrustedProxies = []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}
		cfg.Logger = slog.New(slog.NewTextHandler(&logs, nil))
	})
	reports := func(peer string, forwarded ...string) int {
		r := get("/")
		r.RemoteAddr = peer
		for _, value := range forwarded {
			r.Header.Add("X-Forwarded-For", value)
		}
		serve(t, nothing(s), r)
		return strings.Count(logs.String(), "X-Forwarded-For")
	}
	reports("10.0.0.1:4711")
	reports("10.0.0.1:4711", "198.51.100.1:1")
	if n := reports("203.0.113.9:4711", "unknown"); n != 0 {
		t.Fatalf("%d reports of addresses, of nothing and of a stranger's word; want none:\n%s", n, &logs)
	}
	reports("10.0.0.1:4711", "unknown"+strings.Repeat("x", 1<<10))
	if n := reports("10.0.0.1:4711", "unknown"); n != 1 {
		t.Errorf("%d reports, want one:\n%s", n, &logs)
	}
	if text := logs.String(); !strings.Contains(text, "proxy=10.0.0.1 value=unknown") || strings.Contains(text, strings.Repeat("x", 100)) {
		t.Errorf("the report does not say who and what, or repeats too much:\n%s", text)
	}
}
