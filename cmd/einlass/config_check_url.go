package main

import (
	"net/netip"
	"net/url"
	"strconv"
	"strings"
)

// maxURLBytes is the longest URL that is accepted as a setting.
const maxURLBytes = 2048

// checkURL notes what is wrong with a URL that people or codes are sent to: it
// must be absolute https without userinfo, fragment or wildcard; http only on
// a loopback host, and only with insecure_allow_loopback. It returns nil then.
// RFC 9700 section 2.1 and RFC 6749 section 3.1.2 ask for this.
func (l *loader) checkURL(path, text string) *url.URL {
	if why := whyNotURL(text, l.cfg.InsecureAllowLoopback); why != "" {
		l.fail(path, "%s, found %s", why, quoteURL(text))
		return nil
	}
	u, err := url.Parse(text)
	if err != nil {
		l.fail(path, "want an absolute https URL, found %s", quoteURL(text))
		return nil
	}
	return u
}

// quoteURL returns a URL for a message, unless it may carry a password.
func quoteURL(text string) string {
	if strings.Contains(text, "@") {
		return "a URL with an @"
	}
	return strconv.Quote(text)
}

func whyNotURL(text string, allowLoopback bool) string {
	u, err := url.Parse(text)
	switch {
	case err != nil || u.Host == "" || u.Hostname() == "" || u.Opaque != "":
		return "want an absolute https URL"
	case len(text) > maxURLBytes:
		return "longer than 2048 bytes"
	case strings.ContainsFunc(text, notInURL):
		return "contains a character that is not allowed in a URL"
	case u.User != nil:
		return "must not carry a user name or password"
	case strings.Contains(text, "#"):
		return "must not have a fragment"
	case strings.Contains(text, "*"):
		return "must not have a wildcard"
	case u.Scheme == "https":
		return ""
	case u.Scheme != "http" || !isLoopback(u.Hostname()):
		return "must begin with https://"
	case !allowLoopback:
		return "must begin with https:// (http on loopback needs insecure_allow_loopback)"
	}
	return ""
}

// notInURL matches what RFC 3986 leaves to percent-encoding, and the backslash
// that browsers take for a slash.
func notInURL(r rune) bool {
	return r <= ' ' || r > '~' || strings.ContainsRune("\\\"<>^`{|}", r)
}

// isLoopback reports whether host is localhost, in 127.0.0.0/8 or ::1, by its
// spelling alone: a name that resolves to a loopback address is not.
func isLoopback(host string) bool {
	if host == "localhost" {
		return true
	}
	address, err := netip.ParseAddr(host)
	return err == nil && address.Zone() == "" && address.IsLoopback() && !address.Is4In6()
}
