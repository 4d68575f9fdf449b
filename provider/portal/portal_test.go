package portal_test

import (
	"context"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/einlass/einlass/provider/providertest"
	"github.com/einlass/einlass/provider/web/webtest"
	"github.com/einlass/einlass/users"
)

// signedIn returns a browser in which username has signed in.
func signedIn(t *testing.T, b *providertest.Bench, username string) *providertest.Browser {
	t.Helper()
	browser := b.NewBrowser()
	wantRedirect(t, browser.SignIn("/login", username, providertest.Password), "/portal")
	return browser
}

func wantRedirect(t *testing.T, got providertest.Response, to string) {
	t.Helper()
	if location := got.Header.Get("Location"); got.StatusCode != http.StatusSeeOther || location != to {
		t.Errorf("%s: status %d to %q, want 303 to %s", got.Request.URL.Path, got.StatusCode, location, to)
	}
}

// add registers an application for everyone and lets the provider know.
func add(t *testing.T, b *providertest.Bench, a users.Application) {
	t.Helper()
	if a.Groups == nil {
		a.Groups = []users.GroupID{users.Everyone}
	}
	if _, err := b.Directory.AddApplication(t.Context(), users.ActorSystem, a); err != nil {
		t.Fatal(err)
	}
	if err := b.Registry.Refresh(t.Context()); err != nil {
		t.Fatal(err)
	}
}

// tilesOf returns the tiles on a portal's page by label.
func tilesOf(t *testing.T, page string) map[string]webtest.Node {
	t.Helper()
	tiles := map[string]webtest.Node{}
	for _, link := range webtest.Parse(t, page).ByID("main").All("a") {
		for _, part := range link.All("span") {
			if part.Attr("class") == "tile-label" {
				tiles[part.Text()] = link
			}
		}
	}
	return tiles
}

func TestThePortalIsForPeopleWhoAreSignedIn(t *testing.T) {
	t.Parallel()
	b := providertest.New(t)
	stranger := b.NewBrowser()
	wantRedirect(t, stranger.Get("/"), "/portal")
	wantRedirect(t, stranger.Get("/portal"), "/login")
	wantRedirect(t, stranger.Get("/portal/launch/personio"), "/login")
}

// S-024, S-026, S-067
// F-80
func TestThePortalShowsWhatAPersonMayLaunch(t *testing.T) {
	t.Parallel()
	b := providertest.New(t)
	add(t, b, users.Application{ID: "feed", Label: "Only imported from"})
	add(t, b, users.Application{ID: "travel", Label: "Ärzte <b>& Reisen</b>", Description: "Buchen", Launch: &users.Launch{URL: "https://travel.example/"}})
	for person, want := range map[string][]string{
		providertest.Ada: {"native", "personio", "wiki", "Ärzte <b>& Reisen</b>"},
		providertest.Bob: {"native", "personio", "Ärzte <b>& Reisen</b>"},
	} {
		answer := signedIn(t, b, person).Get("/portal")
		tiles := tilesOf(t, answer.Body)
		var labels []string
		for label := range tiles {
			labels = append(labels, label)
		}
		slices.Sort(labels)
		if diff := cmp.Diff(want, labels); diff != "" {
			t.Errorf("tiles of %s (-want +got):\n%s", person, diff)
		}
	}
	tiles := tilesOf(t, signedIn(t, b, providertest.Ada).Get("/portal").Body)
	personio, travel := tiles["personio"], tiles["Ärzte <b>& Reisen</b>"]
	if got := personio.Attr("href"); got != "/portal/launch/personio" {
		t.Errorf("the tile leads to %q", got)
	}
	if got := personio.Text(); got != "P personio personio.example" {
		t.Errorf("a tile without a description reads %q, want letter, name and host", got)
	}
	if got := travel.Text(); got != "Ä Ärzte <b>& Reisen</b> Buchen" {
		t.Errorf("a tile reads %q, want letter, name and description", got)
	}
}

