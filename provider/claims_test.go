package provider_test

import (
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/einlass/einlass/provider/providertest"
	"github.com/einlass/einlass/users"
)

// allClaims are the claims of an ID token.
func allClaims(t *testing.T, token string) map[string]any {
	t.Helper()
	payload, err := base64.RawURLEncoding.DecodeString(strings.Split(token, ".")[1])
	if err != nil {
		t.Fatal(err)
	}
	claims := map[string]any{}
	if err := json.Unmarshal(payload, &claims); err != nil {
		t.Fatal(err)
	}
	return claims
}

// pick returns the claims of the names that are there.
func pick(claims map[string]any, names ...string) map[string]any {
	picked := map[string]any{}
	for _, name := range names {
		if value, found := claims[name]; found {
			picked[name] = value
		}
	}
	return picked
}

// What the claims parameter asks for is released where it asks for it, and nowhere else.
func TestClaimsAreReleasedWhereTheyWereAskedFor(t *testing.T) {
	t.Parallel()
	b := providertest.New(t)
	answer := b.NewBrowser().SignIn(b.Authorize(providertest.Wiki, "claims",
		`{"userinfo":{"name":{"essential":true},"locale":null,"website":null,"unknown":null},"id_token":{"email":null,"auth_time":{"essential":true},"sid":{"value":"mine"}}}`),
		providertest.Ada, providertest.Password)
	tokens := wikiTokens(t, b, answer.Query().Get("code"))
	inToken := allClaims(t, tokens.IDToken)
	want := map[string]any{"email": providertest.Ada}
	got := pick(inToken, "email", "email_verified", "name", "locale", "website", "unknown")
	if diff := cmp.Diff(want, got); diff != "" || inToken["auth_time"] == nil || inToken["sid"] == "mine" {
		t.Errorf("ID token %v (-want +got):\n%s", inToken, diff)
	}
	wantUser := map[string]any{"sub": string(b.User(providertest.Ada).ID), "name": "Ada Lovelace", "locale": "de-DE"}
	if diff := cmp.Diff(wantUser, claims(t, userinfo(t, b, tokens.AccessToken))); diff != "" {
		t.Errorf("userinfo (-want +got):\n%s", diff)
	}
}

// wikiTokens redeems a code of the client that authenticates by Basic.
func wikiTokens(t *testing.T, b *providertest.Bench, code string) tokenAnswer {
	t.Helper()
	form := url.Values{"grant_type": {"authorization_code"}, "code": {code}, "redirect_uri": {providertest.CallbackOf(providertest.Wiki)}}
	return decodeTokens(t, b.Post("/token", form, "Authorization", basic(providertest.Wiki)))
}

// F-15: all advertised classes are asked for, and one comes back; one that is not known is not repeated.
func TestACRIsSaidOnlyWhenItWasProven(t *testing.T) {
	t.Parallel()
	b := providertest.New(t)
	var doc struct {
		ACR    []string `json:"acr_values_supported"`
		Claims bool     `json:"claims_parameter_supported"`
	}
	if err := json.Unmarshal([]byte(b.Get("/.well-known/openid-configuration").Body), &doc); err != nil || len(doc.ACR) == 0 || !doc.Claims {
		t.Fatalf("discovery %+v: %v", doc, err)
	}
	for asked, want := range map[string]any{"": nil, "1 2": nil, strings.Join(doc.ACR, " "): doc.ACR[0], "gold " + doc.ACR[0]: doc.ACR[0]} {
		tokens := decodeTokens(t, b.Tokens(providertest.Personio, code(t, b, providertest.Personio, "acr_values", asked)))
		claims := allClaims(t, tokens.IDToken)
		if got := claims["acr"]; got != want {
			t.Errorf("acr_values %q: acr %v, want %v", asked, got, want)
		}
		if diff := cmp.Diff([]any{"pwd"}, claims["amr"]); diff != "" {
			t.Errorf("acr_values %q: amr (-want +got):\n%s", asked, diff)
		}
	}
	browser := b.NewBrowser()
	answer := browser.SignIn(b.Authorize(providertest.Personio, "claims", `{"id_token":{"acr":{"essential":true,"values":["gold"]}}}`), providertest.Ada, providertest.Password)
	if q := answer.Query(); q.Get("error") != "unmet_authentication_requirements" || q.Has("code") {
		t.Errorf("essential and unknown: %v", q)
	}
}

// N055: hints that mean nothing here change nothing, however long they are; a
// claims parameter that cannot be read is no hint.
func TestAuthorizeIgnoresHintsItCannotUse(t *testing.T) {
	t.Parallel()
	b := providertest.New(t)
	browser := b.NewBrowser()
	browser.SignIn("/login", providertest.Ada, providertest.Password)
	for _, pair := range [][2]string{
		{"display", "hologram"}, {"ui_locales", strings.Repeat("../../etc ", 10_000)[:30_000]}, {"login_hint", strings.Repeat("x", 8<<10)},
	} {
		if q := browser.Get(b.Authorize(providertest.Personio, pair[0], pair[1])).Query(); q.Get("code") == "" {
			t.Errorf("%s=%.20s: %v, want a code", pair[0], pair[1], q)
		}
	}
	if q := browser.Get(b.Authorize(providertest.Personio, "claims", "{")).Query(); q.Get("error") != "invalid_request" || q.Get("state") == "" {
		t.Errorf("malformed claims: %v, want invalid_request", q)
	}
}

