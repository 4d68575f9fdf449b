package provider

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/einlass/einlass/keys"
	"github.com/einlass/einlass/provider/outgoing"
	"github.com/einlass/einlass/users"
)

// caller makes calls that leave the house.
type caller interface {
	Do(ctx context.Context, req *http.Request) (*outgoing.Response, error)
}

// When keys are fetched from a client, and how long they are believed.
const (
	clientKeysFresh   = time.Hour       // then they are fetched again
	clientKeysUsable  = 24 * time.Hour  // while the client's address answers with no key set
	clientKeysEvery   = time.Minute     // at most one fetch from a client, whoever asks
	clientKeysTimeout = 5 * time.Second // of one fetch
	maxClientKeys     = 256 << 10       // bytes
)

var errNoCaller = errors.New("calls that leave the house are not set up")

// clientKeys finds the keys that clients sign with: those registered, or those
// at their jwks_uri, which are kept for a while.
type clientKeys struct {
	http caller
	now  func() time.Time
	log  *slog.Logger

	mu     sync.Mutex // guards remote
	remote map[string]*remoteKeys
}

func newClientKeys(http caller, now func() time.Time, log *slog.Logger) *clientKeys {
	return &clientKeys{http: http, now: now, log: log, remote: map[string]*remoteKeys{}}
}

// remoteKeys are the keys at one jwks_uri.
type remoteKeys struct {
	current atomic.Pointer[fetchedKeys]

	fetching sync.Mutex // held during a fetch; guards tried
	tried    time.Time
}

// fetchedKeys is one answer of a jwks_uri; it is never changed.
type fetchedKeys struct {
	set keys.PublicSet
	at  time.Time
}

// key returns the key of a client that kid names, if it is one for alg.
func (k *clientKeys) key(ctx context.Context, c *client, kid, alg string) (jose.JSONWebKey, bool) {
	if c.JWKSURI != "" {
		return k.remoteKey(ctx, c.JWKSURI, kid, alg)
	}
	return c.keys.Key(kid, alg)
}

// registeredKeys reads the key set that a client is registered with. One that
// cannot be read was registered by another version of this program: the client is
// refused, and everything else works.
func registeredKeys(a users.Application, log *slog.Logger) keys.PublicSet {
	if len(a.SignIn.JWKS) == 0 {
		return nil
	}
	set, err := keys.ParsePublicSet(a.SignIn.JWKS)
	if err != nil {
		log.Error("registered keys of a client not readable", "application", a.ID, "error", err)
		return nil
	}
	return set
}

// remoteKey looks among the keys at hand and, if they are old or do not have
// the one that is asked for, among those of a new fetch.
func (k *clientKeys) remoteKey(ctx context.Context, uri, kid, alg string) (jose.JSONWebKey, bool) {
	r := k.of(uri)
	if key, found := r.current.Load().key(kid, alg, k.now(), clientKeysFresh); found {
		return key, true
	}
	r.fetching.Lock()
	defer r.fetching.Unlock()
	if now := k.now(); now.Sub(r.tried) >= clientKeysEvery {
		r.tried = now
		set, err := k.fetch(ctx, uri)
		if err != nil {
			k.log.WarnContext(ctx, "no keys from a client", "error", err)
		}
		if err == nil || errors.Is(err, keys.ErrNoPublicKey) { // who publishes no key has withdrawn the former ones
			r.current.Store(&fetchedKeys{set: set, at: now})
		}
	}
	return r.current.Load().key(kid, alg, k.now(), clientKeysUsable)
}

// key looks for a key in an answer that is younger than maxAge.
func (f *fetchedKeys) key(kid, alg string, now time.Time, maxAge time.Duration) (jose.JSONWebKey, bool) {
	if f == nil || now.Sub(f.at) >= maxAge {
		return jose.JSONWebKey{}, false
	}
	return f.set.Key(kid, alg)
}

// of returns what is known of a jwks_uri. Only registered ones are asked for.
func (k *clientKeys) of(uri string) *remoteKeys {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.remote[uri] == nil {
		k.remote[uri] = &remoteKeys{}
	}
	return k.remote[uri]
}

// fetch reads a key set; see ParsePublicSet for its errors. The request that
// needed it may go away; the keys are for the next ones, too.
func (k *clientKeys) fetch(ctx context.Context, uri string) (keys.PublicSet, error) {
	if k.http == nil {
		return nil, errNoCaller
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), clientKeysTimeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, uri, nil)
	if err != nil {
		return nil, err
	}
	req.Header.Set("Accept", "application/jwk-set+json, application/json")
	answer, err := k.http.Do(ctx, req)
	switch {
	case err != nil:
		return nil, err
	case answer.Status != http.StatusOK:
		return nil, fmt.Errorf("%s answers with status %d", req.URL.Host, answer.Status)
	case len(answer.Body) > maxClientKeys:
		return nil, fmt.Errorf("%s answers with %d bytes, at most %d are read", req.URL.Host, len(answer.Body), maxClientKeys)
	}
	set, err := keys.ParsePublicSet(answer.Body)
	if err != nil {
		return nil, fmt.Errorf("key set of %s: %w", req.URL.Host, err)
	}
	return set, nil
}
