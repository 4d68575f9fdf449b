package personio

import (
	"fmt"
	"net/url"
	"strings"

	"github.com/einlass/einlass/importer"
)

// nextAddress returns where a list goes on after the page that was read from
// current, or nil at its end.
//
// The address is Personio's, so it is not trusted: our token is sent there. It may
// be relative; another origin is refused. Only Personio's own may be named by a
// gateway that passes its answers on: then the gateway is asked, for the same list.
func nextAddress(current *url.URL, page value) (*url.URL, error) {
	link := page.member("_meta").member("links").member("next")
	if link.isObject() {
		link = link.member("href")
	}
	if link.isEmpty() {
		return nil, nil
	}
	if !link.isString() {
		return nil, fmt.Errorf("the address of the next page is no text: %w", importer.ErrCorrupt)
	}
	next, err := current.Parse(link.text())
	if err != nil {
		return nil, fmt.Errorf("the address of the next page is none: %w", importer.ErrCorrupt)
	}
	next.Fragment, next.RawFragment = "", ""
	if sameOrigin(personioItself, next) && next.Path != "" && strings.HasSuffix(current.Path, next.Path) {
		here := *current
		here.RawQuery = next.RawQuery
		return &here, nil
	}
	if !sameOrigin(current, next) {
		return nil, fmt.Errorf("the next page is elsewhere: %w", importer.ErrCorrupt)
	}
	return next, nil
}

var personioItself = &url.URL{Scheme: "https", Host: "api.personio.de"}

// sameOrigin compares as browsers do (RFC 6454 section 5). Who names a user in an
// address wants to be somewhere else.
func sameOrigin(a, b *url.URL) bool {
	return a.Scheme == b.Scheme && strings.EqualFold(a.Hostname(), b.Hostname()) && port(a) == port(b) && b.User == nil && b.Opaque == ""
}

func port(u *url.URL) string {
	switch {
	case u.Port() != "":
		return u.Port()
	case u.Scheme == "https":
		return "443"
	}
	return "80"
}
