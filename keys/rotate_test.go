package keys_test

import (
	"errors"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/einlass/einlass/keys"
)

// F-125, N375
func TestAnnouncedKeyIsPublishedThenSignsThenVerifiesThenLeaves(t *testing.T) {
	t.Parallel()
	ring, store, clock := ensured(t, keys.EdDSA)
	first := signingKid(t, ring, keys.EdDSA)
	old := sign(t, ring, keys.EdDSA, "old")
	second := rotate(t, ring, time.Hour)
	keep := 24*time.Hour + keys.ClockSkew

	for _, step := range []struct {
		at        string
		advance   time.Duration
		signs     string
		published []string
		oldIsGood bool
	}{
		{"after the announcement", 0, first, []string{first, second}, true},
		{"just before use", time.Hour - time.Millisecond, first, []string{first, second}, true},
		{"at use", time.Millisecond, second, []string{first, second}, true},
		{"just before removal", keep - time.Millisecond, second, []string{first, second}, true},
		{"at removal", time.Millisecond, second, []string{second}, false},
	} {
		clock.Advance(step.advance)
		if got := signingKid(t, ring, keys.EdDSA); got != step.signs {
			t.Errorf("%s: signs with %s, want %s", step.at, got, step.signs)
		}
		if diff := cmp.Diff(step.published, kids(t, ring)); diff != "" {
			t.Errorf("%s: key set (-want +got):\n%s", step.at, diff)
		}
		if _, err := verify(ring, old); (err == nil) != step.oldIsGood {
			t.Errorf("%s: the old token: %v, want good: %t", step.at, err, step.oldIsGood)
		}
		if _, ok := ring.Key(first); ok != step.oldIsGood {
			t.Errorf("%s: key %s found: %t, want %t", step.at, first, ok, step.oldIsGood)
		}
	}

	if err := ring.Prune(t.Context()); err != nil {
		t.Fatalf("prune: %v", err)
	}
	if diff := cmp.Diff([]string{second}, store.ids()); diff != "" {
		t.Errorf("stored after prune (-want +got):\n%s", diff)
	}
}

func TestRotateAtOnce(t *testing.T) {
	t.Parallel()
	ring, _, _ := ensured(t, keys.EdDSA)
	old := sign(t, ring, keys.EdDSA, "old")
	next := rotate(t, ring, 0)
	if got := signingKid(t, ring, keys.EdDSA); got != next {
		t.Errorf("signs with %s, want the new key %s", got, next)
	}
	if _, err := verify(ring, old); err != nil {
		t.Errorf("token of the retired key: %v", err)
	}
}

func TestEmergencyRotationAlsoRetiresTheAnnouncedKey(t *testing.T) {
	t.Parallel()
	ring, _, clock := ensured(t, keys.EdDSA)
	announced := rotate(t, ring, time.Hour)
	emergency := rotate(t, ring, 0)
	for _, step := range []time.Duration{0, time.Hour, 30 * time.Hour} {
		clock.Advance(step)
		if got := signingKid(t, ring, keys.EdDSA); got != emergency {
			t.Errorf("at %s: signs with %s, want %s (announced was %s)", clock.Now(), got, emergency, announced)
		}
	}
	if diff := cmp.Diff([]string{emergency}, kids(t, ring)); diff != "" {
		t.Errorf("key set at the end (-want +got):\n%s", diff)
	}
}

func TestRotationsMayOverlap(t *testing.T) {
	t.Parallel()
	ring, _, clock := ensured(t, keys.EdDSA)
	second := rotate(t, ring, time.Hour)
	third := rotate(t, ring, 2*time.Hour)
	clock.Advance(time.Hour)
	if got := signingKid(t, ring, keys.EdDSA); got != second {
		t.Errorf("after one hour: signs with %s, want %s", got, second)
	}
	clock.Advance(time.Hour)
	if got := signingKid(t, ring, keys.EdDSA); got != third {
		t.Errorf("after two hours: signs with %s, want %s", got, third)
	}
}

func TestRotateGivesEveryAlgorithmASuccessor(t *testing.T) {
	t.Parallel()
	ring, store, _ := ensured(t, keys.ES256, keys.EdDSA)
	made, err := ring.Rotate(t.Context(), 0)
	if err != nil {
		t.Fatalf("rotate: %v", err)
	}
	var algs []string
	for _, k := range made {
		algs = append(algs, k.Alg)
		if got := signingKid(t, ring, k.Alg); got != k.ID {
			t.Errorf("%s signs with %s, want %s", k.Alg, got, k.ID)
		}
	}
	if diff := cmp.Diff([]string{keys.ES256, keys.EdDSA}, algs); diff != "" {
		t.Errorf("algorithms rotated (-want +got):\n%s", diff)
	}
	if last := store.reasons[len(store.reasons)-1]; len(store.reasons) != 3 || last != "rotation" {
		t.Errorf("changes %q, want one transaction for the rotation", store.reasons)
	}
}

