package e2e

import (
	"flag"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"

	"github.com/einlass/einlass/importer/personio/personiotest"
)

// screenshots names a folder for pictures of the pages, for the documentation and for looking at them.
var screenshots = flag.String("screenshots", "", "write pictures of all pages into this folder")

// TestBrowser walks both ways in with a real browser, in both languages. Two
// hosts are involved, or a blocked redirect after the form would not show.
// S-071 S-072 S-062
func TestBrowser(t *testing.T) {
	t.Parallel()
	h := newHouse(t, stores{}, personiotest.Config{People: 20, Seed: 5})
	_, jana := h.open()
	browser := chromium(t)
	for _, profile := range []personiotest.Profile{personiotest.OIDC, personiotest.LegacyOAuth2} {
		must(t, h.hr.Connect(h.relyingParty(profile)))
		for _, language := range []string{"de", "en"} {
			l := look{language: language, width: 1100}
			t.Log(profile, l)

			p := newTab(t, browser, l)
			p.open(h.hrURL + "/")
			p.do(chromedp.Click("#login-with-oauth"))
			if got, want := p.text("h1"), map[string]string{"de": "Anmelden", "en": "Sign in"}[language]; got != want {
				t.Errorf("heading %q, want %q", got, want)
			}
			p.signIn(jana, password)
			if who := p.text("#signed-in"); !strings.Contains(who, jana) || !strings.HasPrefix(p.location(), h.hrURL) {
				t.Errorf("SP-initiated: %q at %s", who, p.location())
			}
			p.quiet()

			p = newTab(t, browser, l)
			p.open(h.issuer + "/")
			p.signIn(jana, password)
			p.do(chromedp.Click(`a[href="/portal/launch/personio"]`))
			if who := p.text("#signed-in"); !strings.Contains(who, jana) {
				t.Errorf("IdP-initiated: %q at %s", who, p.location())
			}
			p.quiet()
		}
	}
}

// finding is what axe has against a page.
type finding struct {
	ID    string `json:"id"`
	Help  string `json:"help"`
	Nodes []struct {
		HTML string `json:"html"`
	} `json:"nodes"`
}

const runAxe = `axe.run(document, {runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]}).then(r => r.violations)`

// check looks at the page in the browser: accessible, no sideways scrolling, and a picture if wanted.
func (p *tab) check(axeSource, name string, l look) {
	p.t.Helper()
	p.do(chromedp.WaitReady("main"), chromedp.Evaluate[chromedp.Void](axeSource))
	findings, err := chromedp.Run(p.ctx, chromedp.Evaluate[[]finding](runAxe, chromedp.EvalAwaitPromise))
	must(p.t, err)
	for _, f := range findings {
		p.t.Errorf("%s %s: axe: %s (%s): %+v", name, l, f.ID, f.Help, f.Nodes)
	}
	overflow, err := chromedp.Run(p.ctx, chromedp.Evaluate[int](`document.documentElement.scrollWidth - document.documentElement.clientWidth`))
	must(p.t, err)
	if overflow > 0 {
		p.t.Errorf("%s %s: the page scrolls sideways by %d px", name, l, overflow)
	}
	p.picture(name + "-" + l.String() + ".png")
}

// callsOfPersonio is the page that follows the calls of an application. Held still, it does not
// load itself again while it is looked at.
const callsOfPersonio = "/admin/applications/personio/log"

// surveyLogo is drawn as programs draw: with styles, a gradient and a use.
const surveyLogo = `<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" viewBox="0 0 48 48">
<defs><linearGradient id="sky" x2="0" y2="1"><stop stop-color="#0ea5e9"/><stop offset="1" stop-color="#1e3a8a"/></linearGradient></defs>
<style>.bar{fill:#fff;stroke:none}</style>
<circle cx="24" cy="24" r="22" fill="url(#sky)"/>
<rect id="bar" class="bar" x="13" y="24" width="5" height="11" rx="1"/>
<use xlink:href="#bar" transform="translate(8.5 -5)"/>
<path class="bar" d="M30 13h5v22h-5z"/>
</svg>
`

// logo waits for a picture and fails unless the browser has drawn it.
func (p *tab) logo(selector string) {
	p.t.Helper()
	p.do(chromedp.WaitReady(selector))
	drawn := fmt.Sprintf("(async () => { const i = document.querySelector(%q); await i.decode(); return i.naturalWidth > 0 && i.clientWidth > 0 })()", selector)
	ok, err := chromedp.Run(p.ctx, chromedp.Evaluate[bool](drawn, chromedp.EvalAwaitPromise))
	if err != nil || !ok {
		p.t.Errorf("the logo at %s is drawn: %t, %v", selector, ok, err)
	}
}

