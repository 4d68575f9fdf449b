package keys

import "errors"

var (
	// ErrWrongMasterKey: the master key file does not hold the key that sealed
	// the value. The remedy is to restore the file, never to make a new one.
	ErrWrongMasterKey = errors.New("wrong master key: the file does not hold the key that sealed this")

	// ErrNotSealedHere: the sealed value was damaged, or moved here from
	// another table, column or row.
	ErrNotSealedHere = errors.New("sealed value is damaged or belongs to another place")

	// ErrDamagedKey: a stored signing key cannot be used. It is never replaced
	// silently, because everything it signed would stop verifying.
	ErrDamagedKey = errors.New("signing key is damaged")

	// ErrUnknownAlg: the algorithm is none of RS256, ES256 and EdDSA.
	ErrUnknownAlg = errors.New("unknown signing algorithm")

	// ErrNoSigningKey: the ring has no key of the algorithm; see Ring.Ensure.
	ErrNoSigningKey = errors.New("no signing key")

	// ErrUnknownKey: the ring has no key of that ID, or no longer.
	ErrUnknownKey = errors.New("unknown signing key")

	// ErrAnnouncement: clients keep the key set for longer than a new key would
	// stand in it before it signs.
	ErrAnnouncement = errors.New("announcement is too short")

	// ErrNoPublicKey: a key set of somebody else can be read, and no key of it
	// may be used.
	ErrNoPublicKey = errors.New("key set cannot be used")

	// ErrSignature: a token was not signed by a key of this ring.
	ErrSignature = errors.New("signature is not by a key of ours")
)
