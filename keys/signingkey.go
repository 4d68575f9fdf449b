package keys

import (
	"crypto"
	"crypto/x509"
	"errors"
	"fmt"
	"time"

	"github.com/go-jose/go-jose/v4"
)

// The place that private keys are bound to; the row is the key's ID.
const (
	signingKeyTable  = "signing_keys"
	signingKeyColumn = "sealed"
)

// signingKey is a stored key that was opened.
type signingKey struct {
	StoredKey
	signer *Signer
	public jose.JSONWebKey
	jwk    []byte // public as JSON
}

// newStoredKey makes a key pair for alg and seals its private part. The caller
// sets the moments of its life.
func newStoredKey(alg string, sealer *Sealer) (StoredKey, error) {
	private, err := generate(alg)
	if err != nil {
		return StoredKey{}, err
	}
	der, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		return StoredKey{}, err
	}
	id := newID()
	sealed, err := sealer.Seal(der, signingKeyTable, signingKeyColumn, id)
	if err != nil {
		return StoredKey{}, err
	}
	jwk, err := publicJWK(id, alg, private.Public()).MarshalJSON()
	if err != nil {
		return StoredKey{}, err
	}
	return StoredKey{ID: id, Alg: alg, Sealed: sealed, Public: string(jwk)}, nil
}

func publicJWK(id, alg string, public crypto.PublicKey) jose.JSONWebKey {
	return jose.JSONWebKey{Key: public, KeyID: id, Algorithm: alg, Use: "sig"}
}

// openSigningKey opens a stored key, or says ErrDamagedKey and what to do.
//
// What is published is computed from the private key, which is sealed, and not
// taken from the stored public part: whoever can write to the database must
// not be able to add a key of their own to the key set.
func openSigningKey(stored StoredKey, sealer *Sealer) (*signingKey, error) {
	private, err := openPrivate(stored, sealer)
	if err != nil {
		return nil, damaged(stored.ID, err)
	}
	signer, err := newSigner(stored.ID, stored.Alg, private)
	if err != nil {
		return nil, damaged(stored.ID, err)
	}
	key := &signingKey{
		StoredKey: stored,
		signer:    signer,
		public:    publicJWK(stored.ID, stored.Alg, private.Public()),
	}
	if key.jwk, err = key.public.MarshalJSON(); err != nil {
		return nil, damaged(stored.ID, err)
	}
	var claimed jose.JSONWebKey
	if err := claimed.UnmarshalJSON([]byte(stored.Public)); err != nil || !samePublic(claimed.Key, private.Public()) {
		return nil, damaged(stored.ID, errors.New("its public part does not belong to its private part"))
	}
	return key, nil
}

func openPrivate(stored StoredKey, sealer *Sealer) (crypto.Signer, error) {
	der, err := sealer.Open(stored.Sealed, signingKeyTable, signingKeyColumn, stored.ID)
	if err != nil {
		return nil, err
	}
	// PKCS #8 rather than a JWK: x509 computes the CRT values of an RSA key,
	// without which each signature computes them anew.
	private, err := x509.ParsePKCS8PrivateKey(der)
	if err != nil {
		return nil, err
	}
	signer, ok := private.(crypto.Signer)
	if !ok || algOf(signer.Public()) != stored.Alg {
		return nil, fmt.Errorf("this is no key for %s", stored.Alg)
	}
	return signer, nil
}

func samePublic(a any, b crypto.PublicKey) bool {
	public, ok := a.(interface {
		Equal(other crypto.PublicKey) bool
	})
	return ok && public.Equal(b)
}

func damaged(id string, cause error) error {
	return fmt.Errorf("%w: kid %s: %w; restore the master key file and start again, or else restore the database from a backup",
		ErrDamagedKey, id, cause)
}

func (k *signingKey) sameMaterial(stored StoredKey) bool {
	return k.Sealed == stored.Sealed && k.Public == stored.Public && k.Alg == stored.Alg
}

// livingAs returns the key with the moments that are stored now, and with the
// material it was opened from, so that a damaged row is noticed again.
func (k *signingKey) livingAs(stored StoredKey) *signingKey {
	key := *k
	key.StoredKey = stored
	key.Alg, key.Sealed, key.Public = k.Alg, k.Sealed, k.Public
	return &key
}

// signs reports whether the key is in use at t.
func (k StoredKey) signs(t time.Time) bool {
	return !t.Before(k.UseAt) && (k.RetireAt.IsZero() || t.Before(k.RetireAt))
}

// gone reports whether nothing that the key signed is valid any more at t.
func (k StoredKey) gone(t time.Time) bool {
	return !k.RemoveAt.IsZero() && !t.Before(k.RemoveAt)
}
