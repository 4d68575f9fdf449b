package session

import (
	"crypto/sha256"
	"encoding/base32"
	"encoding/hex"
	"strings"

	"github.com/einlass/einlass/keys"
	"github.com/einlass/einlass/users"
)

// Tag is the part of a handle that is no secret: it leads to the slot of its user.
type Tag string

const tagChars = 12

var tagEncoding = base32.StdEncoding.WithPadding(base32.NoPadding)

// TagOf returns the tag of every handle of user.
func TagOf(user users.ID) Tag {
	sum := sha256.Sum256([]byte("slot" + string(user)))
	return Tag(strings.ToLower(tagEncoding.EncodeToString(sum[:]))[:tagChars])
}

// NewHandle returns a handle for user with a fresh secret of 256 bits.
func NewHandle(user users.ID) keys.Secret { return newHandle(TagOf(user)) }

func newHandle(tag Tag) keys.Secret {
	return keys.Secret(string(tag) + "." + keys.NewSecret().Reveal())
}

// secretChars is the length of the base64url form of 256 bits.
const secretChars = 43

// SplitHandle takes a handle apart into its tag and the hex SHA-256 of its
// secret. It reports false for anything that NewHandle cannot have made.
func SplitHandle(h keys.Secret) (tag Tag, hash string, ok bool) {
	t, secret, found := strings.Cut(h.Reveal(), ".")
	if !found || len(t) != tagChars || len(secret) != secretChars {
		return "", "", false
	}
	sum := sha256.Sum256([]byte(secret))
	return Tag(t), hex.EncodeToString(sum[:]), true
}
