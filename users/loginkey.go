package users

import (
	"fmt"
	"net/mail"
	"strings"
	"unicode"
	"unicode/utf8"

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

// CheckEmail returns why an address cannot be a work e-mail address, or nil.
// Local parts outside ASCII are fine (RFC 6531 section 3.3).
func CheckEmail(address string) error {
	fail := func(why string) error { return fmt.Errorf("%w e-mail address: %s", ErrInvalid, why) }
	switch {
	case address == "":
		return fail("empty")
	case len(address) > MaxEmailBytes:
		return fail(fmt.Sprintf("longer than %d bytes", MaxEmailBytes))
	case !utf8.ValidString(address):
		return fail("not UTF-8")
	case strings.ContainsFunc(address, func(r rune) bool { return unicode.IsSpace(r) || unicode.IsControl(r) }):
		return fail("contains a space or control character")
	case strings.Count(address, "@") != 1:
		return fail("needs exactly one @")
	}
	parsed, err := mail.ParseAddress(address)
	if err != nil || parsed.Address != address || parsed.Name != "" {
		return fail("not of the form name@example.com")
	}
	domain := KeyOf(address).Domain()
	if _, err := idna.Lookup.ToASCII(domain); err != nil || !strings.Contains(domain, ".") {
		return fail("its domain is not a host name")
	}
	return nil
}
