package keys_test

import (
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/einlass/einlass/keys"
)

// withNewMasterKey returns a ring of a process that reads the master key file
// after a line was written above the one that the others know.
func withNewMasterKey(t *testing.T, store keys.Store, now func() time.Time) *keys.Ring {
	t.Helper()
	sealer := newSealer(t, masterLine("two", 2), masterLine("one", 1))
	ring, err := keys.NewRing(keys.Config{Store: store, Sealer: sealer, Now: now})
	if err != nil {
		t.Fatal(err)
	}
	if err := ring.Refresh(t.Context()); err != nil {
		t.Fatal(err)
	}
	return ring
}

// REL-9: a server that cannot open the successor still gives the revoked key up.
func TestRevocationReachesRingsThatCannotOpenTheSuccessor(t *testing.T) {
	t.Parallel()
	serving, store, clock := ensured(t, keys.EdDSA, keys.ES256)
	leaked, other := signingKid(t, serving, keys.EdDSA), signingKid(t, serving, keys.ES256)
	forged := sign(t, serving, keys.EdDSA, "forged")
	next := revoke(t, withNewMasterKey(t, store, clock.Now), leaked)

	for range 2 { // what could not be opened once is not forgotten
		err := serving.Refresh(t.Context())
		if !errors.Is(err, keys.ErrDamagedKey) || !errors.Is(err, keys.ErrWrongMasterKey) {
			t.Errorf("refresh: %v, want ErrDamagedKey and ErrWrongMasterKey", err)
		}
	}
	if _, err := serving.Signer(keys.EdDSA); !errors.Is(err, keys.ErrNoSigningKey) {
		t.Errorf("signer of the revoked key: %v, want ErrNoSigningKey", err)
	}
	if _, err := verify(serving, forged); !errors.Is(err, keys.ErrSignature) {
		t.Errorf("token of the revoked key: %v, want ErrSignature", err)
	}
	if diff := cmp.Diff([]string{other}, kids(t, serving)); diff != "" {
		t.Errorf("key set (-want +got):\n%s", diff)
	}
	if got := signingKid(t, serving, keys.ES256); got != other {
		t.Errorf("ES256 signs with %s, want the untouched %s", got, other)
	}
	// Keys are never made because others cannot be opened.
	_, rotated := serving.Rotate(t.Context(), 0)
	for what, err := range map[string]error{
		"ensure": serving.Ensure(t.Context(), keys.EdDSA), "record": serving.Record(t.Context()), "rotate": rotated,
	} {
		if !errors.Is(err, keys.ErrDamagedKey) {
			t.Errorf("%s: %v, want ErrDamagedKey", what, err)
		}
	}
	if diff := cmp.Diff([]string{other, next}, store.ids()); diff != "" {
		t.Errorf("stored keys (-want +got):\n%s", diff)
	}
}

// A planted row hides nothing, is never published, and leaves no trace once it is gone.
func TestPlantedKeyHidesNoRotation(t *testing.T) {
	t.Parallel()
	serving, store, clock := ensured(t, keys.EdDSA)
	if err := store.PutSigningKeys(t.Context(), []keys.StoredKey{{ID: "planted", Alg: keys.EdDSA, Sealed: "planted"}}, "none"); err != nil {
		t.Fatal(err)
	}
	if err := serving.Refresh(t.Context()); !errors.Is(err, keys.ErrDamagedKey) {
		t.Errorf("refresh: %v, want ErrDamagedKey", err)
	}
	if slices.Contains(kids(t, serving), "planted") {
		t.Error("the planted key is published")
	}
	clean := &memory{stored: slices.Clone(store.stored[:1])}
	next := rotate(t, newRing(t, clean, clock.Now), 0)
	store.stored = append(clean.stored, store.stored[1])
	if err := serving.Refresh(t.Context()); !errors.Is(err, keys.ErrDamagedKey) {
		t.Errorf("refresh: %v, want ErrDamagedKey", err)
	}
	if got := signingKid(t, serving, keys.EdDSA); got != next {
		t.Errorf("signs with %s, want the successor %s", got, next)
	}
	store.stored = clean.stored
	if err := serving.Refresh(t.Context()); err != nil {
		t.Errorf("refresh without the planted row: %v", err)
	}
}

// N378: a damaged row takes no key from whoever has it, but the key ends when it is to end.
func TestDamagedKeyStillEndsOnTime(t *testing.T) {
	t.Parallel()
	serving, store, clock := ensured(t, keys.EdDSA)
	kid := signingKid(t, serving, keys.EdDSA)
	store.stored[0].Sealed = "damaged"
	end := clock.Now().Add(time.Hour)
	store.stored[0].RetireAt, store.stored[0].RemoveAt = end, end
	for range 2 {
		if err := serving.Refresh(t.Context()); !errors.Is(err, keys.ErrDamagedKey) {
			t.Errorf("refresh: %v, want ErrDamagedKey", err)
		}
	}
	if got := signingKid(t, serving, keys.EdDSA); got != kid {
		t.Errorf("signs with %s, want %s", got, kid)
	}
	clock.Advance(time.Hour)
	if _, err := serving.Signer(keys.EdDSA); !errors.Is(err, keys.ErrNoSigningKey) {
		t.Errorf("after its end: %v, want ErrNoSigningKey", err)
	}
	if got := kids(t, serving); len(got) != 0 {
		t.Errorf("after its end: %v is published", got)
	}
}
