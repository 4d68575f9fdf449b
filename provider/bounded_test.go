package provider_test

import (
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/redis/go-redis/v9"

	"github.com/einlass/einlass/provider/providertest"
	"github.com/einlass/einlass/provider/session/sessiontest"
	"github.com/einlass/einlass/users/userstest"
)

// maxKeptBytes is what no record of a stranger's request may reach.
const maxKeptBytes = 16 << 10

// costlyTexts are characters that grow as JSON, and harmless ones.
var costlyTexts = []string{`"`, `\`, "<", "&", "\x01", "\x7f", "\u2028", "ü", "😀", "x"}

// filled are the parameters of a request, each as long as it can be without being
// refused, or, where nothing of it is refused, as fits into a request. What text
// stands in them matters where any text may.
func filled(text string) map[string]string {
	opaque := text
	if len(text) != 1 || text < " " || text > "~" {
		opaque = `"`
	}
	repeat := func(s string, bytes int) string { return strings.Repeat(s, bytes/len(s)) }
	value := text
	switch {
	case text == `"` || text == `\`:
		value = `\` + text
	case text < " ":
		value = `\u0001`
	}
	claims := `{"id_token":{"acr":{"essential":true,"values":["` + repeat(value, 1900) + `"]},"name":{"value":"` + repeat(value, 1900) + `"}}}`
	return map[string]string{
		"state":      strings.Repeat(opaque, 2048),
		"nonce":      strings.Repeat(opaque, 2048),
		"claims":     claims,
		"login_hint": repeat(text, 320),
		"ui_locales": strings.TrimSpace(strings.Repeat(repeat(text, 35)+" ", 8) + strings.Repeat(strings.Repeat("d", 35)+" ", 20)),
		"acr_values": strings.TrimSpace(strings.Repeat(repeat(text, 256)+" ", 4) +
			strings.Repeat("urn:oasis:names:tc:SAML:2.0:ac:classes:PasswordProtectedTransport ", 20)),
		"prompt":         strings.TrimSpace(strings.Repeat("login consent select_account ", 100)),
		"scope":          "openid " + strings.Repeat("profile email offline_access address ", 100),
		"max_age":        strings.Repeat("9", 18),
		"code_challenge": strings.Repeat("c", 43), "code_challenge_method": "S256",
		"response_mode": "form_post",
		"id_token_hint": repeat("h", 9<<10),
		"display":       repeat("p", 1024), "claims_locales": repeat("d", 1024), "unknown": repeat("u", 1024),
	}
}

// longest returns how long the longest record of a store is.
func longest(t *testing.T, store *redis.Client) (bytes int64) {
	t.Helper()
	keys, err := store.Keys(t.Context(), "*").Result()
	if err != nil {
		t.Fatal(err)
	}
	for _, key := range keys {
		n, err := store.StrLen(t.Context(), key).Result()
		if err != nil {
			t.Fatalf("%s: %v", key, err)
		}
		bytes = max(bytes, n)
	}
	return bytes
}

// N081: strangers can begin sign-ins, so what one leaves behind is small, however
// its parameters are filled: one by one, and all together.
func TestARequestThatWaitsIsSmall(t *testing.T) {
	t.Parallel()
	server := sessiontest.StartRedis(t)
	b := providertest.NewOn(t, providertest.Stores{Users: userstest.SQLite(t), Sessions: sessiontest.OpenRedis(t, server.URL)})
	store := server.Client()
	kept := func(what string, ask func() (status int)) {
		t.Helper()
		if err := store.FlushAll(t.Context()).Err(); err != nil {
			t.Fatal(err)
		}
		if status := ask(); status != http.StatusSeeOther && status != http.StatusCreated {
			t.Errorf("%s: status %d, want it kept", what, status)
		}
		if got := longest(t, store); got < 100 || got >= maxKeptBytes {
			t.Errorf("%s: %d bytes kept, want fewer than %d", what, got, maxKeptBytes)
		}
	}
	both := func(what string, pairs ...string) {
		t.Helper()
		kept(what+" by a browser", func() int {
			answer := b.NewBrowser().Get(b.Authorize(providertest.Native, pairs...))
			if !strings.HasPrefix(answer.Header.Get("Location"), "/login?request=") {
				t.Errorf("%s: leads to %.200s, want the sign-in form", what, answer.Header.Get("Location"))
			}
			return answer.StatusCode
		})
		kept(what+" pushed", func() int {
			form := pushForm(b, providertest.Native, pairs...)
			form.Del("client_secret")
			return b.Post("/par", form).StatusCode
		})
	}
	proof := []string{"code_challenge", strings.Repeat("c", 43), "code_challenge_method", "S256"}
	for _, text := range costlyTexts {
		parameters := filled(text)
		var all []string
		for _, name := range slices.Sorted(maps.Keys(parameters)) {
			all = append(all, name, parameters[name])
		}
		both(fmt.Sprintf("everything full of %q", text), all...)
		for _, name := range []string{"login_hint", "ui_locales", "acr_values"} { // never refused, so as long as a request can be
			long := strings.Repeat(text, 48<<10/len(url.QueryEscape(text)))
			both(fmt.Sprintf("%s full of %q", name, text), append([]string{name, long}, proof...)...)
		}
	}
	for name, value := range map[string]string{
		"prompt":     strings.Repeat("login ", 8000),
		"ui_locales": strings.Repeat("de ", 16000),
		"acr_values": strings.Repeat("1 ", 24000),
		"scope":      "openid " + strings.Repeat("x ", 24000),
	} {
		both(name+" of many words", append([]string{name, strings.TrimSpace(value)}, proof...)...)
	}
}

// What an application asks for beside a sign-out is handed on to the page that
// confirms it, and no longer than anybody needs.
func TestASignOutHandsOnLittle(t *testing.T) {
	t.Parallel()
	b := providertest.New(t)
	long := strings.Repeat("x", 12<<10)
	for name, asked := range map[string]url.Values{
		"state":               {"state": {strings.Repeat("s", 2048)}},
		"unknown client":      {"client_id": {long}},
		"long language":       {"client_id": {providertest.Wiki}, "ui_locales": {long}},
		"many languages":      {"client_id": {providertest.Wiki}, "ui_locales": {strings.Repeat("de ", 4000)}},
		"unknown and by hint": {"logout_hint": {long}, "unknown": {long}},
	} {
		answer := b.Get("/end_session?" + asked.Encode())
		if to := answer.Header.Get("Location"); answer.StatusCode != http.StatusSeeOther || !strings.HasPrefix(to, "/logout?") || len(to) > 4<<10 {
			t.Errorf("%s: status %d, handed on %d bytes: %.100s", name, answer.StatusCode, len(to), to)
		}
	}
}
