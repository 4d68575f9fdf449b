package keys

import (
	"context"
	"time"
)

// StoredKey is a signing key as the directory keeps it: the private part
// sealed, the public part readable, and the four moments of its life.
type StoredKey struct {
	ID     string // the kid in the key set and in every token's header
	Alg    string // RS256, ES256 or EdDSA
	Sealed string // PKCS#8, sealed with the master key
	Public string // the public JWK as JSON

	CreatedAt time.Time
	UseAt     time.Time // signs from here on
	RetireAt  time.Time // signs no longer; zero while no successor is planned
	RemoveAt  time.Time // leaves the key set; zero while no successor is planned

	Recorded bool // its thumbprint is in the event log; PutSigningKeys sees to it, whatever is given
}

// Store keeps signing keys. The directory's SQL implements it.
type Store interface {
	// SigningKeys returns every stored key, oldest first.
	SigningKeys(ctx context.Context) ([]StoredKey, error)
	// PutSigningKeys writes the keys in one transaction, replacing those of the
	// same ID, raises the registry's revision and writes an event key.rotated
	// that carries the reason and the thumbprints.
	PutSigningKeys(ctx context.Context, put []StoredKey, reason string) error
	// DeleteSigningKeys deletes the keys and raises the registry's revision.
	// An ID that is not there is no error.
	DeleteSigningKeys(ctx context.Context, ids []string) error
}
