package provider_test

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"math"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/go-jose/go-jose/v4"
)

// idTokenMembers are the claims that an ID token may have unasked.
var idTokenMembers = []string{"iss", "sub", "aud", "exp", "iat", "auth_time", "nonce", "acr", "amr", "azp", "at_hash", "sid"}

// verifyIDToken checks an ID token as OpenID Connect Core section 3.1.3.7 demands.
// The default algorithm is RS256; nothing is in it that nobody asked for.
func (p *rp) verifyIDToken(raw, accessToken string, request url.Values) map[string]any {
	p.t.Helper()
	token, err := jose.ParseSignedCompact(raw, []jose.SignatureAlgorithm{jose.RS256})
	if err != nil {
		p.t.Fatalf("ID token: %v", err)
	}
	payload, err := token.Verify(p.signingKey(token.Signatures[0].Protected.KeyID))
	if err != nil {
		p.t.Fatalf("ID token: %v", err)
	}
	var claims map[string]any
	if err := json.Unmarshal(payload, &claims); err != nil {
		p.t.Fatalf("ID token: %v", err)
	}
	p.checkIDTokenClaims(claims, accessToken, request)
	return claims
}

func (p *rp) checkIDTokenClaims(claims map[string]any, accessToken string, request url.Values) {
	p.t.Helper()
	for name := range claims {
		if !slices.Contains(idTokenMembers, name) {
			p.t.Errorf("ID token: nobody asked for %s", name)
		}
	}
	for name, want := range map[string]any{"iss": p.op.Issuer, "aud": p.client.id, "at_hash": halfHash(accessToken)} {
		if claims[name] != want {
			p.t.Errorf("ID token: %s is %v, want %v", name, claims[name], want)
		}
	}
	if azp, has := claims["azp"]; has && azp != p.client.id {
		p.t.Errorf("ID token: azp is %v", azp)
	}
	if nonce, has := claims["nonce"]; has != request.Has("nonce") || has && nonce != request.Get("nonce") {
		p.t.Errorf("ID token: nonce is %v, want %q", nonce, request.Get("nonce"))
	}
	if acr, has := claims["acr"]; has {
		if text, _ := acr.(string); text == "" {
			p.t.Errorf("ID token: acr is %v", acr)
		}
	}
	p.checkTimes(claims)
	sub, _ := claims["sub"].(string)
	if len(sub) < 1 || len(sub) > 255 || !isErrorText(sub) {
		p.t.Errorf("ID token: sub is %v, want 1 to 255 characters of ASCII", claims["sub"])
	}
}

// checkTimes expects whole seconds: issued within five minutes, about a sign-in
// within a year, valid for less than fifty years, which milliseconds would not be.
func (p *rp) checkTimes(claims map[string]any) {
	p.t.Helper()
	const year = 365 * 24 * 60 * 60
	now := float64(p.op.Clock.Now().Unix())
	for name, limits := range map[string][2]float64{
		"iat": {now - 300, now + 300}, "exp": {now + 1, now + 50*year}, "auth_time": {now - year, now},
	} {
		at, isNumber := claims[name].(float64)
		if _, has := claims[name]; !has && name == "auth_time" {
			continue
		}
		if !isNumber || at != math.Trunc(at) || at < limits[0] || at > limits[1] {
			p.t.Errorf("ID token: %s is %v at %.0f", name, claims[name], now)
		}
	}
}

// halfHash is at_hash of OpenID Connect Core section 3.1.3.6 for RS256.
func halfHash(token string) string {
	sum := sha256.Sum256([]byte(token))
	return base64.RawURLEncoding.EncodeToString(sum[:16])
}

// userinfo asks who an access token is about, by GET.
func (p *rp) userinfo(accessToken string) programAnswer {
	p.t.Helper()
	return p.call(http.MethodGet, p.meta.text("userinfo_endpoint"), nil, "Authorization", "Bearer "+accessToken)
}

// scopeClaims are the claims of the scopes (OpenID Connect Core section 5.4) that discovery lists.
var scopeClaims = map[string][]string{
	"openid": {"sub"},
	"profile": {
		"name", "family_name", "given_name", "middle_name", "nickname", "preferred_username", "profile", "picture", "website", "gender",
		"birthdate", "zoneinfo", "locale", "updated_at",
	},
	"email": {"email", "email_verified"},
}

// readUserinfo checks the claims about the person of an ID token, who has them
// all: those of the scopes and of the claims parameter, each of the right type, and no others.
func (p *rp) readUserinfo(answer programAnswer, idToken map[string]any, request url.Values) map[string]any {
	p.t.Helper()
	if answer.status != http.StatusOK || answer.body["sub"] != idToken["sub"] {
		p.t.Fatalf("userinfo: status %d, body %v; want claims about %v", answer.status, answer.body, idToken["sub"])
	}
	var want []string
	for _, scope := range strings.Fields(request.Get("scope")) {
		want = append(want, scopeClaims[scope]...)
	}
	var asked struct {
		Userinfo map[string]any `json:"userinfo"`
	}
	if request.Has("claims") {
		if err := json.Unmarshal([]byte(request.Get("claims")), &asked); err != nil {
			p.t.Fatal(err)
		}
	}
	for name := range asked.Userinfo {
		want = append(want, name)
	}
	for _, name := range want {
		if _, found := answer.body[name]; !found {
			p.t.Errorf("userinfo: %s is missing", name)
		}
	}
	for name, value := range answer.body {
		if !slices.Contains(want, name) {
			p.t.Errorf("userinfo: nobody asked for %s", name)
		}
		p.checkClaimType(name, value)
	}
	return answer.body
}

// checkClaimType expects the types of OpenID Connect Core section 5.1, and values that can be true.
func (p *rp) checkClaimType(name string, value any) {
	p.t.Helper()
	right := false
	switch typed := value.(type) {
	case bool:
		right = name == "email_verified"
	case float64:
		since := float64(time.Date(1990, time.January, 1, 0, 0, 0, 0, time.UTC).Unix()) // there was no web before
		right = name == "updated_at" && typed >= since && typed <= float64(p.op.Clock.Now().Unix())
	case string:
		said := strings.TrimSpace(typed) != "" && !strings.EqualFold(typed, "null")
		right = said && name != "email_verified" && name != "updated_at" && (name != "birthdate" || p.isBirthdate(typed))
	}
	if !right {
		p.t.Errorf("userinfo: %s is %v of type %T", name, value, value)
	}
}

// isBirthdate reports whether text is a day or a year in which somebody alive can be born; the year 0000 says nothing.
func (p *rp) isBirthdate(text string) bool {
	layout := time.DateOnly
	if len(text) == len("2006") {
		layout = "2006"
	}
	day, err := time.Parse(layout, text)
	return err == nil && (strings.HasPrefix(text, "0000-") || day.Year() >= 1850 && !day.After(p.op.Clock.Now()))
}
