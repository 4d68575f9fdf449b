package keys

import (
	"crypto/cipher"
	"crypto/rand"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"strings"

	"golang.org/x/crypto/chacha20poly1305"
)

// sealVersion starts every sealed value, so that a later form can stand beside this one.
const sealVersion = "v1"

// Sealer seals secrets for storage and opens them again, with the keys of one
// master key file. It is safe for concurrent use and prints as [redacted].
//
// A sealed value reads v1.<key id>.<base64url of nonce and ciphertext>
// (XChaCha20-Poly1305 with a random nonce). It is bound to the table, column
// and row it is stored in, so that whoever can write to the database can
// neither read it nor put it in another place.
type Sealer struct {
	keys []masterKey // the first one seals; every one opens
}

// masterKey holds the cipher only: the 32 bytes themselves are forgotten.
type masterKey struct {
	id   string
	aead cipher.AEAD
}

// Seal seals plain for the place where the result is stored.
func (s *Sealer) Seal(plain []byte, table, column, row string) (string, error) {
	if table == "" || column == "" || row == "" {
		return "", errors.New("seal: a secret is bound to a table, a column and a row")
	}
	return s.seal(plain, binding(table, column, row)), nil
}

func (s *Sealer) seal(plain, bound []byte) string {
	active := s.keys[0]
	nonce := make([]byte, chacha20poly1305.NonceSizeX, chacha20poly1305.NonceSizeX+len(plain)+chacha20poly1305.Overhead)
	_, _ = rand.Read(nonce) // never fails since Go 1.24
	box := active.aead.Seal(nonce, nonce, plain, bound)
	return sealVersion + "." + active.id + "." + base64.RawURLEncoding.EncodeToString(box)
}

// Open returns what was sealed for this place. It returns ErrWrongMasterKey if
// the file does not hold the key, ErrNotSealedHere if the value was changed or
// moved.
func (s *Sealer) Open(sealed, table, column, row string) ([]byte, error) {
	version, rest, _ := strings.Cut(sealed, ".")
	id, text, found := strings.Cut(rest, ".")
	if version != sealVersion || !found {
		return nil, fmt.Errorf("open %s.%s: %w", table, column, ErrNotSealedHere)
	}
	aead := s.aead(id)
	if aead == nil {
		return nil, fmt.Errorf("open %s.%s: %w", table, column, ErrWrongMasterKey)
	}
	box, err := base64.RawURLEncoding.Strict().DecodeString(text)
	if err != nil || len(box) < aead.NonceSize() || strings.ContainsAny(text, "\r\n") { // which base64 skips
		return nil, fmt.Errorf("open %s.%s: %w", table, column, ErrNotSealedHere)
	}
	plain, err := aead.Open(nil, box[:aead.NonceSize()], box[aead.NonceSize():], binding(table, column, row))
	if err != nil { // says only that authentication failed
		return nil, fmt.Errorf("open %s.%s: %w", table, column, ErrNotSealedHere)
	}
	return plain, nil
}

func (s *Sealer) aead(id string) cipher.AEAD {
	for _, k := range s.keys {
		if k.id == id {
			return k.aead
		}
	}
	return nil
}

// binding is the associated data of a place. Each part is preceded by its
// length, so that no two places have the same binding.
func binding(parts ...string) []byte {
	var b []byte
	for _, p := range parts {
		b = binary.BigEndian.AppendUint32(b, uint32(len(p)))
		b = append(b, p...)
	}
	return b
}

// What the key check value seals, and the place it is bound to.
const (
	checkText   = "einlass master key"
	checkTable  = "settings"
	checkColumn = "document"
	checkRow    = "master_key_check"
)

// CheckValue returns a value to be stored at the first start. Whoever has
// another master key cannot open it; see VerifyCheckValue.
func (s *Sealer) CheckValue() string {
	return s.seal([]byte(checkText), binding(checkTable, checkColumn, checkRow))
}

// VerifyCheckValue returns ErrWrongMasterKey unless stored was made with a key
// of this file, be it the active one or an older one that is still there. A
// process that shares the database but not the key must not start.
func (s *Sealer) VerifyCheckValue(stored string) error {
	plain, err := s.Open(stored, checkTable, checkColumn, checkRow)
	if err != nil || string(plain) != checkText {
		return fmt.Errorf("%w; restore the master key file that this database was used with", ErrWrongMasterKey)
	}
	return nil
}

// Format writes [redacted] for every verb.
func (s *Sealer) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, redacted) }

// LogValue returns [redacted].
func (s *Sealer) LogValue() slog.Value { return slog.StringValue(redacted) }

// MarshalText returns [redacted].
func (s *Sealer) MarshalText() ([]byte, error) { return []byte(redacted), nil }