// N107: a claim is an attribute, an expression or a constant; what a person
// lacks is left out, never an empty text, and a parked address is not released.
func TestRegisteredClaimsAreAttributesExpressionsOrConstants(t *testing.T) {
	t.Parallel()
	b := providertest.NewWith(t, providertest.Personio, func(a *users.SignIn) {
		a.Claims = map[string]string{
			"email": "email", "mail": "email", "office": "location", "tenant": `"acme"`, "full": `last_name + ", " + first_name`,
			"local": `split(email, "@")[0]`, "second": `split(location, ",")[1]`, "is_de": `locale startsWith "de"`, "shout": `upper(nickname)`,
			"nothing": `location + department`, "place": `location == "" ? "unknown" : location`,
		}
		a.IDTokenClaims = []string{"full", "nothing"}
	})
	tokens := decodeTokens(t, b.Tokens(providertest.Personio, code(t, b, providertest.Personio)))
	want := map[string]any{
		"sub": string(b.User(providertest.Ada).ID), "email": providertest.Ada, "email_verified": true, "mail": providertest.Ada,
		"tenant": "acme", "full": "Lovelace, Ada", "local": "ada", "is_de": true, "shout": "A", "place": "unknown",
	}
	answer := userinfo(t, b, tokens.AccessToken)
	if diff := cmp.Diff(want, claims(t, answer)); diff != "" || answer.StatusCode != http.StatusOK {
		t.Errorf("userinfo (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(map[string]any{"full": "Lovelace, Ada"}, pick(allClaims(t, tokens.IDToken), "full", "nothing", "tenant", "email")); diff != "" {
		t.Errorf("ID token (-want +got):\n%s", diff)
	}
}

// OpenID Connect Core section 5.1: email_verified is about the address beside it, and only ours is verified.
func TestOnlyThePersonsAddressIsVerified(t *testing.T) {
	t.Parallel()
	const all = `{"userinfo":{"email":null,"email_verified":null},"id_token":{"email":null,"email_verified":null}}`
	address := map[string]any{"email": providertest.Ada, "email_verified": true}
	for name, c := range map[string]struct {
		registered     map[string]string
		scope, asked   string
		inToken        []string
		userinfo, both map[string]any // both: also in the ID token
	}{
		"replaced by another attribute, by scope":       {registered: map[string]string{"email": "nickname"}, scope: "openid email", userinfo: map[string]any{"email": "A"}},
		"replaced by an expression, by scope":           {registered: map[string]string{"email": `"ada@evil.example"`}, scope: "openid email", userinfo: map[string]any{"email": "ada@evil.example"}},
		"replaced, and the address under another name":  {registered: map[string]string{"email": "nickname", "mail": "email"}, scope: "openid email", userinfo: map[string]any{"email": "A", "mail": providertest.Ada}},
		"replaced, by the claims parameter":             {registered: map[string]string{"email": "nickname"}, scope: "openid", asked: all, inToken: []string{"email"}, both: map[string]any{"email": "A"}},
		"replaced, and the flag alone asked for":        {registered: map[string]string{"email": "nickname"}, scope: "openid", asked: `{"userinfo":{"email_verified":null}}`, userinfo: map[string]any{"email": "A"}},
		"replaced, and the flag of the administrator":   {registered: map[string]string{"email": "nickname", "email_verified": `email == ""`}, scope: "openid email", userinfo: map[string]any{"email": "A", "email_verified": false}},
		"the address, and the flag of an administrator": {registered: map[string]string{"email": "email", "email_verified": `email == ""`}, scope: "openid email", inToken: []string{"email_verified", "email"}, both: map[string]any{"email": providertest.Ada, "email_verified": false}},
		"replaced by what the person lacks":             {registered: map[string]string{"email": "location"}, scope: "openid email", userinfo: address},
		"the address by an expression":                  {registered: map[string]string{"email": "lower(email)"}, scope: "openid email", userinfo: address},
		"the address as it is":                          {registered: map[string]string{"email": "email"}, scope: "openid", inToken: []string{"email"}, both: address},
		"the address by scope":                          {scope: "openid email", userinfo: address},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := providertest.NewWith(t, providertest.Personio, func(a *users.SignIn) { a.Claims, a.IDTokenClaims = c.registered, c.inToken })
			more := []string{"scope", c.scope}
			if c.asked != "" {
				more = append(more, "claims", c.asked)
			}
			tokens := decodeTokens(t, b.Tokens(providertest.Personio, code(t, b, providertest.Personio, more...)))
			wantUser, wantToken := c.userinfo, map[string]any{}
			if c.both != nil {
				wantUser, wantToken = c.both, c.both
			}
			names := []string{"email", "email_verified", "mail"}
			if diff := cmp.Diff(wantUser, pick(claims(t, userinfo(t, b, tokens.AccessToken)), names...)); diff != "" {
				t.Errorf("userinfo (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(wantToken, pick(allClaims(t, tokens.IDToken), names...)); diff != "" {
				t.Errorf("ID token (-want +got):\n%s", diff)
			}
		})
	}
}
