package provider_test

import (
	"encoding/json"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/einlass/einlass/keys"
	"github.com/einlass/einlass/provider/providertest"
	"github.com/einlass/einlass/provider/session/sessiontest"
	"github.com/einlass/einlass/users/userstest"
)

// cachingParty is an application that reads the key set again only when what
// it has is older than it may be, even if it meets a key that it does not know.
type cachingParty struct {
	b       *providertest.Bench
	keep    time.Duration // 0: as long as we allow
	mu      sync.Mutex    // guards the fields below
	set     jose.JSONWebKeySet
	expires time.Time
	reads   int
}

func (p *cachingParty) keySet(t *testing.T) jose.JSONWebKeySet {
	t.Helper()
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.b.Clock.Now().Before(p.expires) {
		return p.set
	}
	answer := p.b.Get("/jwks")
	keep := p.keep
	if keep == 0 {
		_, text, _ := strings.Cut(answer.Header.Get("Cache-Control"), "max-age=")
		seconds, err := strconv.Atoi(text)
		if err != nil {
			t.Errorf("Cache-Control %q", answer.Header.Get("Cache-Control"))
		}
		keep = time.Duration(seconds) * time.Second
	}
	p.set = jose.JSONWebKeySet{}
	if err := json.Unmarshal([]byte(answer.Body), &p.set); err != nil {
		t.Error(err)
	}
	p.expires = p.b.Clock.Now().Add(keep)
	p.reads++
	return p.set
}

// validates signs in, redeems and verifies as an application does, and returns the kid it met.
func (p *cachingParty) validates(t *testing.T, browser *providertest.Browser) string {
	t.Helper()
	code := browser.Get(p.b.Authorize(providertest.Wiki)).Query().Get("code")
	tokens := decodeTokens(t, p.b.Tokens(providertest.Wiki, code))
	token, err := jose.ParseSignedCompact(tokens.IDToken, []jose.SignatureAlgorithm{jose.EdDSA})
	if err != nil {
		t.Errorf("%+v: %v", tokens, err)
		return ""
	}
	kid := token.Signatures[0].Header.KeyID
	if _, err := token.Verify(p.keySet(t)); err != nil {
		t.Errorf("key %s: %v", kid, err)
	}
	return kid
}

// N375 REL-9: a hundred rotations under load; applications that keep the key
// set as long as we allow, or for 15 minutes, validate every ID token.
func TestRotationFailsNoValidation(t *testing.T) {
	t.Parallel()
	store := userstest.SQLite(t)
	b := providertest.NewOn(t, providertest.Stores{Users: store, Sessions: sessiontest.SQLite(t)})
	// RSA keys take long to make and prove nothing more.
	made, err := b.Ring.List(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, k := range made {
		if k.Alg != keys.EdDSA {
			if err := store.DeleteSigningKeys(t.Context(), []string{k.ID}); err != nil {
				t.Fatal(err)
			}
		}
	}
	d := providertest.Declaration()
	for _, a := range d.Applications {
		a.SignIn.SigningAlg, a.SignIn.AuthMethod = keys.EdDSA, "client_secret_post"
	}
	b.Redeclare(d)
	browser := b.NewBrowser()
	browser.SignIn("/login", providertest.Ada, providertest.Password)

	const announce = 15 * time.Minute
	parties := []*cachingParty{{b: b}, {b: b, keep: announce}}
	met := map[string]bool{}
	load := func() {
		var mu sync.Mutex // guards met
		var all sync.WaitGroup
		for _, p := range parties {
			for range 2 {
				all.Go(func() {
					kid := p.validates(t, browser)
					mu.Lock()
					defer mu.Unlock()
					met[kid] = true
				})
			}
		}
		all.Wait()
	}
	const rotations = 100
	for range rotations {
		if _, err := b.Ring.Rotate(t.Context(), announce); err != nil {
			t.Fatal(err)
		}
		for _, step := range []time.Duration{0, announce - time.Second, time.Second} { // announced, just before use, in use
			b.Clock.Advance(step)
			load()
		}
		if t.Failed() {
			break
		}
	}
	if len(met) != rotations+1 {
		t.Errorf("%d keys signed, want %d", len(met), rotations+1)
	}
	if n := len(parties[1].keySet(t).Keys); n > rotations {
		t.Errorf("%d keys are published after a day, want that retired ones leave", n)
	}
}
