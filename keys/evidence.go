package keys

import (
	"crypto"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/go-jose/go-jose/v4"
)

// ErrEvidence is returned for a signed record that does not prove what it says.
var ErrEvidence = errors.New("evidence does not verify")

// evidenceAlg signs evidence: short, and known to every JOSE library.
const evidenceAlg = ES256

// Evidence is a signed record that outlives its key in the key set, which it therefore carries.
type Evidence struct {
	JWS string          `json:"jws"` // compact, of type TypeEvidence; its payload is the record
	Key json.RawMessage `json:"key"` // JSON Web Key
}

// SignEvidence signs a record with the present key.
func (r *Ring) SignEvidence(record []byte) (Evidence, error) {
	signer, err := r.Signer(evidenceAlg)
	if err != nil {
		return Evidence{}, fmt.Errorf("evidence: %w", err)
	}
	jws, err := signer.Sign(record, TypeEvidence)
	if err != nil {
		return Evidence{}, fmt.Errorf("evidence: %w", err)
	}
	public, found := r.Key(signer.keyID)
	if !found { // it left the key set this moment
		return Evidence{}, fmt.Errorf("evidence: %w", ErrNoSigningKey)
	}
	key, err := public.MarshalJSON()
	return Evidence{JWS: jws, Key: key}, err
}

// VerifiedEvidence is what a signature over a record proves: that whoever has
// the private part of the key said so. Whose key that is, its thumbprint tells.
type VerifiedEvidence struct {
	Record     []byte
	KeyID      string
	Thumbprint string // of the key, see Thumbprint
}

// VerifyEvidence checks e with the key that it carries. It returns ErrEvidence
// for other things that we sign, too (RFC 8725 section 3.11).
func VerifyEvidence(e Evidence) (VerifiedEvidence, error) {
	token, err := jose.ParseSignedCompact(e.JWS, []jose.SignatureAlgorithm{evidenceAlg})
	if err != nil || token.Signatures[0].Protected.ExtraHeaders[jose.HeaderType] != TypeEvidence {
		return VerifiedEvidence{}, fmt.Errorf("%w: it is no evidence of an einlass", ErrEvidence)
	}
	set, err := ParsePublicSet(fmt.Appendf(nil, `{"keys":[%s]}`, e.Key))
	if err != nil {
		return VerifiedEvidence{}, fmt.Errorf("%w: its key: %w", ErrEvidence, err)
	}
	kid := token.Signatures[0].Protected.KeyID
	key, found := set.Key(kid, evidenceAlg)
	if !found || kid == "" {
		return VerifiedEvidence{}, fmt.Errorf("%w: its key is another one than it names", ErrEvidence)
	}
	record, err := token.Verify(key)
	if err != nil {
		return VerifiedEvidence{}, fmt.Errorf("%w: the signature is not of its key", ErrEvidence)
	}
	print, err := thumbprint(key)
	return VerifiedEvidence{Record: record, KeyID: kid, Thumbprint: print}, err
}

// Thumbprint returns the SHA-256 thumbprint of a JSON Web Key (RFC 7638), in base64url.
func Thumbprint(jwk []byte) (string, error) {
	var key jose.JSONWebKey
	if err := key.UnmarshalJSON(jwk); err != nil {
		return "", fmt.Errorf("thumbprint: %w", err)
	}
	return thumbprint(key)
}

func thumbprint(key jose.JSONWebKey) (string, error) {
	sum, err := key.Thumbprint(crypto.SHA256)
	if err != nil {
		return "", fmt.Errorf("thumbprint: %w", err)
	}
	return base64.RawURLEncoding.EncodeToString(sum), nil
}
