package keys

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/go-jose/go-jose/v4"
)

// ClockSkew is how far the clocks of two replicas may differ.
const ClockSkew = 90 * time.Second

// maxJWKSMaxAge bounds how long a client goes on accepting a key that was taken out.
const maxJWKSMaxAge = 15 * time.Minute

// Config is what a Ring needs. Store and Sealer are required.
type Config struct {
	Store  Store
	Sealer *Sealer
	Logger *slog.Logger     // nil discards
	Now    func() time.Time // nil means time.Now

	// JWKSMaxAge is how long a client may keep the key set before it asks
	// again, at most 15 min. A key is announced for at least as long. Default 60 s.
	JWKSMaxAge time.Duration
	// LongestToken is the longest life of anything that is signed, hints
	// included. A retired key stays in the key set for as long, plus
	// ClockSkew. Default 24 h.
	LongestToken time.Duration
}

// Ring holds the signing keys of the house. Which of them signs is decided by
// the clock at the moment of signing, so that all replicas change over
// together without a message. It is safe for concurrent use.
type Ring struct {
	cfg   Config
	state atomic.Pointer[snapshot]

	// reading is held while the store is read and what was read takes effect,
	// so that an older reading never replaces a newer one.
	reading sync.Mutex
}

// NewRing returns a ring without keys; Refresh fills it.
func NewRing(cfg Config) (*Ring, error) {
	if cfg.Store == nil || cfg.Sealer == nil {
		return nil, errors.New("keys: store and sealer are required")
	}
	if cfg.JWKSMaxAge < 0 || cfg.JWKSMaxAge > maxJWKSMaxAge || cfg.LongestToken < 0 {
		return nil, fmt.Errorf("keys: the key set may be kept for at most %s, and no duration is negative", maxJWKSMaxAge)
	}
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	if cfg.JWKSMaxAge == 0 {
		cfg.JWKSMaxAge = time.Minute
	}
	if cfg.LongestToken == 0 {
		cfg.LongestToken = 24 * time.Hour
	}
	r := &Ring{cfg: cfg}
	r.state.Store(newSnapshot(nil, r.now()))
	return r, nil
}

// now has the precision of the store, so that a moment is the same before and after.
func (r *Ring) now() time.Time { return r.cfg.Now().UTC().Truncate(time.Millisecond) }

// Refresh reads the store. If the store fails, the ring stays as it was: a
// server keeps serving with the keys it has.
//
// A stored key that cannot be opened is ErrDamagedKey, and everything else takes
// effect: whoever damages or adds a row must not be able to hide a revocation.
// A damaged key that was opened before stays, with the moments of its life that
// are stored now.
func (r *Ring) Refresh(ctx context.Context) error {
	r.reading.Lock()
	defer r.reading.Unlock()
	return r.refresh(ctx)
}

// refresh needs r.reading.
func (r *Ring) refresh(ctx context.Context) error {
	stored, err := r.cfg.Store.SigningKeys(ctx)
	if err != nil {
		return fmt.Errorf("read signing keys: %w", err)
	}
	now, known := r.now(), r.state.Load().byID
	var all []*signingKey
	var unopened []error
	for _, s := range stored {
		if s.gone(now) {
			continue
		}
		key, err := r.open(s, known[s.ID])
		if err != nil {
			unopened = append(unopened, err)
		}
		if key != nil {
			all = append(all, key)
		}
	}
	r.state.Store(newSnapshot(all, now))
	return errors.Join(unopened...)
}

// open opens a stored key, unless it is one that is open already. With an error
// it returns the key as it was opened before, or nil.
func (r *Ring) open(stored StoredKey, known *signingKey) (*signingKey, error) {
	if known == nil {
		return openSigningKey(stored, r.cfg.Sealer)
	}
	if known.sameMaterial(stored) {
		return known.livingAs(stored), nil
	}
	key, err := openSigningKey(stored, r.cfg.Sealer)
	if err != nil {
		return known.livingAs(stored), err
	}
	return key, nil
}

// current returns the snapshot for now, made anew when a key has left since.
func (r *Ring) current(now time.Time) *snapshot {
	s := r.state.Load()
	if s.until.IsZero() || now.Before(s.until) {
		return s
	}
	next := newSnapshot(s.keys, now)
	r.state.CompareAndSwap(s, next) // if it fails, a refresh was faster
	return next
}

// Signer returns what signs with alg at this moment. It returns
// ErrNoSigningKey if there is none; see Ensure. Do not keep the result.
func (r *Ring) Signer(alg string) (*Signer, error) {
	now := r.now()
	key := r.current(now).signing(alg, now)
	if key == nil {
		return nil, fmt.Errorf("%w for %s", ErrNoSigningKey, alg)
	}
	return key.signer, nil
}

// JWKS returns the key set for clients, rendered before.
func (r *Ring) JWKS() KeySet {
	s := r.current(r.now())
	return KeySet{JSON: s.json, ETag: s.etag, MaxAge: r.cfg.JWKSMaxAge}
}

// Key returns the public key named kid, if it is announced, in use or retired.
func (r *Ring) Key(kid string) (jose.JSONWebKey, bool) {
	key, ok := r.current(r.now()).byID[kid]
	if !ok {
		return jose.JSONWebKey{}, false
	}
	return key.public, true
}

// VerifySignature returns the payload of a token that a key of this ring
// signed, else ErrSignature. The key is the one named by kid in the protected
// header, and only the algorithm it was made for will do (RFC 8725 section
// 3.1); keys that the token brings along are not looked at.
//
// It has the form of an oidc.KeySet of zitadel/oidc.
func (r *Ring) VerifySignature(_ context.Context, jws *jose.JSONWebSignature) ([]byte, error) {
	if len(jws.Signatures) != 1 {
		return nil, ErrSignature
	}
	header := jws.Signatures[0].Protected
	key, ok := r.Key(header.KeyID)
	if !ok || header.Algorithm != key.Algorithm {
		return nil, ErrSignature
	}
	payload, err := jws.Verify(key)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrSignature, err)
	}
	return payload, nil
}
