package web

import (
	"net/http"
	"time"
)

// Cookie is the name of one of our cookies, without the prefix it has on https.
type Cookie string

// The cookies.
const (
	CookieSession  Cookie = "einlass-session" // handle of the session
	CookieBrowser  Cookie = "einlass-browser" // binds pending requests and forms to this browser
	CookieDevice   Cookie = "einlass-device"  // handle of a known device
	CookieLanguage Cookie = "einlass-lang"    // the language chosen on a page
)

// Cookies reads and writes our cookies. All are HttpOnly, SameSite=Lax and for
// the whole host. On https (Secure) their names have the prefix __Host-, so
// that no other host of the domain can plant one; on http, where browsers
// refuse the prefix, they go without.
type Cookies struct {
	Secure bool
}

func (c Cookies) name(name Cookie) string {
	if c.Secure {
		return "__Host-" + string(name)
	}
	return string(name)
}

// Read returns the value of a cookie, for most a secret. It is empty when there is none, and when
// there are two that differ: one of them was planted.
func (c Cookies) Read(r *http.Request, name Cookie) string {
	cookies := r.CookiesNamed(c.name(name))
	if len(cookies) == 0 {
		return ""
	}
	value := cookies[0].Value
	for _, other := range cookies[1:] {
		if other.Value != value {
			return ""
		}
	}
	return value
}

// Set writes a cookie that lives for life, or until the browser closes if life is zero.
func (c Cookies) Set(w http.ResponseWriter, name Cookie, value string, life time.Duration) {
	http.SetCookie(w, &http.Cookie{
		Name:     c.name(name),
		Value:    value,
		Path:     "/",
		MaxAge:   int(life / time.Second),
		Secure:   c.Secure,
		HttpOnly: true,
		SameSite: http.SameSiteLaxMode,
	})
}

// Clear removes a cookie.
func (c Cookies) Clear(w http.ResponseWriter, name Cookie) {
	c.Set(w, name, "", -time.Second)
}
