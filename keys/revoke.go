package keys

import (
	"context"
	"fmt"
	"slices"
	"time"
)

// ReasonRevocation begins the reason for which a revoked key is written; its id follows.
const ReasonRevocation = "revocation of "

// Revoke takes a key out at once, because its private part may be known to
// somebody else: it signs no longer, leaves the key set, and nothing it signed
// verifies here any more. Where it was the one in use, its successor signs from
// now on: the one that is announced, so that clients know it already, or else a
// new one. Clients go on accepting the revoked key until they read the key set
// again, JWKSMaxAge at most.
//
// It returns the key that signs with the algorithm now, or ErrUnknownKey. The
// caller holds the lease `keys`.
func (r *Ring) Revoke(ctx context.Context, kid string) (Info, error) {
	r.reading.Lock()
	defer r.reading.Unlock()
	if err := r.refresh(ctx); err != nil {
		return Info{}, err
	}
	now := r.now()
	revoked, known := r.current(now).byID[kid]
	if !known {
		return Info{}, fmt.Errorf("revoke: %w %q", ErrUnknownKey, kid)
	}
	next, err := r.replacement(revoked)
	if err != nil {
		return Info{}, fmt.Errorf("revoke: %w", err)
	}
	gone := revoked.StoredKey
	gone.RetireAt, gone.RemoveAt = now, now
	if err := r.cfg.Store.PutSigningKeys(ctx, []StoredKey{next, gone}, ReasonRevocation+kid); err != nil {
		return Info{}, fmt.Errorf("store signing keys: %w", err)
	}
	r.cfg.Logger.WarnContext(ctx, "signing key revoked", "kid", kid, "alg", next.Alg, "successor", next.ID)
	// Deleted, because another replica's clock may be behind the moment of its end.
	if err := r.cfg.Store.DeleteSigningKeys(ctx, []string{kid}); err != nil {
		return next.info(now), fmt.Errorf("delete signing key: %w", err)
	}
	return next.info(now), r.refresh(ctx)
}

// replacement returns the key that signs once revoked does not, with the moments
// of its life from now on. It needs r.reading.
func (r *Ring) replacement(revoked *signingKey) (StoredKey, error) {
	now := r.now()
	others := slices.DeleteFunc(slices.Clone(r.current(now).byAlg[revoked.Alg]), func(k *signingKey) bool { return k == revoked })
	signing := func(t time.Time) *signingKey {
		for _, key := range slices.Backward(others) {
			if key.signs(t) {
				return key
			}
		}
		return nil
	}
	if key := signing(now); key != nil {
		next := key.StoredKey
		if !next.RetireAt.IsZero() && signing(next.RetireAt) == nil { // revoked was to follow it
			next.RetireAt, next.RemoveAt = time.Time{}, time.Time{}
		}
		return next, nil
	}
	for _, key := range others { // the one that is announced for the earliest time
		if now.Before(key.UseAt) {
			next := key.StoredKey
			next.UseAt = now.Add(-ClockSkew) // at once, also where the clock is behind ours
			return next, nil
		}
	}
	next, err := newStoredKey(revoked.Alg, r.cfg.Sealer)
	if err != nil {
		return StoredKey{}, fmt.Errorf("make signing key: %w", err)
	}
	next.CreatedAt, next.UseAt = now, now.Add(-ClockSkew)
	return next, nil
}
