package admin_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/einlass/einlass/provider/providertest"
	"github.com/einlass/einlass/provider/web"
	"github.com/einlass/einlass/users"
)

const callsPath = "/admin/applications/personio/log"

// press sends the form of the page of calls with one of its buttons.
func press(t *testing.T, b *providertest.Bench, browser *providertest.Browser, action string) providertest.Response {
	t.Helper()
	_, form := providertest.FormOf(t, browser.Get(callsPath).Body, "action")
	form.Set("action", action)
	answer := browser.Post(callsPath, form)
	must(t, b.Registry.Refresh(t.Context()))
	return answer
}

// S-153: helpdesk and people without a role see no calls and watch nobody; an unknown application has no page.
func TestCallsAreForThoseWhoSeeTheConsole(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	for _, who := range []string{helpdesk, providertest.Ada} {
		browser := signedIn(t, b, who)
		for name, answer := range map[string]providertest.Response{
			"the page": browser.Get(callsPath), "the form": browser.Post(callsPath, url.Values{"action": {"watch"}}),
		} {
			if answer.StatusCode != http.StatusForbidden {
				t.Errorf("%s, %s: status %d, want 403", who, name, answer.StatusCode)
			}
		}
	}
	if answer := b.Get(callsPath); !strings.HasPrefix(answer.Header.Get("Location"), "/login?") {
		t.Errorf("not signed in: status %d to %q", answer.StatusCode, answer.Header.Get("Location"))
	}
	browser := signedIn(t, b, auditor)
	if answer := browser.Get("/admin/applications/nothing/log"); answer.StatusCode != http.StatusNotFound {
		t.Errorf("an unknown application: status %d, want 404", answer.StatusCode)
	}
	if watches, err := b.Directory.Read().Watches(t.Context(), b.Clock.Now()); err != nil || len(watches) != 0 {
		t.Errorf("watches %v, %v; want none", watches, err)
	}
}

// nobody is made to watch by another site, nor by a form of their own making.
func TestWatchingTakesOurForm(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	browser := signedIn(t, b, owner)
	for name, form := range map[string]url.Values{
		"without the token": {"action": {"watch"}}, "with another token": {"action": {"watch"}, web.FormField: {"x"}},
	} {
		if answer := browser.Post(callsPath, form); answer.StatusCode != http.StatusForbidden {
			t.Errorf("%s: status %d, want 403", name, answer.StatusCode)
		}
	}
	if answer := press(t, b, browser, "explode"); answer.StatusCode != http.StatusBadRequest {
		t.Errorf("an unknown action: status %d, want 400", answer.StatusCode)
	}
	if calls := b.FlushEvents(users.EventApplicationWatched); len(calls) != 0 {
		t.Errorf("%d watches have begun, want none", len(calls))
	}
}

// B-04: the console shows each call in words, in the language of the page, and the verdict; and stops when it is told to.
func TestCallsAreShownWhileWatched(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	browser := signedIn(t, b, auditor)
	page := browser.Get(callsPath)
	if page.Header.Get("Refresh") != "" || !strings.Contains(page.Body, "Nobody watches") {
		t.Errorf("before: Refresh %q", page.Header.Get("Refresh"))
	}
	if answer := press(t, b, browser, "watch"); answer.StatusCode != http.StatusSeeOther || answer.Header.Get("Location") != callsPath {
		t.Fatalf("watch: status %d to %q", answer.StatusCode, answer.Header.Get("Location"))
	}
	ada := b.NewBrowser()
	code := ada.SignIn(b.Authorize(providertest.Personio), providertest.Ada, providertest.Password).Query().Get("code")
	b.Tokens(providertest.Personio, code, "client_secret", "wrong")
	must(t, b.Directory.Flush(t.Context()))
	page = browser.Get(callsPath)
	if page.StatusCode != http.StatusOK || page.Header.Get("Refresh") != "1" {
		t.Errorf("while watched: status %d, Refresh %q; want 200 and 1", page.StatusCode, page.Header.Get("Refresh"))
	}
	for _, want := range []string{"The client secret is wrong.", "the step token failed", "Ada Lovelace", "The sign-in page is shown"} {
		if !strings.Contains(page.Body, want) {
			t.Errorf("the page lacks %q", want)
		}
	}
	if german := browser.Get(callsPath + "?lang=de&still=1"); !strings.Contains(german.Body, "Das Client-Geheimnis ist falsch.") || german.Header.Get("Refresh") != "" {
		t.Errorf("held still in German: Refresh %q", german.Header.Get("Refresh"))
	}
	press(t, b, browser, "stop")
	b.Tokens(providertest.Personio, code, "client_secret", "wrong again")
	must(t, b.Directory.Flush(t.Context()))
	if page := browser.Get(callsPath); page.Header.Get("Refresh") != "" {
		t.Error("the page follows although nobody watches")
	}
	if calls := b.Calls(providertest.Personio); len(calls) != 3 {
		t.Errorf("%d calls, want the three while it was watched", len(calls))
	}
	watched := b.FlushEvents(users.EventApplicationWatched)
	if len(watched) != 1 || watched[0].Actor != users.ActorUser(b.User(auditor).ID) {
		t.Errorf("events %+v, want one of the auditor", watched)
	}
}
