package keys

import (
	"crypto/ed25519"
	"errors"

	"github.com/go-jose/go-jose/v4"
)

// Ed25519 is the name that RFC 9864 section 2.2 gives to EdDSA with this curve,
// which is the only one here. Others sign under either name, and so may their
// keys be named; go-jose knows the older one alone.
const Ed25519 = "Ed25519"

// plainName returns the name under which go-jose knows an algorithm.
func plainName(alg string) string {
	if alg == Ed25519 {
		return EdDSA
	}
	return alg
}

// ed25519Verifier verifies signatures under the newer name.
type ed25519Verifier ed25519.PublicKey

var errSignature = errors.New("signature does not match")

// VerifyPayload is what go-jose asks of an [jose.OpaqueVerifier].
func (v ed25519Verifier) VerifyPayload(payload, signature []byte, alg jose.SignatureAlgorithm) error {
	if alg != Ed25519 || !ed25519.Verify(ed25519.PublicKey(v), payload, signature) {
		return errSignature
	}
	return nil
}
