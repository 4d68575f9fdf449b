package personiotest_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"golang.org/x/net/html"

	"github.com/einlass/einlass/importer/personio/personiotest"
)

// webApp is the simulated web app with an identity provider and Ada, who works there.
type webApp struct {
	t   *testing.T
	sim *personiotest.Server
	op  *fakeOP
	rp  personiotest.RelyingParty
	url string
}

func newWebApp(t *testing.T, change func(rp *personiotest.RelyingParty)) *webApp {
	t.Helper()
	sim := newServer(t, personiotest.Config{Now: time.Now})
	if _, err := sim.Add(personiotest.Employee{FirstName: "Ada", LastName: "Lovelace", Email: "ada@acme.example"}); err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(sim.Handler())
	t.Cleanup(server.Close)
	op := newFakeOP(t)
	op.email = "ada@acme.example"
	rp := personiotest.FromIssuer(op.URL)
	rp.BaseURL, rp.ClientID, rp.ClientSecret = server.URL, opClientID, opSecret
	if change != nil {
		change(&rp)
	}
	if err := sim.Connect(rp); err != nil {
		t.Fatal(err)
	}
	return &webApp{t: t, sim: sim, op: op, rp: rp, url: server.URL}
}

// page is what a browser shows.
type page struct {
	status int
	root   *html.Node
	header http.Header
}

// text returns the text in the element with an id, and the value of its
// data-check attribute.
func (p page) text(id string) (text, check string) {
	for node := range p.root.Descendants() {
		for _, a := range node.Attr {
			if a.Key != "id" || a.Val != id {
				continue
			}
			for _, other := range node.Attr {
				if other.Key == "data-check" {
					check = other.Val
				}
			}
			var b strings.Builder
			for part := range node.Descendants() {
				if part.Type == html.TextNode {
					b.WriteString(part.Data)
				}
			}
			return b.String(), check
		}
	}
	return "", ""
}

// browser follows redirects and keeps cookies.
type browser struct {
	t      *testing.T
	client *http.Client
}

func newBrowser(t *testing.T) browser {
	t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	return browser{t: t, client: &http.Client{Jar: jar}}
}

func (b browser) get(address string) page {
	b.t.Helper()
	req, err := http.NewRequestWithContext(b.t.Context(), http.MethodGet, address, nil)
	if err != nil {
		b.t.Fatal(err)
	}
	return b.do(req)
}

