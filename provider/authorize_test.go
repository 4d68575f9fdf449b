package provider_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/einlass/einlass/keys"
	"github.com/einlass/einlass/provider/providertest"
	"github.com/einlass/einlass/provider/session/sessiontest"
	"github.com/einlass/einlass/users"
	"github.com/einlass/einlass/users/userstest"
)

// N010 N012 N014 N016 N019 N392 S-058 B-03: a redirect URI that is not byte for byte
// a registered one gets an error page, and nothing is sent anywhere.
// F-04
func TestAuthorizeRefusesEveryOtherRedirectURI(t *testing.T) {
	t.Parallel()
	b := providertest.New(t)
	browser := b.NewBrowser()
	browser.SignIn("/login", providertest.Ada, providertest.Password)
	good := providertest.CallbackOf(providertest.Personio)
	host := "https://personio.example"
	for name, uri := range map[string]string{
		"none":                      "",
		"trailing slash":            good + "/",
		"trailing space":            good + " ",
		"query added":               good + "?x=1",
		"fragment added":            good + "#x",
		"port added":                host + ":443/oauth/callback",
		"upper-case host":           "https://PERSONIO.example/oauth/callback",
		"upper-case path":           host + "/OAUTH/callback",
		"escaped":                   host + "/oauth%2Fcallback",
		"escaped dot":               "https://personio%2eexample/oauth/callback",
		"double-encoded (G7)":       url.QueryEscape(good),
		"dot segments":              host + "/oauth/x/../callback",
		"trailing dot in host":      "https://personio.example./oauth/callback",
		"userinfo":                  "https://personio.example@evil.test/oauth/callback",
		"subdomain of evil":         "https://personio.example.evil.test/oauth/callback",
		"backslash":                 `https://personio.example\.evil.test/oauth/callback`,
		"no scheme":                 "//personio.example/oauth/callback",
		"opaque":                    "https:personio.example/oauth/callback",
		"http":                      "http://personio.example/oauth/callback",
		"loopback trick":            "http://localhost:80@evil.test",
		"tab":                       good + "\t",
		"line break":                good + "\r\n",
		"homograph":                 "https://personiо.example/oauth/callback",
		"another company's tenant":  "https://other.personio.de/oauth/callback",
		"another application's URI": providertest.CallbackOf(providertest.Wiki),
		"fourth host":               "https://login.personio.de/login/callback",
	} {
		answer := browser.Get(b.Authorize(providertest.Personio, "redirect_uri", uri))
		if answer.StatusCode != http.StatusBadRequest || answer.Header.Get("Location") != "" {
			t.Errorf("%s: status %d, Location %q; want 400 without", name, answer.StatusCode, answer.Header.Get("Location"))
		}
		if uri != "" && strings.Contains(answer.Body, uri) {
			t.Errorf("%s: the error page repeats the URI", name)
		}
		if text, found := providertest.Element(t, answer.Body, "error"); !found || text == "" {
			t.Errorf("%s: no element error", name)
		}
		if reference, _ := providertest.Element(t, answer.Body, "reference"); reference == "" {
			t.Errorf("%s: no reference", name)
		}
	}
	// Invariant 9: the administrator finds which address to register.
	if !strings.Contains(b.Logs.String(), "https://other.personio.de/oauth/callback") {
		t.Error("the log does not name the redirect URI")
	}
	for _, uri := range []string{good, "https://login.personio.com/login/callback", "https://auth.personio.de/providers/oauth/callback"} {
		answer := browser.Get(b.Authorize(providertest.Personio, "redirect_uri", uri))
		if !strings.HasPrefix(answer.Header.Get("Location"), uri+"?code=") {
			t.Errorf("%s: Location %q, want a code there", uri, answer.Header.Get("Location"))
		}
	}
}

//
func TestAuthorizeShowsAPageForAnUnknownClient(t *testing.T) {
	t.Parallel()
	b := providertest.New(t)
	for name, id := range map[string]string{"unknown": "nobody", "missing": "", "other case": "PERSONIO"} {
		answer := b.Get(b.Authorize(providertest.Personio, "client_id", id))
		if answer.StatusCode != http.StatusBadRequest || answer.Header.Get("Location") != "" {
			t.Errorf("%s: status %d, Location %q; want 400 without", name, answer.StatusCode, answer.Header.Get("Location"))
		}
	}
	if !strings.Contains(b.Logs.String(), `client_unknown, sent \"nobody\", registered \"personio\"`) {
		t.Error("the log does not name the client")
	}
	for _, name := range []string{"client_id", "redirect_uri"} {
		target, _ := url.Parse(b.Authorize(providertest.Personio))
		answer := b.Get(target.String() + "&" + name + "=" + url.QueryEscape(target.Query().Get(name)))
		if answer.StatusCode != http.StatusBadRequest || answer.Header.Get("Location") != "" {
			t.Errorf("N020 %s twice: status %d, want 400", name, answer.StatusCode)
		}
	}
}

