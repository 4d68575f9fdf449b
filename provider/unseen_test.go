package provider_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/einlass/einlass/provider/providertest"
	"github.com/einlass/einlass/provider/session/sessiontest"
	"github.com/einlass/einlass/users"
	"github.com/einlass/einlass/users/userstest"
)

// pendingLimit is how many unfinished requests a network may have in a minute.
const pendingLimit = 600

// unseen are requests of browsers whose answer nobody sees as a page.
var unseen = map[string][]string{
	"an image":                {"Sec-Fetch-Dest", "image"},
	"a script":                {"Sec-Fetch-Dest", "script"},
	"a style sheet":           {"Sec-Fetch-Dest", "style"},
	"a report":                {"Sec-Fetch-Dest", "report"},
	"a call of a script":      {"Sec-Fetch-Dest", "empty"},
	"a frame":                 {"Sec-Fetch-Dest", "iframe"},
	"an old frame":            {"Sec-Fetch-Dest", "frame"},
	"a fenced frame":          {"Sec-Fetch-Dest", "fencedframe"},
	"an object":               {"Sec-Fetch-Dest", "object"},
	"an embedded document":    {"Sec-Fetch-Dest", "embed"},
	"something new":           {"Sec-Fetch-Dest", "hologram"},
	"nothing":                 {"Sec-Fetch-Dest", ""},
	"two things":              {"Sec-Fetch-Dest", "document", "Sec-Fetch-Dest", "image"},
	"a document in advance":   {"Sec-Fetch-Dest", "document", "Sec-Purpose", "prefetch"},
	"a page drawn in advance": {"Sec-Fetch-Dest", "document", "Sec-Purpose", "prefetch;prerender"},
}

// as sends a GET of a browser with further header fields.
func as(t *testing.T, browser *providertest.Browser, b *providertest.Bench, path string, header ...string) providertest.Response {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, b.Issuer+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i+1 < len(header); i += 2 {
		r.Header.Add(header[i], header[i+1])
	}
	return browser.Do(r)
}

// wantUnkept checks that a request was refused on the error page and begins nothing.
func wantUnkept(t *testing.T, what string, answer providertest.Response) {
	t.Helper()
	_, found := providertest.Element(t, answer.Body, "error")
	if answer.StatusCode != http.StatusForbidden || !found || answer.Header.Get("Location") != "" || len(answer.Cookies()) > 0 {
		t.Errorf("%s: status %d, Location %q, %d cookies; want the error page with 403", what, answer.StatusCode, answer.Header.Get("Location"), len(answer.Cookies()))
	}
}

// N058: what any web page can have any browser send keeps nothing, and locks
// nobody out who shares its address.
func TestWhatNobodySeesIsNotKept(t *testing.T) {
	t.Parallel()
	server := sessiontest.StartRedis(t)
	b := providertest.NewOn(t, providertest.Stores{Users: userstest.SQLite(t), Sessions: sessiontest.OpenRedis(t, server.URL)})
	store := server.Client()
	wantStored := func(want int64) {
		t.Helper()
		if got, err := store.DBSize(t.Context()).Result(); err != nil || got != want {
			t.Errorf("the store holds %d records (%v), want %d", got, err, want)
		}
	}
	for what, header := range unseen {
		wantUnkept(t, what, b.Get(b.Authorize(providertest.Personio), header...))
	}
	for range pendingLimit + 1 {
		b.Get(b.Authorize(providertest.Personio), "Sec-Fetch-Site", "cross-site", "Sec-Fetch-Mode", "no-cors", "Sec-Fetch-Dest", "image")
	}
	wantStored(0)
	for what, header := range map[string][]string{
		"a document":              {"Sec-Fetch-Dest", "document", "Sec-Fetch-Mode", "navigate", "Sec-Fetch-Site", "cross-site"},
		"a browser that says not": nil,
	} {
		answer := b.Get(b.Authorize(providertest.Personio), header...)
		if to := answer.Header.Get("Location"); answer.StatusCode != http.StatusSeeOther || !strings.HasPrefix(to, "/login?request=") {
			t.Errorf("%s: status %d, Location %q; want the sign-in form", what, answer.StatusCode, to)
		}
	}
	wantStored(3) // both, and their count
}

// What needs no page is answered wherever it was asked: a silent request in a
// hidden frame, a live session, and a refusal.
func TestWhatNeedsNoPageIsAnsweredUnseen(t *testing.T) {
	t.Parallel()
	b := providertest.New(t)
	nobody, ada, bob := b.NewBrowser(), b.NewBrowser(), b.NewBrowser()
	ada.SignIn("/login", providertest.Ada, providertest.Password)
	bob.SignIn("/login", providertest.Bob, providertest.Password)
	for what, header := range unseen {
		if q := as(t, nobody, b, b.Authorize(providertest.Personio, "prompt", "none"), header...).Query(); q.Get("error") != "login_required" || q.Get("state") == "" {
			t.Errorf("%s, silent: %v, want login_required", what, q)
		}
		if q := as(t, nobody, b, b.Authorize(providertest.Personio, "scope", "email"), header...).Query(); q.Get("error") != "invalid_scope" {
			t.Errorf("%s, wrong: %v, want invalid_scope", what, q)
		}
		for _, prompt := range []string{"", "none"} {
			if q := as(t, ada, b, b.Authorize(providertest.Personio, "prompt", prompt), header...).Query(); q.Get("code") == "" {
				t.Errorf("%s, live session, prompt %q: %v, want a code", what, prompt, q)
			}
		}
		posted := as(t, ada, b, b.Authorize(providertest.Personio, "response_mode", "form_post"), header...)
		if _, fields := providertest.FormOf(t, posted.Body, "code"); posted.StatusCode != http.StatusOK || fields.Get("code") == "" {
			t.Errorf("%s, form_post: status %d, fields %v", what, posted.StatusCode, fields)
		}
		wantUnkept(t, what+", to sign in again", as(t, ada, b, b.Authorize(providertest.Personio, "prompt", "login"), header...))
		if denied := as(t, bob, b, b.Authorize(providertest.Wiki), header...); denied.StatusCode != http.StatusForbidden || denied.Header.Get("Location") != "" {
			t.Errorf("%s, denied: status %d, Location %q", what, denied.StatusCode, denied.Header.Get("Location"))
		}
	}
}