// S-025, S-057: a tile has the logo of its application, else a letter in its colour.
func TestATileHasALogoOrALetter(t *testing.T) {
	t.Parallel()
	b := providertest.New(t)
	logo, err := users.NewLogo([]byte(`<svg xmlns="http://www.w3.org/2000/svg"/>`))
	if err != nil {
		t.Fatal(err)
	}
	launch := &users.Launch{URL: "https://travel.example/"}
	add(t, b, users.Application{ID: "travel", Label: "Travel", Launch: launch, Logo: logo, Color: "plum"})
	add(t, b, users.Application{ID: "crm", Label: "CRM", Launch: launch, Color: "slate"})
	answer := signedIn(t, b, providertest.Bob).Get("/portal")
	tiles := tilesOf(t, answer.Body)
	for label, want := range map[string]string{"CRM": "letter tile-slate", "personio": "letter tile-blue"} {
		if first := tiles[label].All("span")[0]; first.Attr("class") != want || len(tiles[label].All("img")) > 0 {
			t.Errorf("%s begins with %q, want %q and no picture", label, first.Attr("class"), want)
		}
	}
	images := tiles["Travel"].All("img")
	if len(images) != 1 || images[0].Attr("src") != "/logos/"+logo.Digest || images[0].Attr("alt") != "" {
		t.Fatalf("pictures %v, want the logo", images)
	}
	if got := tiles["Travel"].Text(); got != "Travel travel.example" {
		t.Errorf("the tile reads %q, want no letter", got)
	}
	if policy := answer.Header.Get("Content-Security-Policy"); !strings.Contains(policy, " img-src 'self';") {
		t.Errorf("policy %q", policy)
	}
	if shown := b.Get(images[0].Attr("src")); shown.Body != string(logo.Content) {
		t.Errorf("status %d, not the logo", shown.StatusCode)
	}
}

// S-025: each colour of the palette has its place in the style sheet.
func TestEachColourIsInTheStyleSheet(t *testing.T) {
	t.Parallel()
	b := providertest.New(t)
	for _, link := range webtest.Parse(t, b.Get("/login").Body).All("link") {
		if link.Attr("rel") != "stylesheet" {
			continue
		}
		css := b.Get(link.Attr("href")).Body
		for _, color := range users.Colors {
			if !strings.Contains(css, "  .tile-"+string(color)+" { background: var(--tile-"+string(color)+"); }") {
				t.Errorf("the style sheet has no rule for %s", color)
			}
		}
		return
	}
	t.Error("no style sheet")
}

func TestThePortalGreetsByNameAndLeadsToSignOut(t *testing.T) {
	t.Parallel()
	b := providertest.New(t)
	browser := signedIn(t, b, providertest.Ada)
	brokenText := regexp.MustCompile(`\{[a-z_]+\}|\b(layout|portal)\.[a-z_]+\b`)
	for lang, greetings := range map[string][]string{
		"en": {"Good morning, Ada", "Hello, Ada", "Good evening, Ada"},
		"de": {"Guten Morgen, Ada", "Guten Tag, Ada", "Guten Abend, Ada"},
	} {
		answer := browser.Get("/portal?lang=" + lang)
		page := webtest.Parse(t, answer.Body)
		if got := page.All("h1")[0].Text(); !slices.Contains(greetings, got) {
			t.Errorf("greeting %q, want one of %q", got, greetings)
		}
		if found := brokenText.FindString(page.All("html")[0].Text()); found != "" {
			t.Errorf("the page in %s shows %q", lang, found)
		}
		leads := slices.ContainsFunc(page.All("a"), func(a webtest.Node) bool { return a.Attr("href") == "/logout" })
		if !leads || page.ByID("logout-form").Exists() {
			t.Error("want a link to the sign-out page")
		}
		if policy := answer.Header.Get("Content-Security-Policy"); !strings.Contains(policy, "form-action 'self';") {
			t.Errorf("policy %q", policy)
		}
	}
}

