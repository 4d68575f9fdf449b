package admin_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/einlass/einlass/provider/providertest"
	"github.com/einlass/einlass/provider/web/webtest"
	"github.com/einlass/einlass/users"
)

const personioPath = "/admin/applications/personio"

// S-064: helpdesk and people without a role see no settings; an application without a sign-in has no page.
func TestAnApplicationIsForThoseWhoSeeTheConsole(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	for who, want := range map[string]int{
		helpdesk: http.StatusForbidden, providertest.Ada: http.StatusForbidden,
		auditor: http.StatusOK, administrator: http.StatusOK, owner: http.StatusOK,
	} {
		wantStatus(t, who, signedIn(t, b, who).Get(personioPath), want)
	}
	if answer := b.Get(personioPath); !strings.HasPrefix(answer.Header.Get("Location"), "/login?") {
		t.Errorf("not signed in: status %d to %q", answer.StatusCode, answer.Header.Get("Location"))
	}
	browser := signedIn(t, b, auditor)
	wantStatus(t, "an unknown application", browser.Get("/admin/applications/nothing"), http.StatusNotFound)
	wantStatus(t, "a form for a page", browser.Post(personioPath, nil), http.StatusMethodNotAllowed)
}

// S-064: the page has all that Personio's form asks for, equal to the discovery document, and each can be copied.
func TestAnApplicationShowsWhatItsFormAsksFor(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	var discovery struct {
		Issuer   string `json:"issuer"`
		Auth     string `json:"authorization_endpoint"`
		Token    string `json:"token_endpoint"`
		Userinfo string `json:"userinfo_endpoint"`
		JWKS     string `json:"jwks_uri"`
	}
	must(t, json.Unmarshal([]byte(b.Get("/.well-known/openid-configuration").Body), &discovery))
	want := map[string]string{
		"Issuer": discovery.Issuer, "Authorization URI": discovery.Auth, "Token URI": discovery.Token,
		"Userinfo URI (method GET)": discovery.Userinfo, "JSON Web Key Set URI": discovery.JWKS,
		"Scopes": "openid", "Client ID": "personio", "Claim Field": "email",
	}
	browser := signedIn(t, b, auditor)
	for _, lang := range []string{"en", "de"} {
		page := webtest.Parse(t, browser.Get(personioPath+"?lang="+lang).Body)
		copied := map[string]bool{}
		for _, button := range page.All("button") {
			copied[button.Attr("data-copy")] = true
		}
		shown := map[string]string{}
		terms, values := page.ByID("values").All("dt"), page.ByID("values").All("dd")
		for i := range terms {
			shown[terms[i].Text()] = values[i].Text()
		}
		for name, value := range want {
			if !strings.HasPrefix(shown[name], value) || !copied[value] {
				t.Errorf("%s: %s is %q, copied %t; want %q with a button", lang, name, shown[name], copied[value], value)
			}
		}
		if !strings.Contains(shown["Redirect URI"], "providers/oauth/callback") {
			t.Errorf("%s: redirect URI %q", lang, shown["Redirect URI"])
		}
		secret := providertest.SecretOf(providertest.Personio).Reveal()
		if strings.Contains(page.Text(), secret) || !strings.Contains(shown["Client Secret"], secret[len(secret)-4:]) {
			t.Errorf("S-063: %s: the secret is shown as %q", lang, shown["Client Secret"])
		}
	}
}

// conditions are the states of the page's conditions, by name, and the verdict.
func conditions(t *testing.T, browser *providertest.Browser, lang string) (states map[string]string, verdict, text string) {
	t.Helper()
	page := webtest.Parse(t, browser.Get(personioPath+"?lang="+lang).Body)
	states = map[string]string{}
	for _, row := range page.ByID("checks").All("tr")[1:] {
		states[row.All("th")[0].Text()] = row.All("td")[0].Text()
	}
	return states, page.ByID("ready").Text(), page.ByID("checks").Text()
}

// signInToPersonio signs somebody in from end to end.
func signInToPersonio(t *testing.T, b *providertest.Bench, who string) {
	t.Helper()
	code := b.NewBrowser().SignIn(b.Authorize(providertest.Personio), who, providertest.Password).Query().Get("code")
	var tokens struct {
		Access string `json:"access_token"`
	}
	must(t, json.Unmarshal([]byte(b.Tokens(providertest.Personio, code).Body), &tokens))
	wantStatus(t, "userinfo of "+who, b.Get("/userinfo", "Authorization", "Bearer "+tokens.Access), http.StatusOK)
}

// compareAll notes a comparison in which everybody would have got in.
func compareAll(t *testing.T, b *providertest.Bench) {
	t.Helper()
	a, err := b.Directory.Read().Application(t.Context(), providertest.Personio)
	must(t, err)
	c := users.NewComparison(a)
	c.Compared = 40
	must(t, b.Directory.RecordComparison(t.Context(), "cli:test", a.ID, c))
}

// S-066: the page says what speaks against making the sign-in mandatory, in its language, until nothing does.
func TestAnApplicationSaysWhetherItsSignInCanBeMandatory(t *testing.T) {
	t.Parallel()
	b := providertest.NewTLS(t, declaration())
	browser := signedIn(t, b, auditor)
	states, verdict, text := conditions(t, browser, "en")
	for name, want := range map[string]string{
		"The address is safe": "passed", "The application is on": "passed", "Somebody may use it": "passed",
		"Everybody who works there gets in": "open", "Two administrators or owners have signed in": "open", "An owner gets in without HR": "passed",
	} {
		if states[name] != want {
			t.Errorf("%s: %q, want %q", name, states[name], want)
		}
	}
	if !strings.HasPrefix(verdict, "Not yet") || !strings.Contains(text, "To do: Run einlass import check personio") {
		t.Errorf("verdict %q, conditions %q", verdict, text)
	}
	if _, verdict, text := conditions(t, browser, "de"); !strings.HasPrefix(verdict, "Noch nicht") || !strings.Contains(text, "Noch 2 Inhaber oder Administratoren") {
		t.Errorf("in German: verdict %q, conditions %q", verdict, text)
	}

	signInToPersonio(t, b, owner)
	must(t, b.Directory.Flush(t.Context()))
	if states, verdict, _ := conditions(t, browser, "en"); states["Two administrators or owners have signed in"] != "open" || !strings.HasPrefix(verdict, "Not yet") {
		t.Errorf("after one sign-in: %v, %q", states, verdict)
	}
	signInToPersonio(t, b, administrator)
	must(t, b.Directory.Flush(t.Context()))
	compareAll(t, b)
	if states, verdict, text := conditions(t, browser, "en"); !strings.HasPrefix(verdict, "Nothing speaks against") || !strings.Contains(text, "owner") {
		t.Errorf("after all: %v, %q: %s", states, verdict, text)
	}
	b.Clock.Advance(users.ComparedFor + time.Second)
	browser = signedIn(t, b, auditor)
	if states, verdict, _ := conditions(t, browser, "en"); states["Everybody who works there gets in"] != "open" || !strings.HasPrefix(verdict, "Not yet") {
		t.Errorf("more than a week later: %v, %q", states, verdict)
	}
}
