package provider_test

import (
	"encoding/json"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/einlass/einlass/keys"
	"github.com/einlass/einlass/provider/providertest"
	"github.com/einlass/einlass/provider/session/sessiontest"
	"github.com/einlass/einlass/users"
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

// validates redeems a code and verifies the ID token as an application does, and
// returns the kid it met.
func (p *cachingParty) validates(t *testing.T, browser *providertest.Browser, id users.ApplicationID, alg jose.SignatureAlgorithm) string {
	t.Helper()
	code := browser.Get(p.b.Authorize(id)).Query().Get("code")
	tokens := decodeTokens(t, p.b.Tokens(id, code))
	token, err := jose.ParseSignedCompact(tokens.IDToken, []jose.SignatureAlgorithm{alg})
	if err != nil {
		t.Errorf("%+v: %v", tokens, err)
		return ""
	}
	kid := token.Signatures[0].Header.KeyID
	if _, err := token.Verify(p.keySet(t)); err != nil {
		t.Errorf("%s key %s: %v", alg, kid, err)
	}
	return kid
}

// rotationLoad are workers that sign in without a pause.
type rotationLoad struct {
	workers sync.WaitGroup
	stop    atomic.Bool
	clock   sync.RWMutex // held for writing while the clock is moved: a code lives for a minute

	mu   sync.Mutex // guards the fields below
	more *sync.Cond // somebody has finished
	done []int      // validations of each worker
	met  map[string]bool
}

func newRotationLoad() *rotationLoad {
	l := &rotationLoad{met: map[string]bool{}}
	l.more = sync.NewCond(&l.mu)
	return l
}

// work starts a worker; validate returns the kid it met.
func (l *rotationLoad) work(validate func() string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	worker := len(l.done)
	l.done = append(l.done, 0)
	l.workers.Go(func() {
		defer l.finish(func() { l.done[worker] = stopped })
		for !l.stop.Load() {
			l.signIn(worker, validate)
		}
	})
}

// stopped stands in done for a worker that nobody waits for any more.
const stopped = -1

// signIn runs validate while the clock stands.
func (l *rotationLoad) signIn(worker int, validate func() string) {
	l.clock.RLock()
	defer l.clock.RUnlock()
	kid := validate()
	l.finish(func() {
		l.done[worker]++
		l.met[kid] = true
	})
}

// finish notes what was done, with l.mu held, and tells who waits for it.
func (l *rotationLoad) finish(note func()) {
	l.mu.Lock()
	defer l.mu.Unlock()
	note()
	l.more.Broadcast()
}

// advance moves the clock while nobody is signing in.
func (l *rotationLoad) advance(c *providertest.Clock, d time.Duration) {
	l.clock.Lock()
	defer l.clock.Unlock()
	c.Advance(d)
}

// await waits until each worker has signed in since the clock was moved.
func (l *rotationLoad) await() {
	l.mu.Lock()
	defer l.mu.Unlock()
	for before := slices.Clone(l.done); l.isBehind(before); {
		l.more.Wait()
	}
}

// isBehind needs l.mu.
func (l *rotationLoad) isBehind(before []int) bool {
	for worker, n := range before {
		if n != stopped && l.done[worker] == n {
			return true
		}
	}
	return false
}

// N375 REL-9: rotations under load, by many at a time and with every algorithm;
// applications that keep the key set as long as we allow, or for 15 minutes,
// validate every ID token, whichever moment they come at.
func TestRotationFailsNoValidation(t *testing.T) {
	t.Parallel()
	t.Run("every algorithm", func(t *testing.T) {
		t.Parallel()
		testRotations(t, 6, 3, jose.RS256, jose.ES256, jose.EdDSA)
	})
	t.Run("a hundred times", func(t *testing.T) { // without RSA, whose keys take long to make
		t.Parallel()
		testRotations(t, 100, 1, jose.ES256, jose.EdDSA)
	})
}

// testRotations rotates under the load of so many workers for each algorithm
// and each way of keeping the key set.
func testRotations(t *testing.T, rotations, workers int, algs ...jose.SignatureAlgorithm) {
	store := userstest.SQLite(t)
	b := providertest.NewOn(t, providertest.Stores{Users: store, Sessions: sessiontest.SQLite(t)})
	made, err := b.Ring.List(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, k := range made {
		if !slices.Contains(algs, jose.SignatureAlgorithm(k.Alg)) {
			if err := store.DeleteSigningKeys(t.Context(), []string{k.ID}); err != nil {
				t.Fatal(err)
			}
		}
	}
	applications := []users.ApplicationID{providertest.Personio, providertest.Wiki, providertest.Vault}[:len(algs)]
	d := providertest.Declaration()
	for i := range d.Applications {
		a := &d.Applications[i]
		a.SignIn.AuthMethod, a.Groups, a.SignIn.SigningAlg = users.AuthMethodPost, []users.GroupID{users.Everyone}, string(algs[0])
		if n := slices.Index(applications, a.ID); n >= 0 {
			a.SignIn.SigningAlg = string(algs[n])
		}
	}
	b.Redeclare(d)

	const announce = 15 * time.Minute
	load := newRotationLoad()
	parties := []*cachingParty{{b: b}, {b: b, keep: announce}}
	for i, alg := range algs {
		for n := range workers * len(parties) {
			p := parties[n%len(parties)]
			browser := b.NewBrowser()
			browser.SignIn("/login", providertest.Ada, providertest.Password)
			load.work(func() string { return p.validates(t, browser, applications[i], alg) })
		}
	}
	rest := 26*time.Hour/time.Duration(rotations) - announce // a day and more in all, so that retired keys leave
	for range rotations {
		if _, err := b.Ring.Rotate(t.Context(), announce); err != nil {
			t.Error(err)
		}
		for _, step := range []time.Duration{0, announce - time.Second, time.Second} { // announced, just before use, in use
			load.advance(b.Clock, step)
			load.await()
		}
		load.advance(b.Clock, rest)
		if t.Failed() {
			break
		}
	}
	revokeUnderLoad(t, b, load, 2*announce)
	load.stop.Store(true)
	load.workers.Wait()
	delete(load.met, "")
	if want := (rotations + 2) * len(algs); len(load.met) != want {
		t.Errorf("%d keys signed, want %d", len(load.met), want)
	}
	if n := len(parties[1].keySet(t).Keys); n >= len(load.met) {
		t.Errorf("%d keys are published after a day, want that retired ones leave", n)
	}
}

// revokeUnderLoad takes out the keys that sign, with their successors announced
// for long enough that every application has read of them.
func revokeUnderLoad(t *testing.T, b *providertest.Bench, load *rotationLoad, announce time.Duration) {
	t.Helper()
	next, err := b.Ring.Rotate(t.Context(), announce)
	if err != nil {
		t.Error(err)
	}
	load.await()
	load.advance(b.Clock, announce/2+time.Second)
	load.await()
	load.clock.Lock() // a token of a revoked key may fail
	inUse, err := b.Ring.List(t.Context())
	if err != nil {
		t.Error(err)
	}
	inUse = slices.DeleteFunc(inUse, func(k keys.Info) bool { return k.State != keys.StateInUse })
	for _, revoked := range inUse {
		now, err := b.Ring.Revoke(t.Context(), revoked.ID)
		if err != nil || !slices.ContainsFunc(next, func(k keys.Info) bool { return k.ID == now.ID && k.Alg == revoked.Alg }) {
			t.Errorf("%s: %s signs (%v), want the announced successor", revoked.Alg, now.ID, err)
		}
		if strings.Contains(b.Get("/jwks").Body, revoked.ID) {
			t.Errorf("%s: the revoked key is still published", revoked.Alg)
		}
	}
	if len(inUse) != len(next) {
		t.Errorf("%d keys in use, %d successors", len(inUse), len(next))
	}
	load.clock.Unlock()
	load.await()
}