func TestAPersonWithoutApplicationsIsToldSo(t *testing.T) {
	t.Parallel()
	b := providertest.New(t)
	browser := signedIn(t, b, providertest.Bob)
	everybody := []users.ApplicationID{providertest.Personio, providertest.Native}
	disable(t, b, everybody...)
	page := webtest.Parse(t, browser.Get("/portal").Body)
	if len(page.ByID("main").All("a")) > 0 || !strings.Contains(page.ByID("main").Text(), "no applications") {
		t.Errorf("the page reads %q", page.ByID("main").Text())
	}
}

// disable switches applications off.
func disable(t *testing.T, b *providertest.Bench, ids ...users.ApplicationID) {
	t.Helper()
	declaration := providertest.Declaration()
	for i := range declaration.Applications {
		if slices.Contains(ids, declaration.Applications[i].ID) {
			declaration.Applications[i].Disabled = true
		}
	}
	if _, err := b.Directory.Declare(t.Context(), declaration); err != nil {
		t.Fatal(err)
	}
	if err := b.Registry.Refresh(t.Context()); err != nil {
		t.Fatal(err)
	}
}

// S-027, S-071: also one that is nothing but an address.
// F-80
func TestATileLaunchesTheApplication(t *testing.T) {
	t.Parallel()
	b := providertest.New(t)
	browser := signedIn(t, b, providertest.Ada)
	wantRedirect(t, browser.Get("/portal/launch/personio"), "https://personio.example/oauth/authorise")
	events := b.FlushEvents(users.EventLaunched)
	if len(events) != 1 || !strings.Contains(events[0].Payload, `"application":"personio"`) || events[0].Subject != string(b.User(providertest.Ada).ID) {
		t.Errorf("events %v, want one launch by Ada", events)
	}
	add(t, b, users.Application{ID: "bookmark", Label: "Canteen", Launch: &users.Launch{URL: "https://canteen.example/today?week=1"}})
	wantRedirect(t, browser.Get("/portal/launch/bookmark"), "https://canteen.example/today?week=1")
}

// F-17
func TestAnApplicationThatStartsItsOwnSignInIsToldWhere(t *testing.T) {
	t.Parallel()
	b := providertest.New(t)
	add(t, b, users.Application{
		ID: "crm", Label: "CRM", Launch: &users.Launch{URL: "https://crm.example/start?a=b"},
		SignIn: &users.SignIn{
			ClientID: "crm", AuthMethod: users.AuthMethodPost, RedirectURIs: []string{"https://crm.example/cb"},
			InitiateLoginURI: "https://crm.example/login?tenant=acme", SigningAlg: "RS256",
		},
	})
	answer := signedIn(t, b, providertest.Ada).Get("/portal/launch/crm")
	got := answer.Query()
	want := map[string]string{
		"iss": b.Issuer, "login_hint": providertest.Ada, "target_link_uri": "https://crm.example/start?a=b", "tenant": "acme",
	}
	for name, value := range want {
		if got.Get(name) != value {
			t.Errorf("%s is %q, want %q", name, got.Get(name), value)
		}
	}
	if answer.Location().Host != "crm.example" || answer.Location().Path != "/login" {
		t.Errorf("leads to %s, want the registered address", answer.Location())
	}
}

// S-067
func TestALaunchWithoutAccessIsDenied(t *testing.T) {
	t.Parallel()
	b := providertest.New(t)
	answer := signedIn(t, b, providertest.Bob).Get("/portal/launch/wiki")
	page := webtest.Parse(t, answer.Body)
	if answer.StatusCode != http.StatusForbidden || page.ByID("error").Text() == "" || page.ByID("reference").Text() != answer.Header.Get("X-Request-Id") {
		t.Errorf("status %d, want the denied page with 403 and a reference", answer.StatusCode)
	}
	if got := page.ByID("main").Text(); !strings.Contains(got, "wiki") || !strings.Contains(got, "Bob Öztürk") {
		t.Errorf("the page %q does not say who has no access to what", got)
	}
	events := b.FlushEvents(users.EventAccessDenied)
	if len(events) != 1 || !strings.Contains(events[0].Payload, `"reason":"no_group"`) {
		t.Errorf("events %v, want one denial", events)
	}
}

