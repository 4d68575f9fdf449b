package login_test

import (
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/einlass/einlass/provider/providertest"
	"github.com/einlass/einlass/provider/web/webtest"
	"github.com/einlass/einlass/users"
)

// openForm starts a sign-in at an application and returns the form's page.
func openForm(t *testing.T, b *providertest.Bench, browser *providertest.Browser, pairs ...string) (page providertest.Response, path string) {
	t.Helper()
	path = browser.Get(b.Authorize(providertest.Personio, pairs...)).Header.Get("Location")
	if !strings.HasPrefix(path, "/login?request=") {
		t.Fatalf("the sign-in leads to %q, want the form", path)
	}
	return browser.Get(path), path
}

// filled returns the fields of a sign-in page with credentials filled in.
func filled(t *testing.T, page, username, password string) url.Values {
	t.Helper()
	_, fields := providertest.FormOf(t, page, "password")
	fields.Set("username", username)
	fields.Set("password", password)
	return fields
}

// sessionOf returns the value of the browser's session cookie.
func sessionOf(browser *providertest.Browser) string {
	for _, c := range browser.Cookies() {
		if c.Name == "einlass-session" {
			return c.Value
		}
	}
	return ""
}

func wantStatus(t *testing.T, what string, got providertest.Response, want int) {
	t.Helper()
	if got.StatusCode != want {
		t.Errorf("%s: status %d, want %d", what, got.StatusCode, want)
	}
}

func TestTheFormSaysWhereItLeads(t *testing.T) {
	t.Parallel()
	b := providertest.New(t)
	hint := `ada"><script>@acme.example`
	answer, _ := openForm(t, b, b.NewBrowser(), "login_hint", hint)
	wantStatus(t, "form", answer, http.StatusOK)
	page := webtest.Parse(t, answer.Body)

	main := page.ByID("main")
	form := main.All("form")[0]
	for _, id := range []string{"username", "password", "login-submit"} {
		if !form.ByID(id).Exists() {
			t.Errorf("the form has no #%s", id)
		}
	}
	for _, id := range []string{"error", "reference", "logout-form", "logged-out"} {
		if page.ByID(id).Exists() {
			t.Errorf("#%s belongs on another page", id)
		}
	}
	if !strings.Contains(main.Text(), "Sign in") || !strings.Contains(main.Text(), "to continue to personio · personio.example") {
		t.Errorf("the page reads %q", main.Text())
	}
	if got := page.ByID("username").Attr("value"); got != hint {
		t.Errorf("user name %q, want the hint", got)
	}
	if len(page.All("script")) > 0 {
		t.Error("the hint became markup")
	}
	policy := answer.Header.Get("Content-Security-Policy")
	if !strings.Contains(policy, "form-action 'self' https://personio.example;") {
		t.Errorf("policy %q does not let the form end at the application", policy)
	}
	if got := answer.Header.Get("Referrer-Policy"); got != "same-origin" {
		t.Errorf("Referrer-Policy %q, want same-origin", got)
	}
}

// N202: where the application leads on to is in the policy only if it is registered, for Chromium applies it to every redirect.
func TestTheFormLeadsToRegisteredOriginsOnly(t *testing.T) {
	t.Parallel()
	b := providertest.NewWith(t, providertest.Personio, func(c *users.SignIn) {
		c.InitiateLoginURI = "javascript:alert(1)"
		c.ContinuesAt = []string{"https://acme.app.personio.example/start;x", "https://personio.example/", "https://*.evil.example", "https://acme.app.personio.example"}
	})
	for application, want := range map[users.ApplicationID]string{
		providertest.Personio: "form-action 'self' https://personio.example https://acme.app.personio.example;",
		providertest.Wiki:     "form-action 'self' https://wiki.example;",
	} {
		browser := b.NewBrowser()
		page := browser.Get(browser.Get(b.Authorize(application)).Header.Get("Location"))
		if policy := page.Header.Get("Content-Security-Policy"); !strings.Contains(policy, want) {
			t.Errorf("%s: policy %q, want %q", application, policy, want)
		}
	}
	browser := b.NewBrowser()
	done := browser.SignIn(b.Authorize(providertest.Personio, "response_mode", "form_post"), providertest.Ada, providertest.Password)
	if policy := done.Header.Get("Content-Security-Policy"); !strings.Contains(policy, "form-action https://personio.example https://acme.app.personio.example;") {
		t.Errorf("form_post: policy %q", policy)
	}
}

