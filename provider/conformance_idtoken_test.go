package provider_test

import (
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"math"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/go-jose/go-jose/v4"
)

// loadKeys reads the key set: kids are unique and nothing in it is private.
func (p *rp) loadKeys() {
	p.t.Helper()
	answer := p.call(http.MethodGet, p.meta.text("jwks_uri"), nil)
	list, _ := answer.body["keys"].([]any)
	if answer.status != http.StatusOK || len(list) == 0 {
		p.t.Fatalf("jwks_uri: status %d, %d keys", answer.status, len(list))
	}
	seen := map[any]bool{}
	for _, entry := range list {
		key, _ := entry.(map[string]any)
		if key["kty"] == nil || key["kid"] == nil || key["kid"] == "" || seen[key["kid"]] {
			p.t.Errorf("key with kty %v, kid %v; want a type and a kid of its own", key["kty"], key["kid"])
		}
		seen[key["kid"]] = true
		for _, private := range []string{"d", "p", "q", "dp", "dq", "qi", "oth", "k"} {
			if _, found := key[private]; found {
				p.t.Errorf("key %v has the private member %s", key["kid"], private)
			}
		}
	}
	text, err := json.Marshal(answer.body)
	if err == nil {
		err = json.Unmarshal(text, &p.keys)
	}
	if err != nil {
		p.t.Fatal(err)
	}
	for _, key := range p.keys.Keys {
		if public, isRSA := key.Key.(*rsa.PublicKey); !key.Valid() || isRSA && public.N.BitLen() < 2048 {
			p.t.Errorf("key %s is not usable", key.KeyID)
		}
	}
}

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
	kid := token.Signatures[0].Protected.KeyID
	key := p.keys.Key(kid)
	if kid == "" || len(key) != 1 || key[0].Use != "" && key[0].Use != "sig" {
		p.t.Fatalf("ID token: %d keys for the kid %q, want one for signatures", len(key), kid)
	}
	payload, err := token.Verify(key[0])
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
	if acr, has := claims["acr"]; has && (acr == "" || acr == nil) {
		p.t.Errorf("ID token: acr is %v", acr)
	}
	now := float64(p.op.Clock.Now().Unix())
	issued, _ := claims["iat"].(float64)
	expires, _ := claims["exp"].(float64)
	if math.Abs(now-issued) > 300 || expires <= now {
		p.t.Errorf("ID token: iat %v and exp %v at %v", claims["iat"], claims["exp"], now)
	}
	if at, has := claims["auth_time"].(float64); has && at > now {
		p.t.Errorf("ID token: auth_time %v at %v", at, now)
	}
	sub, _ := claims["sub"].(string)
	if len(sub) < 1 || len(sub) > 255 || !isErrorText(sub) {
		p.t.Errorf("ID token: sub is %v, want 1 to 255 characters of ASCII", claims["sub"])
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

// checkClaimType expects the types of OpenID Connect Core section 5.1.
func (p *rp) checkClaimType(name string, value any) {
	p.t.Helper()
	right := false
	switch typed := value.(type) {
	case bool:
		right = name == "email_verified"
	case float64:
		right = name == "updated_at"
	case string:
		right = typed != "" && name != "email_verified" && name != "updated_at"
	}
	if !right {
		p.t.Errorf("userinfo: %s is %v of type %T", name, value, value)
	}
}
