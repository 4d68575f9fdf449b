package provider_test

import (
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"io"
	"math"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/go-jose/go-jose/v4"

	"github.com/einlass/einlass/users"
)

// rp is the relying party of one module.
type rp struct {
	t       *testing.T
	op      *conformanceOP
	client  rpClient
	mode    string // response_mode it asks for; empty: none
	browser *rpBrowser
	meta    rpMetadata
	keys    jose.JSONWebKeySet
}

// newRP begins a module: discovery and key set are loaded and checked each time.
func (op *conformanceOP) newRP(t *testing.T, plan conformancePlan) *rp {
	t.Helper()
	p := &rp{
		t: t, op: op, client: rpClients[plan.client], mode: plan.responseMode,
		browser: newRPBrowser(t, op.Issuer, op.HTTP),
	}
	p.discover()
	p.loadKeys()
	return p
}

// request is an authorization request with a new state and nonce; pairs change
// it, an empty value takes a parameter out.
func (p *rp) request(pairs ...string) url.Values {
	q := url.Values{
		"client_id": {p.client.id}, "redirect_uri": {p.client.redirectURI()}, "response_type": {"code"},
		"scope": {"openid"}, "state": {rand.Text()}, "nonce": {rand.Text()},
	}
	if p.mode != "" {
		q.Set("response_mode", p.mode)
	}
	for i := 0; i+1 < len(pairs); i += 2 {
		q.Set(pairs[i], pairs[i+1])
		if pairs[i+1] == "" {
			q.Del(pairs[i])
		}
	}
	return q
}

// authorize sends the browser to the provider with a request.
func (p *rp) authorize(request url.Values) arrival {
	p.t.Helper()
	return p.browser.get(p.meta.text("authorization_endpoint") + "?" + request.Encode())
}

// received checks what the application was sent: at its own address, in the
// mode it asked for, each parameter once and none that it does not know, state and iss as they must be.
// R-02 R-21 N050 G17
func (p *rp) received(a arrival, request url.Values, known ...string) url.Values {
	p.t.Helper()
	want := "query"
	if p.mode != "" {
		want = p.mode
	}
	if a.target != p.client.redirectURI() || a.mode != want {
		p.t.Fatalf("arrived at %q by %q, status %d at %v; want %q by %q", a.target, a.mode, a.status, a.url, p.client.redirectURI(), want)
	}
	for name, values := range a.sent {
		if len(values) != 1 || values[0] == "" || !slices.Contains(append(known, "state", "iss"), name) {
			p.t.Errorf("parameter %s of %q is unexpected", name, values)
		}
	}
	if a.sent.Get("state") != request.Get("state") {
		p.t.Errorf("state %q, want %q", a.sent.Get("state"), request.Get("state"))
	}
	if a.sent.Get("iss") != p.op.Issuer { // discovery promises it
		p.t.Errorf("iss %q, want %q", a.sent.Get("iss"), p.op.Issuer)
	}
	return a.sent
}

// code is the authorization code of a success.
func (p *rp) code(a arrival, request url.Values) string {
	p.t.Helper()
	code := p.received(a, request, "code").Get("code")
	p.checkSecret("code", code)
	return code
}

// checkSecret expects printable ASCII (RFC 6749 appendix A) of at least 128 bits,
// of which a count of characters finds more than 96.
func (p *rp) checkSecret(what, text string) {
	p.t.Helper()
	counted := map[rune]float64{}
	for _, r := range text {
		counted[r]++
	}
	shannon := 0.0
	for _, n := range counted {
		shannon -= n * math.Log2(n/float64(len(text)))
	}
	if len(text)*8 < 128 || shannon <= 96 {
		p.t.Errorf("%s of %d characters with %.0f bits by Shannon, want 128 and more than 96", what, len(text), shannon)
	}
	if strings.ContainsFunc(text, func(r rune) bool { return r < 0x20 || r > 0x7e }) {
		p.t.Errorf("%s: not printable ASCII", what)
	}
}

// isErrorText reports whether text has only what RFC 6749 section 4.1.2.1 allows.
func isErrorText(text string) bool {
	return !strings.ContainsFunc(text, func(r rune) bool { return r < 0x20 || r > 0x7e || r == '"' || r == '\\' })
}

// refused expects an error response and one of these codes in it.
func (p *rp) refused(a arrival, request url.Values, codes ...string) {
	p.t.Helper()
	sent := p.received(a, request, "error", "error_description", "error_uri")
	if !slices.Contains(codes, sent.Get("error")) || !isErrorText(sent.Get("error_description")) {
		p.t.Errorf("error %q, error_description %q; want one of %v", sent.Get("error"), sent.Get("error_description"), codes)
	}
}

// showsError expects the error page with words that say what is wrong, and nothing at the application.
func (p *rp) showsError(a arrival, words ...string) {
	p.t.Helper()
	if a.target != "" || a.status < 400 || a.status > 499 || a.page.ByID("error").Text() == "" || a.page.ByID("reference").Text() == "" {
		p.t.Errorf("arrived at %q, status %d at %v; want the error page", a.target, a.status, a.url)
	}
	for _, phrase := range words {
		if text := a.page.ByID("error").Text(); !strings.Contains(text, phrase) {
			p.t.Errorf("the error page reads %q, want %q in it", text, phrase)
		}
	}
}

// programAnswer is what an endpoint for programs answered.
type programAnswer struct {
	status int
	header http.Header
	body   map[string]any
}

func (a programAnswer) text(name string) string {
	text, _ := a.body[name].(string)
	return text
}