func TestALongHintIsNotShown(t *testing.T) {
	t.Parallel()
	b := providertest.New(t)
	answer, _ := openForm(t, b, b.NewBrowser(), "login_hint", strings.Repeat("a", 321))
	if got := webtest.Parse(t, answer.Body).ByID("username").Attr("value"); got != "" {
		t.Errorf("user name of %d characters filled in, want none", len(got))
	}
}

func TestTheFormSpeaksTheLanguageTheApplicationAskedFor(t *testing.T) {
	t.Parallel()
	b := providertest.New(t)
	browser := b.NewBrowser()
	answer, path := openForm(t, b, browser, "ui_locales", "fr de")
	page := webtest.Parse(t, answer.Body)
	if got := page.ByID("login-submit").Text(); got != "Anmelden" {
		t.Errorf("button %q, want German", got)
	}
	english := browser.Get(path + "&lang=en")
	action, fields := providertest.FormOf(t, english.Body, "password")
	fields.Set("username", providertest.Ada)
	refused := webtest.Parse(t, browser.Post(action, fields).Body)
	if got := refused.ByID("login-submit").Text(); got != "Sign in" {
		t.Errorf("button %q after a refusal, want the language chosen on the page", got)
	}
}

// S-072
// F-30
func TestSigningInAnswersTheApplication(t *testing.T) {
	t.Parallel()
	b := providertest.New(t)
	browser := b.NewBrowser()
	answer := browser.SignIn(b.Authorize(providertest.Personio), " ADA@acme.example ", providertest.Password)
	wantStatus(t, "sign-in", answer, http.StatusSeeOther)
	if got := answer.Location().Host; got != "personio.example" || answer.Query().Get("code") == "" || answer.Query().Get("state") != "the-state" {
		t.Errorf("leads to %s, want a code for the application", answer.Location())
	}

	events := b.FlushEvents(users.EventSignedIn)
	if len(events) != 1 || events[0].Subject != string(b.User(providertest.Ada).ID) {
		t.Fatalf("events %v, want one sign-in of Ada", events)
	}
	var payload map[string]any
	if err := json.Unmarshal([]byte(events[0].Payload), &payload); err != nil {
		t.Fatal(err)
	}
	if payload["ip"] != "127.0.0.1" || payload["application"] != "personio" || payload["request_id"] != answer.Header.Get("X-Request-Id") {
		t.Errorf("payload %v lacks network, application or request id", payload)
	}
	if strings.Contains(b.Logs.String(), "acme.example") || strings.Contains(b.Logs.String(), providertest.Password) {
		t.Error("the log contains the address or the password")
	}
}

func TestSigningInWithoutAnApplicationLeadsToThePortal(t *testing.T) {
	t.Parallel()
	b := providertest.New(t)
	browser := b.NewBrowser()
	answer := browser.SignIn("/login", providertest.Ada, providertest.Password)
	if got := answer.Header.Get("Location"); answer.StatusCode != http.StatusSeeOther || got != "/portal" {
		t.Fatalf("status %d to %q, want the portal", answer.StatusCode, got)
	}
	if got := browser.Get("/login").Header.Get("Location"); got != "/portal" {
		t.Errorf("the form leads a person who is signed in to %q, want the portal", got)
	}
	if err := b.Directory.EndSessions(t.Context(), users.ActorSystem, b.User(providertest.Ada).ID); err != nil {
		t.Fatal(err)
	}
	wantStatus(t, "form with a dead session", browser.Get("/login"), http.StatusOK)
}

func TestADeviceIsKnownAfterASignIn(t *testing.T) {
	t.Parallel()
	b := providertest.New(t)
	browser := b.NewBrowser()
	first := browser.SignIn("/login", providertest.Ada, providertest.Password)
	device := func(answer providertest.Response) *http.Cookie {
		for _, c := range answer.Cookies() {
			if c.Name == "einlass-device" {
				return c
			}
		}
		return nil
	}
	if c := device(first); c == nil || c.MaxAge != int((180*24*time.Hour).Seconds()) {
		t.Errorf("device cookie %v, want one for 180 days", c)
	}
	browser.SetCookie(&http.Cookie{Name: "einlass-session", MaxAge: -1, Path: "/"})
	if c := device(browser.SignIn("/login", providertest.Ada, providertest.Password)); c != nil {
		t.Errorf("a known device got another cookie: %v", c)
	}
}

