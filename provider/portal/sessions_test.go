package portal_test

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/einlass/einlass/provider/providertest"
	"github.com/einlass/einlass/provider/web/webtest"
)

const (
	sessionsPath = "/account/sessions"
	firefox      = "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:145.0) Gecko/20100101 Firefox/145.0"
	safari       = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_6 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/26.0 Mobile/15E148 Safari/604.1"
)

// signedInWith returns a browser of that kind in which username has signed in.
func signedInWith(t *testing.T, b *providertest.Bench, agent, username string) *providertest.Browser {
	t.Helper()
	browser := b.NewBrowser()
	_, form := providertest.FormOf(t, browser.Get("/login").Body, "password")
	form.Set("username", username)
	form.Set("password", providertest.Password)
	r := posting(t, b, "/login", form)
	r.Header.Set("User-Agent", agent)
	wantRedirect(t, browser.Do(r), "/portal")
	return browser
}

func posting(t *testing.T, b *providertest.Bench, path string, form url.Values) *http.Request {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, b.Issuer+path, strings.NewReader(form.Encode()))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	return r
}

// sidsOf returns the live sessions of a person in the store, newest first.
func sidsOf(t *testing.T, b *providertest.Bench, email string) []string {
	t.Helper()
	sessions, err := b.Sessions.Of(t.Context(), b.User(email).ID)
	if err != nil {
		t.Fatal(err)
	}
	var sids []string
	for _, s := range sessions {
		sids = append(sids, s.SID)
	}
	return sids
}

// form is a form of the page, as a browser sends it.
type form struct {
	action string
	fields url.Values
}

// formsOf returns the forms of the sessions' page that browser sees, by their action.
func formsOf(t *testing.T, browser *providertest.Browser) map[string]form {
	t.Helper()
	forms := map[string]form{}
	for _, f := range webtest.Parse(t, browser.Get(sessionsPath).Body).All("form") {
		forms[f.Attr("action")] = form{f.Attr("action"), f.Fields()}
	}
	return forms
}

// panelsOf returns what the page says of each entry of a list.
func panelsOf(t *testing.T, page, list string) []string {
	t.Helper()
	var panels []string
	for _, li := range webtest.Parse(t, page).ByID(list).All("li") {
		panels = append(panels, li.Text())
	}
	return panels
}

func wantStatus(t *testing.T, what string, got providertest.Response, status int) {
	t.Helper()
	if got.StatusCode != status {
		t.Errorf("%s: status %d, want %d", what, got.StatusCode, status)
	}
}

func wantSids(t *testing.T, what string, b *providertest.Bench, want ...string) {
	t.Helper()
	got := sidsOf(t, b, providertest.Ada)
	slices.Sort(got)
	slices.Sort(want)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("%s: sessions (-want +got):\n%s", what, diff)
	}
}

// U-02 F-81
func TestSessionsAreForPeopleWhoAreSignedIn(t *testing.T) {
	t.Parallel()
	b := providertest.New(t)
	signIn := "/login?next=%2Faccount%2Fsessions"
	stranger := b.NewBrowser()
	wantRedirect(t, stranger.Get("/account"), sessionsPath)
	wantRedirect(t, stranger.Get(sessionsPath), signIn)
	browser := signedIn(t, b, providertest.Ada)
	sid := sidsOf(t, b, providertest.Ada)[0]
	for _, path := range []string{"/others", "/" + sid} {
		wantRedirect(t, stranger.Post(sessionsPath+path, url.Values{}), signIn)
	}
	wantRedirect(t, stranger.Post("/account/access/"+sid, url.Values{}), signIn)
	wantStatus(t, "the person's", browser.Get(sessionsPath), http.StatusOK)
}

// Each session is shown as its person knows it, to that person alone.
// U-02 F-81
func TestAPersonSeesWhereTheyAreSignedIn(t *testing.T) {
	t.Parallel()
	b := providertest.New(t)
	began := b.Clock.Now()
	phone := signedInWith(t, b, safari, providertest.Ada)
	phone.Get(b.Authorize(providertest.Personio))
	b.Clock.Advance(2 * time.Hour)
	phone.Get("/portal")
	signedInWith(t, b, "curl/8.11.0", providertest.Ada)
	signedInWith(t, b, firefox, providertest.Bob)
	browser := signedInWith(t, b, firefox, providertest.Ada)
	layouts := map[string]string{"en": "2006-01-02 15:04", "de": "02.01.2006, 15:04 Uhr"}
	for lang, want := range map[string][]string{
		"en": {
			"Firefox on Windows This browser Sign out Signed in NOW Last used NOW Signed in with Password Applications None so far",
			"Unknown browser End this sign-in Signed in NOW Last used NOW Signed in with Password Applications None so far",
			"Safari on iOS End this sign-in Signed in BEGAN Last used NOW Signed in with Password Applications personio",
		},
		"de": {
			"Firefox unter Windows Dieser Browser Abmelden Angemeldet NOW Zuletzt benutzt NOW Angemeldet mit Passwort Anwendungen Bisher keine",
			"Unbekannter Browser Diese Anmeldung beenden Angemeldet NOW Zuletzt benutzt NOW Angemeldet mit Passwort Anwendungen Bisher keine",
			"Safari unter iOS Diese Anmeldung beenden Angemeldet BEGAN Zuletzt benutzt NOW Angemeldet mit Passwort Anwendungen personio",
		},
	} {
		answer := browser.Get(sessionsPath + "?lang=" + lang)
		got := panelsOf(t, answer.Body, "sessions")
		for i := range want {
			want[i] = strings.NewReplacer("NOW", b.Clock.Now().Format(layouts[lang]), "BEGAN", began.Format(layouts[lang])).Replace(want[i])
		}
		slices.Sort(want[1:])
		slices.Sort(got[1:])
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s: sessions (-want +got):\n%s", lang, diff)
		}
		if strings.Contains(answer.Body, "127.0.0.1</") || strings.Contains(answer.Body, "145.0") {
			t.Errorf("%s: the page shows an address or a version", lang)
		}
		if webtest.Parse(t, answer.Body).ByID("access").Exists() {
			t.Errorf("%s: there is a list of accesses, want none", lang)
		}
	}
	for _, link := range webtest.Parse(t, browser.Get("/portal").Body).All("a") {
		if link.Attr("href") == sessionsPath {
			return
		}
	}
	t.Error("the portal does not lead there")
}
