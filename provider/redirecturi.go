package provider

import (
	"regexp"
	"slices"

	"github.com/einlass/einlass/users"
)

// loopbackPattern takes a redirect URI on the person's own machine apart: scheme
// and address, port, and the rest. Names are not in it: they may resolve to anything.
var loopbackPattern = regexp.MustCompile(`^(http://(?:127\.0\.0\.1|\[::1\]))(:[0-9]{1,5})?(/.*)?$`)

// IsOnLoopback reports whether uri leads to the person's own machine, by its address.
func IsOnLoopback(uri string) bool { return loopbackPattern.MatchString(uri) }

// takes reports whether codes of this client may be sent to uri: if it is
// registered, byte for byte, or leads to a program on the person's own machine.
func (c *client) takes(uri string) bool {
	return slices.Contains(c.RedirectURIs, uri) || c.takesOnAnyPort(uri)
}

// takesOnAnyPort reports whether uri is registered but for its port: a program on the
// person's own machine, which has no secret, listens where a port is free (RFC 8252 section 7.3).
func (c *client) takesOnAnyPort(uri string) bool {
	if slices.Contains(c.RedirectURIs, uri) {
		return false
	}
	asked := loopbackPattern.FindStringSubmatch(uri)
	if asked == nil || c.AuthMethod != users.AuthMethodNone {
		return false
	}
	return slices.ContainsFunc(c.RedirectURIs, func(registered string) bool {
		known := loopbackPattern.FindStringSubmatch(registered)
		return known != nil && known[1] == asked[1] && known[3] == asked[3]
	})
}
