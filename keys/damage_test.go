package keys_test

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/einlass/einlass/keys"
)

func TestDamagedKeysAreRefusedAndNeverReplaced(t *testing.T) {
	t.Parallel()
	for name, damage := range map[string]func(t *testing.T, key, other *keys.StoredKey){
		"a byte of the sealed key changed": func(_ *testing.T, key, _ *keys.StoredKey) {
			key.Sealed = key.Sealed[:len(key.Sealed)-2] + flip(key.Sealed[len(key.Sealed)-2:])
		},
		"cut off":        func(_ *testing.T, key, _ *keys.StoredKey) { key.Sealed = key.Sealed[:len(key.Sealed)/2] },
		"empty":          func(_ *testing.T, key, _ *keys.StoredKey) { key.Sealed = "" },
		"in clear text":  func(_ *testing.T, key, _ *keys.StoredKey) { key.Sealed = "-----BEGIN PRIVATE KEY-----" },
		"another alg":    func(_ *testing.T, key, _ *keys.StoredKey) { key.Alg = keys.RS256 },
		"alg none":       func(_ *testing.T, key, _ *keys.StoredKey) { key.Alg = "none" },
		"no public part": func(_ *testing.T, key, _ *keys.StoredKey) { key.Public = "" },
		"no key at all inside": func(t *testing.T, key, _ *keys.StoredKey) {
			sealed, err := newSealer(t).Seal([]byte("not PKCS #8"), "signing_keys", "sealed", key.ID)
			if err != nil {
				t.Fatal(err)
			}
			key.Sealed = sealed
		},
		// N380
		"sealed values of two rows swapped": func(_ *testing.T, key, other *keys.StoredKey) {
			key.Sealed, other.Sealed = other.Sealed, key.Sealed
		},
		// N139: whoever can write to the database cannot publish a key of their own.
		"public part of somebody else": func(_ *testing.T, key, other *keys.StoredKey) { key.Public = other.Public },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			serving, store, clock := ensured(t, keys.EdDSA, keys.ES256)
			damage(t, &store.stored[0], &store.stored[1])
			before := store.stored[0]

			starting := newRing(t, store, clock.Now)
			err := starting.Ensure(t.Context(), keys.EdDSA, keys.ES256)
			if !errors.Is(err, keys.ErrDamagedKey) {
				t.Fatalf("ensure: %v, want ErrDamagedKey", err)
			}
			if !strings.Contains(err.Error(), store.stored[0].ID) && !strings.Contains(err.Error(), store.stored[1].ID) {
				t.Errorf("error does not name the kid: %v", err)
			}
			if !strings.Contains(err.Error(), "restore the master key file") {
				t.Errorf("error does not say what to do: %v", err)
			}
			if _, err := starting.Rotate(t.Context(), 0); !errors.Is(err, keys.ErrDamagedKey) {
				t.Errorf("rotate: %v, want ErrDamagedKey", err)
			}
			if diff := cmp.Diff(before, store.stored[0]); diff != "" || len(store.stored) != 2 {
				t.Errorf("the store was changed (%d keys):\n%s", len(store.stored), diff)
			}

			// N378: who has the keys in memory keeps serving.
			if err := serving.Refresh(t.Context()); !errors.Is(err, keys.ErrDamagedKey) {
				t.Errorf("refresh of a serving ring: %v, want ErrDamagedKey", err)
			}
			if _, err := verify(serving, sign(t, serving, keys.EdDSA, "{}")); err != nil {
				t.Errorf("serving ring: %v", err)
			}
		})
	}
}

// flip exchanges two characters of base64url for two others.
func flip(s string) string {
	if s == "AA" {
		return "BB"
	}
	return "AA"
}

func TestAnotherMasterKeyIsRefusedByName(t *testing.T) {
	t.Parallel()
	_, store, clock := ensured(t, keys.EdDSA)
	ring, err := keys.NewRing(keys.Config{Store: store, Sealer: newSealer(t, masterLine("two", 2)), Now: clock.Now})
	if err != nil {
		t.Fatal(err)
	}
	err = ring.Ensure(t.Context(), keys.EdDSA)
	if !errors.Is(err, keys.ErrDamagedKey) || !errors.Is(err, keys.ErrWrongMasterKey) {
		t.Errorf("ensure: %v, want ErrDamagedKey and ErrWrongMasterKey", err)
	}
	if n := len(store.ids()); n != 1 {
		t.Errorf("stored keys: %d, want 1", n)
	}
}

func TestKeysThatAreGoneDoNotStandInTheWay(t *testing.T) {
	t.Parallel()
	ring, store, clock := ensured(t, keys.EdDSA)
	rotate(t, ring, 0)
	clock.Advance(48 * time.Hour)
	store.stored[0].Sealed = "damaged"
	if err := newRing(t, store, clock.Now).Ensure(t.Context(), keys.EdDSA); err != nil {
		t.Errorf("ensure: %v", err)
	}
}

func TestStoredPublicPartMayBeReformatted(t *testing.T) {
	t.Parallel()
	_, store, clock := ensured(t, keys.ES256)
	var public map[string]any
	if err := json.Unmarshal([]byte(store.stored[0].Public), &public); err != nil {
		t.Fatal(err)
	}
	spaced, err := json.MarshalIndent(public, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	store.stored[0].Public = string(spaced)
	if err := newRing(t, store, clock.Now).Refresh(t.Context()); err != nil {
		t.Errorf("refresh: %v", err)
	}
}

// A server keeps serving with the keys it has.
func TestARingOutlivesItsStore(t *testing.T) {
	t.Parallel()
	ring, store, _ := ensured(t, keys.EdDSA)
	away := errors.New("connection refused")
	store.fail(away)
	kid := signingKid(t, ring, keys.EdDSA)
	_, rotated := ring.Rotate(t.Context(), 0)
	for what, err := range map[string]error{
		"ensure": ring.Ensure(t.Context(), keys.ES256), "rotate": rotated, "refresh": ring.Refresh(t.Context()), "prune": ring.Prune(t.Context()),
	} {
		if !errors.Is(err, away) {
			t.Errorf("%s: %v, want the store's error", what, err)
		}
	}
	if got := signingKid(t, ring, keys.EdDSA); got != kid {
		t.Errorf("signs with key %s, want %s as before", got, kid)
	}
	store.fail(nil)
	if got := store.ids(); len(got) != 1 || got[0] != kid {
		t.Errorf("stored keys %v, want only %s", got, kid)
	}
}
