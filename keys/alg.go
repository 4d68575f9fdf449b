package keys

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"fmt"
)

// The algorithms that tokens are signed with, as in the alg member of RFC 7518
// section 3.1 and RFC 8037 section 3.1. OpenID Connect Core section 15.1
// requires RS256; a client may be registered for one of the others.
const (
	RS256 = "RS256"
	ES256 = "ES256"
	EdDSA = "EdDSA"
)

// rsaBits: 3072 would make each signature three times as dear, and these keys
// are rotated long before 2048 bits are too few.
const rsaBits = 2048

// generate makes a private key for alg. It returns ErrUnknownAlg for any other.
func generate(alg string) (crypto.Signer, error) {
	switch alg {
	case RS256:
		return rsa.GenerateKey(rand.Reader, rsaBits)
	case ES256:
		return ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	case EdDSA:
		_, private, err := ed25519.GenerateKey(rand.Reader)
		return private, err
	}
	return nil, fmt.Errorf("%w: %q", ErrUnknownAlg, alg)
}

// algOf returns the algorithm that a key is for, or "" if it is for none of ours.
func algOf(public crypto.PublicKey) string {
	switch public := public.(type) {
	case *rsa.PublicKey:
		if public.N.BitLen() >= rsaBits {
			return RS256
		}
	case *ecdsa.PublicKey:
		if public.Curve == elliptic.P256() {
			return ES256
		}
	case ed25519.PublicKey:
		return EdDSA
	}
	return ""
}
