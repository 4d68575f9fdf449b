package keys

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"time"
)

// State is where a signing key is in its life.
type State string

// The states of a key; what is gone is not shown.
const (
	StateAnnounced State = "announced"
	StateInUse     State = "in use"
	StateRetired   State = "retired"
)

// Info is what may be told about a signing key.
type Info struct {
	ID        string    `json:"id"`
	Alg       string    `json:"alg"`
	State     State     `json:"state"`
	CreatedAt time.Time `json:"created_at"`
	UseAt     time.Time `json:"use_at"`
	RetireAt  time.Time `json:"retire_at,omitzero"`
	RemoveAt  time.Time `json:"remove_at,omitzero"`
}

func (k StoredKey) info(now time.Time) Info {
	state := StateRetired
	switch {
	case k.signs(now):
		state = StateInUse
	case k.RetireAt.IsZero() || now.Before(k.RetireAt):
		state = StateAnnounced
	}
	return Info{k.ID, k.Alg, state, k.CreatedAt, k.UseAt, k.RetireAt, k.RemoveAt}
}

// List returns the keys in the store, oldest first, without opening them.
func (r *Ring) List(ctx context.Context) ([]Info, error) {
	stored, err := r.cfg.Store.SigningKeys(ctx)
	if err != nil {
		return nil, fmt.Errorf("read signing keys: %w", err)
	}
	now := r.now()
	var list []Info
	for _, k := range stored {
		if !k.gone(now) {
			list = append(list, k.info(now))
		}
	}
	return list, nil
}

// Ensure makes the first key of each algorithm that has none; it is used at
// once. The caller holds the lease `keys`, or two processes make one each.
//
// A stored key that cannot be opened is an error and never a reason to make a
// new one.
func (r *Ring) Ensure(ctx context.Context, algs ...string) error {
	r.reading.Lock()
	defer r.reading.Unlock()
	if err := r.refresh(ctx); err != nil {
		return err
	}
	present := r.state.Load().byAlg
	for _, alg := range algs {
		if slices.ContainsFunc(present[alg], func(k *signingKey) bool { return k.RetireAt.IsZero() }) {
			continue
		}
		key, err := newStoredKey(alg, r.cfg.Sealer)
		if err != nil {
			return fmt.Errorf("make signing key: %w", err)
		}
		key.CreatedAt = r.now()
		key.UseAt = key.CreatedAt.Add(-ClockSkew) // at once, also where the clock is behind ours
		if err := r.cfg.Store.PutSigningKeys(ctx, []StoredKey{key}, "first key for "+alg); err != nil {
			return fmt.Errorf("store signing key: %w", err)
		}
		r.cfg.Logger.InfoContext(ctx, "signing key made", "kid", key.ID, "alg", alg)
	}
	return r.refresh(ctx)
}

// Rotate gives every algorithm that has keys a successor, which is in the key
// set from now on and signs after the announcement; then the present key
// retires. An announcement of 0 means at once and is meant for emergencies:
// clients that keep the key set will meet a kid they do not know. It returns
// the new keys, or ErrAnnouncement when clients would have too little time to
// read the key set again. The caller holds the lease `keys`.
func (r *Ring) Rotate(ctx context.Context, announce time.Duration) ([]Info, error) {
	if announce < 0 || announce > 0 && announce < r.cfg.JWKSMaxAge {
		return nil, fmt.Errorf("rotate: %w: want at least %s, for which clients keep the key set, or 0 for at once", ErrAnnouncement, r.cfg.JWKSMaxAge)
	}
	r.reading.Lock()
	defer r.reading.Unlock()
	if err := r.refresh(ctx); err != nil {
		return nil, err
	}
	now := r.now()
	useAt := now.Add(announce)
	var put []StoredKey
	var made []Info
	present := r.state.Load().byAlg
	for _, alg := range slices.Sorted(maps.Keys(present)) {
		next, err := newStoredKey(alg, r.cfg.Sealer)
		if err != nil {
			return nil, fmt.Errorf("make signing key: %w", err)
		}
		next.CreatedAt, next.UseAt = now, useAt
		put = append(put, next)
		put = append(put, r.retire(present[alg], useAt)...)
		made = append(made, next.info(now))
	}
	if len(put) == 0 {
		return nil, fmt.Errorf("rotate: %w", ErrNoSigningKey)
	}
	if err := r.cfg.Store.PutSigningKeys(ctx, put, "rotation"); err != nil {
		return nil, fmt.Errorf("store signing keys: %w", err)
	}
	for _, k := range made {
		r.cfg.Logger.InfoContext(ctx, "signing key rotated", "kid", k.ID, "alg", k.Alg, "use_at", k.UseAt)
	}
	if err := r.refresh(ctx); err != nil {
		return made, err
	}
	return made, r.prune(ctx)
}

// retire returns the keys of the list that would still sign at t or later,
// with their end at t. A key that was announced for later never signs then.
func (r *Ring) retire(list []*signingKey, t time.Time) []StoredKey {
	var retired []StoredKey
	for _, key := range list {
		if !key.RetireAt.IsZero() && !key.RetireAt.After(t) {
			continue
		}
		stored := key.StoredKey
		stored.RetireAt = t
		stored.RemoveAt = t.Add(r.cfg.LongestToken + ClockSkew)
		retired = append(retired, stored)
	}
	return retired
}

// Prune deletes the keys that are gone from the store. Rotate does it too.
func (r *Ring) Prune(ctx context.Context) error {
	r.reading.Lock()
	defer r.reading.Unlock()
	return r.prune(ctx)
}

// prune needs r.reading.
func (r *Ring) prune(ctx context.Context) error {
	stored, err := r.cfg.Store.SigningKeys(ctx)
	if err != nil {
		return fmt.Errorf("read signing keys: %w", err)
	}
	now := r.now()
	var gone []string
	for _, k := range stored {
		if k.gone(now) {
			gone = append(gone, k.ID)
		}
	}
	if len(gone) == 0 {
		return nil
	}
	if err := r.cfg.Store.DeleteSigningKeys(ctx, gone); err != nil {
		return fmt.Errorf("delete signing keys: %w", err)
	}
	r.cfg.Logger.InfoContext(ctx, "signing keys deleted", "kids", gone)
	return nil
}

// OlderThan reports whether the newest key of some algorithm was made more than
// age ago, so that it is time to Rotate. A successor that is announced counts.
func (r *Ring) OlderThan(ctx context.Context, age time.Duration) (bool, error) {
	list, err := r.List(ctx)
	if err != nil {
		return false, err
	}
	newest := map[string]time.Time{}
	for _, k := range list {
		if k.CreatedAt.After(newest[k.Alg]) {
			newest[k.Alg] = k.CreatedAt
		}
	}
	limit := r.now().Add(-age)
	for _, made := range newest {
		if made.Before(limit) {
			return true, nil
		}
	}
	return false, nil
}
