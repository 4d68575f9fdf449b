package provider_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/einlass/einlass/provider/providertest"
	"github.com/einlass/einlass/provider/web/webtest"
	"github.com/einlass/einlass/users"
)

func untrusted(t *testing.T) (*providertest.Bench, *providertest.Browser) {
	t.Helper()
	b := providertest.NewWith(t, providertest.Personio, func(a *users.SignIn) { a.Trusted = false })
	browser := b.NewBrowser()
	browser.SignIn("/login", providertest.Ada, providertest.Password)
	b.Clock.Advance(time.Second)
	return b, browser
}

// consentForm is the form to which an authorization request leads.
func consentForm(t *testing.T, browser *providertest.Browser, target string) url.Values {
	t.Helper()
	answer := browser.Get(target)
	if answer.StatusCode != http.StatusSeeOther || answer.Location().Path != "/consent" {
		t.Fatalf("status %d to %s, want the consent page", answer.StatusCode, answer.Location())
	}
	_, fields := providertest.FormOf(t, browser.Get(answer.Header.Get("Location")).Body, "decision")
	fields.Set("decision", "allow")
	return fields
}

// N056: what is not allowed is answered with access_denied, and not remembered.
func TestARefusedConsentIsAnswered(t *testing.T) {
	t.Parallel()
	b, browser := untrusted(t)
	if q := browser.Get(b.Authorize(providertest.Personio, "prompt", "none")).Query(); q.Get("error") != "consent_required" {
		t.Errorf("prompt=none: %v, want consent_required", q)
	}
	fields := consentForm(t, browser, b.Authorize(providertest.Personio))
	fields.Set("decision", "deny")
	answer := browser.Post("/consent", fields)
	if q := answer.Query(); q.Get("error") != "access_denied" || q.Get("state") != "the-state" || q.Get("iss") != b.Issuer || q.Has("code") {
		t.Errorf("status %d, parameters %v", answer.StatusCode, q)
	}
	consentForm(t, browser, b.Authorize(providertest.Personio))
	denied := b.FlushEvents(users.EventAccessDenied)
	if len(denied) != 1 || !strings.Contains(denied[0].Payload, "no_consent") {
		t.Errorf("events %v, want one denial for want of consent", denied)
	}
}

// A consent is given by the person who was asked, in the browser that asked, once.
func TestAConsentIsItsPersonsAndItsBrowsers(t *testing.T) {
	t.Parallel()
	b, browser := untrusted(t)
	fields := consentForm(t, browser, b.Authorize(providertest.Personio))
	stranger := b.NewBrowser()
	stranger.SignIn("/login", providertest.Ada, providertest.Password)
	if answer := stranger.Post("/consent", fields); answer.StatusCode != http.StatusForbidden || answer.Header.Get("Location") != "" {
		t.Errorf("another browser: status %d", answer.StatusCode)
	}
	for what, change := range map[string]string{"form_token": "wrong", "decision": "perhaps", "request": "unknown"} {
		changed := url.Values{}
		for name := range fields {
			changed.Set(name, fields.Get(name))
		}
		changed.Set(what, change)
		if answer := browser.Post("/consent", changed); answer.StatusCode < 400 || answer.Header.Get("Location") != "" {
			t.Errorf("%s %s: status %d", what, change, answer.StatusCode)
		}
	}
	// N006: somebody else signs in here meanwhile.
	browser.SignIn(b.Authorize(providertest.Native, "prompt", "login", "code_challenge", "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM", "code_challenge_method", "S256"), providertest.Bob, providertest.Password)
	if answer := browser.Post("/consent", fields); answer.StatusCode != http.StatusBadRequest || answer.Header.Get("Location") != "" {
		t.Errorf("another person: status %d to %q", answer.StatusCode, answer.Header.Get("Location"))
	}
	b.Clock.Advance(time.Second)
	browser.SignIn(b.Authorize(providertest.Wiki, "prompt", "login"), providertest.Ada, providertest.Password)
	if q := browser.Post("/consent", fields).Query(); q.Get("code") == "" {
		t.Errorf("the person who was asked: %v, want a code", q)
	}
	if answer := browser.Post("/consent", fields); answer.StatusCode != http.StatusBadRequest || answer.Header.Get("Location") != "" {
		t.Errorf("sent again: status %d", answer.StatusCode)
	}
}

