package provider_test

import (
	"crypto/ed25519"
	"crypto/rand"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/einlass/einlass/provider/providertest"
	"github.com/einlass/einlass/users"
)

// keyServer serves a key set that tests can change.
type keyServer struct {
	*httptest.Server
	answer  atomic.Pointer[[]byte] // nil: status 500
	fetched atomic.Int32
}

func newKeyServer(t *testing.T) *keyServer {
	t.Helper()
	k := &keyServer{}
	k.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		k.fetched.Add(1)
		if body := k.answer.Load(); body != nil {
			_, _ = w.Write(*body) // the client may be gone
			return
		}
		w.WriteHeader(http.StatusForbidden) // which is not repeated
	}))
	t.Cleanup(k.Close)
	return k
}

// A client that rotates its keys at its jwks_uri is followed, at its pace and not at an attacker's.
func TestKeysOfAJWKSURIAreFetchedWhenNeeded(t *testing.T) {
	t.Parallel()
	b := providertest.New(t)
	server := newKeyServer(t)
	r := newRobot(t, b, func(s *users.SignIn) { s.JWKS, s.JWKSURI = nil, server.URL+"/jwks" })
	first := r.keySet(t)
	ask := func(kid string) providertest.Response {
		return r.ask(signWith(t, jose.ES256, r.keys[jose.ES256], kid, r.claims(nil), nil))
	}
	wantFetched := func(what string, want int32) {
		t.Helper()
		if got := server.fetched.Load(); got != want {
			t.Errorf("%s: fetched %d times, want %d", what, got, want)
		}
	}
	wantUnauthenticated(t, "while the address answers with an error", ask("key-ES256"))
	server.answer.Store(&first)
	wantUnauthenticated(t, "within the same minute", ask("key-ES256"))
	wantFetched("two requests in a minute", 1)
	b.Clock.Advance(time.Minute)
	for range 3 {
		wantInactive(t, "known kid", ask("key-ES256"))
	}
	wantFetched("a known key", 2)

	renamed := []byte(strings.ReplaceAll(string(first), "key-ES256", "key-new"))
	server.answer.Store(&renamed)
	wantUnauthenticated(t, "unknown kid within the minute", ask("key-new"))
	wantFetched("an unknown key within the minute", 2)
	b.Clock.Advance(time.Minute)
	wantInactive(t, "unknown kid after it", ask("key-new"))
	wantUnauthenticated(t, "the key that was taken out", ask("key-ES256"))
	wantFetched("a rotation", 3)

	b.Clock.Advance(time.Hour)
	server.answer.Store(nil)
	wantInactive(t, "old keys while the address does not answer", ask("key-new"))
	wantFetched("old keys", 4)
	b.Clock.Advance(24 * time.Hour)
	wantUnauthenticated(t, "a day later", ask("key-new"))
}

// A client that publishes no usable key, or a private one, has withdrawn those of
// before. What is no key set says nothing of them.
func TestClientsWithdrawTheirKeys(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		answer   string
		withdraw bool
	}{
		"no key":         {`{"keys":[]}`, true},
		"unknown keys":   {`{"keys":[{"kty":"AKP","alg":"ML-DSA-44","pub":"AA"}]}`, true},
		"symmetric keys": {`{"keys":[{"kty":"oct","k":"c2VjcmV0"}]}`, true},
		"another page":   {`<html>`, false},
		"another answer": {`{"error":"try again later"}`, false},
		"an error":       {"", false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := providertest.New(t)
			server := newKeyServer(t)
			r := newRobot(t, b, func(s *users.SignIn) { s.JWKS, s.JWKSURI = nil, server.URL })
			ask := func() providertest.Response { return r.ask(r.sign(t, jose.ES256, r.claims(nil), nil)) }
			good := r.keySet(t)
			server.answer.Store(&good)
			wantInactive(t, "published", ask())

			body := []byte(test.answer)
			if server.answer.Store(&body); test.answer == "" {
				server.answer.Store(nil)
			}
			b.Clock.Advance(time.Hour)
			for range 2 { // the second without a fetch
				if test.withdraw {
					wantUnauthenticated(t, "an hour later", ask())
				} else {
					wantInactive(t, "an hour later", ask())
				}
			}
			if n := server.fetched.Load(); n != 2 {
				t.Errorf("fetched %d times, want 2", n)
			}
			server.answer.Store(&good)
			b.Clock.Advance(time.Minute)
			wantInactive(t, "published again", ask())
		})
	}
}

// What a jwks_uri answers is bounded and must be public keys.
func TestBadKeySetsAreRefused(t *testing.T) {
	t.Parallel()
	for name, answer := range map[string]func(t *testing.T, good []byte) []byte{
		"too large": func(_ *testing.T, good []byte) []byte {
			return append(good, strings.Repeat(" ", 256<<10)...)
		},
		"no JSON": func(*testing.T, []byte) []byte { return []byte("<html>") },
		"empty":   func(*testing.T, []byte) []byte { return []byte(`{"keys":[]}`) },
		"with a private key": func(t *testing.T, _ []byte) []byte {
			_, private, err := ed25519.GenerateKey(rand.Reader)
			if err != nil {
				t.Fatal(err)
			}
			text, err := json.Marshal(jose.JSONWebKeySet{Keys: []jose.JSONWebKey{{Key: private, KeyID: "key-ES256"}}})
			if err != nil {
				t.Fatal(err)
			}
			return text
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := providertest.New(t)
			server := newKeyServer(t)
			r := newRobot(t, b, func(s *users.SignIn) { s.JWKS, s.JWKSURI = nil, server.URL })
			body := answer(t, r.keySet(t))
			server.answer.Store(&body)
			wantUnauthenticated(t, name, r.ask(r.sign(t, jose.ES256, r.claims(nil), nil)))
			if server.fetched.Load() != 1 {
				t.Error("the key set was not fetched, so this proves nothing")
			}
		})
	}
}

// A registered key set that this version cannot read shuts out its client and nobody else.
func TestUnreadableRegisteredKeysRefuseTheirClientOnly(t *testing.T) {
	t.Parallel()
	b := providertest.New(t)
	r := newRobot(t, b, func(s *users.SignIn) { s.JWKS = []byte(`{"keys":[]}`) })
	wantUnauthenticated(t, "its client", r.ask(r.sign(t, jose.ES256, r.claims(nil), nil)))
	if !strings.Contains(b.Logs.String(), "registered keys of a client not readable") {
		t.Error("the log does not say why")
	}
	wantInactive(t, "another client", asWiki(b, "/introspect", "x"))
}
