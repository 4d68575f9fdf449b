package provider_test

import (
	"encoding/json"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"testing"

	"github.com/go-jose/go-jose/v4"
	"github.com/zitadel/oidc/v3/pkg/oidc"

	"github.com/einlass/einlass/provider/providertest"
	"github.com/einlass/einlass/users"
)

// idTokenClaims are what tests look at.
type idTokenClaims struct {
	Issuer        string `json:"iss"`
	Subject       string `json:"sub"`
	Audience      string `json:"aud"`
	Expires       int64  `json:"exp"`
	IssuedAt      int64  `json:"iat"`
	AuthTime      int64  `json:"auth_time"`
	Nonce         string `json:"nonce"`
	AtHash        string `json:"at_hash"`
	Party         string `json:"azp"`
	SID           string `json:"sid"`
	Email         string `json:"email"`
	EmailVerified bool   `json:"email_verified"`
	Name          string `json:"name"`
}

type tokenAnswer struct {
	AccessToken string `json:"access_token"`
	TokenType   string `json:"token_type"`
	ExpiresIn   int64  `json:"expires_in"`
	IDToken     string `json:"id_token"`
	Scope       string `json:"scope"`
	Refresh     string `json:"refresh_token"`
	Error       string `json:"error"`
}

func decodeTokens(t *testing.T, answer providertest.Response) tokenAnswer {
	t.Helper()
	var tokens tokenAnswer
	if err := json.Unmarshal([]byte(answer.Body), &tokens); err != nil {
		t.Fatalf("status %d, body %q: %v", answer.StatusCode, answer.Body, err)
	}
	return tokens
}

// code signs Ada in at a fresh browser and returns a code for an application.
func code(t *testing.T, b *providertest.Bench, id users.ApplicationID, pairs ...string) string {
	t.Helper()
	answer := b.NewBrowser().SignIn(b.Authorize(id, pairs...), providertest.Ada, providertest.Password)
	code := answer.Query().Get("code")
	if code == "" {
		t.Fatalf("no code: status %d, Location %q", answer.StatusCode, answer.Header.Get("Location"))
	}
	return code
}

func verifiedIDToken(t *testing.T, b *providertest.Bench, id users.ApplicationID, code string) idTokenClaims {
	t.Helper()
	answer := b.Tokens(id, code)
	if answer.StatusCode != http.StatusOK {
		t.Fatalf("status %d, body %s", answer.StatusCode, answer.Body)
	}
	return verify(t, b, decodeTokens(t, answer).IDToken)
}

// verify checks an ID token against the published key set, as an application does.
func verify(t *testing.T, b *providertest.Bench, token string) idTokenClaims {
	t.Helper()
	_, payload := verifiedToken(t, b, token)
	var claims idTokenClaims
	if err := json.Unmarshal(payload, &claims); err != nil {
		t.Fatal(err)
	}
	return claims
}

// verifiedToken checks any token against the published key set and returns its header and payload.
func verifiedToken(t *testing.T, b *providertest.Bench, token string) (jose.Header, []byte) {
	t.Helper()
	var set jose.JSONWebKeySet
	if err := json.Unmarshal([]byte(b.Get("/jwks").Body), &set); err != nil {
		t.Fatal(err)
	}
	jws, err := jose.ParseSignedCompact(token, []jose.SignatureAlgorithm{jose.RS256, jose.ES256, jose.EdDSA})
	if err != nil {
		t.Fatal(err)
	}
	found := set.Key(jws.Signatures[0].Protected.KeyID)
	if len(found) != 1 {
		t.Fatalf("%d keys with kid %q in the key set", len(found), jws.Signatures[0].Protected.KeyID)
	}
	payload, err := jws.Verify(found[0])
	if err != nil {
		t.Fatal(err)
	}
	return jws.Signatures[0].Protected, payload
}

// B-01 R-26 S-059: the code flow with client_secret_post, everything in the ID token right.
// F-02
func TestTokenAnswersACode(t *testing.T) {
	t.Parallel()
	b := providertest.New(t)
	answer := b.Tokens(providertest.Personio, code(t, b, providertest.Personio, "nonce", "n-0S6_WzA2Mj"))
	tokens := decodeTokens(t, answer)
	if answer.StatusCode != http.StatusOK || tokens.TokenType != "Bearer" || tokens.ExpiresIn != 900 || tokens.Scope != "openid" {
		t.Errorf("status %d, body %s", answer.StatusCode, answer.Body)
	}
	claims := verify(t, b, tokens.IDToken)
	ada := b.User(providertest.Ada)
	now := b.Clock.Now().Unix()
	atHash, err := oidc.ClaimHash(tokens.AccessToken, jose.RS256)
	if err != nil {
		t.Fatal(err)
	}
	want := idTokenClaims{
		Issuer: b.Issuer, Subject: string(ada.ID), Audience: "personio", Expires: now + 900, IssuedAt: now, AuthTime: now,
		Nonce: "n-0S6_WzA2Mj", AtHash: atHash, Party: "personio", SID: claims.SID, Email: providertest.Ada, EmailVerified: true,
	}
	if claims != want || claims.SID == "" {
		t.Errorf("claims %+v, want %+v", claims, want)
	}
}

