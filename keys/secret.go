package keys

import (
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"fmt"
	"io"
	"log/slog"
)

// Secret is a value that must not be seen: a password, a handle, a client
// secret. Printed, logged or marshalled it reads [redacted]; call Reveal where
// the value itself is meant.
type Secret string

const redacted = "[redacted]"

// NewSecret returns 256 random bits as 43 characters of base64url.
func NewSecret() Secret {
	b := make([]byte, 32)
	_, _ = rand.Read(b) // never fails since Go 1.24
	return Secret(base64.RawURLEncoding.EncodeToString(b))
}

// Reveal returns the value.
func (s Secret) Reveal() string { return string(s) }

// Hash returns SHA-256 of the value, the only form in which random secrets are stored.
func (s Secret) Hash() [sha256.Size]byte { return sha256.Sum256([]byte(s)) }

// Equal compares in time that does not depend on where the values differ.
func (s Secret) Equal(other Secret) bool {
	a, b := s.Hash(), other.Hash()
	return subtle.ConstantTimeCompare(a[:], b[:]) == 1
}

// String returns [redacted].
func (s Secret) String() string { return redacted }

// Format writes [redacted] for every verb.
func (s Secret) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, redacted) }

// LogValue returns [redacted].
func (s Secret) LogValue() slog.Value { return slog.StringValue(redacted) }

// MarshalText returns [redacted], so that no secret leaves in JSON or YAML by accident.
func (s Secret) MarshalText() ([]byte, error) { return []byte(redacted), nil }

// UnmarshalText takes the value as it is.
func (s *Secret) UnmarshalText(text []byte) error {
	*s = Secret(text)
	return nil
}