// A login request is no question of consent, and one that has expired is over.
func TestOnlyAskedRequestsCanBeAllowed(t *testing.T) {
	t.Parallel()
	b, browser := untrusted(t)
	login := browser.Get(b.Authorize(providertest.Personio, "prompt", "login"))
	if status := browser.Get("/consent?" + login.Location().RawQuery).StatusCode; status != http.StatusBadRequest {
		t.Errorf("a request that waits for a sign-in: status %d, want 400", status)
	}
	fields := consentForm(t, browser, b.Authorize(providertest.Personio))
	b.Clock.Advance(16 * time.Minute)
	if answer := browser.Post("/consent", fields); answer.StatusCode != http.StatusBadRequest {
		t.Errorf("expired: status %d, want 400", answer.StatusCode)
	}
}

// An account that has changed while the page was open is looked at again.
func TestAConsentOfASuspendedPersonIsNothing(t *testing.T) {
	t.Parallel()
	b, browser := untrusted(t)
	fields := consentForm(t, browser, b.Authorize(providertest.Personio))
	ada := b.User(providertest.Ada)
	if _, err := b.Directory.Suspend(t.Context(), users.ActorSystem, ada.ID, "left"); err != nil {
		t.Fatal(err)
	}
	if answer := browser.Post("/consent", fields); answer.Query().Has("code") || answer.Location().Path != "/login" {
		t.Errorf("status %d to %s, want the sign-in form", answer.StatusCode, answer.Location())
	}
	if consents, err := b.Directory.Read().Consents(t.Context(), ada.ID); err != nil || len(consents) != 0 {
		t.Errorf("consents %v (%v), want none", consents, err)
	}
}

// A consent is remembered per person, application and scopes; more scopes,
// prompt=consent and a revocation ask again.
func TestAConsentIsRemembered(t *testing.T) {
	t.Parallel()
	b, browser := untrusted(t)
	target := b.Authorize(providertest.Personio, "scope", "openid email")
	if q := browser.Post("/consent", consentForm(t, browser, target)).Query(); q.Get("code") == "" || q.Get("state") != "the-state" {
		t.Fatalf("parameters %v, want a code", q)
	}
	for name, again := range map[string]string{
		"the same": target, "fewer scopes": b.Authorize(providertest.Personio),
		"a claim of a scope": b.Authorize(providertest.Personio, "claims", `{"userinfo":{"email":null}}`),
		"silent":             b.Authorize(providertest.Personio, "prompt", "none"),
	} {
		if q := browser.Get(again).Query(); q.Get("code") == "" {
			t.Errorf("%s: %v, want a code at once", name, q)
		}
	}
	consentForm(t, browser, b.Authorize(providertest.Personio, "scope", "openid profile"))
	consentForm(t, browser, b.Authorize(providertest.Personio, "claims", `{"id_token":{"name":null}}`))
	always := b.Authorize(providertest.Personio, "prompt", "consent")
	if q := browser.Post("/consent", consentForm(t, browser, always)).Query(); q.Get("code") == "" {
		t.Errorf("prompt=consent: %v, want a code after the answer", q)
	}
	consentForm(t, browser, always)

	bob := b.NewBrowser()
	bob.SignIn("/login", providertest.Bob, providertest.Password)
	consentForm(t, bob, target)

	granted := b.FlushEvents(users.EventConsentGranted)
	ada := b.User(providertest.Ada).ID
	if len(granted) != 2 || granted[0].Subject != string(ada) || !strings.Contains(granted[0].Payload, `"scopes":["claim:email","claim:mail","email","openid"]`) {
		t.Errorf("events %v, want two consents of Ada with their scopes", granted)
	}
	if err := b.Directory.RevokeConsent(t.Context(), users.ActorSystem, ada, providertest.Personio); err != nil {
		t.Fatal(err)
	}
	consentForm(t, browser, target)
	if revoked := b.FlushEvents(users.EventConsentRevoked); len(revoked) != 1 {
		t.Errorf("events %v, want one revocation", revoked)
	}
}

