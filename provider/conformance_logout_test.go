package provider_test

import (
	"crypto/rand"
	"crypto/rsa"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/go-jose/go-jose/v4"
)

// logoutState has every character that a state may have (RFC 6749 appendix A.5).
var logoutState = func() string {
	var all []byte
	for c := byte(0x20); c <= 0x7e; c++ {
		all = append(all, c)
	}
	return string(all) + strings.Repeat("s", 128-len(all))
}()

// unescapedInQuery are the signs that the suite's library sends as they are (RFC
// 3986 section 3.4). It would do so with + and ; too, and therefore sends none.
const unescapedInQuery = "-._~!$'()*,:@/?"

// lightlyEscaped escapes a value for a query as far as it must be.
func lightlyEscaped(value string) string {
	var b strings.Builder
	for i := range len(value) {
		c := value[i]
		if '0' <= c && c <= '9' || 'A' <= c && c <= 'Z' || 'a' <= c && c <= 'z' || strings.IndexByte(unescapedInQuery, c) >= 0 {
			b.WriteByte(c)
		} else {
			fmt.Fprintf(&b, "%%%02X", c)
		}
	}
	return b.String()
}

// signIn is the flow with which every module begins.
func (p *rp) signIn() rpGrant {
	p.t.Helper()
	return p.flow(p.request("state", longState))
}

// endSession sends the browser to the end session endpoint and confirms where it
// is asked; an empty value leaves a parameter out.
func (p *rp) endSession(pairs ...string) arrival {
	p.t.Helper()
	var query []string
	for i := 0; i+1 < len(pairs); i += 2 {
		if pairs[i+1] != "" {
			query = append(query, pairs[i]+"="+lightlyEscaped(pairs[i+1]))
		}
	}
	return p.confirm(p.browser.get(p.meta.text("end_session_endpoint") + "?" + strings.Join(query, "&")))
}

func (p *rp) confirm(a arrival) arrival {
	p.t.Helper()
	if a.page.ByID("logout-form").Exists() {
		return p.browser.submit(a, "logout-confirm", nil)
	}
	return a
}

