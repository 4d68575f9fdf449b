package keys_test

import (
	"encoding/base64"
	"errors"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/google/go-cmp/cmp"

	"github.com/einlass/einlass/keys"
)

// N139
func TestKeySetHasPublicMembersOnly(t *testing.T) {
	t.Parallel()
	ring, _, _ := ensured(t, keys.RS256, keys.ES256, keys.EdDSA)

	var set struct{ Keys []map[string]string }
	decodeJSON(t, ring.JWKS().JSON, &set)

	members := map[string][]string{
		keys.RS256: {"alg", "e", "kid", "kty", "n", "use"},
		keys.ES256: {"alg", "crv", "kid", "kty", "use", "x", "y"},
		keys.EdDSA: {"alg", "crv", "kid", "kty", "use", "x"},
	}
	if len(set.Keys) != len(members) {
		t.Fatalf("keys in the set: %d, want %d", len(set.Keys), len(members))
	}
	for _, key := range set.Keys {
		var names []string
		for name := range key {
			names = append(names, name)
		}
		slices.Sort(names)
		if diff := cmp.Diff(members[key["alg"]], names); diff != "" {
			t.Errorf("members of the %s key (-want +got):\n%s", key["alg"], diff)
		}
		if key["use"] != "sig" {
			t.Errorf("use of the %s key: %q, want sig", key["alg"], key["use"])
		}
	}
}

// N139
func TestEveryKeyHasItsOwnRandomID(t *testing.T) {
	t.Parallel()
	ring, _, _ := ensured(t, keys.ES256, keys.EdDSA)
	for range 5 {
		if _, err := ring.Rotate(t.Context(), time.Hour); err != nil {
			t.Fatalf("rotate: %v", err)
		}
	}
	ids := kids(t, ring)
	if len(ids) != 12 {
		t.Errorf("published keys: %d, want 12", len(ids))
	}
	slices.Sort(ids)
	if distinct := slices.Compact(slices.Clone(ids)); len(distinct) != len(ids) {
		t.Errorf("kids are not distinct: %v", ids)
	}
	for _, id := range ids {
		if !regexp.MustCompile(`^[a-z2-7]{26}$`).MatchString(id) {
			t.Errorf("kid %q, want 26 lower-case characters", id)
		}
	}
}

// N139
func TestETagNamesTheContentOfTheKeySet(t *testing.T) {
	t.Parallel()
	ring, _, _ := ensured(t, keys.ES256)
	before := ring.JWKS()
	if err := ring.Refresh(t.Context()); err != nil {
		t.Fatalf("refresh: %v", err)
	}
	if again := ring.JWKS(); again.ETag != before.ETag {
		t.Errorf("ETag of the same keys: %s, want %s", again.ETag, before.ETag)
	}
	rotate(t, ring, time.Hour)
	after := ring.JWKS()
	if after.ETag == before.ETag {
		t.Errorf("ETag with one more key is still %s", after.ETag)
	}
	if !regexp.MustCompile(`^"[\w-]+"$`).MatchString(after.ETag) {
		t.Errorf("ETag %s is not a quoted string", after.ETag)
	}
	if after.MaxAge != time.Minute {
		t.Errorf("max age: %s, want 1m by default", after.MaxAge)
	}
}

func TestTokensCarryAlgKidAndTypAndVerify(t *testing.T) {
	t.Parallel()
	ring, _, _ := ensured(t, keys.RS256, keys.ES256, keys.EdDSA)
	published := map[string]string{}
	for _, key := range publishedKeys(t, ring) {
		published[key.Algorithm] = key.KeyID
	}
	for _, alg := range []string{keys.RS256, keys.ES256, keys.EdDSA} {
		for _, typ := range []string{keys.TypeIDToken, keys.TypeLogoutToken, keys.TypeEvidence} {
			signer, err := ring.Signer(alg)
			if err != nil {
				t.Fatalf("signer for %s: %v", alg, err)
			}
			token, err := signer.Sign([]byte(`{"sub":"ada"}`), typ)
			if err != nil {
				t.Fatalf("sign %s with %s: %v", typ, alg, err)
			}
			encoded, err := base64.RawURLEncoding.DecodeString(strings.Split(token, ".")[0])
			if err != nil {
				t.Fatalf("header: %v", err)
			}
			var header map[string]string
			decodeJSON(t, encoded, &header)
			want := map[string]string{"alg": alg, "kid": published[alg], "typ": typ}
			if diff := cmp.Diff(want, header); diff != "" {
				t.Errorf("header (-want +got):\n%s", diff)
			}
			if payload, err := verify(ring, token); err != nil || payload != `{"sub":"ada"}` {
				t.Errorf("verify %s token: %q, %v", alg, payload, err)
			}
			// A client knows nothing but the published set.
			parsed, err := jose.ParseSignedCompact(token, []jose.SignatureAlgorithm{jose.SignatureAlgorithm(alg)})
			if err != nil {
				t.Fatalf("parse: %v", err)
			}
			if _, err := parsed.Verify(jose.JSONWebKeySet{Keys: publishedKeys(t, ring)}); err != nil {
				t.Errorf("a client verifies a %s token: %v", alg, err)
			}
		}
	}
}