func (b browser) post(address string, form url.Values) page {
	b.t.Helper()
	req, err := http.NewRequestWithContext(b.t.Context(), http.MethodPost, address, strings.NewReader(form.Encode()))
	if err != nil {
		b.t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	return b.do(req)
}

func (b browser) do(req *http.Request) page {
	b.t.Helper()
	resp, err := b.client.Do(req)
	if err != nil {
		b.t.Fatal(err)
	}
	defer resp.Body.Close()
	root, err := html.Parse(resp.Body)
	if err != nil {
		b.t.Fatal(err)
	}
	return page{status: resp.StatusCode, root: root, header: resp.Header}
}

// S-072, B-02, B-03
func TestPeopleAreSignedInByEitherMethod(t *testing.T) {
	t.Parallel()
	cases := []struct {
		name, launch, callback, scope string
		change                        func(rp *personiotest.RelyingParty)
	}{
		{"the new form", "/oauth/authorise", "/login/callback", "openid email profile", nil},
		{"with nonce and PKCE", "/oauth/authorise", "/login/callback", "openid email profile",
			func(rp *personiotest.RelyingParty) { rp.Nonce, rp.PKCE = true, true }},
		{"with commas between scopes", "/oauth/authorise", "/login/callback", "openid,email",
			func(rp *personiotest.RelyingParty) { rp.Scopes, rp.CommaScopes = []string{"openid", "email"}, true }},
		{"the old form", "/oauth/authorise", "/oauth/callback", "openid",
			func(rp *personiotest.RelyingParty) { rp.Profile = personiotest.LegacyOAuth2 }},
		{"the old form's other spelling", "/oauth/authorize", "/oauth/callback", "openid",
			func(rp *personiotest.RelyingParty) { rp.Profile = personiotest.LegacyOAuth2 }},
		{"userinfo by POST", "/oauth/authorise", "/login/callback", "openid email profile",
			func(rp *personiotest.RelyingParty) { rp.UserinfoMethod = http.MethodPost }},
		{"the mobile app", "/providers/oauth/authorise", "/providers/oauth/callback", "openid email profile", nil},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			a := newWebApp(t, c.change)
			p := newBrowser(t).get(a.url + c.launch + "?login_hint=ada")
			text, _ := p.text("signed-in")
			if p.status != http.StatusOK || text != "Signed in as ada@acme.example, Ada Lovelace" {
				t.Errorf("status %d, %q; want Ada signed in", p.status, text)
			}
			asked := a.op.authorize
			if got := asked.Get("redirect_uri"); got != a.url+c.callback {
				t.Errorf("redirect URI %q, want %q", got, a.url+c.callback)
			}
			if got := asked.Get("scope"); got != c.scope {
				t.Errorf("scope %q, want %q", got, c.scope)
			}
			if asked.Get("response_type") != "code" || asked.Get("state") == "" || asked.Get("login_hint") != "ada" {
				t.Errorf("authorization request %v, want code, a state and the hint", asked)
			}
			if got, want := asked.Has("nonce"), a.rp.Nonce; got != want {
				t.Errorf("nonce sent: %t, want %t", got, want)
			}
			if got, want := asked.Get("code_challenge_method") == "S256", a.rp.PKCE; got != want {
				t.Errorf("PKCE: %t, want %t", got, want)
			}
			if want := a.rp.UserinfoMethod; want != "" && a.op.asked != want {
				t.Errorf("userinfo by %s, want %s", a.op.asked, want)
			}
		})
	}
}

// B-04: the button makes every call of a sign-in, says what it learnt, and signs nobody in.
func TestConfigurationTestSignsNobodyIn(t *testing.T) {
	t.Parallel()
	a := newWebApp(t, nil)
	b := newBrowser(t)
	p := b.get(a.url + "/settings/authentication/test")
	if text, _ := p.text("tested"); p.status != http.StatusOK || !strings.Contains(text, "ada@acme.example") {
		t.Errorf("status %d, %q; want the address that the provider told", p.status, text)
	}
	if a.op.authorize.Get("redirect_uri") != a.url+"/login/callback" || a.op.asked != http.MethodGet {
		t.Errorf("authorization request %v, userinfo by %q; want those of a sign-in", a.op.authorize, a.op.asked)
	}
	if text, _ := b.get(a.url + "/").text("signed-in"); text != "" {
		t.Errorf("after the test: %q, want nobody signed in", text)
	}
	if text, _ := b.get(a.url + "/settings/authentication").text("settings"); strings.Contains(text, opSecret) || !strings.Contains(text, a.rp.TokenURI) {
		t.Errorf("the settings show %q, want the endpoints without the secret", text)
	}
}

func TestConfigurationTestSaysWhatIsWrong(t *testing.T) {
	t.Parallel()
	a := newWebApp(t, func(rp *personiotest.RelyingParty) { rp.ClaimField = "mail" })
	p := newBrowser(t).get(a.url + "/settings/authentication/test")
	if _, check := p.text("error"); p.status != http.StatusForbidden || check != "claim" {
		t.Errorf("status %d, check %q; want the missing claim", p.status, check)
	}
}