// Every page in both languages, both themes, on a phone and on a desktop: WCAG 2.2 AA as far as axe knows.
// F-112
func TestPagesAreAccessible(t *testing.T) {
	t.Parallel()
	source := axe(t)
	h := newHouse(t, stores{}, personiotest.Config{People: 20, Seed: 5})
	logo := filepath.Join(t.TempDir(), "survey.svg")
	must(t, os.WriteFile(logo, []byte(surveyLogo), 0o600))
	h.declare(fmt.Sprintf("{ id: survey, label: Team Survey, groups: [everyone], logo_file: %q, launch: { url: https://survey.example/ }, sign_in: { client_id: survey, auth_method: none, redirect_uris: [%q], trusted: false, offline_access: true, claims: { department: department } } }", logo, h.hrURL+"/"))
	h.declare("{ id: notes, label: Notes, groups: [everyone], sign_in: { client_id: notes, auth_method: none, redirect_uris: ['https://notes.example/callback'], offline_access: true } }")
	jana := h.somebody()
	var run runReport
	h.json(&run, "import", "run")
	choice, held := h.newcomers(), h.heldImport()
	h.ok("", "admin", "recover", jana)
	h.ok(password+"\n", "users", "password", jana)
	h.ok("", "apps", "add", "wiki", "--label", "Wiki", "--client-id", "wiki", "--redirect-uri", "https://wiki.example/callback")
	h.serve(h.address)
	watched := h.watch(t)
	h.browser().get(h.issuer + "/authorize?client_id=personio&redirect_uri=https%3A%2F%2Fwrong.example%2F")
	watched.verdict()
	h.stayingSignedIn(t, jana)
	browser := chromium(t)
	survey := url.Values{
		"client_id": {"survey"}, "redirect_uri": {h.hrURL + "/"}, "response_type": {"code"}, "prompt": {"consent"},
		"scope":          {"openid profile email offline_access"},
		"code_challenge": {challenge}, "code_challenge_method": {"S256"},
	}
	for _, language := range []string{"de", "en"} {
		for _, dark := range []bool{false, true} {
			for _, width := range []int64{320, 390, 1360} {
				l := look{language, dark, width}
				p := newTab(t, browser, l)
				p.open(h.hrURL + "/oauth/authorise")
				p.check(source, "login", l)
				p.open(h.issuer + "/authorize?" + survey.Encode()) // whose strip has a logo
				p.logo(".strip > img.logo")
				p.do(chromedp.WaitReady("#username:focus"))
				p.signIn("nobody-"+l.String()+"@acme.example", "not the password") // one account would be throttled
				p.text(`[role="alert"]`)
				p.check(source, "login-refused", l)
				p.open(h.issuer + "/portal")
				p.signIn(jana, password)
				p.text(`a[href="/portal/launch/personio"]`)
				p.logo(`a[href="/portal/launch/survey"] > img.logo`)
				p.check(source, "portal", l)
				p.open(h.issuer + "/account/sessions")
				p.text("#access")
				p.check(source, "sessions", l)
				p.open(h.issuer + "/admin/imports/" + run.ID)
				p.text("#people")
				p.check(source, "import", l)
				p.open(h.issuer + "/admin/imports")
				p.text("#runs")
				p.check(source, "imports", l)
				p.do(chromedp.Click("details.options > summary"))
				p.check(source, "imports-options", l)
				p.open(h.issuer + "/admin/imports/" + choice)
				p.text("#choose")
				p.do(chromedp.Click("#choose input[type=checkbox]"))
				if got, want := p.text("#chosen"), map[string]string{"de": "1 Person wird importiert.", "en": "1 person will be imported."}[language]; got != want {
					t.Errorf("one ticked: %q, want %q", got, want)
				}
				p.check(source, "import-choose", l)
				p.open(h.issuer + "/admin/imports/" + held)
				p.text("#approve")
				p.check(source, "import-held", l)
				p.open(h.issuer + "/admin/imports/" + run.ID + "?link=broken")
				p.text("#error")
				p.check(source, "import-link", l)
				p.open(h.issuer + "/admin/applications")
				p.text("#applications")
				p.check(source, "applications", l)
				p.open(h.issuer + "/admin/applications/personio")
				p.text("#checks")
				p.check(source, "application", l)
				p.open(h.issuer + callsOfPersonio)
				p.text("#calls")
				p.check(source, "calls", l)
				p.do(chromedp.Click("#watch"))
				p.text("#still")
				p.open(h.issuer + callsOfPersonio + "?still=1")
				p.text("#follow")
				p.check(source, "calls-watched", l)
				p.do(chromedp.Click("#stop"))
				p.text("#watch")
				p.open(h.issuer + "/authorize?client_id=wiki&redirect_uri=https%3A%2F%2Fwiki.example%2Fcallback&response_type=code&scope=openid")
				p.text("#error")
				p.check(source, "denied", l)
				p.open(h.issuer + "/authorize?" + survey.Encode())
				p.text("#consent-scopes")
				p.logo(".strip > img.logo")
				p.check(source, "consent", l)
				p.do(chromedp.Click("#consent-deny"))
				p.text("#login-with-oauth")
				if !strings.HasPrefix(p.location(), h.hrURL+"/?error=access_denied") {
					t.Errorf("after a refused consent at %s", p.location())
				}
				p.open(h.issuer + "/authorize?client_id=nobody")
				p.text("#error")
				p.check(source, "error", l)
				p.open(h.issuer + "/logout")
				p.text("#logout-confirm")
				p.check(source, "logout", l)
				p.do(chromedp.Click("#logout-confirm"))
				p.text("#logged-out")
				p.check(source, "signed-out", l)
				p.quiet("the server responded with a status of 4")
			}
		}
	}
}
