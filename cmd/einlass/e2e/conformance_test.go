package e2e

import (
	"encoding/base64"
	"encoding/json"
	"maps"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// Whoever has the OpenID Foundation's suite runs its plans with the files of
// deploy/conformance as they are: the configuration starts the program, and what
// each plan tells the suite's browser leads where its modules want to get. What
// the modules check beyond that is TestConformance's.
func TestConformanceFilesLeadThroughTheirPlans(t *testing.T) {
	t.Parallel()
	suite := newConformanceSuite(t)
	plans := map[string]func(p *planRun){
		"config-op.json":              func(*planRun) {}, // loading it is all
		"basic-op.json":               func(p *planRun) { p.codeFlows("") },
		"form-post-op.json":           func(p *planRun) { p.codeFlows("form_post") },
		"rp-initiated-logout-op.json": func(p *planRun) { p.signOuts() },
		"back-channel-logout-op.json": func(p *planRun) { p.tellsOfSignOut() },
	}
	for _, file := range planFiles(t) {
		name := filepath.Base(file)
		drive, known := plans[name]
		if !known {
			t.Errorf("nothing drives %s", name)
			continue
		}
		t.Run(name, func(t *testing.T) {
			p := suite.load(t, name)
			drive(p)
			p.didEverything()
		})
	}
}

// codeFlows are the plans Basic OP and Form Post OP.
func (p *planRun) codeFlows(mode string) {
	p.mode = mode
	p.module("oidcc-server")
	p.tokens(http.MethodGet, p.request("login_hint", p.plan.Server.LoginHint), false)
	p.tokens(http.MethodGet, p.request("prompt", "none"), false)
	p.tokens(http.MethodPost, p.request(), false)

	p.module("oidcc-prompt-none-not-logged-in")
	p.isSignedOut()

	p.module("oidcc-server-client-secret-post")
	p.client = p.plan.ClientSecretPost
	p.tokens(http.MethodGet, p.request(), true)

	p.module("oidcc-refresh-token")
	for _, p.client = range []suiteClient{p.plan.Client, p.plan.Client2} {
		if p.tokens(http.MethodGet, p.request("scope", "openid offline_access", "prompt", "consent"), false)["refresh_token"] == nil {
			p.t.Errorf("%s has no refresh token", p.client.ID)
		}
	}
	for module, parameter := range map[string]string{"oidcc-prompt-login": "prompt=login", "oidcc-max-age-1": "max_age=0"} { // at once what 1 is in 2 s
		p.module(module)
		p.tokens(http.MethodGet, p.request(), false)
		name, value, _ := strings.Cut(parameter, "=")
		p.tokens(http.MethodGet, p.request(name, value), false)
		if p.browser.pictures != 2 {
			p.t.Errorf("%s: %d pictures of the form, want 2", module, p.browser.pictures)
		}
	}
	p.module("oidcc-ensure-registered-redirect-uri")
	p.visit(http.MethodGet, "authorization_endpoint", p.request("redirect_uri", p.address("callback")+"/unregistered"))
	p.ends(http.StatusBadRequest)

	p.module("oidcc-ensure-request-object-with-redirect-uri")
	p.visit(http.MethodGet, "authorization_endpoint", p.request("redirect_uri", p.address("callback")+"/invalid", "request", unsigned(`{}`)))
	p.ends(http.StatusBadRequest)
}

// isSignedOut asks silently.
func (p *planRun) isSignedOut() {
	p.t.Helper()
	p.visit(http.MethodGet, "authorization_endpoint", p.request("prompt", "none"))
	if got := p.answer().Get("error"); got != "login_required" {
		p.t.Errorf("error %q, want login_required", got)
	}
}

// unsigned is a JWT that nobody signed.
func unsigned(claims string) string {
	encode := base64.RawURLEncoding.EncodeToString
	return encode([]byte(`{"alg":"none"}`)) + "." + encode([]byte(claims)) + "."
}

// signIn begins a module that signs out, and returns the ID token.
func (p *planRun) signIn(module string) string {
	p.t.Helper()
	p.module(module)
	token, _ := p.tokens(http.MethodGet, p.request(), false)["id_token"].(string)
	return token
}

func (p *planRun) signOut(pairs ...string) {
	p.t.Helper()
	query := url.Values{}
	for i := 0; i+1 < len(pairs); i += 2 {
		query.Set(pairs[i], pairs[i+1])
	}
	p.visit(http.MethodGet, "end_session_endpoint", query)
}

// cameBack expects the browser at the suite after a sign-out, with the state and nothing else.
func (p *planRun) cameBack() {
	p.t.Helper()
	if got := p.arrival("post_logout_redirect", http.MethodGet); got.Encode() != "state=state" {
		p.t.Errorf("came back with %v, want the state alone", got)
	}
	p.isSignedOut()
}

// signOuts is the plan RP-Initiated Logout OP.
func (p *planRun) signOuts() {
	const module = "oidcc-rp-initiated-logout"
	back := p.address("post_logout_redirect")
	hint := p.signIn(module)
	p.signOut("id_token_hint", hint, "post_logout_redirect_uri", back, "state", "state")
	p.cameBack()

	for name, query := range map[string]func(hint string) []string{
		"-bad-post-logout-redirect-uri": func(hint string) []string {
			return []string{"id_token_hint", hint, "post_logout_redirect_uri", p.address("bad")}
		},
		"-query-added-to-post-logout-redirect-uri": func(hint string) []string {
			return []string{"id_token_hint", hint, "post_logout_redirect_uri", back + "?foo=bar"}
		},
		"-modified-id-token-hint": func(hint string) []string {
			claims, err := base64.RawURLEncoding.DecodeString(strings.Split(hint, ".")[1])
			must(p.t, err)
			return []string{"id_token_hint", unsigned(string(claims)), "post_logout_redirect_uri", back}
		},
		"-bad-id-token-hint": func(hint string) []string {
			signature := strings.LastIndex(hint, ".")
			return []string{"id_token_hint", hint[:signature] + "." + strings.Repeat("A", len(hint)-signature-1), "post_logout_redirect_uri", back}
		},
		"-no-id-token-hint": func(string) []string { return []string{"post_logout_redirect_uri", back} },
	} {
		hint := p.signIn(module + name)
		p.signOut(append(query(hint), "state", "state")...)
		p.ends(http.StatusBadRequest)
	}
	for name, query := range map[string]func(hint string) []string{
		"-no-params":                   func(string) []string { return nil },
		"-only-state":                  func(string) []string { return []string{"state", "state"} },
		"-no-post-logout-redirect-uri": func(hint string) []string { return []string{"id_token_hint", hint, "state", "state"} },
	} {
		hint := p.signIn(module + name)
		p.signOut(query(hint)...)
		p.ends(http.StatusOK)
		p.isSignedOut()
	}
	if len(p.told) > 0 {
		p.t.Errorf("%d calls of a plan whose modules expect none", len(p.told))
	}
}

// tellsOfSignOut is the plan Back-Channel Logout OP.
func (p *planRun) tellsOfSignOut() {
	hint := p.signIn("oidcc-backchannel-rp-initiated-logout")
	p.signOut("id_token_hint", hint, "post_logout_redirect_uri", p.address("post_logout_redirect"), "state", "state")
	p.cameBack()
	waitFor(p.t, "the provider tells of the sign-out", func() bool { return len(p.told) > 0 })
	r := <-p.told
	if r.Method != http.MethodPost || "https://"+r.Host+r.URL.Path != p.address("backchannel_logout") || sidOf(p.t, r.PostForm.Get("logout_token")) != sidOf(p.t, hint) {
		p.t.Errorf("%s %s%s with %v, want a logout token for the session", r.Method, r.Host, r.URL.Path, r.PostForm)
	}
}

// conformanceModule finds the modules of TestConformance.
var conformanceModule = regexp.MustCompile(`\{"(oidcc-[a-z0-9-]+)", `)

// A module that a plan names is one that TestConformance runs.
func TestConformanceFilesNameModulesThatExist(t *testing.T) {
	t.Parallel()
	sources, err := filepath.Glob("../../../provider/conformance_*_test.go")
	must(t, err)
	var known []string
	for _, source := range sources {
		text, err := os.ReadFile(source)
		must(t, err)
		for _, name := range conformanceModule.FindAllStringSubmatch(string(text), -1) {
			known = append(known, name[1])
		}
	}
	named := 0
	for _, file := range planFiles(t) {
		var plan suitePlan
		text, err := os.ReadFile(file)
		must(t, err)
		must(t, json.Unmarshal(text, &plan))
		for _, module := range slices.Sorted(maps.Keys(plan.Override)) {
			named++
			if !slices.Contains(known, module) {
				t.Errorf("%s names %s, which TestConformance does not run", filepath.Base(file), module)
			}
		}
	}
	if len(known) < 40 || named == 0 {
		t.Errorf("%d modules are known, %d named; is the pattern right?", len(known), named)
	}
}

// planFiles are the plan configurations of the folder.
func planFiles(t *testing.T) []string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(conformanceFolder, "*.json"))
	must(t, err)
	if len(files) == 0 {
		t.Fatal("there are no plans")
	}
	return files
}
