package keys

import (
	"crypto"
	"fmt"
	"io"
	"log/slog"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/cryptosigner"
)

// The typ header of what we sign: it keeps one kind of token from being taken
// for another (RFC 8725 section 3.11).
const (
	TypeIDToken     = "JWT"
	TypeLogoutToken = "logout+jwt" // OpenID Connect Back-Channel Logout section 2.4
	TypeEvidence    = "einlass-evidence+json"
)

// Signer signs tokens with one key. It is safe for concurrent use and prints
// as [redacted].
type Signer struct {
	keyID string
	// byType holds one signer for each typ: they are costly enough not to be
	// made for every token.
	byType map[string]jose.Signer
}

// newSigner takes any crypto.Signer, so that a key may one day live in a
// hardware module or a key service.
func newSigner(keyID, alg string, private crypto.Signer) (*Signer, error) {
	s := &Signer{keyID: keyID, byType: map[string]jose.Signer{}}
	key := jose.SigningKey{
		Algorithm: jose.SignatureAlgorithm(alg),
		Key:       jose.JSONWebKey{Key: cryptosigner.Opaque(private), KeyID: keyID},
	}
	for _, typ := range []string{TypeIDToken, TypeLogoutToken, TypeEvidence} {
		signer, err := jose.NewSigner(key, (&jose.SignerOptions{}).WithType(jose.ContentType(typ)))
		if err != nil {
			return nil, err
		}
		s.byType[typ] = signer
	}
	return s, nil
}

// Sign returns payload as a signed token in compact form (RFC 7515 section
// 3.1), with the headers alg, kid and typ. The type is one of the above.
func (s *Signer) Sign(payload []byte, typ string) (string, error) {
	signer, ok := s.byType[typ]
	if !ok {
		return "", fmt.Errorf("sign: unknown token type %q", typ)
	}
	signed, err := signer.Sign(payload)
	if err != nil {
		return "", fmt.Errorf("sign with key %s: %w", s.keyID, err)
	}
	return signed.CompactSerialize()
}

// Format writes [redacted] for every verb.
func (s *Signer) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, redacted) }

// LogValue returns [redacted].
func (s *Signer) LogValue() slog.Value { return slog.StringValue(redacted) }

// MarshalText returns [redacted].
func (s *Signer) MarshalText() ([]byte, error) { return []byte(redacted), nil }
