package web

import (
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"net"
	"net/http"
	"net/url"
)

// SameOrigin lets a request that changes something through only if it comes
// from our own pages, in two ways: http.CrossOriginProtection (Sec-Fetch-Site,
// or Origin against Host), and a present Origin must be the issuer's, scheme
// included, which the first does not compare.
func (s *Site) SameOrigin(next http.Handler) http.Handler {
	var protection http.CrossOriginProtection
	return s.Handle(func(w http.ResponseWriter, r *http.Request) error {
		if err := protection.Check(r); err != nil {
			return &Error{Status: http.StatusForbidden, Key: "error.cross_origin", Err: err}
		}
		if isUnsafe(r.Method) && !s.isOwnOrigin(r) {
			return &Error{Status: http.StatusForbidden, Key: "error.cross_origin", Err: errors.New("origin is not the issuer's")}
		}
		next.ServeHTTP(w, r)
		return nil
	})
}

func isUnsafe(method string) bool {
	switch method {
	case http.MethodGet, http.MethodHead, http.MethodOptions:
		return false
	}
	return true
}

// isOwnOrigin reports whether Origin is absent or ours. With AllowLoopback the
// page's own name is ours, too, if it is one of loopback.
func (s *Site) isOwnOrigin(r *http.Request) bool {
	origins := r.Header.Values("Origin")
	if len(origins) == 0 {
		return true
	}
	own := origins[0] == s.origin
	if s.cfg.AllowLoopback && isLoopback(hostName(r.Host)) {
		own = own || origins[0] == s.cfg.Issuer.Scheme+"://"+r.Host
	}
	return own && len(origins) == 1
}

// isLoopback reports whether a host name is localhost, in 127.0.0.0/8 or ::1.
func isLoopback(name string) bool {
	return name == "localhost" || net.ParseIP(name).IsLoopback()
}

// Browser returns the secret that binds pending requests and forms to this
// browser, and gives the browser one if it has none.
func (s *Site) Browser(w http.ResponseWriter, r *http.Request) string {
	if browser := s.Cookies.Read(r, CookieBrowser); browser != "" {
		return browser
	}
	browser := rand.Text() + rand.Text() // 260 bits
	s.Cookies.Set(w, CookieBrowser, browser, 0)
	return browser
}

// FormField is the hidden input that carries a form's token.
const FormField = "form_token"

// FormToken returns the value of FormField for a form on a page for this
// browser. It protects forms in browsers that send neither Origin nor Sec-Fetch-Site.
func (s *Site) FormToken(w http.ResponseWriter, r *http.Request) string {
	return formToken(s.Browser(w, r))
}

// CheckForm returns an Error with status 403 unless the fields come from a form
// that this browser was given.
func (s *Site) CheckForm(r *http.Request, fields url.Values) error {
	browser := s.Cookies.Read(r, CookieBrowser)
	given := []byte(fields.Get(FormField))
	if browser == "" || subtle.ConstantTimeCompare(given, []byte(formToken(browser))) != 1 {
		return &Error{Status: http.StatusForbidden, Key: "error.form_token", Err: errors.New("form token does not fit")}
	}
	return nil
}

// formToken is a value that only somebody who knows the browser's secret can make.
func formToken(browser string) string {
	sum := sha256.Sum256([]byte("form" + browser))
	return base64.RawURLEncoding.EncodeToString(sum[:])
}
