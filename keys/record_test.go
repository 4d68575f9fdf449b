package keys_test

import (
	"errors"
	"testing"

	"github.com/einlass/einlass/keys"
)

// N-1: what the log lacks is recorded once, a call for each key, and nothing else changes.
func TestRecordNamesEachKeyOnce(t *testing.T) {
	t.Parallel()
	ring, store, _ := ensured(t, keys.RS256, keys.ES256)
	if !ring.Recorded() {
		t.Error("new keys are not recorded")
	}
	if err := ring.Record(t.Context()); err != nil || len(store.reasons) != 2 {
		t.Errorf("%v after the reasons %q, want nothing but the two first keys", err, store.reasons)
	}
	for i := range store.stored { // as an earlier version has left them
		store.stored[i].Recorded = false
	}
	before := string(ring.JWKS().JSON)
	if err := ring.Refresh(t.Context()); err != nil || ring.Recorded() {
		t.Fatalf("%v; recorded %t, want that it shows", err, ring.Recorded())
	}
	store.fail(errors.New("away"))
	if err := ring.Record(t.Context()); err == nil || ring.Recorded() {
		t.Errorf("while the store is away: %v, recorded %t", err, ring.Recorded())
	}
	store.fail(nil)
	for range 2 {
		if err := ring.Record(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if n := len(store.reasons); n != 4 || !ring.Recorded() {
		t.Errorf("%d events, recorded %t; want one more for each of two keys", n, ring.Recorded())
	}
	if after := string(ring.JWKS().JSON); after != before {
		t.Errorf("the key set has changed from %s to %s", before, after)
	}
}