// max_age=0 and prompt=login are met by the sign-in for the request, also after the question.
func TestASignInForTheRequestLastsThroughTheQuestion(t *testing.T) {
	t.Parallel()
	b, browser := untrusted(t)
	for _, pair := range [][2]string{{"max_age", "0"}, {"prompt", "login"}, {"prompt", "login consent"}} {
		b.Clock.Advance(time.Minute)
		asked := browser.SignIn(b.Authorize(providertest.Personio, pair[0], pair[1], "scope", "openid email profile"), providertest.Ada, providertest.Password)
		answer := asked
		if asked.Location().Path == "/consent" {
			_, fields := providertest.FormOf(t, browser.Get(asked.Header.Get("Location")).Body, "decision")
			fields.Set("decision", "allow")
			b.Clock.Advance(time.Minute)
			answer = browser.Post("/consent", fields)
		}
		if answer.Query().Get("code") == "" {
			t.Errorf("%s=%s: to %s, want a code", pair[0], pair[1], answer.Location())
		}
	}
}

// The page says who asks and for what, in both languages, and works without script.
func TestTheConsentPage(t *testing.T) {
	t.Parallel()
	b, browser := untrusted(t)
	answer := browser.Get(b.Authorize(providertest.Personio, "scope", "openid email", "claims", `{"userinfo":{"nickname":null}}`))
	path := answer.Header.Get("Location")
	for lang, want := range map[string][]string{
		"en": {"personio · personio.example", "Your profile", "Your email address", "email, mail", "Ada Lovelace"},
		"de": {"personio · personio.example", "Ihr Profil", "Ihre E-Mail-Adresse", "email, mail", "Ada Lovelace"},
	} {
		shown := browser.Get(path + "&lang=" + lang)
		page := webtest.Parse(t, shown.Body)
		form := page.ByID("consent-form")
		if shown.StatusCode != http.StatusOK || !form.ByID("consent-allow").Exists() || !form.ByID("consent-deny").Exists() || len(page.All("script")) > 0 {
			t.Fatalf("%s: status %d, page %s", lang, shown.StatusCode, shown.Body)
		}
		for _, text := range want {
			if !strings.Contains(page.ByID("main").Text(), text) {
				t.Errorf("%s: the page reads %q, want %q in it", lang, page.ByID("main").Text(), text)
			}
		}
		if policy := shown.Header.Get("Content-Security-Policy"); !strings.Contains(policy, "form-action 'self' https://personio.example;") {
			t.Errorf("%s: policy %q", lang, policy)
		}
	}
}

