package keys_test

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/einlass/einlass/keys"
)

// memory is a keys.Store without a database.
type memory struct {
	mu      sync.Mutex // guards what follows
	stored  []keys.StoredKey
	reasons []string
	broken  error // of every call
}

func (m *memory) fail(err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.broken = err
}

func (m *memory) SigningKeys(context.Context) ([]keys.StoredKey, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return slices.Clone(m.stored), m.broken
}

func (m *memory) PutSigningKeys(_ context.Context, put []keys.StoredKey, reason string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.broken != nil {
		return m.broken
	}
	for _, k := range put {
		k.Recorded = true
		i := slices.IndexFunc(m.stored, func(s keys.StoredKey) bool { return s.ID == k.ID })
		if i < 0 {
			m.stored = append(m.stored, k)
			continue
		}
		m.stored[i] = k
	}
	m.reasons = append(m.reasons, reason)
	return nil
}

func (m *memory) DeleteSigningKeys(_ context.Context, ids []string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.broken != nil {
		return m.broken
	}
	m.stored = slices.DeleteFunc(m.stored, func(s keys.StoredKey) bool { return slices.Contains(ids, s.ID) })
	return nil
}

func (m *memory) ids() []string {
	m.mu.Lock()
	defer m.mu.Unlock()
	var ids []string
	for _, k := range m.stored {
		ids = append(ids, k.ID)
	}
	return ids
}

// clock is a clock that stands until it is set.
type clock struct {
	mu sync.Mutex
	t  time.Time
}

func newClock() *clock { return &clock{t: time.Date(2026, 11, 2, 8, 0, 0, 0, time.UTC)} }

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.t
}

func (c *clock) Advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.t = c.t.Add(d)
}

// masterLine returns a line of a master key file with a key that looks random.
func masterLine(id string, seed byte) string {
	key := make([]byte, 32)
	for i := range key {
		key[i] = byte(i*i*31+i*7) ^ seed
	}
	return id + ":" + base64.StdEncoding.EncodeToString(key) + "\n"
}

func newSealer(t testing.TB, lines ...string) *keys.Sealer {
	t.Helper()
	if len(lines) == 0 {
		lines = []string{masterLine("one", 1)}
	}
	sealer, err := keys.ParseMasterKey([]byte(strings.Join(lines, "")))
	if err != nil {
		t.Fatalf("parse master key: %v", err)
	}
	return sealer
}

func newRing(t testing.TB, store keys.Store, now func() time.Time) *keys.Ring {
	t.Helper()
	ring, err := keys.NewRing(keys.Config{Store: store, Sealer: newSealer(t), Now: now})
	if err != nil {
		t.Fatalf("new ring: %v", err)
	}
	return ring
}

// ensured returns a ring on an empty store, with a first key of each algorithm.
func ensured(t testing.TB, algs ...string) (*keys.Ring, *memory, *clock) {
	t.Helper()
	store, clock := &memory{}, newClock()
	ring := newRing(t, store, clock.Now)
	if err := ring.Ensure(t.Context(), algs...); err != nil {
		t.Fatalf("ensure %v: %v", algs, err)
	}
	return ring, store, clock
}

func rotate(t testing.TB, ring *keys.Ring, announce time.Duration) string {
	t.Helper()
	made, err := ring.Rotate(t.Context(), announce)
	if err != nil {
		t.Fatalf("rotate: %v", err)
	}
	if len(made) != 1 {
		t.Fatalf("rotate made %d keys, want 1", len(made))
	}
	return made[0].ID
}

func sign(t testing.TB, ring *keys.Ring, alg, payload string) string {
	t.Helper()
	signer, err := ring.Signer(alg)
	if err != nil {
		t.Fatalf("signer for %s: %v", alg, err)
	}
	token, err := signer.Sign([]byte(payload), keys.TypeIDToken)
	if err != nil {
		t.Fatalf("sign with %s: %v", alg, err)
	}
	return token
}

func signingKid(t testing.TB, ring *keys.Ring, alg string) string {
	t.Helper()
	parsed, err := jose.ParseSignedCompact(sign(t, ring, alg, "{}"), []jose.SignatureAlgorithm{jose.SignatureAlgorithm(alg)})
	if err != nil {
		t.Fatalf("parse: %v", err)
	}
	return parsed.Signatures[0].Protected.KeyID
}

// everyAlg is more than a relying party would accept: the ring must not rely on its caller.
var everyAlg = []jose.SignatureAlgorithm{
	jose.HS256, jose.HS384, jose.HS512, jose.RS256, jose.RS384, jose.RS512,
	jose.PS256, jose.ES256, jose.ES384, jose.ES512, jose.EdDSA, "none", "NoNe", "",
}

// verify answers as the ring does to a token that somebody brings.
func verify(ring *keys.Ring, token string) (string, error) {
	parsed, err := jose.ParseSignedCompact(token, everyAlg)
	if err != nil {
		return "", err
	}
	payload, err := ring.VerifySignature(context.Background(), parsed)
	return string(payload), err
}

// kids returns the ids in the published key set, in its order.
func kids(t testing.TB, ring *keys.Ring) []string {
	t.Helper()
	var ids []string
	for _, key := range publishedKeys(t, ring) {
		ids = append(ids, key.KeyID)
	}
	return ids
}

func publishedKeys(t testing.TB, ring *keys.Ring) []jose.JSONWebKey {
	t.Helper()
	var set jose.JSONWebKeySet
	decodeJSON(t, ring.JWKS().JSON, &set)
	return set.Keys
}

func decodeJSON(t testing.TB, content []byte, into any) {
	t.Helper()
	if err := json.Unmarshal(content, into); err != nil {
		t.Fatalf("decode JSON: %v", err)
	}
}
