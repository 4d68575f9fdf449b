package web

import (
	"errors"
	"fmt"
	"net"
	"net/http"
	"path"
	"strings"
)

// Limits of a request's header. Beyond them the answer is 431.
const (
	MaxHeaderFields = 200
	MaxHeaderBytes  = 64 << 10
)

// admit refuses requests that no handler should see.
func (s *Site) admit(r *http.Request) error {
	fields, bytes := headerSize(r.Header)
	switch {
	case fields > MaxHeaderFields || bytes > MaxHeaderBytes:
		return &Error{Status: http.StatusRequestHeaderFieldsTooLarge, Err: fmt.Errorf("%d header fields, %d bytes", fields, bytes)}
	case !s.knowsHost(r.Host):
		return &Error{Status: http.StatusMisdirectedRequest, Err: errors.New("host is not the issuer's")}
	case !isCanonical(r):
		return &Error{Status: http.StatusNotFound, Err: errors.New("path is not canonical")}
	}
	return nil
}

// headerSize counts a header as it was on the wire: fields, and bytes with ": " and line end.
func headerSize(h http.Header) (fields, bytes int) {
	for name, values := range h {
		for _, value := range values {
			fields++
			bytes += len(name) + len(value) + 4
		}
	}
	return fields, bytes
}

// knowsHost reports whether a Host header names us, so that a name somebody
// else points at us (DNS rebinding, a forgotten virtual host) reaches nothing. Ports do not
// count, because a proxy or a second replica has its own; nor do addresses and
// localhost, which a probe uses and nobody can point elsewhere.
func (s *Site) knowsHost(host string) bool {
	name := hostName(host)
	return name == hostName(s.cfg.Issuer.Host) || name == "localhost" || net.ParseIP(name) != nil
}

// hostName returns the lower-case name of a Host header, without port and brackets.
func hostName(host string) string {
	name, _, err := net.SplitHostPort(host)
	if err != nil {
		name = strings.Trim(host, "[]")
	}
	return strings.ToLower(name)
}

// isCanonical reports whether a path is written the one way that is routed. A
// second spelling (//authorize, /%61uthorize, /x/../authorize) could slip past rules
// that a proxy has for the first.
func isCanonical(r *http.Request) bool {
	p := r.URL.Path
	if !strings.HasPrefix(p, "/") || r.URL.RawPath != "" {
		return false
	}
	clean := path.Clean(p)
	if clean != "/" && strings.HasSuffix(p, "/") {
		clean += "/"
	}
	return p == clean
}
