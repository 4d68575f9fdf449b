package provider_test

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/einlass/einlass/keys"
	"github.com/einlass/einlass/provider/providertest"
	"github.com/einlass/einlass/users"
)

// basic is the Authorization header of an application (RFC 6749 section 2.3.1).
func basic(id users.ApplicationID) string {
	r, _ := http.NewRequest(http.MethodPost, "/", nil)
	r.SetBasicAuth(url.QueryEscape(string(id)), url.QueryEscape(providertest.SecretOf(id).Reveal()))
	return r.Header.Get("Authorization")
}

// S-059 N077 N078 N084 R-08: the registered method, one method, and no other.
func TestTokenAcceptsTheRegisteredMethodOnly(t *testing.T) {
	t.Parallel()
	b := providertest.New(t)
	personio, wiki := code(t, b, providertest.Personio), code(t, b, providertest.Wiki)
	form := func(id users.ApplicationID, code string) url.Values {
		return url.Values{"grant_type": {"authorization_code"}, "code": {code}, "redirect_uri": {providertest.CallbackOf(id)}}
	}
	both := form(providertest.Personio, personio)
	both.Set("client_id", "personio")
	both.Set("client_secret", providertest.SecretOf(providertest.Personio).Reveal())
	if answer := b.Post("/token", both, "Authorization", basic(providertest.Personio)); answer.StatusCode != http.StatusBadRequest {
		t.Errorf("header and body: status %d, want 400", answer.StatusCode)
	}
	answer := b.Post("/token", form(providertest.Personio, personio), "Authorization", basic(providertest.Personio))
	if answer.StatusCode != http.StatusUnauthorized || !strings.HasPrefix(answer.Header.Get("WWW-Authenticate"), "Basic ") {
		t.Errorf("Basic by a client of client_secret_post: status %d, WWW-Authenticate %q", answer.StatusCode, answer.Header.Get("WWW-Authenticate"))
	}
	for name, header := range map[string]string{
		"N084 32 KiB": "Basic " + strings.Repeat("YWJj", 8<<10),
		"not base64":  "Basic !!!", "no colon": "Basic YWJj", "NUL": "Basic AAAA", "another scheme": "Bearer abc",
		"no space": strings.Replace(basic(providertest.Wiki), " ", "", 1), "a tab": strings.Replace(basic(providertest.Wiki), " ", "\t", 1),
		"nothing after the scheme": "Basic ",
	} {
		if answer := b.Post("/token", form(providertest.Wiki, wiki), "Authorization", header); answer.StatusCode != http.StatusUnauthorized {
			t.Errorf("%s: status %d, want 401", name, answer.StatusCode)
		}
	}
	spaced := strings.Replace(basic(providertest.Wiki), "Basic ", "bASIC   ", 1) // RFC 9110 section 11.4
	if answer := b.Post("/token", form(providertest.Wiki, wiki), "Authorization", spaced); answer.StatusCode != http.StatusOK {
		t.Errorf("Basic with a secret that has %% and +: status %d, body %s", answer.StatusCode, answer.Body)
	}
}

// N078 R-08: a secret is any text, by either way.
func TestTokenAcceptsSecretsWithEverySign(t *testing.T) {
	t.Parallel()
	b := providertest.New(t)
	const secret = "%2B+:&=;/?#ü€🔑 with-at-least-32-characters"
	d := providertest.Declaration()
	for i := range d.Applications {
		if a := &d.Applications[i]; len(a.ClientSecrets) > 0 {
			a.ClientSecrets = []keys.Secret{secret}
		}
	}
	b.Redeclare(d)
	if answer := b.Tokens(providertest.Personio, code(t, b, providertest.Personio), "client_secret", secret); answer.StatusCode != http.StatusOK {
		t.Errorf("in the body: status %d, body %s", answer.StatusCode, answer.Body)
	}
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, b.Issuer, nil)
	if err != nil {
		t.Fatal(err)
	}
	r.SetBasicAuth(providertest.Wiki, url.QueryEscape(secret))
	form := url.Values{
		"grant_type": {"authorization_code"}, "code": {code(t, b, providertest.Wiki)}, "redirect_uri": {providertest.CallbackOf(providertest.Wiki)},
	}
	if answer := b.Post("/token", form, "Authorization", r.Header.Get("Authorization")); answer.StatusCode != http.StatusOK {
		t.Errorf("by Basic: status %d, body %s", answer.StatusCode, answer.Body)
	}
}

