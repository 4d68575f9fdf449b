package web_test

import (
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"

	"github.com/einlass/einlass/provider/web"
	"github.com/einlass/einlass/provider/web/webtest"
)

const personioCallback = "https://acme.personio.de/oauth/callback"

// ownPages renders every page of this package.
func ownPages(s *web.Site) map[string]web.HandlerFunc {
	fields := []web.Field{{Name: "error", Value: "access_denied"}, {Name: "state", Value: `a"b`}}
	denied := web.Denied{Application: "Personio", ReasonKey: "denied.no_group", SignedInAs: "Ada Lovelace"}
	byLink, byForm := denied, denied
	byLink.ContinueURL = personioCallback + "?error=access_denied&state=a%22b"
	byForm.Action, byForm.Fields = personioCallback, fields
	return map[string]web.HandlerFunc{
		"error":          func(http.ResponseWriter, *http.Request) error { return &web.Error{Status: 404} },
		"sign-out error": func(http.ResponseWriter, *http.Request) error { return &web.Error{Status: 400, SignOut: true} },
		"signed out":     s.SignedOut,
		"denied":         func(w http.ResponseWriter, r *http.Request) error { return s.Denied(w, r, denied) },
		"denied by link": func(w http.ResponseWriter, r *http.Request) error { return s.Denied(w, r, byLink) },
		"denied by form": func(w http.ResponseWriter, r *http.Request) error { return s.Denied(w, r, byForm) },
		"form_post": func(w http.ResponseWriter, r *http.Request) error {
			return s.FormPost(w, r, personioCallback, nil, fields)
		},
	}
}

func render(t *testing.T, s *web.Site, page web.HandlerFunc, target string) webtest.Answer {
	t.Helper()
	return serve(t, s.Wrap(s.Handle(page)), get(target))
}

