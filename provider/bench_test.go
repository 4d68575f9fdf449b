package provider_test

import (
	"context"
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/einlass/einlass/keys"
	"github.com/einlass/einlass/provider/providertest"
	"github.com/einlass/einlass/provider/session"
	"github.com/einlass/einlass/provider/session/sessiontest"
	"github.com/einlass/einlass/users"
	"github.com/einlass/einlass/users/userstest"
)

// measured is a provider with a person who is signed in, called in process.
type measured struct {
	*testing.B
	bench   *providertest.Bench
	handler http.Handler
	host    string
	cookies string                              // of the browser that is signed in
	secrets map[users.ApplicationID]keys.Secret // of the applications, one for each algorithm
}

// newMeasured signs Ada in and registers an application for each algorithm.
func newMeasured(b *testing.B, store session.Store) *measured {
	b.Helper()
	bench := providertest.NewOn(b, providertest.Stores{Users: userstest.SQLite(b), Sessions: store})
	m := &measured{B: b, bench: bench, handler: bench.Handler, secrets: map[users.ApplicationID]keys.Secret{}}
	_, m.host, _ = strings.Cut(bench.Issuer, "://")
	for _, alg := range []string{keys.RS256, keys.ES256, keys.EdDSA} {
		id := users.ApplicationID(strings.ToLower(alg))
		secret, err := bench.Directory.AddApplication(b.Context(), "cli:bench", users.Application{
			ID: id, Label: alg, Groups: []users.GroupID{users.Everyone},
			SignIn: &users.SignIn{
				ClientID: string(id), AuthMethod: users.AuthMethodPost, RedirectURIs: []string{providertest.CallbackOf(id)},
				Claims: map[string]string{"email": "email"}, Trusted: true, SigningAlg: alg,
			},
		})
		if err != nil {
			b.Fatal(err)
		}
		m.secrets[id] = secret
	}
	if err := bench.Registry.Refresh(b.Context()); err != nil {
		b.Fatal(err)
	}
	browser := bench.NewBrowser()
	browser.SignIn("/login", providertest.Ada, providertest.Password)
	var cookies []string
	for _, c := range browser.Cookies() {
		cookies = append(cookies, c.Name+"="+c.Value)
	}
	m.cookies = strings.Join(cookies, "; ")
	m.writeEvents()
	return m
}

// writeEvents has the observations written once a second, as a server does.
func (m *measured) writeEvents() {
	ctx, stop := context.WithCancel(context.Background())
	var writing sync.WaitGroup
	writing.Go(func() {
		if err := m.bench.Directory.Run(ctx); err != nil {
			m.Error(err)
		}
	})
	m.Cleanup(func() {
		stop()
		writing.Wait()
	})
}

// call sends a request to the handler and returns the answer, which must have the given status.
func (m *measured) call(status int, r *http.Request) *httptest.ResponseRecorder {
	r.Host, r.RemoteAddr = m.host, "127.0.0.1:1234"
	w := httptest.NewRecorder()
	m.handler.ServeHTTP(w, r)
	if w.Code != status {
		m.Fatalf("%s: status %d, want %d: %s", r.URL, w.Code, status, w.Body)
	}
	return w
}

func (m *measured) request(method, target string, body io.Reader) *http.Request {
	r, err := http.NewRequestWithContext(m.Context(), method, target, body)
	if err != nil {
		m.Fatal(err)
	}
	return r
}

func (m *measured) get(path string) { m.call(http.StatusOK, m.request(http.MethodGet, path, nil)) }

// authorize returns a code for an application.
func (m *measured) authorize(id users.ApplicationID) string {
	r := m.request(http.MethodGet, m.bench.Authorize(id), nil)
	r.Header.Set("Cookie", m.cookies)
	target, err := url.Parse(m.call(http.StatusSeeOther, r).Header().Get("Location"))
	if err != nil || target.Query().Get("code") == "" {
		m.Fatalf("no code at %v: %v", target, err)
	}
	return target.Query().Get("code")
}

// token redeems a code and returns the access token.
func (m *measured) token(id users.ApplicationID, code string) string {
	form := url.Values{
		"grant_type": {"authorization_code"}, "code": {code}, "redirect_uri": {providertest.CallbackOf(id)},
		"client_id": {string(id)}, "client_secret": {m.secrets[id].Reveal()},
	}
	r := m.request(http.MethodPost, "/token", strings.NewReader(form.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	var tokens tokenAnswer
	if err := json.Unmarshal(m.call(http.StatusOK, r).Body.Bytes(), &tokens); err != nil {
		m.Fatal(err)
	}
	return tokens.AccessToken
}

func (m *measured) userinfo(token string) {
	r := m.request(http.MethodGet, "/userinfo", nil)
	r.Header.Set("Authorization", "Bearer "+token)
	m.call(http.StatusOK, r)
}

// loop measures one step; before is not measured and makes what the step uses up.
func (m *measured) loop(name string, before func() string, step func(used string)) {
	m.Run(name, func(b *testing.B) {
		m := *m
		m.B = b
		b.ReportAllocs()
		var used string
		var cpu time.Duration
		for b.Loop() {
			if before != nil {
				b.StopTimer()
				used = before()
				b.StartTimer()
			}
			started := cpuTime(b)
			step(used)
			cpu += cpuTime(b) - started
		}
		b.ReportMetric(float64(cpu.Nanoseconds())/float64(b.N), "cpu-ns/op")
	})
}

// cpuTime is the processor time this process has used: a store that is a server
// makes us wait, but costs us less than the clock says.
func cpuTime(b *testing.B) time.Duration {
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		b.Fatal(err)
	}
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}

// BenchmarkProvider measures each endpoint in process, request and recorder
// included (see BenchmarkBareHandler), and a whole sign-in with a live session.
// Compare with BenchmarkRSASignature of the same run: machines drift.
func BenchmarkProvider(b *testing.B) {
	for name, open := range map[string]func(testing.TB) session.Store{
		"sqlite": sessiontest.SQLite,
		"redis":  sessiontest.Redis,
	} {
		b.Run(name, func(b *testing.B) {
			m := newMeasured(b, open(b))
			m.loop("discovery", nil, func(string) { m.get("/.well-known/openid-configuration") })
			m.loop("jwks", nil, func(string) { m.get("/jwks") })
			m.loop("authorize", nil, func(string) { m.authorize("rs256") })
			token := m.token("rs256", m.authorize("rs256"))
			m.loop("userinfo", nil, func(string) { m.userinfo(token) })
			for _, alg := range []string{keys.RS256, keys.ES256, keys.EdDSA} {
				id := users.ApplicationID(strings.ToLower(alg))
				m.loop("token-"+alg, func() string { return m.authorize(id) }, func(code string) { m.token(id, code) })
				m.loop("sign-in-"+alg, nil, func(string) { m.userinfo(m.token(id, m.authorize(id))) })
			}
		})
	}
}

// BenchmarkBareHandler is what calling a handler in process costs by itself.
func BenchmarkBareHandler(b *testing.B) {
	m := &measured{B: b, host: "localhost", handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusOK)
	})}
	b.ReportAllocs()
	for b.Loop() {
		m.get("/")
	}
}

// BenchmarkRSASignature is one bare RSA-2048 signature, the unit of our budgets.
func BenchmarkRSASignature(b *testing.B) {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		b.Fatal(err)
	}
	digest := sha256.Sum256([]byte("an ID token"))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := rsa.SignPKCS1v15(nil, key, crypto.SHA256, digest[:]); err != nil {
			b.Fatal(err)
		}
	}
}
