package provider_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/einlass/einlass/provider/providertest"
	"github.com/einlass/einlass/users"
)

// N-6, S-067: somebody on leave who keeps Personio alone launches it and signs in
// there, for their payslips, and is denied everywhere else, also by what they were given before.
func TestWhoeverIsConfinedUsesPersonioAlone(t *testing.T) {
	t.Parallel()
	d := providertest.Declaration()
	for i := range d.Applications {
		if d.Applications[i].ID == providertest.Personio {
			d.Applications[i].Import = &users.Import{Source: users.SourcePersonio}
		}
	}
	b := providertest.New(t)
	b.Redeclare(d)
	tokens := offlineTokens(t, b) // of the wiki
	browser := b.NewBrowser()
	browser.SignIn(b.Authorize(providertest.Personio), providertest.Ada, providertest.Password)
	wiki := browser.Get(b.Authorize(providertest.Wiki)).Query().Get("code")

	b.Confine(providertest.Ada, providertest.Personio)
	if q := browser.Get(b.Authorize(providertest.Wiki, "prompt", "none")).Query(); q.Get("error") != "access_denied" {
		t.Errorf("the wiki: %v, want access_denied", q)
	}
	for _, id := range []users.ApplicationID{providertest.Wiki, providertest.Native} {
		launch := browser.Get("/portal/launch/" + string(id))
		if launch.StatusCode != http.StatusForbidden {
			t.Errorf("launch of %s: status %d, want 403", id, launch.StatusCode)
		}
	}
	wantRefused(t, "a code from before", redeem(b, providertest.Wiki, wiki), "invalid_grant")
	if answer := userinfo(t, b, tokens.AccessToken); answer.StatusCode != http.StatusUnauthorized {
		t.Errorf("userinfo for the wiki: status %d, want 401", answer.StatusCode)
	}
	wantInactive(t, "the wiki's token", asWiki(b, "/introspect", tokens.AccessToken))
	wantRefused(t, "the wiki's refresh token", refresh(b, tokens.Refresh), "invalid_grant")

	launch := browser.Get("/portal/launch/personio")
	if launch.StatusCode != http.StatusSeeOther || launch.Header.Get("Location") != "https://personio.example/oauth/authorise" {
		t.Errorf("launch of Personio: status %d to %q", launch.StatusCode, launch.Header.Get("Location"))
	}
	code := browser.Get(b.Authorize(providertest.Personio)).Query().Get("code")
	if got := decodeTokens(t, b.Tokens(providertest.Personio, code)); got.AccessToken == "" {
		t.Errorf("tokens of Personio: %+v", got)
	}
	page := browser.Get("/portal")
	if page.StatusCode != http.StatusOK || !strings.Contains(page.Body, "/portal/launch/personio") || strings.Contains(page.Body, "/portal/launch/wiki") {
		t.Errorf("portal: status %d, want the tile of Personio alone", page.StatusCode)
	}

	b.Confine(providertest.Ada, "")
	if q := browser.Get(b.Authorize(providertest.Wiki, "prompt", "none")).Query(); q.Get("code") == "" {
		t.Errorf("back from leave, the wiki: %v", q)
	}
}
