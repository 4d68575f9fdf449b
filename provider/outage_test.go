package provider_test

import (
	"net/http"
	"testing"

	"github.com/einlass/einlass/provider/providertest"
	"github.com/einlass/einlass/provider/session"
	"github.com/einlass/einlass/provider/session/sessiontest"
	"github.com/einlass/einlass/users/userstest"
)

// N353 "fail closed": without the session store nobody is signed in, nobody is
// signed out, and what is public still answers.
func TestWithoutTheSessionStoreTheAnswerIs503(t *testing.T) {
	t.Parallel()
	store := sessiontest.SQLite(t)
	b := providertest.NewOn(t, providertest.Stores{Users: userstest.SQLite(t), Sessions: store})
	browser := b.NewBrowser()
	browser.SignIn("/login", providertest.Ada, providertest.Password)
	token := accessToken(t, b, providertest.Personio)
	if err := store.Close(); err != nil {
		t.Fatal(err)
	}
	for name, answer := range map[string]providertest.Response{
		"authorize":  browser.Get(b.Authorize(providertest.Personio)),
		"token":      b.Tokens(providertest.Personio, session.NewHandle("somebody").Reveal()),
		"userinfo":   userinfo(t, b, token),
		"refresh":    refresh(b, session.NewHandle("somebody").Reveal()),
		"introspect": asWiki(b, "/introspect", token),
		"par":        b.Post("/par", pushForm(b, providertest.Personio)),
		"revoke":     asWiki(b, "/revoke", token), // N118
		"portal":     browser.Get("/portal"),
	} {
		if answer.StatusCode != http.StatusServiceUnavailable || answer.Header.Get("Retry-After") == "" {
			t.Errorf("%s: status %d, Retry-After %q; want 503 with a time", name, answer.StatusCode, answer.Header.Get("Retry-After"))
		}
	}
	// OpenID Connect Core section 3.1.2.6: of a silent request nobody sees a page, so the application is told.
	for _, mode := range []string{"query", "form_post"} {
		silent := browser.Get(b.Authorize(providertest.Personio, "prompt", "none", "response_mode", mode))
		sent := silent.Query()
		if mode == "form_post" {
			_, sent = providertest.FormOf(t, silent.Body, "error")
		}
		if sent.Get("error") != "temporarily_unavailable" || sent.Get("state") != "the-state" || sent.Get("iss") != b.Issuer || sent.Has("code") {
			t.Errorf("silent authorize by %s: status %d, %v; want temporarily_unavailable", mode, silent.StatusCode, sent)
		}
	}
	for _, path := range []string{"/.well-known/openid-configuration", "/jwks"} {
		if answer := b.Get(path); answer.StatusCode != http.StatusOK {
			t.Errorf("%s: status %d, want 200", path, answer.StatusCode)
		}
	}
}
