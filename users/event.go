package users

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"hash"
	"strings"
	"time"
)

// Actor is who did something: "user:<id>", "cli:<system user>", "import:<application>", "config", "system".
type Actor string

// Actors that are not people.
const (
	ActorConfig Actor = "config"
	ActorSystem Actor = "system"
)

// ActorUser is the actor for a person of the directory.
func ActorUser(id ID) Actor { return Actor("user:" + id) }

// User returns the person who acts, if it is a person of the directory.
func (a Actor) User() (id ID, isPerson bool) {
	text, isPerson := strings.CutPrefix(string(a), string(ActorUser("")))
	return ID(text), isPerson
}

// ActorImport is the actor for a connection's imports.
func ActorImport(connection ApplicationID) Actor { return Actor("import:" + connection) }

// EventKind names what happened, as subject.verb.
type EventKind string

// Changes: written in the transaction that makes them.
const (
	EventUserCreated       EventKind = "user.created"
	EventUserUpdated       EventKind = "user.updated"
	EventUserSuspended     EventKind = "user.suspended"
	EventUserReactivated   EventKind = "user.reactivated"
	EventUserActivated     EventKind = "user.activated"
	EventUserLinked        EventKind = "user.linked"
	EventUserRole          EventKind = "user.role_changed"
	EventUserRecovered     EventKind = "user.admin_recovered"
	EventPasswordSet       EventKind = "credential.password_set"
	EventSessionsEnded     EventKind = "user.sessions_ended"
	EventMemberAdded       EventKind = "group.member_added"
	EventMemberRemoved     EventKind = "group.member_removed"
	EventApplicationPut    EventKind = "application.changed"
	EventSecretRotated     EventKind = "application.secret_rotated"
	EventWebhookRotated    EventKind = "application.webhook_token_rotated"
	EventDeclared          EventKind = "config.declared"
	EventImportStarted     EventKind = "import.started" // by a person of the directory
	EventImportFinished    EventKind = "import.finished"
	EventImportApproved    EventKind = "import.approved"
	EventKeyRotated        EventKind = "key.rotated"
	EventPersonQuarantined EventKind = "person.quarantined"
	EventSessionEnded      EventKind = "session.ended"       // before the session is deleted
	EventGrantRevoked      EventKind = "grant.revoked"       // offline access, by its person, before it is revoked
	EventAccessCleaned     EventKind = "user.access_cleaned" // nothing is left of the sessions that a suspension killed
	EventDeliveryMade      EventKind = "delivery.made"
	EventDeliveryFailed    EventKind = "delivery.failed" // given up
	EventConsentGranted    EventKind = "consent.granted"
	EventConsentRevoked    EventKind = "consent.revoked"

	EventApplicationWatched EventKind = "application.watched" // somebody looks at its calls
	EventImportChecked      EventKind = "import.checked"      // its people were compared with those here
)

// Observations: queued and written once a second.
const (
	EventSignedIn         EventKind = "session.signed_in"
	EventSignInFailed     EventKind = "session.sign_in_failed"
	EventAccessDenied     EventKind = "access.denied"
	EventAccessGranted    EventKind = "access.granted"
	EventSignInCompleted  EventKind = "application.sign_in_completed" // by an owner or administrator, see Readiness
	EventLaunched         EventKind = "application.launched"
	EventCodeReplayed     EventKind = "grant.code_replayed"
	EventRefreshReplayed  EventKind = "grant.refresh_replayed"
	EventRequestMismatch  EventKind = "auth_request.mismatch"
	EventClientAuthFailed EventKind = "client.auth_failed"
)

// Event is one line of the log. Payload may hold personal data and can be
// erased; the chain then still verifies, because it covers only a salted hash of it.
type Event struct {
	Seq     int64     // from 1, without gaps, in commit order
	At      time.Time // UTC, to the millisecond
	Kind    EventKind
	Actor   Actor
	Subject string // id of the user, group, application, run or key it is about
	Payload string // JSON text; empty when erased

	Salt     []byte // 16 random bytes
	DataHash []byte // SHA-256(salt ‖ payload)
	Hash     []byte // see Chain
}