// OpenID Connect Core section 11: coming back without the person is asked for in
// words, and given only after they allowed it.
func TestAConsentToComeBackGivesARefreshToken(t *testing.T) {
	t.Parallel()
	b := providertest.NewWith(t, providertest.Personio, func(a *users.SignIn) { a.Trusted, a.OfflineAccess = false, true })
	browser := b.NewBrowser()
	browser.SignIn("/login", providertest.Ada, providertest.Password)
	b.Clock.Advance(time.Second)
	fields := consentForm(t, browser, b.Authorize(providertest.Personio, "scope", "openid offline_access"))
	if tokens := decodeTokens(t, b.Tokens(providertest.Personio, browser.Post("/consent", fields).Query().Get("code"))); tokens.Refresh != "" {
		t.Error("a refresh token without prompt=consent")
	}
	asking := browser.Get(b.Authorize(providertest.Personio, "scope", "openid offline_access", "prompt", "consent"))
	page := browser.Get(asking.Header.Get("Location"))
	if !strings.Contains(page.Body, "while you are away") {
		t.Errorf("the page does not say what offline access means:\n%s", page.Body)
	}
	_, fields = providertest.FormOf(t, page.Body, "decision")
	fields.Set("decision", "allow")
	tokens := decodeTokens(t, b.Tokens(providertest.Personio, browser.Post("/consent", fields).Query().Get("code")))
	if tokens.Refresh == "" {
		t.Errorf("no refresh token after the consent: %+v", tokens)
	}
	form := url.Values{"grant_type": {"refresh_token"}, "refresh_token": {tokens.Refresh},
		"client_id": {"personio"}, "client_secret": {providertest.SecretOf(providertest.Personio).Reveal()}}
	renewed := b.Post("/token", form)
	if renewed.StatusCode != http.StatusOK {
		t.Fatalf("while the consent stands: %d %s", renewed.StatusCode, renewed.Body)
	}
	if err := b.Directory.RevokeConsent(t.Context(), users.ActorSystem, b.User(providertest.Ada).ID, "personio"); err != nil {
		t.Fatal(err)
	}
	form.Set("refresh_token", decodeTokens(t, renewed).Refresh)
	if answer := b.Post("/token", form); answer.StatusCode != http.StatusBadRequest || !strings.Contains(answer.Body, "invalid_grant") {
		t.Errorf("after the consent was revoked: %d %s", answer.StatusCode, answer.Body)
	}
}

// What the registration releases whatever the scope is consented to as well:
// when an administrator adds a claim, each person is asked again.
func TestAConsentDoesNotCoverClaimsThatAreAddedLater(t *testing.T) {
	t.Parallel()
	b := providertest.New(t)
	declare := func(claims map[string]string) {
		d := providertest.Declaration()
		for i := range d.Applications {
			if d.Applications[i].ID == providertest.Personio {
				s := d.Applications[i].SignIn
				s.Trusted, s.OfflineAccess, s.Claims = false, true, claims
			}
		}
		b.Redeclare(d)
	}
	declare(map[string]string{"email": "email", "nickname": "first_name"})
	browser := b.NewBrowser()
	browser.SignIn("/login", providertest.Ada, providertest.Password)
	b.Clock.Advance(time.Second)
	offline := b.Authorize(providertest.Personio, "scope", "openid offline_access", "prompt", "consent")
	code := browser.Post("/consent", consentForm(t, browser, offline)).Query().Get("code")
	refresh := decodeTokens(t, b.Tokens(providertest.Personio, code)).Refresh

	declare(map[string]string{"email": "email"})
	if q := browser.Get(b.Authorize(providertest.Personio)).Query(); q.Get("code") == "" {
		t.Errorf("a claim less: %v, want a code at once", q)
	}
	declare(map[string]string{"email": "email", "salary": "last_name"})
	if q := browser.Get(b.Authorize(providertest.Personio, "prompt", "none")).Query(); q.Get("error") != "consent_required" {
		t.Errorf("a claim more, silently: %v, want consent_required", q)
	}
	answer := b.Post("/token", url.Values{"grant_type": {"refresh_token"}, "refresh_token": {refresh},
		"client_id": {providertest.Personio}, "client_secret": {providertest.SecretOf(providertest.Personio).Reveal()}})
	if answer.StatusCode != http.StatusBadRequest || !strings.Contains(answer.Body, "invalid_grant") {
		t.Errorf("a claim more, for a refresh token from before: %d %s", answer.StatusCode, answer.Body)
	}
	if q := browser.Post("/consent", consentForm(t, browser, b.Authorize(providertest.Personio))).Query(); q.Get("code") == "" {
		t.Errorf("after the answer: %v, want a code", q)
	}
	if q := browser.Get(b.Authorize(providertest.Personio)).Query(); q.Get("code") == "" {
		t.Errorf("later: %v, want a code at once", q)
	}
}
