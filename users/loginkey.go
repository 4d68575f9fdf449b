package users

import (
	"strings"
	"unicode/utf8"

	"golang.org/x/net/idna"
	"golang.org/x/text/unicode/norm"
)

// MaxEmailBytes is the longest address we accept (RFC 5321 section 4.5.3.1 allows a path of 256).
const MaxEmailBytes = 254

// MaxLoginBytes is the longest name that anybody can sign in with: 64 bytes, an @
// and 255 (RFC 5321 section 4.5.3.1).
const MaxLoginBytes = 320

// maxDomainChars is the longest domain (RFC 1035 section 2.3.4) with the dot of the root; in
// Unicode it has no more characters than in ASCII.
const maxDomainChars = 254

// LoginKey is an e-mail address or user name in the form in which it is unique:
// NFKC, lower case, an address's domain through IDNA. It is computed here, never in SQL.
type LoginKey string

// KeyOf returns the key of what a person or HR wrote. ß and ss stay different,
// because they are different mailboxes. The key of nothing is nothing.
//
// Strangers may write anything, and IDNA costs the square of a domain's length:
// what is longer than MaxLoginBytes is nobody's name and its own key, and no
// domain that is longer than one can be goes through IDNA.
func KeyOf(written string) LoginKey {
	written = strings.TrimSpace(written)
	if len(written) > MaxLoginBytes {
		return LoginKey(written)
	}
	key := strings.ToLower(norm.NFKC.String(written))
	local, domain, isAddress := cutLast(key, "@")
	if !isAddress {
		return LoginKey(key)
	}
	if maybeDomain(domain) {
		if ascii, err := idna.Lookup.ToASCII(domain); err == nil {
			domain = ascii
		}
	}
	return LoginKey(local + "@" + strings.TrimSuffix(domain, "."))
}

// Domain is the part of an address key after the @, or empty.
func (k LoginKey) Domain() string {
	_, domain, _ := cutLast(string(k), "@")
	return domain
}

// maybeDomain reports whether text is short enough for a domain, in ASCII or not.
func maybeDomain(text string) bool { return utf8.RuneCountInString(text) <= maxDomainChars }

func cutLast(s, sep string) (before, after string, found bool) {
	if i := strings.LastIndex(s, sep); i >= 0 {
		return s[:i], s[i+len(sep):], true
	}
	return s, "", false
}
