package provider_test

import (
	"crypto/rand"
	"crypto/rsa"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/go-jose/go-jose/v4"
)

// endSession sends the browser to the end session endpoint; an empty value leaves a parameter out.
func (p *rp) endSession(pairs ...string) arrival {
	p.t.Helper()
	q := url.Values{}
	for i := 0; i+1 < len(pairs); i += 2 {
		if pairs[i+1] != "" {
			q.Set(pairs[i], pairs[i+1])
		}
	}
	arrived := p.browser.get(p.meta.text("end_session_endpoint") + "?" + q.Encode())
	if arrived.page.ByID("logout-form").Exists() {
		arrived = p.browser.submit(arrived, "logout-confirm", nil)
	}
	return arrived
}

// isSignedIn asks silently.
func (p *rp) isSignedIn() bool {
	p.t.Helper()
	request := p.request("prompt", "none")
	arrived := p.authorize(request)
	if arrived.sent.Has("code") {
		p.code(arrived, request)
		return true
	}
	p.refused(arrived, request, "login_required")
	return false
}

// returned expects the browser at the application with the state and nothing else, and nobody signed in.
func (p *rp) returned(a arrival, state string) {
	p.t.Helper()
	want := url.Values{}
	if state != "" {
		want.Set("state", state)
	}
	if a.target != p.client.afterLogout() || a.mode != "query" || a.sent.Encode() != want.Encode() {
		p.t.Errorf("arrived at %q with %v, status %d at %v; want %q with %v", a.target, a.sent, a.status, a.url, p.client.afterLogout(), want)
	}
	if p.isSignedIn() {
		p.t.Error("still signed in")
	}
}

// signedOut expects the page that says so, and nobody signed in.
func (p *rp) signedOut(a arrival) {
	p.t.Helper()
	if a.status != http.StatusOK || !strings.Contains(a.page.ByID("logged-out").Text(), "signed out") {
		p.t.Errorf("arrived at %q, status %d at %v; want the signed-out page", a.target, a.status, a.url)
	}
	if p.isSignedIn() {
		p.t.Error("still signed in")
	}
}

// notSignedOut expects the error page, and the person signed in as before.
func (p *rp) notSignedOut(a arrival) {
	p.t.Helper()
	p.showsError(a)
	if !p.isSignedIn() {
		p.t.Error("signed out")
	}
}

var logoutModules = []conformanceModule{
	{"oidcc-rp-initiated-logout-discovery-endpoint-verification", func(p *rp) {
		p.checkEndpoints()
		if p.meta.text("end_session_endpoint") == "" {
			p.t.Error("no end_session_endpoint")
		}
	}},
	{"oidcc-rp-initiated-logout", func(p *rp) {
		hint := p.flow(p.request()).rawIDToken
		p.returned(p.endSession("id_token_hint", hint, "post_logout_redirect_uri", p.client.afterLogout(), "state", longState), longState)
	}},
	{"oidcc-rp-initiated-logout-no-state", func(p *rp) {
		hint := p.flow(p.request()).rawIDToken
		p.returned(p.endSession("id_token_hint", hint, "post_logout_redirect_uri", p.client.afterLogout()), "")
	}},
	{"oidcc-rp-initiated-logout-bad-post-logout-redirect-uri", func(p *rp) {
		hint := p.flow(p.request()).rawIDToken
		p.notSignedOut(p.endSession("id_token_hint", hint, "post_logout_redirect_uri", "https://unregistered.example/bye", "state", rand.Text()))
	}},
	{"oidcc-rp-initiated-logout-query-added-to-post-logout-redirect-uri", func(p *rp) {
		hint := p.flow(p.request()).rawIDToken
		p.notSignedOut(p.endSession("id_token_hint", hint, "post_logout_redirect_uri", p.client.afterLogout()+"?foo=bar", "state", rand.Text()))
	}},
	{"oidcc-rp-initiated-logout-modified-id-token-hint", func(p *rp) {
		hint := p.flow(p.request()).rawIDToken
		unsigned := base64.RawURLEncoding.EncodeToString([]byte(`{"alg":"none"}`)) + "." + strings.Split(hint, ".")[1] + "."
		p.notSignedOut(p.endSession("id_token_hint", unsigned, "post_logout_redirect_uri", p.client.afterLogout(), "state", rand.Text()))
	}},
	{"oidcc-rp-initiated-logout-bad-id-token-hint", func(p *rp) {
		claims := p.flow(p.request()).idToken
		for _, change := range []map[string]any{nil, {"iss": "https://other.example"}, {"aud": "nobody"}} {
			hint := p.signedByOthers(claims, change)
			p.notSignedOut(p.endSession("id_token_hint", hint, "post_logout_redirect_uri", p.client.afterLogout(), "state", rand.Text()))
		}
	}},
	{"oidcc-rp-initiated-logout-no-id-token-hint", func(p *rp) {
		p.flow(p.request())
		p.notSignedOut(p.endSession("post_logout_redirect_uri", p.client.afterLogout(), "state", rand.Text()))
	}},
	{"oidcc-rp-initiated-logout-no-params", func(p *rp) {
		p.flow(p.request())
		p.signedOut(p.endSession())
	}},
	{"oidcc-rp-initiated-logout-only-state", func(p *rp) {
		p.flow(p.request())
		p.signedOut(p.endSession("state", rand.Text()))
	}},
	{"oidcc-rp-initiated-logout-no-post-logout-redirect-uri", func(p *rp) {
		hint := p.flow(p.request()).rawIDToken
		p.signedOut(p.endSession("id_token_hint", hint, "state", rand.Text()))
	}},
}

// signedByOthers is an ID token with a key that is not the provider's, under the kid of one that is.
func (p *rp) signedByOthers(claims, change map[string]any) string {
	p.t.Helper()
	changed := map[string]any{}
	for _, members := range []map[string]any{claims, change} {
		for name, value := range members {
			changed[name] = value
		}
	}
	payload, err := json.Marshal(changed)
	if err != nil {
		p.t.Fatal(err)
	}
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		p.t.Fatal(err)
	}
	i := slices.IndexFunc(p.keys.Keys, func(k jose.JSONWebKey) bool { return k.Algorithm == "RS256" })
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.RS256, Key: key},
		(&jose.SignerOptions{}).WithType("JWT").WithHeader("kid", p.keys.Keys[i].KeyID))
	if err != nil {
		p.t.Fatal(err)
	}
	token, err := signer.Sign(payload)
	if err != nil {
		p.t.Fatal(err)
	}
	text, err := token.CompactSerialize()
	if err != nil {
		p.t.Fatal(err)
	}
	return text
}
