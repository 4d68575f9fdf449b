package keys_test

import (
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"strings"
	"testing"

	"github.com/einlass/einlass/keys"
)

// BenchmarkSign signs an ID token of ordinary size with each algorithm, beside
// a bare RSA-2048 signature: what stands between them is our own cost.
func BenchmarkSign(b *testing.B) {
	payload := []byte(`{"sub":"` + strings.Repeat("x", 500) + `"}`)
	ring, _, _ := ensured(b, keys.RS256, keys.ES256, keys.EdDSA)
	for _, alg := range []string{keys.RS256, keys.ES256, keys.EdDSA} {
		b.Run(alg, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				signer, err := ring.Signer(alg)
				if err != nil {
					b.Fatal(err)
				}
				if _, err := signer.Sign(payload, keys.TypeIDToken); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
	b.Run("bare-RSA-2048", func(b *testing.B) {
		private, err := rsa.GenerateKey(rand.Reader, 2048)
		if err != nil {
			b.Fatal(err)
		}
		b.ReportAllocs()
		for b.Loop() {
			digest := sha256.Sum256(payload)
			if _, err := rsa.SignPKCS1v15(rand.Reader, private, crypto.SHA256, digest[:]); err != nil {
				b.Fatal(err)
			}
		}
	})
}

func BenchmarkJWKS(b *testing.B) {
	ring, _, _ := ensured(b, keys.ES256)
	b.ReportAllocs()
	for b.Loop() {
		if len(ring.JWKS().JSON) == 0 {
			b.Fatal("empty key set")
		}
	}
}
