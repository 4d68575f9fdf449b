package session

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/einlass/einlass/keys"
	"github.com/einlass/einlass/users"
)

// recordVersion rises when a record written before can no longer be read as one written now.
const recordVersion = 1

// record is the JSON that a store keeps under a key. It repeats its key, so
// that a server's answer to another question is never taken for this one.
type record struct {
	Version int    `json:"v"`
	Key     string `json:"key"`
	Expires int64  `json:"expires,omitempty"` // Unix milliseconds
	Value   any    `json:"value,omitempty"`
}

// encode writes a record. It is for no page, so nothing is escaped as for one: what
// strangers send would become six times as long.
func encode(key string, expires time.Time, value any) (string, error) {
	var text strings.Builder
	encoder := json.NewEncoder(&text)
	encoder.SetEscapeHTML(false)
	err := encoder.Encode(record{Version: recordVersion, Key: key, Expires: expires.UnixMilli(), Value: value})
	return strings.TrimSpace(text.String()), err
}

// errForeignRecord: the answer was to another question. It is no ErrNotFound,
// because what was asked for may well exist.
var errForeignRecord = errors.New("stored record belongs to another key")

// decode reads a record into what value points to and returns the key it repeats and its end.
func decode(text string, value any) (key string, expires time.Time, err error) {
	r := record{Value: value}
	if err := json.Unmarshal([]byte(text), &r); err != nil {
		return "", time.Time{}, fmt.Errorf("stored record: %w", err)
	}
	if r.Version != recordVersion {
		return "", time.Time{}, fmt.Errorf("stored record has version %d, this program reads %d", r.Version, recordVersion)
	}
	return r.Key, fromMillis(r.Expires), nil
}

// decodeOf is decode of the record that key must hold.
func decodeOf(key, text string, value any) (expires time.Time, err error) {
	got, expires, err := decode(text, value)
	if err == nil && got != key {
		err = errForeignRecord
	}
	return expires, err
}

// fail names the operation in an error of the store. What a caller acts on stays as it is.
func fail(op string, err error) error {
	switch {
	case err == nil, errors.Is(err, ErrNotFound), errors.Is(err, ErrMismatch), errors.Is(err, ErrReplayed), errors.Is(err, ErrUntold):
		return err
	}
	return fmt.Errorf("session: %s: %w", op, err)
}

func fromMillis(ms int64) time.Time { return time.UnixMilli(ms).UTC() }

// locate is SplitHandle that also refuses characters no tag has: the tag becomes
// part of a Redis key, where a brace would move the key to another slot.
func locate(h keys.Secret) (tag Tag, hash string, ok bool) {
	tag, hash, ok = SplitHandle(h)
	foreign := func(r rune) bool { return (r < 'a' || r > 'z') && (r < '2' || r > '7') }
	return tag, hash, ok && !strings.ContainsFunc(string(tag), foreign)
}

// locateFor is locate for a handle that must be one of user's.
func locateFor(h keys.Secret, user users.ID) (tag Tag, hash string, ok bool) {
	tag, hash, ok = locate(h)
	return tag, hash, ok && tag == TagOf(user)
}

// newestFirst orders sessions by their start; the sid makes the order of equals stable.
func newestFirst(sessions []Session) {
	slices.SortFunc(sessions, func(a, b Session) int {
		if c := b.Created.Compare(a.Created); c != 0 {
			return c
		}
		return strings.Compare(a.SID, b.SID)
	})
}

// youngestFirst orders families by the sign-in that they come from; the id makes the order of equals stable.
func youngestFirst(families []RefreshToken) {
	slices.SortFunc(families, func(a, b RefreshToken) int {
		if c := b.Grant.AuthTime.Compare(a.Grant.AuthTime); c != 0 {
			return c
		}
		return strings.Compare(a.Grant.Family, b.Grant.Family)
	})
}

// hashText returns SHA-256 in hex.
func hashText(text string) string {
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:])
}
