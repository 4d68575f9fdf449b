package keys_test

import (
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/einlass/einlass/keys"
)

func revoke(t *testing.T, ring *keys.Ring, kid string) string {
	t.Helper()
	next, err := ring.Revoke(t.Context(), kid)
	if err != nil {
		t.Fatalf("revoke %s: %v", kid, err)
	}
	return next.ID
}

// REL-9
func TestRevokedKeyLeavesAtOnceAndANewOneSigns(t *testing.T) {
	t.Parallel()
	ring, store, clock := ensured(t, keys.ES256, keys.EdDSA)
	other := signingKid(t, ring, keys.ES256)
	leaked := signingKid(t, ring, keys.EdDSA)
	forged := sign(t, ring, keys.EdDSA, "forged")

	next := revoke(t, ring, leaked)
	if next == leaked || signingKid(t, ring, keys.EdDSA) != next {
		t.Errorf("signs with %s after %s was revoked, want the new %s", signingKid(t, ring, keys.EdDSA), leaked, next)
	}
	if _, err := verify(ring, forged); !errors.Is(err, keys.ErrSignature) {
		t.Errorf("token of the revoked key: %v, want ErrSignature", err)
	}
	if slices.Contains(kids(t, ring), leaked) || slices.Contains(store.ids(), leaked) {
		t.Errorf("the revoked key is published %v or stored %v", kids(t, ring), store.ids())
	}
	if got := signingKid(t, ring, keys.ES256); got != other {
		t.Errorf("ES256 signs with %s, want the untouched %s", got, other)
	}
	if reason := store.reasons[len(store.reasons)-1]; reason != "revocation of "+leaked {
		t.Errorf("reason of the event: %q", reason)
	}

	behind := newRing(t, store, func() time.Time { return clock.Now().Add(-keys.ClockSkew) })
	if err := behind.Refresh(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := signingKid(t, behind, keys.EdDSA); got != next {
		t.Errorf("a replica whose clock is behind signs with %s, want %s", got, next)
	}
	if _, err := verify(behind, forged); err == nil {
		t.Error("a replica whose clock is behind accepts the revoked key")
	}
}

func TestRevokedKeyIsFollowedByTheOneAnnounced(t *testing.T) {
	t.Parallel()
	ring, store, clock := ensured(t, keys.EdDSA)
	leaked := signingKid(t, ring, keys.EdDSA)
	announced := rotate(t, ring, time.Hour)
	later := rotate(t, ring, 2*time.Hour)
	if next := revoke(t, ring, leaked); next != announced {
		t.Errorf("%s signs, want the announced %s", next, announced)
	}
	for _, step := range []struct {
		advance time.Duration
		signs   string
	}{{0, announced}, {2*time.Hour - time.Millisecond, announced}, {time.Millisecond, later}, {1000 * time.Hour, later}} {
		clock.Advance(step.advance)
		if got := signingKid(t, ring, keys.EdDSA); got != step.signs {
			t.Errorf("after %s: signs with %s, want %s", step.advance, got, step.signs)
		}
	}
	if n := len(store.ids()); n != 2 {
		t.Errorf("%d keys are stored, want the announced two", n)
	}
}

func TestRevokedSuccessorLeavesTheKeyInUseSigning(t *testing.T) {
	t.Parallel()
	ring, _, clock := ensured(t, keys.EdDSA)
	inUse := signingKid(t, ring, keys.EdDSA)
	announced := rotate(t, ring, time.Hour)
	if next := revoke(t, ring, announced); next != inUse {
		t.Errorf("%s signs, want %s as before", next, inUse)
	}
	clock.Advance(1000 * time.Hour)
	if got := signingKid(t, ring, keys.EdDSA); got != inUse {
		t.Errorf("signs with %s, want %s, which has no successor any more", got, inUse)
	}
}

func TestRevokedRetiredKeyChangesNothingElse(t *testing.T) {
	t.Parallel()
	ring, _, _ := ensured(t, keys.EdDSA)
	retired := signingKid(t, ring, keys.EdDSA)
	inUse := rotate(t, ring, 0)
	if next := revoke(t, ring, retired); next != inUse {
		t.Errorf("%s signs, want %s", next, inUse)
	}
	if diff := cmp.Diff([]string{inUse}, kids(t, ring)); diff != "" {
		t.Errorf("key set (-want +got):\n%s", diff)
	}
}

func TestRevokeRefusesUnknownKeysAndReportsTheStore(t *testing.T) {
	t.Parallel()
	ring, store, _ := ensured(t, keys.EdDSA)
	inUse := signingKid(t, ring, keys.EdDSA)
	gone := rotate(t, ring, 0)
	gone, inUse = inUse, gone
	revoke(t, ring, gone)
	for _, kid := range []string{"", "nosuchkey", gone} {
		if _, err := ring.Revoke(t.Context(), kid); !errors.Is(err, keys.ErrUnknownKey) {
			t.Errorf("revoke %q: %v, want ErrUnknownKey", kid, err)
		}
	}
	store.fail(errors.New("disk full"))
	if _, err := ring.Revoke(t.Context(), inUse); err == nil {
		t.Error("revoked although the store failed")
	}
	store.fail(nil)
	if got := signingKid(t, ring, keys.EdDSA); got != inUse {
		t.Errorf("after the failure: signs with %s, want %s", got, inUse)
	}
}