//
func TestAuthorizePromptNoneNeverShowsAPage(t *testing.T) {
	t.Parallel()
	b := providertest.New(t)
	browser := b.NewBrowser()
	if q := browser.Get(b.Authorize(providertest.Personio, "prompt", "none")).Query(); q.Get("error") != "login_required" {
		t.Errorf("not signed in: %v", q)
	}
	browser.SignIn("/login", providertest.Bob, providertest.Password)
	if q := browser.Get(b.Authorize(providertest.Wiki, "prompt", "none")).Query(); q.Get("error") != "access_denied" || q.Get("state") != "the-state" {
		t.Errorf("N056 without access: %v", q)
	}
	if q := browser.Get(b.Authorize(providertest.Personio, "prompt", "none")).Query(); q.Get("code") == "" {
		t.Errorf("signed in: %v", q)
	}
}

// a session that ends between the decision and the code is none; a silent
// request is told so, and another one shows the sign-in form.
func TestAuthorizeWhileTheSessionEnds(t *testing.T) {
	t.Parallel()
	for prompt, check := range map[string]func(providertest.Response) bool{
		"none": func(a providertest.Response) bool {
			return a.Query().Get("error") == "login_required" && a.Query().Get("state") == "the-state"
		},
		"": func(a providertest.Response) bool { return a.Location().Path == "/login" },
	} {
		directory := &interrupted{Store: userstest.SQLite(t)}
		b := providertest.NewOn(t, providertest.Stores{Users: directory, Sessions: sessiontest.SQLite(t)})
		browser := b.NewBrowser()
		browser.SignIn("/login", providertest.Ada, providertest.Password)
		ada := b.User(providertest.Ada).ID
		live, err := b.Sessions.Of(t.Context(), ada)
		if err != nil || len(live) != 1 {
			t.Fatalf("%d sessions, %v; want one", len(live), err)
		}
		signOut := func() error {
			return b.Sessions.Conclude(t.Context(), b.Directory, users.ActorUser(ada), users.SessionEnd{Reason: "signed_out"}, live...)
		}
		directory.before.Store(&signOut)
		answer := browser.Get(b.Authorize(providertest.Personio, "prompt", prompt))
		if answer.StatusCode != http.StatusSeeOther || answer.Query().Has("code") || !check(answer) {
			t.Errorf("prompt %q: status %d, Location %q", prompt, answer.StatusCode, answer.Header.Get("Location"))
		}
	}
}

// S-072: a live session is answered with the code in that very response.
func TestAuthorizeAnswersALiveSessionInOneResponse(t *testing.T) {
	t.Parallel()
	b := providertest.New(t)
	browser := b.NewBrowser()
	browser.SignIn("/login", providertest.Ada, providertest.Password)
	before := browser.Count
	answer := browser.Get(b.Authorize(providertest.Personio))
	q := answer.Query()
	if browser.Count-before != 1 || q.Get("code") == "" || q.Get("state") != "the-state" || q.Get("iss") != b.Issuer {
		t.Errorf("%d responses, parameters %v", browser.Count-before, q)
	}
	if answer.Header.Get("Cache-Control") != "no-store" || answer.Header.Get("Referrer-Policy") != "no-referrer" {
		t.Errorf("headers %v", answer.Header)
	}
}

// N020: a name may come once in query and form together.
func TestAuthorizeByPostRefusesWhatGetWouldNotSee(t *testing.T) {
	t.Parallel()
	b := providertest.New(t)
	target, _ := url.Parse(b.Authorize(providertest.Personio))
	if q := b.Post("/authorize?state=the-state", target.Query()).Query(); q.Get("error") != "invalid_request" {
		t.Errorf("state in query and body: %v, want invalid_request", q)
	}
}