// A question for consent waits for its answer, too, and nobody answers what they do not see.
func TestNobodyIsAskedForConsentUnseen(t *testing.T) {
	t.Parallel()
	b, ada := untrusted(t)
	for what, header := range unseen {
		wantUnkept(t, what, as(t, ada, b, b.Authorize(providertest.Personio), header...))
		if q := as(t, ada, b, b.Authorize(providertest.Personio, "prompt", "none"), header...).Query(); q.Get("error") != "consent_required" {
			t.Errorf("%s, silent: %v, want consent_required", what, q)
		}
	}
	if to := as(t, ada, b, b.Authorize(providertest.Personio), "Sec-Fetch-Dest", "document").Header.Get("Location"); !strings.HasPrefix(to, "/consent?") {
		t.Errorf("a document leads to %q, want the question", to)
	}
}

// N058: pages of others can send what clients without a secret push, but none of it counts.
func TestPagesOfOthersPushNothing(t *testing.T) {
	t.Parallel()
	d := providertest.Declaration()
	for i := range d.Applications {
		switch a := d.Applications[i].SignIn; d.Applications[i].ID {
		case providertest.Native:
			a.RedirectURIs = []string{providertest.CallbackOf(providertest.Native), "https://Pages.example:443/signed-in", "http://127.0.0.1/cb"}
		case providertest.Wiki:
			a.AuthMethod, d.Applications[i].ClientSecrets = users.AuthMethodNone, nil
		}
	}
	b := providertest.New(t)
	b.Redeclare(d)
	form := pushForm(b, providertest.Native, "code_challenge", strings.Repeat("c", 43), "code_challenge_method", "S256")
	form.Del("client_secret")
	for what, origins := range map[string][]string{
		"a stranger":                      {"https://evil.example"},
		"another application":             {origin(t, providertest.CallbackOf(providertest.Wiki))},
		"nobody in particular":            {"null"},
		"another scheme":                  {"http://pages.example"},
		"another port":                    {"https://pages.example:8443"},
		"another port of the own machine": {"http://127.0.0.1:51004"},
		"our own pages":                   {b.Issuer},
		"empty":                           {""},
		"two, one of them the good":       {pages, "https://evil.example"},
	} {
		for range pendingLimit/9 + 1 {
			var header []string
			for _, o := range origins {
				header = append(header, "Origin", o)
			}
			answer := b.Post("/par", form, header...)
			if got := decodeTokens(t, answer); answer.StatusCode != http.StatusBadRequest || got.Error != "invalid_request" {
				t.Fatalf("%s: status %d, body %s", what, answer.StatusCode, answer.Body)
			}
		}
	}
	for what, header := range map[string][]string{
		"a program":           nil,
		"its own pages":       {"Origin", pages},
		"its own other pages": {"Origin", origin(t, providertest.CallbackOf(providertest.Native))},
		"its pages, loopback": {"Origin", "http://127.0.0.1"},
	} {
		if answer := b.Post("/par", form, header...); answer.StatusCode != http.StatusCreated {
			t.Errorf("%s: status %d, body %s; want it pushed", what, answer.StatusCode, answer.Body)
		}
	}
	// Who proves to be the client is counted nowhere, so it may come from wherever it likes.
	if answer := b.Post("/par", pushForm(b, providertest.Personio), "Origin", "https://anywhere.example"); answer.StatusCode != http.StatusCreated {
		t.Errorf("with a secret: status %d, body %s", answer.StatusCode, answer.Body)
	}
}

// A pushed request that comes unseen is used up like any other, and begins no sign-in.
func TestAPushedRequestThatComesUnseenIsNotKept(t *testing.T) {
	t.Parallel()
	b := providertest.New(t)
	path, reference := push(t, b, pushForm(b, providertest.Personio))
	wantUnkept(t, "as an image", b.Get(path, "Sec-Fetch-Dest", "image"))
	again := b.Get("/authorize?"+url.Values{"client_id": {providertest.Personio}, "request_uri": {reference}}.Encode(), "Sec-Fetch-Dest", "document")
	if again.StatusCode != http.StatusBadRequest {
		t.Errorf("again: status %d, want 400", again.StatusCode)
	}
}

// Who watches an application sees why nothing came of such a request.
func TestAnUnseenRequestIsExplainedToWhoWatches(t *testing.T) {
	t.Parallel()
	b := providertest.New(t)
	b.Watch(providertest.Personio)
	b.Get(b.Authorize(providertest.Personio), "Sec-Fetch-Dest", "iframe")
	calls := b.Calls(providertest.Personio)
	if len(calls) != 1 || calls[0].Outcome != users.CallRefused || !strings.Contains(calls[0].Facts[users.FactDescription], "Sec-Fetch-Dest") {
		t.Errorf("calls %+v, want one refused that names the header", calls)
	}
}