// call sends a request without cookies and decodes the JSON of the answer. An answer without a body is none.
func (p *rp) call(method, target string, form url.Values, header ...string) programAnswer {
	p.t.Helper()
	r, err := http.NewRequestWithContext(p.t.Context(), method, target, strings.NewReader(form.Encode()))
	if err != nil {
		p.t.Fatal(err)
	}
	r.Header.Set("Accept", "application/json")
	if form != nil {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	for i := 0; i+1 < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	answer, err := p.op.HTTP.RoundTrip(r) // follows nothing and keeps no cookies
	if err != nil {
		p.t.Fatal(err)
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err != nil {
		p.t.Fatal(err)
	}
	out := programAnswer{status: answer.StatusCode, header: answer.Header}
	kind, _, _ := strings.Cut(answer.Header.Get("Content-Type"), ";")
	if err := json.Unmarshal(text, &out.body); err != nil || kind != "application/json" {
		p.t.Fatalf("%s: status %d, Content-Type %q, body %q; want a JSON object", target, answer.StatusCode, answer.Header.Get("Content-Type"), text)
	}
	return out
}

// exchange sends a token request by the client's registered method.
func (p *rp) exchange(form url.Values) programAnswer {
	p.t.Helper()
	endpoint := p.meta.text("token_endpoint")
	var answer programAnswer
	if p.client.method == users.AuthMethodPost {
		form.Set("client_id", p.client.id)
		form.Set("client_secret", p.client.secret)
		answer = p.call(http.MethodPost, endpoint, form)
	} else {
		credentials := url.QueryEscape(p.client.id) + ":" + url.QueryEscape(p.client.secret)
		answer = p.call(http.MethodPost, endpoint, form, "Authorization", "Basic "+base64.StdEncoding.EncodeToString([]byte(credentials)))
	}
	if answer.header.Get("Cache-Control") != "no-store" {
		p.t.Errorf("token endpoint: Cache-Control %q, want no-store", answer.header.Get("Cache-Control"))
	}
	return answer
}

// redeem exchanges a code; pairs are further parameters.
func (p *rp) redeem(code string, pairs ...string) programAnswer {
	p.t.Helper()
	form := url.Values{"grant_type": {"authorization_code"}, "code": {code}, "redirect_uri": {p.client.redirectURI()}}
	for i := 0; i+1 < len(pairs); i += 2 {
		form.Set(pairs[i], pairs[i+1])
	}
	return p.exchange(form)
}

// exchangeRefused expects the error of RFC 6749 section 5.2 for a grant that is no good.
func (p *rp) exchangeRefused(answer programAnswer) {
	p.t.Helper()
	if answer.status != http.StatusBadRequest || answer.text("error") != "invalid_grant" || !isErrorText(answer.text("error_description")) {
		p.t.Errorf("status %d, body %v; want 400 invalid_grant", answer.status, answer.body)
	}
	for name := range answer.body {
		if !slices.Contains([]string{"error", "error_description", "error_uri"}, name) {
			p.t.Errorf("the error has the member %s", name)
		}
	}
}

// rpGrant is what the relying party holds after a flow.
type rpGrant struct {
	code, accessToken, refreshToken string
	rawIDToken                      string
	idToken, userinfo               map[string]any
	asked                           bool // the person had to sign in
	answers                         int  // responses of the provider in the browser
}

// authTime is the ID token's auth_time, which must be there.
func (g rpGrant) authTime(p *rp) float64 {
	p.t.Helper()
	at, isNumber := g.idToken["auth_time"].(float64)
	if !isNumber {
		p.t.Fatalf("auth_time %v, want a number", g.idToken["auth_time"])
	}
	return at
}

// flow does everything from the request to userinfo, with every check that all
// modules have in common.
func (p *rp) flow(request url.Values, tokenPairs ...string) rpGrant {
	p.t.Helper()
	return p.finish(p.authorize(request), request, tokenPairs...)
}

// finish is flow from where the browser has come to: the sign-in form or the application.
func (p *rp) finish(a arrival, request url.Values, tokenPairs ...string) rpGrant {
	p.t.Helper()
	g := rpGrant{asked: a.isLogin(), answers: a.answers}
	if g.asked {
		a = p.browser.signIn(a)
	}
	g.code = p.code(a, request)
	answer := p.redeem(g.code, tokenPairs...)
	p.readTokens(&g, answer)
	g.idToken = p.verifyIDToken(g.rawIDToken, g.accessToken, request)
	g.userinfo = p.readUserinfo(p.userinfo(g.accessToken), g.idToken, request)
	return g
}

// readTokens takes the tokens of a successful exchange.
func (p *rp) readTokens(g *rpGrant, answer programAnswer) {
	p.t.Helper()
	g.accessToken, g.refreshToken, g.rawIDToken = answer.text("access_token"), answer.text("refresh_token"), answer.text("id_token")
	if answer.status != http.StatusOK || !strings.EqualFold(answer.text("token_type"), "Bearer") || g.rawIDToken == "" {
		p.t.Fatalf("status %d, body %v; want tokens", answer.status, answer.body)
	}
	const year = 365 * 24 * 60 * 60
	if life, _ := answer.body["expires_in"].(float64); life < 1 || life > year || life != math.Trunc(life) {
		p.t.Errorf("expires_in %v, want seconds within a year", answer.body["expires_in"])
	}
	p.checkSecret("access token", g.accessToken)
	if answer.body["refresh_token"] != nil {
		p.checkSecret("refresh token", g.refreshToken)
	}
}