// N001, N003
func TestARequestBelongsToTheBrowserThatStartedIt(t *testing.T) {
	t.Parallel()
	b := providertest.New(t)
	_, path := openForm(t, b, b.NewBrowser())

	victim := b.NewBrowser()
	own, _ := openForm(t, b, victim)
	fields := filled(t, own.Body, providertest.Ada, providertest.Password)
	request, _ := url.Parse(path)
	fields.Set("request", request.Query().Get("request"))
	for what, answer := range map[string]providertest.Response{
		"form":             victim.Get(path),
		"password":         victim.Post("/login", fields),
		"without a cookie": b.NewBrowser().Post("/login", fields),
	} {
		wantStatus(t, what, answer, http.StatusForbidden)
		if _, found := providertest.Element(t, answer.Body, "error"); !found || answer.Header.Get("Location") != "" {
			t.Errorf("%s: want the error page and no redirect", what)
		}
	}
	if sessionOf(victim) != "" {
		t.Error("a session was created")
	}
	if events := b.FlushEvents(users.EventRequestMismatch); len(events) != 3 {
		t.Errorf("%d mismatch events, want 3", len(events))
	}
}

func TestMismatchesDoNotFloodTheEventLog(t *testing.T) {
	t.Parallel()
	b := providertest.New(t)
	_, path := openForm(t, b, b.NewBrowser())
	stranger := b.NewBrowser()
	for range 15 {
		wantStatus(t, "mismatch", stranger.Get(path), http.StatusForbidden)
	}
	if events := b.FlushEvents(users.EventRequestMismatch); len(events) != 10 {
		t.Errorf("%d events, want 10", len(events))
	}
}

// N005
func TestAnExpiredRequestStartsAgain(t *testing.T) {
	t.Parallel()
	b := providertest.New(t)
	browser := b.NewBrowser()
	page, path := openForm(t, b, browser)
	b.Clock.Advance(16 * time.Minute)
	for _, password := range []string{providertest.Password, "wrong"} {
		answer := browser.Post("/login", filled(t, page.Body, providertest.Ada, password))
		wantStatus(t, "expired", answer, http.StatusBadRequest)
		links := webtest.Parse(t, answer.Body).ByID("main").All("a")
		if len(links) != 1 || links[0].Attr("href") != "/portal" {
			t.Errorf("links %v, want a way to the portal", links)
		}
	}
	wantStatus(t, "expired form", browser.Get(path), http.StatusBadRequest)
	if sessionOf(browser) != "" || strings.Contains(b.Logs.String(), "sign-in refused") {
		t.Error("the password was evaluated")
	}
}

// N002, N006
func TestAFinishedFormCannotBeSentAgain(t *testing.T) {
	t.Parallel()
	b := providertest.New(t)
	browser := b.NewBrowser()
	page, path := openForm(t, b, browser)
	fields := filled(t, page.Body, providertest.Ada, providertest.Password)
	wantStatus(t, "first", browser.Post("/login", fields), http.StatusSeeOther)
	wantStatus(t, "second", browser.Post("/login", fields), http.StatusBadRequest)
	wantStatus(t, "back", browser.Get(path), http.StatusBadRequest)
	wantStatus(t, "portal", browser.Get("/portal"), http.StatusOK)
}

func TestADoubleClickGetsOneCode(t *testing.T) {
	t.Parallel()
	b := providertest.New(t)
	browser := b.NewBrowser()
	page, _ := openForm(t, b, browser)
	fields := filled(t, page.Body, providertest.Ada, providertest.Password)
	windows := []*providertest.Browser{twin(b, browser), twin(b, browser)}
	answers := make([]providertest.Response, len(windows))
	var clicks sync.WaitGroup
	for i, window := range windows {
		clicks.Go(func() { answers[i] = window.Post("/login", fields) })
	}
	clicks.Wait()
	codes := 0
	for i, answer := range answers {
		got := answer.Query().Get("code") != ""
		// A click that came after the other was answered brings no session of its own; a browser has the other's.
		if got || sessionOf(windows[i]) != "" {
			wantStatus(t, "portal afterwards", windows[i].Get("/portal"), http.StatusOK)
		}
		if got {
			codes++
			continue
		}
		wantStatus(t, "the other click", answer, http.StatusBadRequest)
	}
	if codes != 1 {
		t.Errorf("%d codes, want 1", codes)
	}
}