// RFC 6749 section 2.3.1 has both parts encoded before they are joined; who does
// not is let in with the very secret, and with nothing that only resembles it.
func TestBasicWithoutEncodingIsTheSecretAsItIs(t *testing.T) {
	t.Parallel()
	b := providertest.New(t)
	const secret = "a+b/c%41d%zz=e:f&g with-at-least-32-characters"
	d := providertest.Declaration()
	for i := range d.Applications {
		if a := &d.Applications[i]; string(a.ID) == providertest.Wiki {
			a.ClientSecrets = []keys.Secret{secret}
		}
	}
	b.Redeclare(d)
	try := func(id, given string) int {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, b.Issuer, nil)
		if err != nil {
			t.Fatal(err)
		}
		r.SetBasicAuth(id, given)
		return b.Post("/introspect", url.Values{"token": {"x"}}, "Authorization", r.Header.Get("Authorization")).StatusCode
	}
	for name, given := range map[string]string{
		"decoded in part": strings.Replace(secret, "%41", "A", 1), "a plus as a blank": strings.Replace(secret, "+", " ", 1),
		"encoded twice": url.QueryEscape(url.QueryEscape(secret)), "cut at the colon": strings.Split(secret, ":")[0],
		"the half of it": secret[:len(secret)/2], "one sign more": secret + "%", "empty": "",
	} {
		if status := try(providertest.Wiki, given); status != http.StatusUnauthorized {
			t.Errorf("%s: status %d, want 401", name, status)
		}
	}
	for name, given := range map[string]string{"as it is": secret, "encoded": url.QueryEscape(secret), "with %20": strings.ReplaceAll(url.QueryEscape(secret), "+", "%20")} {
		if status := try(providertest.Wiki, given); status != http.StatusOK {
			t.Errorf("%s: status %d, want 200", name, status)
		}
	}
	if status := try("%zz", secret); status != http.StatusUnauthorized {
		t.Errorf("a client id that cannot be decoded: status %d, want 401", status)
	}
}

// N049: PKCE is optional for a client that proves itself by its secret, as
// Personio does, until its registration asks for it.
func TestPKCEIsOptionalForClientsWithASecret(t *testing.T) {
	t.Parallel()
	b := providertest.New(t)
	browser := b.NewBrowser()
	browser.SignIn("/login", providertest.Ada, providertest.Password)
	if q := browser.Get(b.Authorize(providertest.Personio)).Query(); q.Get("code") == "" {
		t.Errorf("optional: %v, want a code", q)
	}
	d := providertest.Declaration()
	for _, a := range d.Applications {
		a.SignIn.RequirePKCE = true
	}
	b.Redeclare(d)
	if q := browser.Get(b.Authorize(providertest.Personio)).Query(); q.Get("error") != "invalid_request" || q.Has("code") {
		t.Errorf("required: %v, want invalid_request", q)
	}
}

// RFC 6749 section 3.1: a parameter without a value is as if it were left out,
// so an empty secret is no second way of authentication.
func TestTokenTakesAnEmptySecretForNone(t *testing.T) {
	t.Parallel()
	b := providertest.New(t)
	form := url.Values{
		"grant_type": {"authorization_code"}, "code": {code(t, b, providertest.Wiki)},
		"redirect_uri": {providertest.CallbackOf(providertest.Wiki)}, "client_secret": {""},
	}
	if answer := b.Post("/token", form, "Authorization", basic(providertest.Wiki)); answer.StatusCode != http.StatusOK {
		t.Errorf("beside Basic: status %d, body %s", answer.StatusCode, answer.Body)
	}
	form = url.Values{"token": {"x"}, "client_id": {"native"}, "client_secret": {""}}
	if answer := b.Post("/revoke", form); answer.StatusCode != http.StatusOK {
		t.Errorf("by a public client: status %d, body %s", answer.StatusCode, answer.Body)
	}
	form.Set("client_id", providertest.Personio)
	wantUnauthenticated(t, "by a client that has a secret", b.Post("/revoke", form))
}

