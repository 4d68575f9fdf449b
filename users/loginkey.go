package users

import (
	"strings"

	"golang.org/x/net/idna"
	"golang.org/x/text/unicode/norm"
)

// MaxEmailBytes is the longest address we accept (RFC 5321 section 4.5.3.1 allows a path of 256).
const MaxEmailBytes = 254

// LoginKey is an e-mail address or user name in the form in which it is unique:
// NFKC, lower case, an address's domain through IDNA. It is computed here, never in SQL.
type LoginKey string

// KeyOf returns the key of what a person or HR wrote. ß and ss stay different,
// because they are different mailboxes. The key of nothing is nothing.
func KeyOf(written string) LoginKey {
	key := strings.ToLower(norm.NFKC.String(strings.TrimSpace(written)))
	local, domain, isAddress := cutLast(key, "@")
	if !isAddress {
		return LoginKey(key)
	}
	if ascii, err := idna.Lookup.ToASCII(domain); err == nil {
		domain = ascii
	}
	return LoginKey(local + "@" + strings.TrimSuffix(domain, "."))
}

// Domain is the part of an address key after the @, or empty.
func (k LoginKey) Domain() string {
	_, domain, _ := cutLast(string(k), "@")
	return domain
}

func cutLast(s, sep string) (before, after string, found bool) {
	if i := strings.LastIndex(s, sep); i >= 0 {
		return s[:i], s[i+len(sep):], true
	}
	return s, "", false
}
