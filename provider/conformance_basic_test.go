package provider_test

import (
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/einlass/einlass/users"
)

// codeModules are the code flow itself.
var codeModules = []conformanceModule{
	{"oidcc-server", func(p *rp) { p.flow(p.request()) }},
	{"oidcc-server-client-secret-post", func(p *rp) {
		p.client = rpClients[clientSecretPost]
		p.offers("token_endpoint_auth_methods_supported", users.AuthMethodPost)
		p.flow(p.request())
	}},
	{"oidcc-response-type-missing", func(p *rp) {
		request := p.request("response_type", "")
		p.refused(p.authorize(request), request, "invalid_request", "unsupported_response_type")
	}},
	{"oidcc-idtoken-signature", func(p *rp) {
		header := jwtHeader(p, p.flow(p.request()).rawIDToken)
		if header["alg"] != "RS256" || header["kid"] == "" {
			p.t.Errorf("header %v, want RS256 and a kid", header)
		}
	}},
	{"oidcc-idtoken-unsigned", func(p *rp) {
		if slices.Contains(p.meta.list("id_token_signing_alg_values_supported"), "none") {
			p.t.Error("discovery offers unsigned ID tokens")
		}
	}},
	{"oidcc-ensure-request-without-nonce-succeeds-for-code-flow", func(p *rp) { p.flow(p.request("nonce", "")) }},
	{"oidcc-alternate-happy-flow", func(p *rp) {
		request := p.request("scope", "email openid")
		var backwards []string
		for pair := range strings.SplitSeq(request.Encode(), "&") {
			backwards = append([]string{pair}, backwards...)
		}
		p.finish(p.browser.get(p.meta.text("authorization_endpoint")+"?"+strings.Join(backwards, "&")), request)
	}},
	{"oidcc-ensure-registered-redirect-uri", func(p *rp) {
		p.showsError(p.authorize(p.request("redirect_uri", p.client.redirectURI()+"/unregistered")), "redirect URI")
	}},
	{"oidcc-ensure-post-request-succeeds", func(p *rp) {
		sends := []func(string, url.Values) arrival{p.browser.postFromElsewhere, p.browser.postFromElsewhere, p.browser.post} // some send every cookie along
		for i, send := range sends {
			request := p.request()
			if g := p.finish(send(p.meta.text("authorization_endpoint"), request), request); g.asked != (i == 0) {
				p.t.Errorf("request %d: asked to sign in: %v", i+1, g.asked)
			}
		}
	}},
	{"oidcc-ensure-request-with-valid-pkce-succeeds", func(p *rp) {
		const verifier = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk" // RFC 7636 appendix B
		const challenge = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"
		p.flow(p.request("code_challenge", challenge, "code_challenge_method", "S256"), "code_verifier", verifier)
	}},
}

// jwtHeader is the header of a signed token, read without verifying anything.
func jwtHeader(p *rp, token string) map[string]any {
	p.t.Helper()
	part, _, _ := strings.Cut(token, ".")
	text, err := base64.RawURLEncoding.DecodeString(part)
	if err != nil {
		p.t.Fatal(err)
	}
	var header map[string]any
	if err := json.Unmarshal(text, &header); err != nil {
		p.t.Fatal(err)
	}
	return header
}

// tokenModules are about the token endpoint.
var tokenModules = []conformanceModule{
	{"oidcc-codereuse", func(p *rp) {
		g := p.flow(p.request())
		p.exchangeRefused(p.redeem(g.code))
	}},
	{"oidcc-codereuse-30seconds", func(p *rp) {
		g := p.flow(p.request())
		p.op.Clock.Advance(30 * time.Second)
		p.exchangeRefused(p.redeem(g.code))
		if status := p.userinfo(g.accessToken).status; status < 400 || status > 499 {
			p.t.Errorf("userinfo with the token of the first use: status %d, want 4xx", status)
		}
	}},
	{"oidcc-refresh-token", refreshToken},
}

// refreshToken is done by two clients: each has tokens of its own, of no use to the other.
func refreshToken(p *rp) {
	p.offers("grant_types_supported", "refresh_token")
	p.offers("scopes_supported", "offline_access")
	p.keepFresh()
	other := *p
	other.client, other.browser = rpClients[1], newRPBrowser(p.t, p.op.Issuer, p.op.HTTP)
	foreign := other.keepFresh()
	for _, scope := range []string{"", "openid offline_access"} {
		p.exchangeRefused(p.refresh(foreign.refreshToken, scope))
	}
	kept := rpGrant{}
	other.readTokens(&kept, other.refresh(foreign.refreshToken, ""))
}

