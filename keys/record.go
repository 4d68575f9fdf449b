package keys

import (
	"context"
	"fmt"
)

// reasonRecord is why a key that stays as it is was written again.
const reasonRecord = "thumbprint recorded"

// Recorded reports whether the event log has the thumbprint of every key, as
// evidence needs it that outlives its key. It has not for those of earlier versions.
func (r *Ring) Recorded() bool { return len(r.unrecorded()) == 0 }

// Record has the thumbprints written that the event log lacks, an event for each
// key. The caller holds the lease `keys`.
func (r *Ring) Record(ctx context.Context) error {
	r.reading.Lock()
	defer r.reading.Unlock()
	if err := r.refresh(ctx); err != nil { // another process may have been faster
		return err
	}
	for _, k := range r.unrecorded() {
		if err := r.cfg.Store.PutSigningKeys(ctx, []StoredKey{k}, reasonRecord); err != nil {
			return fmt.Errorf("record signing key %s: %w", k.ID, err)
		}
		r.cfg.Logger.InfoContext(ctx, "thumbprint of signing key recorded", "kid", k.ID)
	}
	return r.refresh(ctx)
}

func (r *Ring) unrecorded() []StoredKey {
	var missing []StoredKey
	for _, k := range r.state.Load().keys {
		if !k.Recorded {
			missing = append(missing, k.StoredKey)
		}
	}
	return missing
}
