package login_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/einlass/einlass/provider/providertest"
	"github.com/einlass/einlass/provider/web/webtest"
	"github.com/einlass/einlass/users"
)

// signOut sends the confirmation form that a browser sees.
func signOut(t *testing.T, browser *providertest.Browser) providertest.Response {
	t.Helper()
	action, fields := providertest.FormOf(t, browser.Get("/logout").Body, "form_token")
	return browser.Post(action, fields)
}

func TestALinkAloneSignsNobodyOut(t *testing.T) {
	t.Parallel()
	b := providertest.New(t)
	browser := b.NewBrowser()
	browser.SignIn("/login", providertest.Ada, providertest.Password)
	answer := browser.Get("/logout")
	page := webtest.Parse(t, answer.Body)
	if !page.ByID("logout-form").ByID("logout-confirm").Exists() {
		t.Error("no confirmation form")
	}
	if got := answer.Header.Get("Referrer-Policy"); got != "same-origin" {
		t.Errorf("Referrer-Policy %q, want same-origin", got)
	}
	wantStatus(t, "portal", browser.Get("/portal"), http.StatusOK)
}

func TestSigningOutEndsTheSession(t *testing.T) {
	t.Parallel()
	b := providertest.New(t)
	browser := b.NewBrowser()
	browser.SignIn(b.Authorize(providertest.Personio), providertest.Ada, providertest.Password)
	cookie := sessionOf(browser)

	answer := signOut(t, browser)
	wantStatus(t, "sign-out", answer, http.StatusOK)
	if text, _ := providertest.Element(t, answer.Body, "logged-out"); !strings.Contains(text, "signed out") {
		t.Errorf("#logged-out reads %q", text)
	}
	if sessionOf(browser) != "" {
		t.Error("the cookie is still there")
	}
	stolen := b.NewBrowser()
	stolen.SetCookie(&http.Cookie{Name: "einlass-session", Value: cookie, Path: "/"})
	wantStatus(t, "portal with the old cookie", stolen.Get("/portal"), http.StatusSeeOther)

	events := b.FlushEvents(users.EventSessionEnded)
	if len(events) != 1 || !strings.Contains(events[0].Payload, `"applications":["personio"]`) {
		t.Errorf("events %v, want one that names the applications", events)
	}
	known := false
	for _, c := range browser.Cookies() {
		known = known || c.Name == "einlass-device"
	}
	if !known {
		t.Error("the device was forgotten")
	}
	wantStatus(t, "signing out twice", signOut(t, browser), http.StatusOK)
}

// N192
func TestOtherSitesCannotSignAnybodyOut(t *testing.T) {
	t.Parallel()
	b := providertest.New(t)
	browser := b.NewBrowser()
	browser.SignIn("/login", providertest.Ada, providertest.Password)
	for name, fields := range map[string]url.Values{
		"no token":    {},
		"wrong token": {"form_token": {strings.Repeat("A", 43)}},
	} {
		wantStatus(t, name, browser.Post("/logout", fields), http.StatusForbidden)
	}
	wantStatus(t, "portal", browser.Get("/portal"), http.StatusOK)
}