// Design section 10: throttled attempts are counted, so no stranger fills the event log, which is never cut.
func TestGuessingIsNoEventWithoutEnd(t *testing.T) {
	t.Parallel()
	b := providertest.New(t)
	guess := func() int {
		return b.Tokens(providertest.Personio, "x", "client_secret", strings.Repeat("x", 40)).StatusCode
	}
	for range 50 {
		guess()
	}
	if events := b.FlushEvents(users.EventClientAuthFailed); len(events) != 30 {
		t.Errorf("%d events of 50 failures, want the 30 that are told apart", len(events))
	}
	if answer := b.Tokens(providertest.Personio, code(t, b, providertest.Personio)); answer.StatusCode != http.StatusOK {
		t.Errorf("the right secret meanwhile: status %d, want 200", answer.StatusCode)
	}
	b.Clock.Advance(time.Minute)
	if status := guess(); status != http.StatusUnauthorized {
		t.Errorf("a minute later: status %d, want 401", status)
	}
	if events := b.FlushEvents(users.EventClientAuthFailed); len(events) != 31 || events[30].Subject != "personio" {
		t.Errorf("a minute later: %d events, want another one of personio", len(events))
	}
}

// "Client authentication: 30 failures a minute per client and network."
func TestTokenThrottlesGuessing(t *testing.T) {
	t.Parallel()
	b := providertest.New(t)
	for i := range 35 {
		answer := b.Tokens(providertest.Personio, "x", "client_secret", strings.Repeat("x", 40))
		want := http.StatusUnauthorized
		if i >= 30 {
			want = http.StatusTooManyRequests
		}
		if answer.StatusCode != want {
			t.Fatalf("failure %d: status %d, want %d", i+1, answer.StatusCode, want)
		}
		if want == http.StatusTooManyRequests && answer.Header.Get("Retry-After") == "" {
			t.Error("429 without Retry-After")
		}
	}
}

// Client ids that somebody makes up are one client to the throttle.
func TestTokenThrottlesMadeUpClients(t *testing.T) {
	t.Parallel()
	b := providertest.New(t)
	for i := range 31 {
		answer := b.Tokens(providertest.Personio, "x", "client_id", fmt.Sprintf("nobody-%d", i))
		want := http.StatusUnauthorized
		if i == 30 {
			want = http.StatusTooManyRequests
		}
		if answer.StatusCode != want {
			t.Fatalf("failure %d: status %d, want %d", i+1, answer.StatusCode, want)
		}
	}
}

// N089 N-12: two secrets are valid in the overlap, and only the new one after it.
// F-127
func TestBothSecretsWorkWhileOneReplacesTheOther(t *testing.T) {
	t.Parallel()
	b := providertest.New(t)
	r := newRobot(t, b, func(s *users.SignIn) { s.AuthMethod, s.JWKS = users.AuthMethodPost, nil })
	first, err := b.Directory.RotateSecret(t.Context(), "cli:test", "robot", 0) // the one made with it is not known here
	if err != nil {
		t.Fatal(err)
	}
	second, err := b.Directory.RotateSecret(t.Context(), "cli:test", "robot", time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	if err := b.Registry.Refresh(t.Context()); err != nil {
		t.Fatal(err)
	}
	redeemed := func(secret string) int {
		code := code(t, b, "robot")
		return b.Tokens("robot", code, "client_secret", secret).StatusCode
	}
	if old, young := redeemed(first.Reveal()), redeemed(second.Reveal()); old != http.StatusOK || young != http.StatusOK {
		t.Errorf("within the overlap: status %d with the old, %d with the new; want 200", old, young)
	}
	b.Clock.Advance(time.Hour)
	if old, young := redeemed(first.Reveal()), redeemed(second.Reveal()); old != http.StatusUnauthorized || young != http.StatusOK {
		t.Errorf("after the overlap: status %d with the old, %d with the new; want 401 and 200", old, young)
	}
	wantUnauthenticated(t, "an assertion of a client with a secret", r.ask(r.sign(t, jose.ES256, r.claims(nil), nil)))
}