func TestUnknownTokenTypesAreNotSigned(t *testing.T) {
	t.Parallel()
	ring, _, _ := ensured(t, keys.EdDSA)
	signer, err := ring.Signer(keys.EdDSA)
	if err != nil {
		t.Fatal(err)
	}
	if token, err := signer.Sign([]byte("{}"), "at+jwt"); err == nil {
		t.Errorf("signed as at+jwt: %s", token)
	}
}

func TestAlgorithmsWithoutAKeyAreRefused(t *testing.T) {
	t.Parallel()
	ring, store, _ := ensured(t, keys.EdDSA)
	if _, err := ring.Signer(keys.RS256); !errors.Is(err, keys.ErrNoSigningKey) {
		t.Errorf("signer without a key: %v, want ErrNoSigningKey", err)
	}
	for _, alg := range []string{"", "none", "HS256", "rs256", "PS256"} {
		if err := ring.Ensure(t.Context(), alg); !errors.Is(err, keys.ErrUnknownAlg) {
			t.Errorf("ensure %q: %v, want ErrUnknownAlg", alg, err)
		}
	}
	if n := len(store.ids()); n != 1 {
		t.Errorf("stored keys: %d, want 1", n)
	}
}

func TestEnsureKeepsTheKeyThatIsThere(t *testing.T) {
	t.Parallel()
	first, store, clock := ensured(t, keys.EdDSA)
	second := newRing(t, store, clock.Now)
	if err := second.Ensure(t.Context(), keys.EdDSA); err != nil {
		t.Fatalf("ensure: %v", err)
	}
	if got, want := signingKid(t, second, keys.EdDSA), signingKid(t, first, keys.EdDSA); got != want {
		t.Errorf("second ring signs with %s, want %s", got, want)
	}
	if diff := cmp.Diff([]string{"first key for EdDSA"}, store.reasons); diff != "" {
		t.Errorf("reasons of changes (-want +got):\n%s", diff)
	}
}

func TestFirstKeySignsOnAReplicaWhoseClockIsBehind(t *testing.T) {
	t.Parallel()
	_, store, clock := ensured(t, keys.EdDSA)
	late := newRing(t, store, func() time.Time { return clock.Now().Add(-keys.ClockSkew) })
	if err := late.Refresh(t.Context()); err != nil {
		t.Fatalf("refresh: %v", err)
	}
	signingKid(t, late, keys.EdDSA)
}

func TestTwoRingsOnOneStoreAgree(t *testing.T) {
	t.Parallel()
	first, store, clock := ensured(t, keys.ES256)
	second := newRing(t, store, clock.Now)
	rotate(t, first, time.Hour)
	if err := second.Refresh(t.Context()); err != nil {
		t.Fatalf("refresh: %v", err)
	}
	for _, step := range []time.Duration{0, time.Hour - time.Millisecond, time.Millisecond, 25 * time.Hour} {
		clock.Advance(step)
		if a, b := signingKid(t, first, keys.ES256), signingKid(t, second, keys.ES256); a != b {
			t.Errorf("at %s the rings sign with %s and %s", clock.Now(), a, b)
		}
		if a, b := first.JWKS().ETag, second.JWKS().ETag; a != b {
			t.Errorf("at %s the rings publish %s and %s", clock.Now(), a, b)
		}
		if _, err := verify(second, sign(t, first, keys.ES256, "{}")); err != nil {
			t.Errorf("at %s: token of the one at the other: %v", clock.Now(), err)
		}
	}
}

func TestConfigurationIsChecked(t *testing.T) {
	t.Parallel()
	sealer := newSealer(t)
	for name, cfg := range map[string]keys.Config{
		"no store":           {Sealer: sealer},
		"no sealer":          {Store: &memory{}},
		"kept for too long":  {Store: &memory{}, Sealer: sealer, JWKSMaxAge: time.Hour},
		"negative token age": {Store: &memory{}, Sealer: sealer, LongestToken: -time.Hour},
	} {
		if _, err := keys.NewRing(cfg); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}
