package provider_test

import (
	"crypto/rand"
	"crypto/rsa"
	"encoding/json"
	"html"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/einlass/einlass/keys"
	"github.com/einlass/einlass/provider/providertest"
	"github.com/einlass/einlass/users"
)

// hintOf returns an ID token of a client about the person of an address.
func hintOf(t *testing.T, b *providertest.Bench, id users.ApplicationID, person string) string {
	t.Helper()
	answer := b.NewBrowser().SignIn(b.Authorize(id), person, providertest.Password)
	return decodeTokens(t, b.Tokens(id, answer.Query().Get("code"))).IDToken
}

// signed makes a token with the provider's own key.
func signed(t *testing.T, b *providertest.Bench, claims map[string]any) string {
	t.Helper()
	payload, err := json.Marshal(claims)
	if err != nil {
		t.Fatal(err)
	}
	signer, err := b.Ring.Signer(keys.RS256)
	if err != nil {
		t.Fatal(err)
	}
	token, err := signer.Sign(payload, keys.TypeIDToken)
	if err != nil {
		t.Fatal(err)
	}
	return token
}

// foreign makes a token with somebody else's key.
func foreign(t *testing.T, claims map[string]any) string {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.RS256, Key: key}, nil)
	if err != nil {
		t.Fatal(err)
	}
	payload, err := json.Marshal(claims)
	if err != nil {
		t.Fatal(err)
	}
	jws, err := signer.Sign(payload)
	if err != nil {
		t.Fatal(err)
	}
	token, err := jws.CompactSerialize()
	if err != nil {
		t.Fatal(err)
	}
	return token
}

// N039: a hint that is no ID token of ours for this client answers a silent
// request with login_required, and is ignored in an interactive one.
func TestAuthorizeBelievesOnlyItsOwnHints(t *testing.T) {
	t.Parallel()
	b := providertest.New(t)
	browser := b.NewBrowser()
	browser.SignIn("/login", providertest.Ada, providertest.Password)
	ada := string(b.User(providertest.Ada).ID)
	good := map[string]any{"iss": b.Issuer, "aud": "personio", "sub": ada}
	hints := map[string]string{
		"no token":                "hint",
		"alg none":                "eyJhbGciOiJub25lIn0.eyJzdWIiOiJhIn0.",
		"foreign signature":       foreign(t, good),
		"another issuer":          signed(t, b, map[string]any{"iss": "https://evil.example", "aud": "personio", "sub": ada}),
		"another client's":        signed(t, b, map[string]any{"iss": b.Issuer, "aud": "wiki", "sub": ada}),
		"audience missing":        signed(t, b, map[string]any{"iss": b.Issuer, "sub": ada}),
		"subject missing":         signed(t, b, map[string]any{"iss": b.Issuer, "aud": "personio"}),
		"longer than ours can be": signed(t, b, map[string]any{"iss": b.Issuer, "aud": "personio", "sub": ada, "x": strings.Repeat("x", 9000)}),
	}
	for name, hint := range hints {
		silent := browser.Get(b.Authorize(providertest.Personio, "prompt", "none", "id_token_hint", hint))
		if q := silent.Query(); q.Get("error") != "login_required" || q.Get("state") != "the-state" || q.Has("code") {
			t.Errorf("%s, prompt=none: %v, want login_required", name, q)
		}
		if q := browser.Get(b.Authorize(providertest.Personio, "id_token_hint", hint)).Query(); q.Get("code") == "" {
			t.Errorf("%s, interactive: %v, want it ignored", name, q)
		}
	}
}

// N039
func TestAuthorizeAnswersAHintAtOnce(t *testing.T) {
	t.Parallel()
	b := providertest.New(t)
	hint := hintOf(t, b, providertest.Personio, providertest.Ada)
	browser := b.NewBrowser()
	silent := b.Authorize(providertest.Personio, "prompt", "none", "id_token_hint", hint)
	if q := browser.Get(silent).Query(); q.Get("error") != "login_required" {
		t.Errorf("without a session: %v, want login_required", q)
	}
	browser.SignIn("/login", providertest.Ada, providertest.Password)
	if q := browser.Get(silent).Query(); q.Get("code") == "" {
		t.Errorf("with the session it is about: %v, want a code", q)
	}
	b.Clock.Advance(time.Hour)
	if q := browser.Get(silent).Query(); q.Get("code") == "" {
		t.Errorf("expired: %v, want it accepted as a hint", q)
	}
}

// N053: a user name that is suggested is shown escaped and bounded, and the page
// is the same whether anybody has it or not.
func TestTheSuggestedUserNameTellsNothing(t *testing.T) {
	t.Parallel()
	b := providertest.New(t)
	page := func(hint string) (shown, rest string) {
		browser := b.NewBrowser()
		begun := browser.Get(b.Authorize(providertest.Personio, "login_hint", hint))
		answer := browser.Get(begun.Header.Get("Location"))
		_, fields := providertest.FormOf(t, answer.Body, "password")
		rest = strings.ReplaceAll(answer.Body, html.EscapeString(fields.Get("username")), "")
		for _, once := range []string{fields.Get("form_token"), fields.Get("request")} {
			rest = strings.ReplaceAll(rest, once, "")
		}
		return fields.Get("username"), rest
	}
	_, unknown := page("nobody@acme.example")
	for name, hint := range map[string]string{
		"somebody": providertest.Ada, "suspended": providertest.Sam, "SQL": `' OR 1=1 --`, "HTML": `"><script>alert(1)</script>`,
		"320 characters": strings.Repeat("x", 320),
	} {
		if shown, rest := page(hint); shown != hint || rest != unknown {
			t.Errorf("%s: the form has %q; the rest of the page is the same: %v", name, shown, rest == unknown)
		}
	}
	if shown, _ := page(strings.Repeat("x", 8<<10)); shown != "" {
		t.Errorf("8 KiB: the form has %d characters", len(shown))
	}
}

// N039: a hint about somebody else never answers for who is signed in.
func TestAuthorizeAsksForThePersonOfTheHint(t *testing.T) {
	t.Parallel()
	b := providertest.New(t)
	hint := hintOf(t, b, providertest.Personio, providertest.Bob)
	for name, pair := range map[string][2]string{
		"id_token_hint": {"id_token_hint", hint},
		"claims":        {"claims", `{"id_token":{"sub":{"value":"` + string(b.User(providertest.Bob).ID) + `"}}}`},
	} {
		browser := b.NewBrowser()
		browser.SignIn("/login", providertest.Ada, providertest.Password)
		b.Clock.Advance(time.Minute)
		if q := browser.Get(b.Authorize(providertest.Personio, "prompt", "none", pair[0], pair[1])).Query(); q.Get("error") != "login_required" {
			t.Errorf("%s, prompt=none: %v, want login_required", name, q)
		}
		target := b.Authorize(providertest.Personio, pair[0], pair[1])
		if page := browser.Get(target); page.StatusCode != http.StatusSeeOther || page.Location().Path != "/login" {
			t.Fatalf("%s, interactive: status %d to %s, want the sign-in form", name, page.StatusCode, page.Location())
		}
		if q := browser.SignIn(target, providertest.Ada, providertest.Password).Query(); q.Get("error") != "login_required" || q.Has("code") {
			t.Errorf("%s, signed in as somebody else: %v, want login_required", name, q)
		}
		b.Clock.Advance(time.Minute)
		if q := browser.SignIn(target, providertest.Bob, providertest.Password).Query(); q.Get("code") == "" {
			t.Errorf("%s, signed in as the one who was meant: %v, want a code", name, q)
		}
	}
}