// N075 G11 R-06
func TestTokenAnswersAreNeverCached(t *testing.T) {
	t.Parallel()
	b := providertest.New(t)
	for name, answer := range map[string]providertest.Response{
		"success": b.Tokens(providertest.Personio, code(t, b, providertest.Personio)),
		"error":   b.Tokens(providertest.Personio, "wrong"),
	} {
		h := answer.Header
		if h.Get("Cache-Control") != "no-store" || h.Get("Pragma") != "no-cache" || !strings.HasPrefix(h.Get("Content-Type"), "application/json") ||
			h.Get("X-Content-Type-Options") != "nosniff" {
			t.Errorf("%s: headers %v", name, h)
		}
	}
}

// What a token request can get wrong, and the registered answer (RFC 6749 section 5.2).
// F-01
func TestTokenRefuses(t *testing.T) {
	t.Parallel()
	b := providertest.New(t)
	const verifier = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
	const challenge = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"
	pkce := []string{"code_challenge", challenge, "code_challenge_method", "S256"}
	cases := []struct {
		name      string
		authorize []string
		token     []string
		status    int
		code      string
	}{
		{"N065 redirect_uri missing", nil, []string{"redirect_uri", ""}, 400, "invalid_grant"},
		{"N065 redirect_uri with a slash more", nil, []string{"redirect_uri", providertest.CallbackOf(providertest.Personio) + "/"}, 400, "invalid_grant"},
		{"N065 redirect_uri is another registered one", nil, []string{"redirect_uri", "https://login.personio.com/login/callback"}, 400, "invalid_grant"},
		{"N065 redirect_uri encoded once more", nil, []string{"redirect_uri", url.QueryEscape(providertest.CallbackOf(providertest.Personio))}, 400, "invalid_grant"},
		{"N068 code too short", nil, []string{"code", "abc"}, 400, "invalid_grant"},
		{"code missing", nil, []string{"code", ""}, 400, "invalid_request"},
		{"N044 verifier of 42 characters", pkce, []string{"code_verifier", verifier[1:]}, 400, "invalid_grant"},
		{"N044 verifier of 129 characters", pkce, []string{"code_verifier", strings.Repeat("a", 129)}, 400, "invalid_grant"},
		{"N044 verifier with a space", pkce, []string{"code_verifier", verifier[1:] + " "}, 400, "invalid_grant"},
		{"N045 verifier missing", pkce, nil, 400, "invalid_grant"},
		{"N047 verifier is the challenge", pkce, []string{"code_verifier", challenge}, 400, "invalid_grant"},
		{"N047 verifier of another request", pkce, []string{"code_verifier", strings.Repeat("a", 43)}, 400, "invalid_grant"},
		{"N047 verifier empty", pkce, []string{"code_verifier", ""}, 400, "invalid_grant"},
		{"R-13 verifier without a challenge", nil, []string{"code_verifier", verifier}, 400, "invalid_grant"},
		{"N090 password grant", nil, []string{"grant_type", "password"}, 400, "unsupported_grant_type"},
		{"N092 client_credentials", nil, []string{"grant_type", "client_credentials"}, 400, "unsupported_grant_type"},
		{"N092 token exchange", nil, []string{"grant_type", "urn:ietf:params:oauth:grant-type:token-exchange"}, 400, "unsupported_grant_type"},
		{"N092 jwt-bearer", nil, []string{"grant_type", "urn:ietf:params:oauth:grant-type:jwt-bearer"}, 400, "unsupported_grant_type"},
		{"N092 device code", nil, []string{"grant_type", "urn:ietf:params:oauth:grant-type:device_code"}, 400, "unsupported_grant_type"},
		{"grant_type missing", nil, []string{"grant_type", ""}, 400, "invalid_request"},
		{"S-059 wrong secret", nil, []string{"client_secret", strings.Repeat("x", 40)}, 401, "invalid_client"},
		{"secret missing", nil, []string{"client_secret", ""}, 401, "invalid_client"},
		{"unknown client", nil, []string{"client_id", "nobody"}, 401, "invalid_client"},
		{"client assertion", nil, []string{"client_secret", "", "client_assertion", "a.b.c"}, 401, "invalid_client"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			code := code(t, b, providertest.Personio, c.authorize...)
			answer := b.Tokens(providertest.Personio, code, c.token...)
			if got := decodeTokens(t, answer); answer.StatusCode != c.status || got.Error != c.code || got.AccessToken != "" {
				t.Errorf("status %d, body %s; want %d %s", answer.StatusCode, answer.Body, c.status, c.code)
			}
			if strings.Contains(answer.Body, code) {
				t.Error("the answer repeats the code")
			}
			// A refused request consumed nothing: the owner can still redeem.
			var pairs []string
			if c.authorize != nil {
				pairs = []string{"code_verifier", verifier}
			}
			if again := b.Tokens(providertest.Personio, code, pairs...); again.StatusCode != http.StatusOK {
				t.Errorf("afterwards the owner gets status %d, body %s", again.StatusCode, again.Body)
			}
		})
	}
}

