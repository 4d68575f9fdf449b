package provider_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/einlass/einlass/provider/providertest"
	"github.com/einlass/einlass/users"
)

// doors tries everything that somebody with a session, a code and tokens can do,
// and returns what let them in.
func doors(t *testing.T, b *providertest.Bench, browser *providertest.Browser, code string, tokens tokenAnswer) []string {
	t.Helper()
	var open []string
	try := func(door string, isOpen bool) {
		if isOpen {
			open = append(open, door)
		}
	}
	try("authorize", browser.Get(b.Authorize(providertest.Personio, "prompt", "none")).Query().Get("code") != "")
	try("token", decodeTokens(t, b.Tokens(providertest.Personio, code)).AccessToken != "")
	try("userinfo", userinfo(t, b, tokens.AccessToken).StatusCode == http.StatusOK)
	try("introspection", strings.Contains(asWiki(b, "/introspect", tokens.AccessToken).Body, `"active":true`))
	try("introspection of a refresh token", strings.Contains(asWiki(b, "/introspect", tokens.Refresh).Body, `"active":true`))
	try("portal", browser.Get("/portal").StatusCode == http.StatusOK)
	launch := browser.Get("/portal/launch/personio")
	try("launch", launch.StatusCode == http.StatusSeeOther && launch.Location().Path != "/login")
	try("console", browser.Get("/admin/imports/unknown").StatusCode != http.StatusSeeOther)
	try("refresh", refresh(b, tokens.Refresh).StatusCode == http.StatusOK)
	try("sign-in form", b.NewBrowser().SignIn(b.Authorize(providertest.Personio), providertest.Ada, providertest.Password).Query().Get("code") != "")
	return open
}

var allDoors = "authorize token userinfo introspection introspection of a refresh token portal launch console refresh sign-in form"

// Invariants 1 and 3, N-3: at every door the window shuts and opens to the
// millisecond, whether or not the clock has written it down.
func TestEveryDoorKeepsToTheAccessWindow(t *testing.T) {
	t.Parallel()
	for name, window := range map[string]func(now time.Time) (from, until time.Time){
		"the end":     func(now time.Time) (from, until time.Time) { return now.Add(-time.Hour), now },
		"the opening": func(now time.Time) (from, until time.Time) { return now.Add(time.Millisecond), now.Add(time.Hour) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := providertest.New(t)
			tokens := offlineTokens(t, b)
			browser := b.NewBrowser()
			code := browser.SignIn(b.Authorize(providertest.Personio), providertest.Ada, providertest.Password).Query().Get("code")

			from, until := window(b.Clock.Now())
			b.SetWindow(providertest.Ada, from, until)
			if open := doors(t, b, browser, code, tokens); len(open) > 0 {
				t.Errorf("outside, these let people in: %q", open)
			}
			events := b.FlushEvents(users.EventSignInFailed)
			if len(events) == 0 || !strings.Contains(events[0].Payload, "access_") {
				t.Errorf("the log does not say why: %+v", events)
			}

			if name == "the end" {
				b.SetWindow(providertest.Ada, from, until.Add(time.Millisecond))
			} else {
				b.Clock.Advance(time.Millisecond)
			}
			tokens = offlineTokens(t, b) // the others were revoked as they were refused
			browser = b.NewBrowser()
			code = browser.SignIn(b.Authorize(providertest.Personio), providertest.Ada, providertest.Password).Query().Get("code")
			if open := strings.Join(doors(t, b, browser, code, tokens), " "); open != allDoors {
				t.Errorf("inside, only these let people in: %s", open)
			}
		})
	}
}