func TestAnnouncementMustOutlastTheCaches(t *testing.T) {
	t.Parallel()
	ring, store, _ := ensured(t, keys.EdDSA)
	for _, announce := range []time.Duration{-time.Hour, time.Nanosecond, 59 * time.Second} {
		if _, err := ring.Rotate(t.Context(), announce); !errors.Is(err, keys.ErrAnnouncement) {
			t.Errorf("announcement of %s: error %v, want ErrAnnouncement", announce, err)
		}
	}
	if n := len(store.ids()); n != 1 {
		t.Errorf("stored keys: %d, want 1", n)
	}
	rotate(t, ring, time.Minute)
}

func TestRotateNeedsAKeyToRotate(t *testing.T) {
	t.Parallel()
	ring := newRing(t, &memory{}, newClock().Now)
	if _, err := ring.Rotate(t.Context(), 0); err == nil {
		t.Error("rotate an empty ring: no error")
	}
}

func TestListTellsTheStateOfEachKey(t *testing.T) {
	t.Parallel()
	ring, _, clock := ensured(t, keys.EdDSA)
	start := clock.Now()
	rotate(t, ring, time.Minute)
	clock.Advance(time.Minute)
	rotate(t, ring, time.Hour)

	list, err := ring.List(t.Context())
	if err != nil {
		t.Fatalf("list: %v", err)
	}
	want := []keys.Info{{
		Alg: keys.EdDSA, State: keys.StateRetired,
		CreatedAt: start, UseAt: start.Add(-keys.ClockSkew), RetireAt: start.Add(time.Minute),
		RemoveAt: start.Add(time.Minute + 24*time.Hour + keys.ClockSkew),
	}, {
		Alg: keys.EdDSA, State: keys.StateInUse,
		CreatedAt: start, UseAt: start.Add(time.Minute), RetireAt: start.Add(61 * time.Minute),
		RemoveAt: start.Add(61*time.Minute + 24*time.Hour + keys.ClockSkew),
	}, {
		Alg: keys.EdDSA, State: keys.StateAnnounced,
		CreatedAt: start.Add(time.Minute), UseAt: start.Add(61 * time.Minute),
	}}
	for i, id := range kids(t, ring) {
		want[i].ID = id
	}
	if diff := cmp.Diff(want, list); diff != "" {
		t.Errorf("list (-want +got):\n%s", diff)
	}

	clock.Advance(48 * time.Hour)
	list, err = ring.List(t.Context())
	if err != nil {
		t.Fatalf("list: %v", err)
	}
	if len(list) != 1 || list[0].State != keys.StateInUse {
		t.Errorf("two days later: %v, want the last key alone, in use", list)
	}
}

// N375: a client that keeps the key set for as long as it may never meets a kid it does not know.
func TestClientsWithACachedKeySetKnowEveryKid(t *testing.T) {
	t.Parallel()
	ring, _, clock := ensured(t, keys.EdDSA)
	cached := kids(t, ring)
	fetched := clock.Now()
	for i := range 600 {
		if i%50 == 0 {
			rotate(t, ring, time.Minute)
		}
		if clock.Now().Sub(fetched) >= ring.JWKS().MaxAge {
			cached, fetched = kids(t, ring), clock.Now()
		}
		if kid := signingKid(t, ring, keys.EdDSA); !slices.Contains(cached, kid) {
			t.Fatalf("after %d s: kid %s is not in the cached key set", i, kid)
		}
		clock.Advance(time.Second)
	}
}

func TestSigningGoesOnWhileKeysRotate(t *testing.T) {
	t.Parallel()
	ring, _, clock := ensured(t, keys.EdDSA)
	done := make(chan struct{})
	var workers sync.WaitGroup
	for range 4 {
		workers.Go(func() {
			for {
				select {
				case <-done:
					return
				default:
				}
				if _, err := verify(ring, sign(t, ring, keys.EdDSA, "{}")); err != nil {
					t.Errorf("token during rotation: %v", err)
					return
				}
			}
		})
	}
	for range 20 {
		rotate(t, ring, time.Minute)
		clock.Advance(2 * time.Minute)
		if err := ring.Refresh(t.Context()); err != nil {
			t.Errorf("refresh: %v", err)
		}
	}
	close(done)
	workers.Wait()
}

// F-125: the successor's age counts from when it was made, so that an
// announcement is not made twice.
func TestOlderThanLooksAtTheNewestKeyOfEachAlgorithm(t *testing.T) {
	t.Parallel()
	ring, _, clock := ensured(t, keys.EdDSA, keys.ES256)
	want := func(when string, want bool) {
		t.Helper()
		got, err := ring.OlderThan(t.Context(), 90*24*time.Hour)
		if err != nil || got != want {
			t.Errorf("%s: %t, %v; want %t", when, got, err, want)
		}
	}
	want("new", false)
	clock.Advance(90 * 24 * time.Hour)
	want("at its age", false)
	clock.Advance(time.Millisecond)
	want("over its age", true)
	if _, err := ring.Rotate(t.Context(), 24*time.Hour); err != nil {
		t.Fatal(err)
	}
	want("while the successor is announced", false)
	clock.Advance(90*24*time.Hour + time.Millisecond)
	want("when the successor is old", true)
}