// N071 N072 N080 G9 G10 G20
func TestTokenTakesAPostedFormAndNothingElse(t *testing.T) {
	t.Parallel()
	b := providertest.New(t)
	secret := providertest.SecretOf(providertest.Personio).Reveal()
	code := code(t, b, providertest.Personio)
	if answer := b.Post("/token?client_secret="+secret, url.Values{"grant_type": {"authorization_code"}, "code": {code}}); answer.StatusCode != http.StatusBadRequest {
		t.Errorf("secret in the query: status %d, want 400", answer.StatusCode)
	}
	if strings.Contains(b.Logs.String(), secret) {
		t.Error("the log shows the secret of the query")
	}
	for _, method := range []string{http.MethodGet, http.MethodHead, http.MethodPut, http.MethodDelete, http.MethodTrace, http.MethodOptions} {
		r, err := http.NewRequestWithContext(t.Context(), method, b.Issuer+"/token", nil)
		if err != nil {
			t.Fatal(err)
		}
		if answer := b.Do(r); answer.StatusCode != http.StatusMethodNotAllowed || answer.Header.Get("Allow") != "POST" {
			t.Errorf("%s: status %d, Allow %q", method, answer.StatusCode, answer.Header.Get("Allow"))
		}
	}
	if answer := b.Post("/token", url.Values{"code": {strings.Repeat("x", 64<<10)}}); answer.StatusCode != http.StatusRequestEntityTooLarge {
		t.Errorf("body over 64 KiB: status %d, want 413", answer.StatusCode)
	}
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, b.Issuer+"/token", strings.NewReader(`{"grant_type":"authorization_code"}`))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/json")
	if answer := b.Do(r); answer.StatusCode != http.StatusBadRequest {
		t.Errorf("JSON body: status %d, want 400", answer.StatusCode)
	}
	twice := "grant_type=authorization_code&grant_type=authorization_code&code=" + code + "&client_id=personio&client_secret=" + secret
	r, err = http.NewRequestWithContext(t.Context(), http.MethodPost, b.Issuer+"/token", strings.NewReader(twice))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	if answer := b.Do(r); decodeTokens(t, answer).Error != "invalid_request" {
		t.Errorf("grant_type twice: body %s", answer.Body)
	}
}

// N081: a form that is made to cost something is refused before anything is looked up.
func TestTokenRefusesExtravagantForms(t *testing.T) {
	t.Parallel()
	b := providertest.New(t)
	many := url.Values{}
	for i := range 10_000 {
		many.Set(strconv.Itoa(i), "")
	}
	for name, form := range map[string]url.Values{
		"10,000 parameters":  many,
		"a name of 60 KiB":   {strings.Repeat("n", 60<<10): {"x"}},
		"deep brackets":      {"a" + strings.Repeat("[b]", 10_000): {"x"}},
		"a value of 200 KiB": {"code": {strings.Repeat("x", 200<<10)}},
	} {
		answer := b.Post("/token", form)
		if answer.StatusCode < 400 || answer.StatusCode > 499 || len(answer.Body) > 500 {
			t.Errorf("%s: status %d, %d bytes", name, answer.StatusCode, len(answer.Body))
		}
	}
}

// S-045 invariants 1 and 3: session, code and access token are refused at their next use.
// F-69
func TestSuspensionIsEffectiveAtTheNextUse(t *testing.T) {
	t.Parallel()
	b := providertest.New(t)
	browser := b.NewBrowser()
	first := browser.SignIn(b.Authorize(providertest.Personio), providertest.Ada, providertest.Password).Query().Get("code")
	token := decodeTokens(t, b.Tokens(providertest.Personio, first)).AccessToken
	second := browser.Get(b.Authorize(providertest.Personio)).Query().Get("code")
	if _, err := b.Directory.Suspend(t.Context(), "cli:test", b.User(providertest.Ada).ID, "left"); err != nil {
		t.Fatal(err)
	}
	if got := decodeTokens(t, b.Tokens(providertest.Personio, second)); got.Error != "invalid_grant" {
		t.Errorf("code: %+v", got)
	}
	if answer := userinfo(t, b, token); answer.StatusCode != http.StatusUnauthorized {
		t.Errorf("access token: status %d", answer.StatusCode)
	}
	if q := browser.Get(b.Authorize(providertest.Personio, "prompt", "none")).Query(); q.Get("error") != "login_required" {
		t.Errorf("session: %v", q)
	}
	if answer := browser.Get("/portal"); answer.StatusCode != http.StatusSeeOther || answer.Location().Path != "/login" {
		t.Errorf("portal: status %d to %q", answer.StatusCode, answer.Header.Get("Location"))
	}
	if _, err := b.Directory.Activate(t.Context(), "cli:test", b.User(providertest.Ada).ID, "back"); err != nil {
		t.Fatal(err)
	}
	if q := browser.Get(b.Authorize(providertest.Personio, "prompt", "none")).Query(); q.Get("error") != "login_required" {
		t.Errorf("the old session lives again after reactivation: %v", q)
	}
}