// twin returns a browser with the same cookies, for requests at the same time.
func twin(b *providertest.Bench, browser *providertest.Browser) *providertest.Browser {
	other := b.NewBrowser()
	for _, c := range browser.Cookies() {
		other.SetCookie(&http.Cookie{Name: c.Name, Value: c.Value, Path: "/"})
	}
	return other
}

// N141, N142
func TestSigningInAgainChangesTheCookieAndKeepsTheSession(t *testing.T) {
	t.Parallel()
	b := providertest.New(t)
	browser := b.NewBrowser()
	browser.SignIn("/login", providertest.Ada, providertest.Password)
	before := sessionOf(browser)
	b.Clock.Advance(time.Minute)
	browser.SignIn(b.Authorize(providertest.Personio, "prompt", "login"), providertest.Ada, providertest.Password)
	after := sessionOf(browser)
	if after == before || after == "" {
		t.Error("the cookie's secret is the same after signing in again")
	}
	sessions, err := b.Sessions.Of(t.Context(), b.User(providertest.Ada).ID)
	if err != nil || len(sessions) != 1 {
		t.Errorf("%d sessions (%v), want the one", len(sessions), err)
	}
	old := b.NewBrowser()
	old.SetCookie(&http.Cookie{Name: "einlass-session", Value: before, Path: "/"})
	wantStatus(t, "portal with the old cookie", old.Get("/portal"), http.StatusSeeOther)
}

func TestSigningInAsSomebodyElseEndsTheirSession(t *testing.T) {
	t.Parallel()
	b := providertest.New(t)
	browser := b.NewBrowser()
	browser.SignIn("/login", providertest.Ada, providertest.Password)
	b.Clock.Advance(time.Minute)
	answer := browser.SignIn(b.Authorize(providertest.Personio, "prompt", "login"), providertest.Bob, providertest.Password)
	wantStatus(t, "sign-in", answer, http.StatusSeeOther)
	ada := b.User(providertest.Ada).ID
	if sessions, err := b.Sessions.Of(t.Context(), ada); err != nil || len(sessions) != 0 {
		t.Errorf("Ada still has %d sessions (%v)", len(sessions), err)
	}
	ended := b.FlushEvents(users.EventSessionEnded)
	if len(ended) != 1 || ended[0].Subject != string(ada) || ended[0].Actor != users.ActorUser(b.User(providertest.Bob).ID) {
		t.Errorf("events %v, want the end of Ada's session by Bob", ended)
	}
}

func TestTwoDifferentSessionCookiesAreNoSession(t *testing.T) {
	t.Parallel()
	b := providertest.New(t)
	browser := b.NewBrowser()
	browser.SignIn("/login", providertest.Ada, providertest.Password)
	answer := b.Get("/portal", "Cookie", "einlass-session="+sessionOf(browser)+"; einlass-session=planted")
	if got := answer.Header.Get("Location"); got != "/login" {
		t.Errorf("leads to %q, want the sign-in form", got)
	}
}

// N192, N196
func TestOtherSitesCannotSignAnybodyIn(t *testing.T) {
	t.Parallel()
	b := providertest.New(t)
	browser := b.NewBrowser()
	page := browser.Get("/login")
	fields := filled(t, page.Body, providertest.Ada, providertest.Password)
	post := func(header, value string) providertest.Response {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, b.Issuer+"/login", strings.NewReader(fields.Encode()))
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		r.Header.Set(header, value)
		return browser.Do(r)
	}
	for header, value := range map[string]string{"Sec-Fetch-Site": "cross-site", "Origin": "https://evil.example"} {
		wantStatus(t, value, post(header, value), http.StatusForbidden)
	}
	fields.Del("form_token") // an old browser, led here with the attacker's credentials
	wantStatus(t, "without the form's token", browser.Post("/login", fields), http.StatusForbidden)
	if sessionOf(browser) != "" {
		t.Error("a session was created")
	}
}

