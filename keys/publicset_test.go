package keys_test

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/go-jose/go-jose/v4"

	"github.com/einlass/einlass/keys"
)

func keySet(t *testing.T, members ...jose.JSONWebKey) []byte {
	t.Helper()
	text, err := json.Marshal(jose.JSONWebKeySet{Keys: members})
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func TestAPublicSetWithoutAUsableKeyIsRefused(t *testing.T) {
	t.Parallel()
	p384, errEC := ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	public, private, errEd := ed25519.GenerateKey(rand.Reader)
	if errEC != nil || errEd != nil {
		t.Fatal(errEC, errEd)
	}
	good := jose.JSONWebKey{Key: public, KeyID: "good"}
	many := make([]jose.JSONWebKey, 101)
	for i := range many {
		many[i] = good
	}
	for name, text := range map[string][]byte{
		"no key":                  []byte(`{"keys":[]}`),
		"a curve we do not take":  keySet(t, jose.JSONWebKey{Key: p384.Public()}),
		"a key for encryption":    keySet(t, jose.JSONWebKey{Key: public, Use: "enc"}),
		"a private key beside it": keySet(t, good, jose.JSONWebKey{Key: private}),
		"a symmetric key":         keySet(t, good, jose.JSONWebKey{Key: []byte("0123456789abcdef0123456789abcdef")}),
		"a short RSA key":         []byte(`{"keys":[{"kty":"RSA","e":"AQAB","n":"` + strings.Repeat("u", 170) + `"}]}`),
		"an enormous RSA key":     []byte(`{"keys":[{"kty":"RSA","e":"AQAB","n":"` + strings.Repeat("u", 2000) + `"}]}`),
	} {
		if set, err := keys.ParsePublicSet(text); !errors.Is(err, keys.ErrNoPublicKey) {
			t.Errorf("%s: %d keys and %v, want ErrNoPublicKey", name, len(set), err)
		}
	}
	for name, text := range map[string][]byte{
		"no JSON":                  []byte("<html>"),
		"a list":                   []byte("[]"),
		"another document":         []byte(`{"error":"try again later"}`),
		"null":                     []byte(`{"keys":null}`),
		"more keys than one needs": keySet(t, many...),
	} {
		if set, err := keys.ParsePublicSet(text); err == nil || errors.Is(err, keys.ErrNoPublicKey) {
			t.Errorf("%s: %d keys and %v, want an error that is not about its keys", name, len(set), err)
		}
	}
}

func TestAPublicSetFindsTheKeyThatFits(t *testing.T) {
	t.Parallel()
	rsaKey, errRSA := rsa.GenerateKey(rand.Reader, 2048)
	ecKey, errEC := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	edKey, _, errEd := ed25519.GenerateKey(rand.Reader)
	if errRSA != nil || errEC != nil || errEd != nil {
		t.Fatal(errRSA, errEC, errEd)
	}
	text := string(keySet(t,
		jose.JSONWebKey{Key: rsaKey.Public(), KeyID: "rsa"},
		jose.JSONWebKey{Key: rsaKey.Public(), KeyID: "rsa-pss", Algorithm: "PS256"},
		jose.JSONWebKey{Key: ecKey.Public(), KeyID: "ec", Use: "sig"},
		jose.JSONWebKey{Key: edKey, KeyID: "ed"},
		jose.JSONWebKey{Key: edKey, KeyID: "ed-older", Algorithm: "EdDSA"},
		jose.JSONWebKey{Key: edKey, KeyID: "ed-newer", Algorithm: "Ed25519"},
		jose.JSONWebKey{Key: edKey, KeyID: "twice"},
		jose.JSONWebKey{Key: edKey, KeyID: "twice"},
	))
	text = strings.Replace(text, `{"keys":[`, `{"keys":[{"kty":"future","kid":"future"},{"kty":"EC","crv":"P-256","x":"","y":""},`, 1)
	set, err := keys.ParsePublicSet([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		kid, alg string
		want     bool
	}{
		{"rsa", keys.RS256, true}, {"rsa", keys.PS256, true}, {"rsa-pss", keys.PS256, true}, {"ec", keys.ES256, true}, {"ed", keys.EdDSA, true},
		{"ed", keys.Ed25519, true}, {"ed-older", keys.Ed25519, true}, {"ed-newer", keys.EdDSA, true},
		{"ed-newer", keys.ES256, false}, {"ec", keys.Ed25519, false}, {"rsa", keys.Ed25519, false}, {"ed", "ed25519", false}, {"ed", "Ed448", false},
		{"", keys.ES256, true}, // there is one only
		{"", keys.RS256, true}, // the other is for PS256
		{"rsa-pss", keys.RS256, false}, {"ec", keys.RS256, false}, {"rsa", keys.ES256, false}, {"ed", "none", false}, {"ed", "", false},
		{"", keys.PS256, false}, {"", keys.EdDSA, false}, {"twice", keys.EdDSA, false}, {"future", keys.ES256, false}, {"EC", keys.ES256, false},
	} {
		key, found := set.Key(c.kid, c.alg)
		if found != c.want || found && c.kid != "" && key.KeyID != c.kid {
			t.Errorf("kid %q, alg %q: found %v (%s), want %v", c.kid, c.alg, found, key.KeyID, c.want)
		}
	}
}

// What is read of a key set of others is public, and a key is found only for an algorithm of ours that it may be used with.
func FuzzParsePublicSet(f *testing.F) {
	ecKey, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		f.Fatal(err)
	}
	for _, key := range []jose.JSONWebKey{{Key: ecKey.Public(), KeyID: "a"}, {Key: ecKey, KeyID: "a"}, {Key: []byte("symmetric")}} {
		text, err := json.Marshal(jose.JSONWebKeySet{Keys: []jose.JSONWebKey{key}})
		if err != nil {
			f.Fatal(err)
		}
		f.Add(text, "a", "ES256")
		f.Add(text, "", "none")
	}
	f.Add([]byte(`{"keys":[{"kty":"OKP","crv":"Ed25519","x":"AAAA","alg":"HS256"},{"kty":"RSA","n":"AQAB","e":"AQ"},7]}`), "", "EdDSA")
	f.Fuzz(func(t *testing.T, text []byte, kid, alg string) {
		set, err := keys.ParsePublicSet(text)
		if err != nil {
			return
		}
		for _, key := range set {
			if !key.IsPublic() || !key.Valid() {
				t.Errorf("%q: key %s is not a usable public one", text, key.KeyID)
			}
		}
		key, found := set.Key(kid, alg)
		edwards := []string{keys.EdDSA, keys.Ed25519} // two names of one algorithm
		ours := alg == keys.RS256 || alg == keys.PS256 || alg == keys.ES256 || slices.Contains(edwards, alg)
		same := key.Algorithm == alg || slices.Contains(edwards, key.Algorithm) && slices.Contains(edwards, alg)
		if found && (!ours || key.Algorithm != "" && !same || kid != "" && key.KeyID != kid) {
			t.Errorf("%q: key %q of %q for %q and %q", text, key.KeyID, key.Algorithm, kid, alg)
		}
	})
}