// S-073. Each check must refuse alone: a relying party that forgets one would
// prove nothing about the provider.
func TestForgedSignInsAreRefused(t *testing.T) {
	t.Parallel()
	claim := func(name string, value any) func(a *webApp) {
		return func(a *webApp) { a.op.claims = func(claims map[string]any) { claims[name] = value } }
	}
	parameter := func(name, value string) func(a *webApp) {
		return func(a *webApp) { a.op.response = func(values url.Values) { values.Set(name, value) } }
	}
	sign := func(key jose.SigningKey) func(a *webApp) {
		return func(a *webApp) { a.op.sign = func(claims map[string]any) string { return signed(key, claims) } }
	}
	foreign, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	cases := []struct {
		name, check string
		arrange     func(a *webApp)
	}{
		{"another state", "state", parameter("state", "forged")},
		{"no state", "state", func(a *webApp) { a.op.response = func(values url.Values) { values.Del("state") } }},
		{"no code", "code", func(a *webApp) { a.op.response = func(values url.Values) { values.Del("code") } }},
		{"an error", "access_denied", parameter("error", "access_denied")},
		{"an answer of another issuer", "iss", parameter("iss", "https://evil.example")},
		{"an ID token of another issuer", "iss", claim("iss", "https://evil.example")},
		{"an issuer with a slash more", "iss", func(a *webApp) { claim("iss", a.op.URL+"/")(a) }},
		{"an ID token for another client", "aud", claim("aud", "other")},
		{"an ID token for two clients, issued to the other", "azp", func(a *webApp) {
			a.op.claims = func(claims map[string]any) { claims["aud"], claims["azp"] = []string{opClientID, "other"}, "other" }
		}},
		{"an expired ID token", "exp", claim("exp", time.Now().Add(-2*time.Minute).Unix())},
		{"an ID token without expiry", "exp", func(a *webApp) { a.op.claims = func(claims map[string]any) { delete(claims, "exp") } }},
		{"an ID token of tomorrow", "iat", claim("iat", time.Now().Add(24*time.Hour).Unix())},
		{"another nonce", "nonce", claim("nonce", "forged")},
		{"no nonce", "nonce", func(a *webApp) { a.op.claims = func(claims map[string]any) { delete(claims, "nonce") } }},
		{"no subject", "sub", claim("sub", "")},
		{"a foreign key under the same id", "signature",
			sign(jose.SigningKey{Algorithm: jose.ES256, Key: jose.JSONWebKey{Key: foreign, KeyID: "k1"}})},
		{"a key that is not in the set", "signature",
			sign(jose.SigningKey{Algorithm: jose.ES256, Key: jose.JSONWebKey{Key: foreign, KeyID: "k2"}})},
		{"the client secret as key", "signature", sign(jose.SigningKey{Algorithm: jose.HS256, Key: []byte(opSecret)})},
		{"no signature", "signature", func(a *webApp) { a.op.sign = unsigned }},
		{"claims changed after signing", "signature", func(a *webApp) { a.op.sign = a.op.altered }},
		{"no ID token", "signature", func(a *webApp) { a.op.sign = func(map[string]any) string { return "" } }},
		{"userinfo about somebody else", "sub", func(a *webApp) {
			a.op.userinfo = func(claims map[string]any) { claims["sub"] = "subject-2" }
		}},
		{"userinfo without e-mail", "claim", func(a *webApp) { a.op.userinfo = func(claims map[string]any) { delete(claims, "email") } }},
		{"somebody without a profile", "profile", func(a *webApp) { a.op.email = "eve@acme.example" }},
		{"somebody who has left", "inactive", func(a *webApp) {
			if err := a.sim.SetStatus("ada@acme.example", personiotest.Inactive); err != nil {
				a.t.Error(err)
			}
		}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			a := newWebApp(t, func(rp *personiotest.RelyingParty) { rp.Nonce, rp.PKCE = true, true })
			c.arrange(a)
			b := newBrowser(t)
			p := b.get(a.url + "/oauth/authorise")
			text, check := p.text("error")
			if p.status < 400 || p.status > 499 || check != c.check || text == "" {
				t.Errorf("status %d, check %q, %q; want a refusal by %q", p.status, check, text, c.check)
			}
			after := b.get(a.url + "/")
			if text, _ := after.text("signed-in"); text != "" {
				t.Errorf("after the refusal: %q", text)
			}
		})
	}
}

// unsigned is the old attack with the algorithm none.
func unsigned(claims map[string]any) string {
	payload, err := json.Marshal(claims)
	if err != nil {
		panic(err) // a broken test
	}
	encode := base64.RawURLEncoding.EncodeToString
	return encode([]byte(`{"alg":"none","kid":"k1"}`)) + "." + encode(payload) + "."
}