// refresh sends a refresh token; an empty scope is not sent.
func (p *rp) refresh(token, scope string) programAnswer {
	p.t.Helper()
	form := url.Values{"grant_type": {"refresh_token"}, "refresh_token": {token}}
	if scope != "" {
		form.Set("scope", scope)
	}
	return p.exchange(form)
}

// keepFresh signs in for good and refreshes the tokens twice, with and without a scope.
func (p *rp) keepFresh() rpGrant {
	p.t.Helper()
	request := p.request("scope", "openid offline_access", "prompt", "consent", "nonce", strings.Repeat("n", 43))
	g := p.flow(request)
	for _, scope := range []string{"openid offline_access", ""} {
		p.op.Clock.Advance(time.Second)
		next := rpGrant{}
		p.readTokens(&next, p.refresh(g.refreshToken, scope))
		unasked := url.Values{"scope": request["scope"]} // the nonce was of the authentication
		next.idToken = p.verifyIDToken(next.rawIDToken, next.accessToken, unasked)
		for _, name := range []string{"iss", "sub", "aud", "auth_time", "azp"} {
			if next.idToken[name] != g.idToken[name] {
				p.t.Errorf("%s is %v after the refresh, was %v", name, next.idToken[name], g.idToken[name])
			}
		}
		if before, after := g.idToken["iat"].(float64), next.idToken["iat"].(float64); after <= before {
			p.t.Errorf("iat %v after the refresh, was %v", after, before)
		}
		p.readUserinfo(p.userinfo(next.accessToken), next.idToken, unasked)
		if next.accessToken == g.accessToken {
			p.t.Error("the access token is the same")
		}
		g = next
	}
	return g
}

// claimModules are about userinfo and what it says. That the claims of the
// scopes are there, and no others, is checked in every flow.
var claimModules = []conformanceModule{
	{"oidcc-userinfo-get", func(p *rp) { p.flow(p.request()) }},
	{"oidcc-userinfo-post-header", func(p *rp) {
		request := p.request()
		g := p.flow(request)
		p.readUserinfo(p.call(http.MethodPost, p.meta.text("userinfo_endpoint"), url.Values{}, "Authorization", "Bearer "+g.accessToken), g.idToken, request)
	}},
	{"oidcc-userinfo-post-body", func(p *rp) {
		request := p.request()
		g := p.flow(request)
		p.readUserinfo(p.call(http.MethodPost, p.meta.text("userinfo_endpoint"), url.Values{"access_token": {g.accessToken}}), g.idToken, request)
	}},
	{"oidcc-scope-profile", func(p *rp) { p.flow(p.request("scope", "openid profile")) }},
	{"oidcc-scope-email", func(p *rp) {
		if g := p.flow(p.request("scope", "openid email")); g.userinfo["email"] != rpEmail || g.userinfo["email_verified"] != true {
			p.t.Errorf("userinfo %v, want the verified address", g.userinfo)
		}
	}},
	{"oidcc-scope-address", func(p *rp) { p.unadvertisedScope("address") }},
	{"oidcc-scope-phone", func(p *rp) { p.unadvertisedScope("phone") }},
	{"oidcc-scope-all", func(p *rp) {
		p.offers("scopes_supported", "openid", "profile", "email")
		p.flow(p.request("scope", strings.Join(p.meta.list("scopes_supported"), " ")))
		p.flow(p.request("scope", "openid email phone address profile")) // the suite's, which it skips
	}},
	{"oidcc-claims-essential", func(p *rp) {
		g := p.flow(p.request("claims", `{"userinfo":{"name":{"essential":true}}}`))
		if g.userinfo["name"] != "Grace Hopper" {
			p.t.Errorf("name %v", g.userinfo["name"])
		}
	}},
}

// unadvertisedScope is for modules that the suite skips where discovery does
// not list the scope: then it must not do anything either.
func (p *rp) unadvertisedScope(scope string) {
	if slices.Contains(p.meta.list("scopes_supported"), scope) {
		p.t.Fatalf("scopes_supported has %s", scope)
	}
	p.flow(p.request("scope", "openid "+scope))
}