// SignInCompleted is the payload of EventSignInCompleted: somebody who decides about
// the application signed in to it, it redeemed the code, and asked us who it is. The subject is
// the application, the actor the person.
type SignInCompleted struct {
	Issuer  string `json:"issuer"`
	Version int64  `json:"sign_in_version"` // Application.SignInVersion from the request of the sign-in to the end
	Email   bool   `json:"email"`           // an address of the person was released
	Request string `json:"request_id,omitempty"`
}

// KeysRotated is the payload of EventKeyRotated.
type KeysRotated struct {
	Reason string   `json:"reason"`
	Keys   []string `json:"keys"`
	// Thumbprints are those of the keys by id (RFC 7638), so that what a key signed
	// can be told from what somebody else signed in its name long after it was deleted.
	Thumbprints map[string]string `json:"thumbprints,omitempty"`
}

// NewEvent returns an event about subject with payload as JSON. Seq, At and the
// hashes are filled when it is appended.
func NewEvent(kind EventKind, actor Actor, subject string, payload any) (Event, error) {
	text := []byte("{}")
	if payload != nil {
		var err error
		if text, err = json.Marshal(payload); err != nil {
			return Event{}, fmt.Errorf("event %s: %w", kind, err)
		}
	}
	return Event{Kind: kind, Actor: actor, Subject: subject, Payload: string(text)}, nil
}

// Chain completes events that follow the event (seq, previous) at time now:
// it numbers, salts and hashes them, and returns the hash of the last.
func Chain(events []Event, seq int64, previous []byte, now time.Time) []byte {
	for i := range events {
		e := &events[i]
		seq++
		e.Seq = seq
		if e.At.IsZero() {
			e.At = now
		}
		e.At = e.At.UTC().Truncate(time.Millisecond)
		e.Salt = make([]byte, 16)
		_, _ = rand.Read(e.Salt) // never fails since Go 1.24
		e.DataHash = dataHash(e.Salt, e.Payload)
		e.Hash = e.chainHash(previous)
		previous = e.Hash
	}
	return previous
}

// Verify reports whether e follows previous unaltered. Erased data (no salt)
// cannot be compared and is covered by the chain alone.
func (e Event) Verify(previous []byte) bool {
	if e.Salt != nil && string(dataHash(e.Salt, e.Payload)) != string(e.DataHash) {
		return false
	}
	return string(e.chainHash(previous)) == string(e.Hash)
}

func dataHash(salt []byte, payload string) []byte {
	h := sha256.New()
	h.Write(salt)
	h.Write([]byte(payload))
	return h.Sum(nil)
}

// chainHash is SHA-256(previous ‖ seq ‖ at ‖ kind ‖ actor ‖ subject ‖ data hash).
// Numbers are 8 bytes big-endian, at in Unix milliseconds; texts carry their
// length in 4 bytes, so that no two events read alike. The first event follows 32 zero bytes.
func (e Event) chainHash(previous []byte) []byte {
	h := sha256.New()
	h.Write(previous)
	writeUint64(h, uint64(e.Seq))
	writeUint64(h, uint64(e.At.UnixMilli()))
	writeText(h, string(e.Kind))
	writeText(h, string(e.Actor))
	writeText(h, e.Subject)
	h.Write(e.DataHash)
	return h.Sum(nil)
}

// ChainStart is what the first event follows.
func ChainStart() []byte { return make([]byte, sha256.Size) }

func writeUint64(h hash.Hash, n uint64) {
	h.Write(binary.BigEndian.AppendUint64(nil, n))
}

func writeText(h hash.Hash, s string) {
	h.Write(binary.BigEndian.AppendUint32(nil, uint32(len(s))))
	h.Write([]byte(s))
}