// altered signs the claims properly and then gives them another subject.
func (op *fakeOP) altered(claims map[string]any) string {
	token := signed(jose.SigningKey{Algorithm: jose.ES256, Key: jose.JSONWebKey{Key: op.key, KeyID: "k1"}}, claims)
	parts := strings.Split(token, ".")
	claims["sub"] = "subject-2"
	payload, err := json.Marshal(claims)
	if err != nil {
		panic(err)
	}
	return parts[0] + "." + base64.RawURLEncoding.EncodeToString(payload) + "." + parts[2]
}

func TestAnAnswerBelongsToOneBrowserOnce(t *testing.T) {
	t.Parallel()
	a := newWebApp(t, nil)
	victim, thief := newBrowser(t), newBrowser(t)
	var answer string
	victim.client.CheckRedirect = func(req *http.Request, _ []*http.Request) error {
		if req.URL.Query().Has("code") {
			answer = req.URL.String()
			return http.ErrUseLastResponse
		}
		return nil
	}
	victim.get(a.url + "/oauth/authorise")
	thief.get(a.url + "/oauth/authorise")
	if _, check := thief.get(answer).text("error"); check != "state" {
		t.Errorf("another browser's answer: check %q, want state", check)
	}
	if _, check := victim.get(answer).text("error"); check != "state" {
		t.Errorf("an answer used a second time: check %q, want state", check)
	}
}

func TestOldMethodIgnoresTheIDToken(t *testing.T) {
	t.Parallel()
	a := newWebApp(t, func(rp *personiotest.RelyingParty) { rp.Profile = personiotest.LegacyOAuth2 })
	a.op.sign = func(map[string]any) string { return "no token at all" }
	if text, _ := newBrowser(t).get(a.url + "/oauth/authorise").text("signed-in"); text == "" {
		t.Error("userinfo did not decide alone")
	}
}

func TestProviderFailuresAreShown(t *testing.T) {
	t.Parallel()
	cases := []struct {
		name, check string
		change      func(rp *personiotest.RelyingParty)
		arrange     func(a *webApp)
	}{
		{"wrong client secret", "token", func(rp *personiotest.RelyingParty) { rp.ClientSecret = "wrong" }, nil},
		{"no key set", "jwks", func(rp *personiotest.RelyingParty) { rp.JWKSURI += "-missing" }, nil},
		{"no userinfo", "userinfo", func(rp *personiotest.RelyingParty) { rp.UserinfoURI += "-missing" }, nil},
		{"a code that can be used twice", "reuse", func(rp *personiotest.RelyingParty) { rp.ReuseCode = true },
			func(a *webApp) { a.op.reusable = true }},
		{"a clock too far ahead", "exp", func(rp *personiotest.RelyingParty) { rp.ClockSkew = 10 * time.Minute }, nil},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			a := newWebApp(t, c.change)
			if c.arrange != nil {
				c.arrange(a)
			}
			p := newBrowser(t).get(a.url + "/oauth/authorise")
			if _, check := p.text("error"); check != c.check || p.status < 400 || p.status > 499 {
				t.Errorf("status %d, check %q; want %q", p.status, check, c.check)
			}
		})
	}
}

func TestHarshRelyingPartiesAreServed(t *testing.T) {
	t.Parallel()
	a := newWebApp(t, func(rp *personiotest.RelyingParty) {
		rp.ReuseCode, rp.CodeDelay, rp.ClockSkew = true, 10*time.Millisecond, -30*time.Second
	})
	if text, _ := newBrowser(t).get(a.url + "/oauth/authorise").text("signed-in"); text == "" {
		t.Error("a provider that refuses the second use of a code was not accepted")
	}
}

func TestSigningOutEndsTheSession(t *testing.T) {
	t.Parallel()
	a := newWebApp(t, nil)
	b := newBrowser(t)
	b.get(a.url + "/oauth/authorise")
	p := b.post(a.url+"/logout", nil)
	if text, _ := p.text("signed-in"); text != "" || p.status != http.StatusOK {
		t.Errorf("after signing out: status %d, %q", p.status, text)
	}
	if text, _ := p.text("login-with-oauth"); text != "Login with OAuth" {
		t.Errorf("button %q, want Login with OAuth", text)
	}
}

