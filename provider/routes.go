package provider

import (
	"net/http"
	"slices"
	"strings"

	"github.com/gorilla/mux"

	"github.com/einlass/einlass/provider/web"
	"github.com/einlass/einlass/users"
)

// Paths of the protocol. Administrators type some of them into forms by hand,
// so they never change.
const (
	pathDiscovery = "/.well-known/openid-configuration"
	pathOAuth     = "/.well-known/oauth-authorization-server" // the same document, where RFC 8414 section 3 puts it
	pathJWKS      = "/jwks"
	pathAuthorize = "/authorize"
	pathToken     = "/token"
	pathUserinfo  = "/userinfo"

	pathIntrospect = "/introspect"
	pathRevoke     = "/revoke"
	pathLogout     = "/end_session"
	pathConsent    = "/consent"
	pathPAR        = "/par"
)

// route is one line of the table. Pages whose forms change something pass the
// cross-origin check; the protocol's endpoints are exempt by name, each with its own check.
// Scripts of other origins may call what stands in sharedPaths.
type route struct {
	path    string
	methods []string
	handler http.Handler
}

var (
	readMethods = []string{http.MethodGet, http.MethodHead}
	formMethods = []string{http.MethodGet, http.MethodHead, http.MethodPost}
	postMethods = []string{http.MethodPost}
)

// routes is the route table of the public listener.
func (p *Provider) routes() []route {
	site, a, watch := p.cfg.Site, p.cfg.Authorizer, p.calls.watch
	table := []route{
		{pathDiscovery, readMethods, site.HandleAs(programError, p.discovery)},
		{pathOAuth, readMethods, site.HandleAs(programError, p.discovery)},
		{pathJWKS, readMethods, site.HandleAs(programError, p.jwks)},
		{pathAuthorize, readMethods, site.HandleAs(a.authorizeError, watch(users.EndpointAuthorize, a.getAuthorize))},
		{pathAuthorize, postMethods, site.Handle(watch(users.EndpointAuthorize, a.postAuthorize))},
		{pathToken, postMethods, p.program(watch(users.EndpointToken, p.token))},
		{pathUserinfo, formMethods, p.bearer(watch(users.EndpointUserinfo, p.userinfo))},
		{pathIntrospect, postMethods, p.program(watch(users.EndpointIntrospect, p.introspect))},
		{pathRevoke, postMethods, p.program(watch(users.EndpointRevoke, p.revoke))},
		{pathLogout, readMethods, site.Handle(watch(users.EndpointLogout, p.getEndSession))},
		{pathLogout, postMethods, site.Handle(watch(users.EndpointLogout, p.postEndSession))},
		{pathPAR, postMethods, p.program(watch(users.EndpointPAR, p.push))},
		{pathConsent, readMethods, site.SameOrigin(site.Handle(a.getConsent))},
		{pathConsent, postMethods, site.SameOrigin(site.Handle(a.postConsent))},
	}
	for _, hook := range p.cfg.Hooks { // exempt: other sites' programs call them, with a secret of their own
		table = append(table, route{hook.Path, hook.Methods, site.HandleAs(programError, hook.Handler)})
	}
	for _, pages := range [][]web.Route{p.cfg.Login, p.cfg.Portal, p.cfg.Admin} {
		for _, page := range pages {
			table = append(table, route{page.Path, page.Methods, site.SameOrigin(site.Handle(page.Handler))})
		}
	}
	return append(table,
		route{web.StaticPrefix + "{file}", readMethods, site.Static()},
		route{web.LogoPrefix + "{digest}", readMethods, site.Handle(p.logo)},
	)
}

// router binds the table to methods; everything else is 404, or 405 with Allow.
func (p *Provider) router() *mux.Router {
	router := mux.NewRouter().SkipClean(true)
	allowed := map[string][]string{}
	for _, line := range p.routes() {
		handler := line.handler
		if slices.Contains(sharedPaths, line.path) {
			handler = p.share(handler)
			router.Handle(line.path, p.preflight(line.methods)).Methods(http.MethodOptions).MatcherFunc(p.isPreflight)
		}
		router.Handle(line.path, handler).Methods(slices.Clone(line.methods)...) // mux writes into what it is given
		allowed[line.path] = append(allowed[line.path], line.methods...)
	}
	for path, methods := range allowed {
		router.Handle(path, p.methodNotAllowed(methods))
	}
	router.NotFoundHandler = p.cfg.Site.ErrorHandler(http.StatusNotFound)
	return router
}

// methodNotAllowed names what a path accepts (RFC 9110 section 15.5.6).
func (p *Provider) methodNotAllowed(methods []string) http.Handler {
	refuse := p.cfg.Site.ErrorHandler(http.StatusMethodNotAllowed)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Allow", strings.Join(methods, ", "))
		refuse.ServeHTTP(w, r)
	})
}