// S-072 N005: sign in, and straight back to the application with the same state.
func TestAuthorizeSignsInAndComesBack(t *testing.T) {
	t.Parallel()
	b := providertest.New(t)
	browser := b.NewBrowser()
	first := browser.Get(b.Authorize(providertest.Personio, "login_hint", providertest.Ada, "nonce", "n-1"))
	if first.StatusCode != http.StatusSeeOther || first.Location().Path != "/login" {
		t.Fatalf("status %d to %s, want 303 to /login", first.StatusCode, first.Location())
	}
	page := browser.Get(first.Header.Get("Location"))
	action, form := providertest.FormOf(t, page.Body, "password")
	if form.Get("username") != providertest.Ada {
		t.Errorf("username %q, want the login_hint", form.Get("username"))
	}
	csp := page.Header.Get("Content-Security-Policy")
	if !strings.Contains(csp, "form-action 'self' https://personio.example;") {
		t.Errorf("policy %q does not let the form's redirect reach the application", csp)
	}
	form.Set("password", providertest.Password)
	if action == "" {
		action = page.Request.URL.String()
	}
	done := browser.Post(action, form)
	if done.StatusCode != http.StatusSeeOther || done.Query().Get("code") == "" || done.Query().Get("state") != "the-state" {
		t.Errorf("after the password: status %d, Location %q", done.StatusCode, done.Header.Get("Location"))
	}
}

// R-27 N028
func TestAuthorizeAsksAgainWhenTheApplicationWantsIt(t *testing.T) {
	t.Parallel()
	b := providertest.New(t)
	browser := b.NewBrowser()
	browser.SignIn("/login", providertest.Ada, providertest.Password)
	firstAuth := authTime(t, b, browser.Get(b.Authorize(providertest.Personio)).Query().Get("code"))
	b.Clock.Advance(5 * time.Second)
	for name, pair := range map[string][2]string{"prompt=login": {"prompt", "login"}, "max_age=1": {"max_age", "1"}, "max_age=0": {"max_age", "0"}, "prompt=select_account": {"prompt", "select_account"}} {
		b.Clock.Advance(5 * time.Second)
		answer := browser.Get(b.Authorize(providertest.Personio, pair[0], pair[1]))
		if answer.Location().Path != "/login" {
			t.Errorf("%s: Location %q, want the sign-in form", name, answer.Header.Get("Location"))
			continue
		}
		done := browser.SignIn(answer.Header.Get("Location"), providertest.Ada, providertest.Password)
		if at := authTime(t, b, done.Query().Get("code")); at <= firstAuth {
			t.Errorf("%s: auth_time %d is not later than %d", name, at, firstAuth)
		}
	}
	if q := browser.Get(b.Authorize(providertest.Personio, "max_age", "1", "prompt", "none")).Query(); q.Get("error") != "" && q.Get("error") != "login_required" {
		t.Errorf("max_age with prompt=none: %v", q)
	}
	b.Clock.Advance(2 * time.Second)
	if q := browser.Get(b.Authorize(providertest.Personio, "max_age", "1", "prompt", "none")).Query(); q.Get("error") != "login_required" {
		t.Errorf("stale session with prompt=none: %v", q)
	}
	one := authTime(t, b, browser.Get(b.Authorize(providertest.Personio, "max_age", "10000")).Query().Get("code"))
	b.Clock.Advance(time.Second)
	if two := authTime(t, b, browser.Get(b.Authorize(providertest.Personio, "max_age", "10000")).Query().Get("code")); two != one {
		t.Errorf("auth_time moved from %d to %d without a new authentication", one, two)
	}
}

// N059: errors, too, go by form, and values are escaped.
func TestAuthorizeAnswersByFormPost(t *testing.T) {
	t.Parallel()
	b := providertest.New(t)
	browser := b.NewBrowser()
	failed := browser.Get(b.Authorize(providertest.Personio, "response_mode", "form_post", "prompt", "none"))
	action, form := providertest.FormOf(t, failed.Body, "error")
	if failed.StatusCode != http.StatusOK || action != providertest.CallbackOf(providertest.Personio) || form.Get("error") != "login_required" ||
		form.Get("iss") != b.Issuer || form.Get("state") != "the-state" {
		t.Errorf("status %d, action %q, fields %v", failed.StatusCode, action, form)
	}
	if csp := failed.Header.Get("Content-Security-Policy"); !strings.Contains(csp, "form-action https://personio.example;") {
		t.Errorf("N059 policy %q", csp)
	}
	done := browser.SignIn(b.Authorize(providertest.Personio, "response_mode", "form_post", "state", `"><script>`), providertest.Ada, providertest.Password)
	_, form = providertest.FormOf(t, done.Body, "code")
	if form.Get("code") == "" || form.Get("state") != `"><script>` || strings.Contains(done.Body, `"><script>`) {
		t.Errorf("fields %v", form)
	}
}