func TestHRChangesAStatusOnAPage(t *testing.T) {
	t.Parallel()
	a := newWebApp(t, nil)
	b := newBrowser(t)
	ada := a.sim.People()[0]
	p := b.post(a.url+"/people/1000001", url.Values{"status": {"leave"}})
	table, _ := p.text("people")
	if e, err := a.sim.ByEmail(ada.Email); err != nil || e.Status != personiotest.Leave || !strings.Contains(table, "ada@acme.example") {
		t.Errorf("status %q (error %v), page %q; want leave and a list with Ada", e.Status, err, table)
	}
	for path, status := range map[string]string{"/people/1000001": "fired", "/people/7": "leave", "/people/x": "leave"} {
		if p := b.post(a.url+path, url.Values{"status": {status}}); p.status < 400 || p.status > 499 {
			t.Errorf("status %q at %s: answer %d, want a refusal", status, path, p.status)
		}
	}
}

func TestOtherSitesCannotChangeAStatus(t *testing.T) {
	t.Parallel()
	a := newWebApp(t, nil)
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, a.url+"/people/1000001", strings.NewReader("status=inactive"))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	req.Header.Set("Sec-Fetch-Site", "cross-site")
	if p := newBrowser(t).do(req); p.status != http.StatusForbidden {
		t.Errorf("a form of another site: status %d, want 403", p.status)
	}
}

func TestPagesSayThatThisIsASimulation(t *testing.T) {
	t.Parallel()
	sim := newServer(t, personiotest.Config{People: 60})
	server := httptest.NewServer(sim.Handler())
	t.Cleanup(server.Close)
	b := newBrowser(t)
	for path, status := range map[string]int{
		"/": 200, "/people?search=a": 200, "/oauth/authorise": 404, "/login/callback?state=x": 404, "/nowhere": 404,
	} {
		p := b.get(server.URL + path)
		title := ""
		for node := range p.root.Descendants() {
			if node.Data == "title" && node.FirstChild != nil {
				title = node.FirstChild.Data
			}
		}
		if p.status != status || title != "Personio – Acme GmbH (Simulation)" {
			t.Errorf("%s: status %d, title %q; want %d and a simulation", path, p.status, title, status)
		}
		if text, _ := p.text("error"); (text != "") != (status >= 400) {
			t.Errorf("%s: status %d with error %q", path, p.status, text)
		}
		if !strings.Contains(p.header.Get("Content-Security-Policy"), "default-src 'none'") {
			t.Errorf("%s: no content security policy", path)
		}
	}
}

func TestIncompleteRelyingPartiesAreRefused(t *testing.T) {
	t.Parallel()
	sim := newServer(t, personiotest.Config{})
	good := personiotest.FromIssuer("https://sso.acme.example")
	good.BaseURL, good.ClientID, good.ClientSecret = "https://acme.example", "personio", "secret"
	if err := sim.Connect(good); err != nil {
		t.Fatalf("a complete form was refused: %v", err)
	}
	changes := map[string]func(rp *personiotest.RelyingParty){
		"no secret":              func(rp *personiotest.RelyingParty) { rp.ClientSecret = "" },
		"no base URL":            func(rp *personiotest.RelyingParty) { rp.BaseURL = "" },
		"a relative token URI":   func(rp *personiotest.RelyingParty) { rp.TokenURI = "/token" },
		"no key set":             func(rp *personiotest.RelyingParty) { rp.JWKSURI = "" },
		"an unknown profile":     func(rp *personiotest.RelyingParty) { rp.Profile = "saml" },
		"nonce in the old form":  func(rp *personiotest.RelyingParty) { rp.Profile, rp.Nonce = personiotest.LegacyOAuth2, true },
		"userinfo by PUT":        func(rp *personiotest.RelyingParty) { rp.UserinfoMethod = http.MethodPut },
		"an address without web": func(rp *personiotest.RelyingParty) { rp.AuthorizationURI = "ftp://sso.acme.example/authorize" },
	}
	for name, change := range changes {
		rp := good
		change(&rp)
		if err := sim.Connect(rp); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}
