package provider

import (
	"strings"

	"github.com/einlass/einlass/users"
)

// secretChars is from how many characters on a text that somebody sent may be
// a secret that went into the wrong field. Ours have at least as many.
const secretChars = 32

// maxShownChars bounds an address that somebody sent.
const maxShownChars = 300

// hidden stands for what was sent and cannot be shown.
const hidden = "…"

// unknownClientCause says which client id came instead of the registered one,
// or of some other one where c is nil.
func unknownClientCause(c *client, sent string) *cause {
	registered := hidden
	if c != nil {
		registered = c.ClientID
	}
	if len(sent) >= secretChars || !isShown(sent) {
		return because(users.CallClientIsSecret, users.FactRegistered, registered)
	}
	return because(users.CallClientUnknown, users.FactSent, sent, users.FactRegistered, registered)
}

// redirectCause says which address came instead of the registered ones.
func redirectCause(reason users.CallReason, sent string, registered ...string) *cause {
	return because(reason, users.FactSent, shownAddress(sent), users.FactRegistered, strings.Join(registered, " "))
}

// shownAddress is an address without the parts that may hold a secret: user,
// query and fragment.
func shownAddress(sent string) string {
	shown, rest := sent, ""
	if at := strings.IndexAny(sent, "?#"); at >= 0 {
		shown, rest = sent[:at+1], hidden
	}
	lower := strings.ToLower(shown)
	switch {
	case sent == "":
		return ""
	case !strings.HasPrefix(lower, "http") || strings.Contains(shown, "@") || strings.Contains(lower, "%40") || !isShown(shown):
		return hidden
	case len(shown) > maxShownChars:
		return shown[:maxShownChars] + hidden
	}
	return shown + rest
}

// isShown reports whether a text is printable ASCII.
func isShown(text string) bool {
	return !strings.ContainsFunc(text, func(r rune) bool { return r < 0x20 || r > 0x7e })
}

// clientAt returns the client for which an address is registered, or nil: so a
// mistyped client id is found to be an application's.
func (r *Registry) clientAt(redirectURI string) *client {
	var found *client
	for _, c := range r.current.Load().clients {
		if !c.takes(redirectURI) {
			continue
		}
		if found != nil {
			return nil // two applications share it
		}
		found = c
	}
	return found
}
