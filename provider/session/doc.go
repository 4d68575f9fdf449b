// Package session keeps what may be lost: browser sessions, authorization
// requests under way, grants (codes and tokens) and throttles.
//
// [Manager] holds the rules (lifetimes, handles, what dies with what); [Store]
// is the storage contract, implemented on Redis and on an SQLite file of its
// own; package sessiontest proves both. Only hashes of secrets are stored.
//
// # Handles
//
// A cookie, code or token is `<tag>.<secret>`: the secret has 256 random bits,
// the tag is derived from the user's id. In Redis the tag is the hash tag of every
// key of that user, so that one user lives in one Cluster slot and is found from
// the handle alone. A handle whose tag does not belong to its user is refused.
//
// # What dies with what
//
// A session dies when it ends, idles too long, gets too old, or its user's epoch
// has moved on (which the caller compares). A code lives for a minute and is taken once;
// taking it again revokes its family. Access tokens die with their session.
// Offline grants outlive it, by a refresh token that is rotated at each use; using
// one twice revokes its family, and all of them die with the epoch, too.
package session