// N202
func TestEveryPageHasStrictHeaders(t *testing.T) {
	t.Parallel()
	s := newSite(t, nil)
	for name, page := range ownPages(s) {
		a := render(t, s, page, "/x")
		want := map[string]string{
			"Cache-Control":              "no-store",
			"Content-Type":               "text/html; charset=utf-8",
			"Cross-Origin-Opener-Policy": "same-origin",
			"Referrer-Policy":            "no-referrer",
			"Strict-Transport-Security":  "max-age=31536000",
			"X-Content-Type-Options":     "nosniff",
			"X-Frame-Options":            "DENY",
		}
		got := map[string]string{}
		for field := range want {
			got[field] = a.Header.Get(field)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
		policy := a.Header.Get("Content-Security-Policy")
		for _, directive := range []string{"default-src 'none'", "base-uri 'none'", "frame-ancestors 'none'"} {
			if !strings.Contains(policy, directive) {
				t.Errorf("%s: policy %q lacks %s", name, policy, directive)
			}
		}
		if strings.Contains(policy, "unsafe") || strings.Contains(policy, "*") {
			t.Errorf("%s: policy %q is weak", name, policy)
		}
	}
}

func TestAnHTTPSiteSendsNoStrictTransportSecurity(t *testing.T) {
	t.Parallel()
	s := newSite(t, func(cfg *web.Config) { cfg.Issuer = &url.URL{Scheme: "http", Host: "sso.acme.example"} })
	if got := serve(t, nothing(s), get("/")).Header.Get("Strict-Transport-Security"); got != "" {
		t.Errorf("Strict-Transport-Security %q on http", got)
	}
}

func TestNoPageHasInlineScriptOrStyle(t *testing.T) {
	t.Parallel()
	s := newSite(t, nil)
	for name, page := range ownPages(s) {
		a := render(t, s, page, "/x")
		if len(a.All("style")) > 0 || len(a.WithAttr("style")) > 0 || len(a.WithAttr("onclick")) > 0 || len(a.WithAttr("onload")) > 0 {
			t.Errorf("%s: inline style or event handler", name)
		}
		if scripts := len(a.All("script")); name != "form_post" && scripts > 0 {
			t.Errorf("%s: %d scripts, want none", name, scripts)
		}
	}
}

// brokenText matches a text that lost a parameter or was not found.
var brokenText = regexp.MustCompile(`\{[a-z_]+\}|\b(layout|error|denied|signed_out|form_post)\.[a-z_]+\b`)

func TestEveryPageIsWholeInEveryLanguage(t *testing.T) {
	t.Parallel()
	s := newSite(t, func(cfg *web.Config) {
		cfg.Links = web.Links{Help: "mailto:it@acme.example", Privacy: "https://acme.example/privacy", Imprint: "https://acme.example/imprint"}
	})
	for name, page := range ownPages(s) {
		for _, code := range s.Languages() {
			a := render(t, s, page, "/x?lang="+code)
			html := a.All("html")[0]
			if got := html.Attr("lang"); got != code {
				t.Errorf("%s: language %q, want %q", name, got, code)
			}
			if found := brokenText.FindString(html.Text()); found != "" {
				t.Errorf("%s in %s shows %q", name, code, found)
			}
			if got := a.All("main"); len(got) != 1 || !a.ByID("main").Exists() {
				t.Errorf("%s in %s: %d main elements, want one with id main", name, code, len(got))
			}
			if len(a.All("h1")) != 1 {
				t.Errorf("%s in %s: want one heading", name, code)
			}
		}
	}
}

func TestSignedOutSaysSo(t *testing.T) {
	t.Parallel()
	s := newSite(t, nil)
	a := render(t, s, s.SignedOut, "/x")
	if got := a.ByID("logged-out").Text(); a.Status != http.StatusOK || !strings.Contains(got, "signed out") {
		t.Errorf("status %d with %q in #logged-out", a.Status, got)
	}
	if a.ByID("reference").Text() != a.Header.Get("X-Request-Id") {
		t.Error("the page lacks the reference")
	}
}

func TestAnErrorPageTellsNothingOfTheRequest(t *testing.T) {
	t.Parallel()
	s := newSite(t, nil)
	a := render(t, s, ownPages(s)["error"], "/authorize?client_id=sekret&state=abc")
	if strings.Contains(a.Body, "sekret") || strings.Contains(a.Body, "authorize") {
		t.Error("the page repeats the request")
	}
	links := a.ByID("main").All("a")
	if len(links) != 1 || links[0].Attr("href") != "/portal" {
		t.Errorf("want one link, to the portal: %v", links)
	}
	if a := render(t, s, ownPages(s)["sign-out error"], "/end_session"); a.ByID("main").All("a")[0].Attr("href") != "/logout" {
		t.Error("the error of a sign-out does not lead to the confirmation page")
	}
}

// N056
func TestDeniedCompletesTheRequestAtTheApplication(t *testing.T) {
	t.Parallel()
	s := newSite(t, nil)
	pages := ownPages(s)

	a := render(t, s, pages["denied by link"], "/authorize")
	links := a.ByID("main").All("a")
	if a.Status != http.StatusForbidden || !a.ByID("error").Exists() || !a.ByID("reference").Exists() {
		t.Errorf("status %d, want 403 with #error and #reference", a.Status)
	}
	if want := personioCallback + "?error=access_denied&state=a%22b"; len(links) != 1 || links[0].Attr("href") != want {
		t.Errorf("links %v, want one to %s", links, want)
	}
	if got := a.ByID("main").Text(); !strings.Contains(got, "Personio") || !strings.Contains(got, "Signed in as Ada Lovelace") {
		t.Errorf("the page %q does not say who has no access to what", got)
	}

	a = render(t, s, pages["denied by form"], "/authorize")
	form := a.ByID("main").All("form")[0]
	if form.Attr("action") != personioCallback || form.Attr("method") != "post" {
		t.Errorf("form to %q", form.Attr("action"))
	}
	if diff := cmp.Diff(url.Values{"error": {"access_denied"}, "state": {`a"b`}}, form.Fields()); diff != "" {
		t.Errorf("fields (-want +got):\n%s", diff)
	}
	if policy := a.Header.Get("Content-Security-Policy"); !strings.Contains(policy, "form-action 'self' https://acme.personio.de;") {
		t.Errorf("policy %q does not let the form go to the application", policy)
	}

	a = render(t, s, pages["denied"], "/portal/launch/personio")
	if got := a.ByID("main").All("a")[0].Attr("href"); got != "/portal" {
		t.Errorf("without an application that waits the button leads to %q", got)
	}
}

func TestFormPostSendsItselfAndWorksWithoutScript(t *testing.T) {
	t.Parallel()
	s := newSite(t, nil)
	a := render(t, s, ownPages(s)["form_post"], "/authorize")
	forms := a.All("form")
	if a.Status != http.StatusOK || len(forms) != 1 || forms[0].Attr("method") != "post" || forms[0].Attr("action") != personioCallback {
		t.Fatalf("status %d and %d forms, want 200 and one post to the redirect URI", a.Status, len(forms))
	}
	for _, input := range a.All("input") {
		if input.Attr("type") != "hidden" {
			t.Errorf("input %q is not hidden", input.Attr("name"))
		}
	}
	noscript := a.All("noscript")
	if len(noscript) != 1 || len(noscript[0].All("button")) != 1 || len(a.All("button")) != 1 {
		t.Error("want one button, inside noscript")
	}
	scripts := a.All("script")
	if len(scripts) != 1 || !strings.Contains(a.Body, ">document.forms[0].submit()</script>") {
		t.Fatalf("%d scripts, want one that submits", len(scripts))
	}
	policy := a.Header.Get("Content-Security-Policy")
	if nonce := scripts[0].Attr("nonce"); nonce == "" || !strings.Contains(policy, "script-src 'nonce-"+nonce+"';") {
		t.Errorf("nonce %q is not in the policy %q", nonce, policy)
	}
	if !strings.Contains(policy, "form-action https://acme.personio.de;") {
		t.Errorf("policy %q: form-action is not exactly the redirect URI's origin", policy)
	}
}

func TestFormTargetsAreOrigins(t *testing.T) {
	t.Parallel()
	for address, want := range map[string]string{
		personioCallback:                     "https://acme.personio.de",
		"http://127.0.0.1:8081/callback":     "http://127.0.0.1:8081",
		"http://[::1]:51004/callback":        "http://*:51004", // no address of IPv6 is a source
		"http://[::1]/callback":              "http://*",
		"com.acme.app:/callback":             "",
		"com.acme.app://callback":            "",
		"https://a.example;script-src/x":     "",
		"https://a.example'unsafe-inline'/x": "",
		"https:///callback":                  "",
		"javascript:alert(1)":                "",
		"data:text/html,x":                   "",
		"/callback":                          "",
		"https://*.example/callback":         "",
	} {
		got, err := web.FormTarget(address)
		if got != want || (err == nil) != (want != "") {
			t.Errorf("%s: got %q, %v; want %q", address, got, err, want)
		}
	}
}

// hostile are texts that would run script if a page did not escape them.
var hostile = []string{
	`<script>alert(1)</script>`, `"><img src=x onerror=alert(1)>`, `' autofocus onfocus=alert(1) x='`,
	`{{.}}`, `{name}`, `javascript:alert(1)`, "\u2028</title><svg/onload=alert(1)>", `&lt;b&gt;`,
}

func TestTextsOfOthersAreEscaped(t *testing.T) {
	t.Parallel()
	s := newSite(t, nil)
	for _, text := range hostile {
		a := render(t, s, func(w http.ResponseWriter, r *http.Request) error {
			return s.Denied(w, r, web.Denied{
				Application: text, ReasonKey: "denied.no_group", SignedInAs: text,
				Action: personioCallback, Fields: []web.Field{{Name: "state", Value: text}},
			})
		}, "/x")
		if len(a.All("script")) > 0 || len(a.All("img")) > 0 || len(a.WithAttr("onerror")) > 0 || len(a.WithAttr("onfocus")) > 0 {
			t.Errorf("%q became markup", text)
		}
		if got := a.ByID("main").All("form")[0].Fields().Get("state"); got != text {
			t.Errorf("%q arrives as %q", text, got)
		}
		if got := a.All("strong")[0].Text(); got != strings.Join(strings.Fields(text), " ") {
			t.Errorf("%q is shown as %q", text, got)
		}
	}
}

func TestAPageWithAnUnknownTextIsRefused(t *testing.T) {
	t.Parallel()
	s := newSite(t, nil)
	for name, content := range map[string]string{
		"unknown text":      `{{.T "error.no_such_text"}}`,
		"in a range":        `{{range .Languages}}{{if .Current}}{{$.T "error.no_such_text"}}{{end}}{{end}}`,
		"missing parameter": `{{.T "denied.heading"}}`,
	} {
		files := fstest.MapFS{"page.html": {Data: []byte(`{{define "title"}}x{{end}}{{define "content"}}` + content + `{{end}}`)}}
		if _, err := s.Page(files, "page.html"); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}