// S-067 S-068 S-070 N056 invariant 1: denied without a bound group, with a page that
// completes the error at the application; a member gets in without a new sign-in.
// F-75
func TestAuthorizeDeniesWithoutABoundGroup(t *testing.T) {
	t.Parallel()
	b := providertest.New(t)
	browser := b.NewBrowser()
	browser.SignIn("/login", providertest.Bob, providertest.Password)
	for _, id := range []users.ApplicationID{providertest.Wiki, providertest.Vault} {
		answer := browser.Get(b.Authorize(id))
		if answer.StatusCode != http.StatusForbidden || answer.Header.Get("Location") != "" {
			t.Fatalf("%s: status %d, want 403 without a redirect", id, answer.StatusCode)
		}
		if text, _ := providertest.Element(t, answer.Body, "error"); text == "" {
			t.Errorf("%s: the page gives no reason", id)
		}
		if !strings.Contains(answer.Body, "error=access_denied") {
			t.Errorf("%s: no button completes the error at the application", id)
		}
	}
	denials := b.FlushEvents(users.EventAccessDenied)
	if len(denials) != 2 || !strings.Contains(denials[0].Payload, `"reason":"no_group"`) {
		t.Errorf("events %+v, want two denials for no_group", denials)
	}
	bob := b.User(providertest.Bob)
	dec := providertest.Declaration()
	for i := range dec.Users {
		if dec.Users[i].Email == providertest.Bob {
			dec.Users[i].Groups = []users.GroupID{"staff"}
		}
	}
	if _, err := b.Directory.Declare(t.Context(), dec); err != nil {
		t.Fatal(err)
	}
	if after := b.User(providertest.Bob); after.Epoch != bob.Epoch {
		t.Errorf("joining a group ended sessions: epoch %d, was %d", after.Epoch, bob.Epoch)
	}
	if q := browser.Get(b.Authorize(providertest.Wiki)).Query(); q.Get("code") == "" {
		t.Errorf("a member of the bound group gets no code: %v", q)
	}
}

// N001 N002 G1 invariant 2: a request belongs to the browser that made it.
func TestN001AnotherBrowserCannotFinishARequest(t *testing.T) {
	t.Parallel()
	b := providertest.New(t)
	attacker, victim := b.NewBrowser(), b.NewBrowser()
	begun := attacker.Get(b.Authorize(providertest.Personio))
	page := victim.Get(begun.Header.Get("Location"))
	if page.StatusCode != http.StatusForbidden && page.StatusCode != http.StatusBadRequest {
		t.Errorf("the victim sees the attacker's form: status %d", page.StatusCode)
	}
	own := victim.Get("/login")
	action, form := providertest.FormOf(t, own.Body, "password")
	form.Set("username", providertest.Ada)
	form.Set("password", providertest.Password)
	form.Set("request", begun.Location().Query().Get("request"))
	if action == "" {
		action = "/login"
	}
	done := victim.Post(action, form)
	if strings.Contains(done.Header.Get("Location"), "code=") {
		t.Errorf("the victim's sign-in finished the attacker's request: %s", done.Header.Get("Location"))
	}
	if q := attacker.Get(b.Authorize(providertest.Personio, "prompt", "none")).Query(); q.Get("error") != "login_required" {
		t.Errorf("the attacker is signed in: %v", q)
	}
	if events := b.FlushEvents(users.EventRequestMismatch); len(events) == 0 {
		t.Error("no event auth_request.mismatch")
	}
}

// N031 N032: nothing is ever built from Host or forwarded headers.
func TestAuthorizeTakesTheIssuerFromTheConfiguration(t *testing.T) {
	t.Parallel()
	b := providertest.New(t)
	answer := b.Get(b.Authorize(providertest.Personio, "prompt", "none"),
		"X-Forwarded-Host", "evil.test", "X-Forwarded-Proto", "https", "Forwarded", "host=evil.test", "X-Original-URL", "/admin")
	if iss := answer.Query().Get("iss"); iss != b.Issuer {
		t.Errorf("iss %q, want %q", iss, b.Issuer)
	}
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, b.Issuer+"/.well-known/openid-configuration", nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Host = "evil.test"
	if refused := b.Do(r); refused.StatusCode != http.StatusMisdirectedRequest || strings.Contains(refused.Body, "evil.test") {
		t.Errorf("Host evil.test: status %d, body %q", refused.StatusCode, refused.Body)
	}
}