// isSignedIn asks silently.
func (p *rp) isSignedIn() bool {
	p.t.Helper()
	request := p.request("prompt", "none", "state", longState)
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
	if a.target != "" || a.status != http.StatusOK || !strings.Contains(a.page.ByID("logged-out").Text(), "signed out") {
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

// staysHere is notSignedOut, and what the page offers instead: to sign out without
// being led to the application.
func (p *rp) staysHere(a arrival) {
	p.t.Helper()
	p.notSignedOut(a)
	for _, link := range a.page.All("a") {
		if link.Attr("href") == "/logout" {
			p.signedOut(p.confirm(p.browser.get(p.op.Issuer + "/logout")))
			return
		}
	}
	p.t.Error("the error page does not lead to the confirmation page")
}

// offersEndSession expects that discovery says where to sign out.
func (p *rp) offersEndSession() {
	p.t.Helper()
	p.checkEndpoints()
	endpoint, err := url.Parse(p.meta.text("end_session_endpoint"))
	if err != nil || endpoint.Scheme != "https" || endpoint.Host == "" {
		p.t.Errorf("end_session_endpoint is %v, want an https URL", p.meta["end_session_endpoint"])
	}
}

var logoutModules = []conformanceModule{
	{"oidcc-rp-initiated-logout-discovery-endpoint-verification", func(p *rp) { p.offersEndSession() }},
	{"oidcc-rp-initiated-logout", func(p *rp) {
		hint := p.signIn().rawIDToken
		p.returned(p.endSession("id_token_hint", hint, "post_logout_redirect_uri", p.client.afterLogout(), "state", logoutState), logoutState)
	}},
	{"oidcc-rp-initiated-logout-no-state", func(p *rp) {
		hint := p.signIn().rawIDToken
		p.returned(p.endSession("id_token_hint", hint, "post_logout_redirect_uri", p.client.afterLogout()), "")
	}},
	{"oidcc-rp-initiated-logout-bad-post-logout-redirect-uri", func(p *rp) {
		hint := p.signIn().rawIDToken
		p.notSignedOut(p.endSession("id_token_hint", hint, "post_logout_redirect_uri", "https://unregistered.example/bye", "state", logoutState))
		p.staysHere(p.endSession("id_token_hint", hint, "post_logout_redirect_uri", p.client.site()+"/bad_post_logout", "state", logoutState))
	}},
	{"oidcc-rp-initiated-logout-query-added-to-post-logout-redirect-uri", func(p *rp) {
		hint := p.signIn().rawIDToken
		p.staysHere(p.endSession("id_token_hint", hint, "post_logout_redirect_uri", p.client.afterLogout()+"?foo=bar", "state", logoutState))
	}},
	{"oidcc-rp-initiated-logout-modified-id-token-hint", func(p *rp) {
		hint := p.signIn().rawIDToken
		unsigned := base64.RawURLEncoding.EncodeToString([]byte(`{"alg": "none"}`)) + "." + strings.Split(hint, ".")[1] + "."
		p.staysHere(p.endSession("id_token_hint", unsigned, "post_logout_redirect_uri", p.client.afterLogout(), "state", logoutState))
	}},
	{"oidcc-rp-initiated-logout-bad-id-token-hint", func(p *rp) {
		g := p.signIn()
		var arrived arrival
		for _, change := range []map[string]any{nil, {"iss": "https://other.example"}, {"aud": "nobody"}, {"iss": p.client.id, "aud": p.op.Issuer, "sub": "SubjectID"}} {
			claims := maps.Clone(g.idToken)
			maps.Copy(claims, change)
			for _, hint := range []string{p.signedByOthers(claims), p.signedBySecret(claims)} {
				arrived = p.endSession("id_token_hint", hint, "post_logout_redirect_uri", p.client.afterLogout(), "state", logoutState)
				p.notSignedOut(arrived)
			}
		}
		p.staysHere(arrived)
	}},
	{"oidcc-rp-initiated-logout-no-id-token-hint", func(p *rp) {
		p.signIn()
		p.staysHere(p.endSession("post_logout_redirect_uri", p.client.afterLogout(), "state", logoutState))
	}},
	{"oidcc-rp-initiated-logout-no-params", func(p *rp) {
		p.signIn()
		p.signedOut(p.endSession())
	}},
	{"oidcc-rp-initiated-logout-only-state", func(p *rp) {
		p.signIn()
		p.signedOut(p.endSession("state", logoutState))
	}},
	{"oidcc-rp-initiated-logout-no-post-logout-redirect-uri", func(p *rp) {
		hint := p.signIn().rawIDToken
		p.signedOut(p.endSession("id_token_hint", hint, "state", logoutState))
	}},
}

// signedByOthers is a token with a key that is not the provider's, under the kid of one that is.
func (p *rp) signedByOthers(claims map[string]any) string {
	p.t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		p.t.Fatal(err)
	}
	i := slices.IndexFunc(p.keys.Keys, func(k jose.JSONWebKey) bool { return k.Algorithm == "RS256" })
	options := (&jose.SignerOptions{}).WithType("JWT").WithHeader("kid", p.keys.Keys[i].KeyID)
	return p.signed(jose.SigningKey{Algorithm: jose.RS256, Key: key}, options, claims)
}

// signedBySecret is a token that the client made itself, with its secret.
func (p *rp) signedBySecret(claims map[string]any) string {
	p.t.Helper()
	return p.signed(jose.SigningKey{Algorithm: jose.HS256, Key: []byte(p.client.secret)}, &jose.SignerOptions{}, claims)
}

func (p *rp) signed(key jose.SigningKey, options *jose.SignerOptions, claims map[string]any) string {
	p.t.Helper()
	payload, err := json.Marshal(claims)
	if err != nil {
		p.t.Fatal(err)
	}
	signer, err := jose.NewSigner(key, options)
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