// N389: a link to the sign-in leads back to pages of the console and the account, and nowhere else.
func TestASignInLeadsBackToOurPagesOnly(t *testing.T) {
	t.Parallel()
	b := providertest.New(t)
	for next, want := range map[string]string{
		"https://evil.example/admin/x": "/portal", "//evil.example/admin/x": "/portal", `/\evil.example/admin/`: "/portal",
		"/admin/../portal/launch/wiki": "/portal", "/admin//evil.example": "/portal", "/admin/%2e%2e/portal/launch/wiki": "/portal",
		"/portal/launch/wiki": "/portal", "/logout": "/portal", "/admin": "/portal", "javascript:alert(1)": "/portal", "": "/portal",
		"/admin/" + strings.Repeat("x", 2048): "/portal",
		"/account/../admin":                   "/portal", "/account": "/portal", "/accounts/x": "/portal", "//evil.example/account/x": "/portal",
		"/admin/imports/x?link=a%26b#c": "/admin/imports/x?link=a%26b", "/account/sessions": "/account/sessions",
	} {
		path := "/login?" + url.Values{"next": {next}}.Encode()
		browser := b.NewBrowser()
		if got := browser.SignIn(path, providertest.Ada, providertest.Password).Header.Get("Location"); got != want {
			t.Errorf("sign-in for %q leads to %q, want %q", next, got, want)
		}
		if got := browser.Get(path).Header.Get("Location"); got != want {
			t.Errorf("for %q somebody who is signed in is led to %q, want %q", next, got, want)
		}
	}
}

// Whoever is signed in proves it once more: nothing changes until they have, and
// their session goes on under a new cookie.
// N147
func TestSomebodyWhoIsSignedInCanBeAskedAgain(t *testing.T) {
	t.Parallel()
	b := providertest.New(t)
	browser := b.NewBrowser()
	browser.SignIn("/login", providertest.Ada, providertest.Password)
	ada, before := b.User(providertest.Ada).ID, sessionOf(browser)
	b.Clock.Advance(time.Hour)
	again := "/login?again=1&next=%2Faccount%2Fsessions"
	page := browser.Get(again)
	wantStatus(t, "asked again", page, http.StatusOK)
	if got := webtest.Parse(t, page.Body).ByID("username").Attr("value"); got != providertest.Ada {
		t.Errorf("the form is filled in for %q", got)
	}
	refused := browser.SignIn(again, providertest.Ada, "wrong")
	_, form := providertest.FormOf(t, refused.Body, "password")
	if form.Get("again") == "" || form.Get("next") != "/account/sessions" {
		t.Errorf("after a wrong password the form says %v", form)
	}
	if sessionOf(browser) != before {
		t.Error("a wrong password has changed the session")
	}
	answer := browser.SignIn(again, providertest.Ada, providertest.Password)
	if got := answer.Header.Get("Location"); got != "/account/sessions" {
		t.Errorf("leads to %q", got)
	}
	sessions, err := b.Sessions.Of(t.Context(), ada)
	if err != nil || len(sessions) != 1 || !sessions[0].AuthTime.Equal(b.Clock.Now()) || sessionOf(browser) == before {
		t.Errorf("sessions %+v, %v; want the same with a sign-in of now and a new cookie", sessions, err)
	}
	stranger := b.NewBrowser().Get(again)
	if got := webtest.Parse(t, stranger.Body).ByID("username").Attr("value"); stranger.StatusCode != http.StatusOK || got != "" {
		t.Errorf("a stranger gets status %d and a form for %q", stranger.StatusCode, got)
	}
}

// A wrong password loses nothing of the way back, nor does another language.
func TestTheWayBackSurvivesAWrongPasswordAndAnotherLanguage(t *testing.T) {
	t.Parallel()
	b := providertest.New(t)
	browser := b.NewBrowser()
	path := "/login?" + url.Values{"next": {"/admin/imports/x?link=y"}}.Encode()
	page := browser.SignIn(path, providertest.Ada, "wrong")
	for _, link := range webtest.Parse(t, page.Body).All("a") {
		if link.Attr("hreflang") == "de" {
			page = browser.Get(link.Attr("href"))
		}
	}
	_, form := providertest.FormOf(t, page.Body, "password")
	if got := form.Get("next"); got != "/admin/imports/x?link=y" {
		t.Errorf("the form leads to %q", got)
	}
}