// R-19 N104: no CORS but for the public documents.
func TestNoCrossOriginReadingButOfPublicDocuments(t *testing.T) {
	t.Parallel()
	b := providertest.New(t)
	for path, want := range map[string]string{
		b.Authorize(providertest.Personio): "", "/userinfo": "", "/login": "", "/portal": "",
		"/.well-known/openid-configuration": "*", "/.well-known/oauth-authorization-server": "*", "/jwks": "*",
	} {
		answer := b.Get(path, "Origin", "https://evil.test")
		if got := answer.Header.Get("Access-Control-Allow-Origin"); got != want || answer.Header.Get("Access-Control-Allow-Credentials") != "" {
			t.Errorf("%s: Access-Control-Allow-Origin %q, want %q", path, got, want)
		}
	}
}

// "Two different session cookies in one request: not signed in."
func TestTwoDifferentSessionCookiesAreNoSession(t *testing.T) {
	t.Parallel()
	b := providertest.New(t)
	browser := b.NewBrowser()
	browser.SignIn("/login", providertest.Ada, providertest.Password)
	var cookie *http.Cookie
	for _, c := range browser.Cookies() {
		if strings.Contains(c.Name, "session") {
			cookie = c
		}
	}
	if cookie == nil {
		t.Fatal("no session cookie")
	}
	planted := cookie.Name + "=" + cookie.Value + "; " + cookie.Name + "=" + keys.NewSecret().Reveal()
	answer := b.Get(b.Authorize(providertest.Personio, "prompt", "none"), "Cookie", planted)
	if q := answer.Query(); q.Get("error") != "login_required" {
		t.Errorf("parameters %v, want login_required", q)
	}
}

// authTime redeems a code and returns auth_time of its ID token.
func authTime(t *testing.T, b *providertest.Bench, code string) int64 {
	t.Helper()
	return verifiedIDToken(t, b, providertest.Personio, code).AuthTime
}

// R-27 N028: what a session is too old for does not hang on whose clock is ahead.
func TestAuthorizeAsksAgainWhateverTheClocks(t *testing.T) {
	t.Parallel()
	b := providertest.New(t)
	browser := b.NewBrowser()
	browser.SignIn("/login", providertest.Ada, providertest.Password)
	for _, pair := range [][2]string{{"prompt", "login"}, {"prompt", "select_account"}, {"max_age", "0"}} {
		b.Clock.Advance(-time.Minute) // the replica that is asked is behind
		asked := b.Authorize(providertest.Personio, pair[0], pair[1])
		first := browser.Get(asked)
		if first.Location().Path != "/login" {
			t.Errorf("%s: Location %q, want the sign-in form", pair, first.Header.Get("Location"))
			continue
		}
		page := browser.Get(first.Header.Get("Location"))
		b.Clock.Advance(-time.Minute) // the replica that takes the form is further behind
		_, form := providertest.FormOf(t, page.Body, "password")
		form.Set("username", providertest.Ada)
		form.Set("password", providertest.Password)
		if done := browser.Post("/login", form); done.Query().Get("code") == "" {
			t.Errorf("signed in for %s: Location %q, want a code", pair, done.Header.Get("Location"))
		}
		if q := browser.Get(asked + "&prompt=none").Query(); pair[0] == "max_age" && q.Get("error") != "login_required" {
			t.Errorf("%s, once more: %v, want login_required", pair, q)
		}
	}
}

// a session is never older than the longest max_age.
func TestAuthorizeTakesALongMaxAge(t *testing.T) {
	t.Parallel()
	b := providertest.New(t)
	browser := b.NewBrowser()
	browser.SignIn("/login", providertest.Ada, providertest.Password)
	b.Clock.Advance(time.Minute)
	for maxAge, want := range map[string]string{
		"-1": "invalid_request", "+60": "invalid_request", "60.0": "invalid_request", " 60": "invalid_request", "0x60": "invalid_request",
		"99999999999999999999": "invalid_request", "59": "login_required", "60": "", "9223372037": "", "9223372036854775807": "",
	} {
		answer := browser.Get(b.Authorize(providertest.Personio, "max_age", maxAge, "prompt", "none")).Query()
		if got := answer.Get("error"); got != want || (answer.Get("code") == "") != (want != "") {
			t.Errorf("max_age=%q: %q, want %q", maxAge, got, want)
		}
	}
}