func TestWhatCannotBeLaunchedIsNotFound(t *testing.T) {
	t.Parallel()
	b := providertest.New(t)
	browser := signedIn(t, b, providertest.Ada)
	for _, path := range []string{"unknown", "Personio", "..", "a%2fb", "wiki/x.js", "x.css"} {
		if answer := browser.Get("/portal/launch/" + path); answer.StatusCode != http.StatusNotFound {
			t.Errorf("%s: status %d, want 404", path, answer.StatusCode)
		}
	}
	disable(t, b, providertest.Wiki)
	if answer := browser.Get("/portal/launch/wiki"); answer.StatusCode != http.StatusNotFound {
		t.Errorf("a disabled application: status %d, want 404", answer.StatusCode)
	}
}

// S-045, N148
func TestASessionEndsWithItsPersonsAccess(t *testing.T) {
	t.Parallel()
	for name, end := range map[string]func(ctx context.Context, b *providertest.Bench, id users.ID) error{
		"suspension": func(ctx context.Context, b *providertest.Bench, id users.ID) error {
			_, err := b.Directory.Suspend(ctx, users.ActorSystem, id, "left")
			return err
		},
		"end of all sessions": func(ctx context.Context, b *providertest.Bench, id users.ID) error {
			return b.Directory.EndSessions(ctx, users.ActorSystem, id)
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := providertest.New(t)
			browser := signedIn(t, b, providertest.Ada)
			if err := end(t.Context(), b, b.User(providertest.Ada).ID); err != nil {
				t.Fatal(err)
			}
			wantRedirect(t, browser.Get("/portal"), "/login")
			wantRedirect(t, browser.Get("/portal/launch/personio"), "/login")
		})
	}
}

// N144
func TestASessionIdlesOutUnlessItIsUsed(t *testing.T) {
	t.Parallel()
	b := providertest.New(t)
	browser := signedIn(t, b, providertest.Ada)
	for range 3 {
		b.Clock.Advance(11 * time.Hour)
		if answer := browser.Get("/portal"); answer.StatusCode != http.StatusOK {
			t.Fatalf("in use: status %d, want 200", answer.StatusCode)
		}
	}
	b.Clock.Advance(12*time.Hour + time.Second)
	wantRedirect(t, browser.Get("/portal"), "/login")
}

func TestASessionInUseEndsAfterAWeek(t *testing.T) {
	t.Parallel()
	b := providertest.New(t)
	browser := signedIn(t, b, providertest.Ada)
	for range 16 {
		b.Clock.Advance(10 * time.Hour)
		browser.Get("/portal")
	}
	b.Clock.Advance(9 * time.Hour)
	wantRedirect(t, browser.Get("/portal"), "/login")
}

// N384
func TestThePortalHasNoPathsBelow(t *testing.T) {
	t.Parallel()
	b := providertest.New(t)
	browser := signedIn(t, b, providertest.Ada)
	for _, path := range []string{"/portal/profile.js", "/portal/x.css", "/portal/"} {
		answer := browser.Get(path)
		if answer.StatusCode != http.StatusNotFound || answer.Header.Get("Cache-Control") != "no-store" {
			t.Errorf("%s: status %d, Cache-Control %q", path, answer.StatusCode, answer.Header.Get("Cache-Control"))
		}
	}
	if got := browser.Get("/portal").Header.Get("Cache-Control"); got != "no-store" {
		t.Errorf("Cache-Control %q on the portal", got)
	}
}
