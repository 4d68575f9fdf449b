package keys

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rsa"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"github.com/go-jose/go-jose/v4"
)

// PS256 is what others may sign with, beside our own algorithms.
const PS256 = "PS256"

// Limits of a key set of others. Larger RSA keys cost us more than they protect.
const (
	maxPublicKeys = 100
	maxRSABits    = 8192
)

// PublicSet are the public keys of somebody else, such as a client that signs
// its requests. It has only keys that can verify a signature of [PublicSet.Key].
type PublicSet []jose.JSONWebKey

// ParsePublicSet reads a JSON Web Key Set (RFC 7517 section 5). Keys it cannot
// use are left out. It returns ErrNoPublicKey for a set without any usable one,
// and for one with a private or symmetric key, because that is no secret any
// more; and another error for what is no key set, or larger than we read.
func ParsePublicSet(text []byte) (PublicSet, error) {
	var document struct {
		Keys []json.RawMessage `json:"keys"`
	}
	if err := json.Unmarshal(text, &document); err != nil || document.Keys == nil {
		return nil, errors.New("it is no JSON Web Key Set")
	}
	if len(document.Keys) > maxPublicKeys {
		return nil, fmt.Errorf("it has %d keys, at most %d are allowed", len(document.Keys), maxPublicKeys)
	}
	var set PublicSet
	for i, text := range document.Keys {
		var key jose.JSONWebKey
		if err := json.Unmarshal(text, &key); err != nil {
			continue // of a type unknown to us, or damaged
		}
		if !key.IsPublic() {
			return nil, fmt.Errorf("%w: key %d is private or symmetric; only public keys belong here", ErrNoPublicKey, i+1)
		}
		if key.Valid() && (key.Use == "" || key.Use == "sig") && len(algsOf(key.Key)) > 0 {
			set = append(set, key)
		}
	}
	if len(set) == 0 {
		return nil, fmt.Errorf("%w: it has no key for RS256, PS256, ES256 or EdDSA", ErrNoPublicKey)
	}
	return set, nil
}

// Key returns the key that kid names, if it is one for alg. Without a kid there
// must be no choice (OpenID Connect Core section 10.1).
func (s PublicSet) Key(kid, alg string) (jose.JSONWebKey, bool) {
	var found []jose.JSONWebKey
	for _, key := range s {
		if (kid == "" || key.KeyID == kid) && fits(key, alg) {
			found = append(found, key)
		}
	}
	if len(found) != 1 {
		return jose.JSONWebKey{}, false
	}
	key := found[0]
	if public, is := key.Key.(ed25519.PublicKey); is && alg == Ed25519 {
		key.Key = ed25519Verifier(public)
	}
	return key, true
}

// fits reports whether a key is for alg, and not only of the right type: a key
// that names its algorithm is for no other (RFC 8725 section 3.1).
func fits(key jose.JSONWebKey, alg string) bool {
	if key.Algorithm != "" && plainName(key.Algorithm) != plainName(alg) {
		return false
	}
	return slices.Contains(algsOf(key.Key), alg)
}

// algsOf returns the algorithms that a public key can verify.
func algsOf(public crypto.PublicKey) []string {
	switch public := public.(type) {
	case *rsa.PublicKey:
		if bits := public.N.BitLen(); bits >= rsaBits && bits <= maxRSABits {
			return []string{RS256, PS256}
		}
	case *ecdsa.PublicKey:
		if public.Curve == elliptic.P256() {
			return []string{ES256}
		}
	case ed25519.PublicKey:
		return []string{EdDSA, Ed25519}
	}
	return nil
}
