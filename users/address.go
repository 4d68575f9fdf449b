package users

import (
	"fmt"
	"net/mail"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/net/idna"
)

// AddressFault is what is wrong with an address.
type AddressFault string

// The faults.
const (
	AddressEmpty   AddressFault = "empty"
	AddressLong    AddressFault = "long" // than MaxEmailBytes
	AddressNotUTF8 AddressFault = "utf8"
	AddressSpace   AddressFault = "space"  // or a control character
	AddressAt      AddressFault = "at"     // none or several
	AddressForm    AddressFault = "form"   // no address at all, or one with a name beside it
	AddressDomain  AddressFault = "domain" // what follows the @ is not a host name
)

// AddressError is why an address cannot be a work e-mail address. It is an ErrInvalid.
type AddressError struct{ Fault AddressFault }

// Error implements error.
func (e *AddressError) Error() string {
	why := map[AddressFault]string{
		AddressEmpty: "empty", AddressLong: fmt.Sprintf("longer than %d bytes", MaxEmailBytes), AddressNotUTF8: "not UTF-8",
		AddressSpace: "contains a space or control character", AddressAt: "needs exactly one @",
		AddressForm: "not of the form name@example.com", AddressDomain: "its domain is not a host name",
	}
	return ErrInvalid.Error() + " e-mail address: " + why[e.Fault]
}

// Unwrap makes the error an ErrInvalid.
func (e *AddressError) Unwrap() error { return ErrInvalid }

// CheckEmail returns an [AddressError] if an address cannot be a work e-mail
// address, or nil. Local parts outside ASCII are fine (RFC 6531 section 3.3).
func CheckEmail(address string) error {
	switch {
	case address == "":
		return &AddressError{AddressEmpty}
	case len(address) > MaxEmailBytes:
		return &AddressError{AddressLong}
	case !utf8.ValidString(address):
		return &AddressError{AddressNotUTF8}
	case strings.ContainsFunc(address, func(r rune) bool { return unicode.IsSpace(r) || unicode.IsControl(r) }):
		return &AddressError{AddressSpace}
	case strings.Count(address, "@") != 1:
		return &AddressError{AddressAt}
	}
	parsed, err := mail.ParseAddress(address)
	if err != nil || parsed.Address != address || parsed.Name != "" {
		return &AddressError{AddressForm}
	}
	domain := KeyOf(address).Domain()
	if _, err := idna.Lookup.ToASCII(domain); err != nil || !strings.Contains(domain, ".") {
		return &AddressError{AddressDomain}
	}
	return nil
}
