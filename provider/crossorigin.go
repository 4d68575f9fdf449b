package provider

import (
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/gorilla/mux"

	"github.com/einlass/einlass/provider/web"
	"github.com/einlass/einlass/users"
)

// sharedPaths are the endpoints that the scripts of applications without a
// secret call from the browser. What they answer follows from the request alone
// and from no cookie, so nothing is allowed here that the script could not ask
// for elsewhere. No page and nothing with a cookie is among them: RFC 9700
// section 2.6 forbids it for the authorization endpoint.
var sharedPaths = []string{pathToken, pathUserinfo, pathRevoke, pathPAR}

// preflightAge is how many seconds browsers may remember what a preflight allows.
const preflightAge = "600"

// share lets scripts of registered origins read what h answers, refusals too.
func (p *Provider) share(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Add("Vary", "Origin")
		if origin, known := p.knownOrigin(r); known {
			w.Header().Set("Access-Control-Allow-Origin", origin)
			w.Header().Set("Access-Control-Expose-Headers", "Retry-After, WWW-Authenticate, X-Request-Id")
		}
		h.ServeHTTP(w, r)
	})
}

// isPreflight reports whether a browser asks on behalf of a registered origin what it may send.
func (p *Provider) isPreflight(r *http.Request, _ *mux.RouteMatch) bool {
	_, known := p.knownOrigin(r)
	return known && r.Header.Get("Access-Control-Request-Method") != ""
}

// preflight answers such a question. Credentials of the browser are never allowed.
func (p *Provider) preflight(methods []string) http.Handler {
	return p.cfg.Site.HandleAs(programError, func(w http.ResponseWriter, r *http.Request) error {
		h := w.Header()
		h.Add("Vary", "Origin")
		h.Set("Access-Control-Allow-Origin", r.Header.Get("Origin"))
		h.Set("Access-Control-Allow-Methods", strings.Join(methods, ", "))
		h.Set("Access-Control-Allow-Headers", "Authorization, Content-Type")
		h.Set("Access-Control-Max-Age", preflightAge)
		return web.NoBody(w, http.StatusNoContent)
	})
}

// knownOrigin returns the origin of a request, and whether it is a registered one.
func (p *Provider) knownOrigin(r *http.Request) (origin string, known bool) {
	given := r.Header.Values("Origin")
	if len(given) != 1 {
		return "", false
	}
	return given[0], p.cfg.Registry.current.Load().origins[given[0]]
}

// isOfItsPages reports whether a request comes from no web page, or from one at an
// origin of the client's. Pages of others may send it what they like and read no answer,
// but what they send must not count as if somebody had meant it.
func isOfItsPages(c *client, r *http.Request) bool {
	given := r.Header.Values("Origin")
	return len(given) == 0 || len(given) == 1 && slices.Contains(originsOf(c.SignIn), given[0])
}

// originsOf returns the origins, as browsers write them, at which the scripts of
// a client run: those of its redirect URIs, if it has no secret. What has a secret
// is a server, and calls without a browser.
func originsOf(s users.SignIn) []string {
	if s.AuthMethod != users.AuthMethodNone {
		return nil
	}
	var origins []string
	for _, uri := range s.RedirectURIs {
		u, err := url.Parse(uri)
		if err != nil || u.Host == "" || !slices.Contains([]string{"https", "http"}, u.Scheme) {
			continue // of a program that people install
		}
		host := strings.ToLower(u.Host)
		if port := u.Port(); u.Scheme == "https" && port == "443" || u.Scheme == "http" && port == "80" {
			host = strings.TrimSuffix(host, ":"+port)
		}
		origins = append(origins, u.Scheme+"://"+host)
	}
	return origins
}
