package e2e

import (
	"crypto/tls"
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"

	"github.com/einlass/einlass/importer/personio/personiotest"
	"github.com/einlass/einlass/users"
)

// readiness is what apps check prints.
type readiness struct {
	Ready  bool
	Checks []struct {
		Check users.ReadinessName
		State users.CheckState
		Seen  string
	}
	code int
}

// readiness checks whether the sign-in to Personio can be made mandatory.
func (h *house) readiness(t *testing.T) readiness {
	t.Helper()
	r := h.run("", "apps", "check", "personio", "-o", "json")
	found := readiness{code: r.code}
	if err := json.Unmarshal([]byte(r.stdout), &found); err != nil {
		t.Fatalf("%v\n%s%s", err, r.stdout, r.stderr)
	}
	return found
}

// unmet are the conditions that are not met.
func (r readiness) unmet() []users.ReadinessName {
	var names []users.ReadinessName
	for _, c := range r.Checks {
		if c.State != users.CheckPassed {
			names = append(names, c.Check)
		}
	}
	return names
}

// S-066: a sign-in can be made mandatory once two who decide have been through it, at whatever replica.
func TestASignInBecomesMandatoryOnceTwoHaveTriedIt(t *testing.T) {
	t.Parallel()
	h := newHouse(t, stores{postgres: true, redis: true}, personiotest.Config{People: 20, Seed: 3})
	client := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: h.speakTLS(t), ServerName: "example.com"}}}
	h.ok("", "import", "run")
	first := h.somebody()
	second := h.another(first)
	h.ok("", "admin", "recover", "emergency@acme.example")
	for _, who := range []string{first, second} {
		h.ok("", "admin", "recover", who)
		h.ok(password+"\n", "users", "password", who)
	}
	h.ok("", "import", "check")
	other := freeAddress(t)
	h.serve(h.address)
	h.serve(other)
	if r := h.readiness(t); r.code != 3 || len(r.unmet()) != 1 || r.unmet()[0] != users.ReadinessTested {
		t.Errorf("before anybody has signed in: exit code %d, not met %v; want 3 and sign-ins alone", r.code, r.unmet())
	}

	signIn := func(who, replica string) { // the code comes from the first replica
		t.Helper()
		b := h.browser()
		b.client.Transport = client.Transport
		b.signIn(b.get(h.issuer+"/portal"), who)
		answer, err := client.PostForm("https://"+replica+"/token", h.redemption(b.code(t, h, h.issuer)))
		must(t, err)
		defer answer.Body.Close()
		var tokens tokenAnswer
		must(t, json.NewDecoder(answer.Body).Decode(&tokens))
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "https://"+replica+"/userinfo", nil)
		must(t, err)
		r.Header.Set("Authorization", "Bearer "+tokens.AccessToken)
		claims, err := client.Do(r)
		must(t, err)
		defer claims.Body.Close()
		if claims.StatusCode != http.StatusOK {
			t.Fatalf("userinfo of %s: status %d", who, claims.StatusCode)
		}
	}
	signIn(first, h.address)
	signIn(first, other)
	waitFor(t, "the first sign-in is known", func() bool {
		r := h.readiness(t)
		return r.code == 3 && len(r.Checks) == 6 && strings.HasPrefix(r.Checks[4].Seen, "Signed in")
	})
	signIn(second, other)
	waitFor(t, "two sign-ins are enough", func() bool {
		r := h.readiness(t)
		return r.code == 0 && r.Ready
	})

	h.edit("claims: { email: email }", "claims: { email: email, name: first_name }")
	if r := h.readiness(t); r.code != 3 || len(r.unmet()) != 2 {
		t.Errorf("after another claim: exit code %d, not met %v; want 3, the sign-ins and the comparison", r.code, r.unmet())
	}
	h.ok("", "audit", "verify")
}

// S-064: each value is copied by its button, or at least selected where the browser forbids its clipboard.
func TestValuesAreCopiedByTheirButtons(t *testing.T) {
	t.Parallel()
	h := newHouse(t, stores{}, personiotest.Config{People: 5, Seed: 3})
	const owner = "owner@acme.example"
	h.ok("", "admin", "recover", owner)
	h.ok(password+"\n", "users", "password", owner)
	h.serve(h.address)
	p := newTab(t, chromium(t), look{language: "en", width: 1100})
	p.open(h.issuer + "/login")
	p.signIn(owner, password)
	p.do(chromedp.WaitVisible(`a[href="/portal/launch/personio"]`))
	p.open(h.issuer + "/admin/applications/personio")
	token := `button[data-copy="` + h.issuer + `/token"]`
	p.do(chromedp.WaitVisible(token))
	for _, c := range []struct{ clipboard, want, script string }{
		{"{writeText: async text => { window.got = text }}", h.issuer + "/token", "window.got"},
		{"{writeText: async () => { throw new Error('forbidden') }}", h.issuer + "/token", "getSelection().toString()"},
	} {
		p.do(chromedp.Evaluate[chromedp.Void](`Object.defineProperty(navigator, "clipboard", {configurable: true, value: `+c.clipboard+`})`), chromedp.Click(token))
		got, err := chromedp.Run(p.ctx, chromedp.Evaluate[string](c.script))
		must(t, err)
		if got != c.want {
			t.Errorf("with the clipboard %s: %q, want %q", c.clipboard, got, c.want)
		}
	}
	p.open(h.issuer + "/admin/applications/personio") // whose buttons wait for nothing
	p.do(chromedp.WaitVisible(token))
	if label := copiedTwice(t, p, token); label != "Copy" {
		t.Errorf("after two quick clicks the button says %q, want Copy", label)
	}
	p.quiet()
}

// copiedTwice presses a button twice before it has its own label again, and returns what it says
// once all that was to happen later has happened.
func copiedTwice(t *testing.T, p *tab, button string) string {
	t.Helper()
	label, err := chromedp.Run(p.ctx, chromedp.Evaluate[string](`(async () => {
		Object.defineProperty(navigator, "clipboard", {configurable: true, value: {writeText: async () => {}}});
		const button = document.querySelector(`+"`"+button+"`"+`), later = [], real = window.setTimeout;
		window.setTimeout = deed => later.push(deed);
		for (const click of [1, 2]) {
			button.click();
			await new Promise(done => real(done));
			if (button.textContent !== "Copied") return "after click " + click + ": " + button.textContent;
		}
		window.setTimeout = real;
		for (const deed of later) deed();
		return button.textContent;
	})()`, chromedp.EvalAwaitPromise))
	must(t, err)
	return label
}
