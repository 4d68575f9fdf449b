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
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/einlass/einlass/keys"
	"github.com/einlass/einlass/provider/providertest"
	"github.com/einlass/einlass/provider/session"
	"github.com/einlass/einlass/provider/session/sessiontest"
	"github.com/einlass/einlass/users"
	"github.com/einlass/einlass/users/sqlstore"
	"github.com/einlass/einlass/users/userstest"
)

// measured is a provider with a person who is signed in, called in process.
type measured struct {
	*testing.B
	trips   *trips
	bench   *providertest.Bench
	handler http.Handler
	host    string
	cookies string                              // of the browser that is signed in
	secrets map[users.ApplicationID]keys.Secret // of the applications, one for each algorithm
}

// trips counts how often the stores were asked for something.
type trips struct{ directory, sessions atomic.Int64 }

// countIn returns what a store tells its operations to.
func countIn(n *atomic.Int64) func(string, time.Duration) {
	return func(string, time.Duration) { n.Add(1) }
}

// openCounted opens a store for sessions that counts its trips.
type openCounted func(b *testing.B, options session.Options) (session.Store, error)

// newMeasured signs Ada in and registers an application for each algorithm.
func newMeasured(b *testing.B, open openCounted) *measured {
	b.Helper()
	count := &trips{}
	directory := userstest.Open(b, sqlstore.Config{Path: filepath.Join(b.TempDir(), "directory.db"), Observe: countIn(&count.directory)})
	sessions, err := open(b, session.Options{Observe: countIn(&count.sessions)})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		if err := sessions.Close(); err != nil {
			b.Error(err)
		}
	})
	bench := providertest.NewOn(b, providertest.Stores{Users: directory, Sessions: sessions})
	m := &measured{B: b, trips: count, bench: bench, handler: bench.Handler, secrets: map[users.ApplicationID]keys.Secret{}}
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
// Beside what it costs stands what it may cost.
func (m *measured) loop(name string, limit time.Duration, before func() string, step func(used string)) {
	m.Run(name, func(b *testing.B) {
		m := *m
		m.B = b
		b.ReportAllocs()
		var used string
		var cpu time.Duration
		var directory, sessions int64
		for b.Loop() {
			if before != nil {
				b.StopTimer()
				used = before()
				b.StartTimer()
			}
			directory -= m.trips.directory.Load()
			sessions -= m.trips.sessions.Load()
			started := cpuTime(b)
			step(used)
			cpu += cpuTime(b) - started
			directory += m.trips.directory.Load()
			sessions += m.trips.sessions.Load()
		}
		per := func(total int64) float64 { return float64(total) / float64(b.N) }
		b.ReportMetric(per(cpu.Nanoseconds()), "cpu-ns/op")
		b.ReportMetric(float64(limit.Nanoseconds()), "limit-ns/op")
		b.ReportMetric(per(directory), "directory/op")
		b.ReportMetric(per(sessions), "sessions/op")
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

// Limits of what an endpoint may cost besides its signature, for a machine on which
// an RSA-2048 signature takes about 2 ms. One exchange makes one signature.
const (
	limitPublic   = 60 * time.Microsecond // discovery, key set
	limitEndpoint = 200 * time.Microsecond
	limitUserinfo = 100 * time.Microsecond
	limitSignIn   = 550 * time.Microsecond // ES256, EdDSA

	signaturesRedis, signaturesSQLite = 1.25, 1.5 // of a sign-in with RS256
)

// BenchmarkProvider measures each endpoint in process, request and recorder
// included (see BenchmarkBareHandler), and a whole sign-in with a live session.
// "directory" and "sessions" are how often their stores were asked. Limits of RS256
// are multiples of a signature that was measured just before: machines drift.
func BenchmarkProvider(b *testing.B) {
	for _, store := range []struct {
		name       string
		open       openCounted
		signatures float64
	}{
		{"sqlite", func(b *testing.B, o session.Options) (session.Store, error) {
			return session.OpenSQLite(b.Context(), filepath.Join(b.TempDir(), "sessions.db"), o)
		}, signaturesSQLite},
		{"redis", func(b *testing.B, o session.Options) (session.Store, error) {
			return session.OpenRedis(b.Context(), sessiontest.RedisURL(b), o)
		}, signaturesRedis},
	} {
		b.Run(store.name, func(b *testing.B) {
			m := newMeasured(b, store.open)
			m.loop("discovery", limitPublic, nil, func(string) { m.get("/.well-known/openid-configuration") })
			m.loop("jwks", limitPublic, nil, func(string) { m.get("/jwks") })
			m.loop("authorize", limitEndpoint, nil, func(string) { m.authorize("rs256") })
			token := m.token("rs256", m.authorize("rs256"))
			m.loop("userinfo", limitUserinfo, nil, func(string) { m.userinfo(token) })
			rsa := signatureTime(b)
			for alg, limits := range map[string]struct{ token, signIn time.Duration }{
				keys.RS256: {limitEndpoint + rsa, time.Duration(store.signatures * float64(rsa))},
				keys.ES256: {limitEndpoint, limitSignIn},
				keys.EdDSA: {limitEndpoint, limitSignIn},
			} {
				id := users.ApplicationID(strings.ToLower(alg))
				m.loop("token-"+alg, limits.token, func() string { return m.authorize(id) }, func(code string) { m.token(id, code) })
				m.loop("sign-in-"+alg, limits.signIn, nil, func(string) { m.userinfo(m.token(id, m.authorize(id))) })
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
	sign := rsaSigner(b)
	b.ReportAllocs()
	for b.Loop() {
		sign()
	}
}

// rsaSigner returns what makes an RSA-2048 signature.
func rsaSigner(b *testing.B) func() {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		b.Fatal(err)
	}
	digest := sha256.Sum256([]byte("an ID token"))
	return func() {
		if _, err := rsa.SignPKCS1v15(nil, key, crypto.SHA256, digest[:]); err != nil {
			b.Fatal(err)
		}
	}
}

// signatureTime is the processor time of an RSA-2048 signature here and now.
func signatureTime(b *testing.B) time.Duration {
	sign := rsaSigner(b)
	const many = 200
	started := cpuTime(b)
	for range many {
		sign()
	}
	return (cpuTime(b) - started) / many
}
