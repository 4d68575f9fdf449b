package provider_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/einlass/einlass/provider/providertest"
	"github.com/einlass/einlass/provider/session/sessiontest"
	"github.com/einlass/einlass/users"
	"github.com/einlass/einlass/users/userstest"
)

// parked is a bench in which Ada's address is no longer hers, and a browser in which she is signed in.
func parked(t *testing.T) (*providertest.Bench, *providertest.Browser) {
	t.Helper()
	store := userstest.SQLite(t)
	b := providertest.NewOn(t, providertest.Stores{Users: store, Sessions: sessiontest.SQLite(t)})
	ada := b.User(providertest.Ada)
	ada.EmailKey = ""
	err := store.Update(t.Context(), func(tx users.Tx) error {
		_, err := tx.UpdateUsers(t.Context(), []users.User{ada})
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	browser := b.NewBrowser()
	browser.SignIn("/login", providertest.Ada, providertest.Password)
	return b, browser
}

// N107: an application that gets the address gets nobody who has none, whether
// its registration or the scope asks for it; the person and the log learn why.
func TestPeopleWithoutAnAddressAreDeniedWhereItIsNeeded(t *testing.T) {
	t.Parallel()
	b, browser := parked(t)
	for name, target := range map[string]string{
		"by registration": b.Authorize(providertest.Personio),
		"by scope":        b.Authorize(providertest.Wiki, "scope", "openid email"),
	} {
		answer := browser.Get(target)
		text, _ := providertest.Element(t, answer.Body, "error")
		if answer.StatusCode != http.StatusForbidden || !strings.Contains(text, "email address") || !strings.Contains(answer.Body, "error=access_denied") {
			t.Errorf("%s: status %d, Location %q, reason %q", name, answer.StatusCode, answer.Header.Get("Location"), text)
		}
		q := browser.Get(target + "&prompt=none").Query()
		if q.Get("error") != "access_denied" || q.Get("state") != "the-state" || q.Has("code") {
			t.Errorf("%s, prompt=none: %v, want access_denied", name, q)
		}
	}
	signedIn := b.NewBrowser().SignIn(b.Authorize(providertest.Personio), providertest.Ada, providertest.Password)
	if signedIn.StatusCode != http.StatusForbidden {
		t.Errorf("after the password: status %d to %q, want 403", signedIn.StatusCode, signedIn.Header.Get("Location"))
	}
	denials := b.FlushEvents(users.EventAccessDenied)
	if len(denials) != 5 || !strings.Contains(denials[0].Payload, `"reason":"no_email"`) {
		t.Errorf("events %+v, want five denials for no_email", denials)
	}
}

// N107: where the address is only one claim of many, it is left out.
func TestPeopleWithoutAnAddressSignInWhereItIsNotNeeded(t *testing.T) {
	t.Parallel()
	b, browser := parked(t)
	for name, pairs := range map[string][]string{
		"not asked for":           nil,
		"by the claims parameter": {"claims", `{"userinfo":{"email":{"essential":true}}}`}, // OpenID Connect Core section 5.5.1
	} {
		code := browser.Get(b.Authorize(providertest.Wiki, pairs...)).Query().Get("code")
		got := claims(t, userinfo(t, b, wikiTokens(t, b, code).AccessToken))
		if got["sub"] != string(b.User(providertest.Ada).ID) || len(got) != 1 {
			t.Errorf("%s: claims %v, want sub alone", name, got)
		}
	}
}
