// Package keys holds what the house signs and seals with: the ring of signing
// keys and their life, the master key that seals every stored secret, and the
// type of values that must not be printed.
//
// A signing key is announced in the key set before it is used, used, and then
// kept in the key set until nothing it signed is valid any more:
//
//	announced ──(UseAt)──▶ in use ──(RetireAt)──▶ retired ──(RemoveAt)──▶ gone
package keys
