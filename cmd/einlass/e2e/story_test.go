package e2e

import (
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"strings"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/einlass/einlass/importer/personio/personiotest"
)

// TestStory: people are imported, sign in both ways, are suspended, are refused.
// It runs on every pair of stores.
//
// S-001 S-008 S-039 S-041 S-043 S-045 S-071 S-072 (the browser's half of S-071 is TestBrowser)
// S-147 F-50 F-120
func TestStory(t *testing.T) {
	t.Parallel()
	for _, s := range []stores{{false, false}, {false, true}, {true, false}, {true, true}} {
		t.Run(s.String(), func(t *testing.T) {
			t.Parallel()
			tellStory(t, newHouse(t, s, personiotest.Config{People: 40, Seed: 7}))
		})
	}
}

// runReport is what the import commands print.
type runReport struct {
	ID     string         `json:"id"`
	State  string         `json:"state"`
	Counts map[string]int `json:"counts"`
}

// userReport is what users show prints, as far as the tests look.
type userReport struct {
	Email       string `json:"email"`
	State       string `json:"state"`
	Department  string `json:"department"`
	JobTitle    string `json:"job_title"`
	Suspensions []struct {
		By     string `json:"by"`
		Reason string `json:"reason"`
	} `json:"suspensions"`
}

func tellStory(t *testing.T, h *house) {
	jana := h.somebody()
	h.import40(t)
	h.ok(password+"\n", "users", "password", jana)
	server := h.serve(h.address)
	defer func() {
		if t.Failed() {
			t.Log(server.log)
		}
	}()

	// SP-initiated: the simulated Personio sends the person to us, and gets them back.
	browser := h.browser()
	form := browser.get(h.hrURL + "/oauth/authorise")
	if !strings.HasPrefix(form.url.String(), h.issuer+"/login") {
		t.Fatalf("Personio led to %s, status %d", form.url, form.status)
	}
	inside := browser.signIn(form, jana)
	if who := inside.signedInAs(t); !strings.Contains(who, jana) || !strings.HasPrefix(inside.url.String(), h.hrURL) {
		t.Fatalf("after signing in at %s: %q", inside.url, who)
	}

	// IdP-initiated: portal, tile, inside without a second prompt.
	browser = h.browser()
	portal := browser.signIn(browser.get(h.issuer+"/portal"), jana)
	if portal.url.Path != "/portal" || !strings.Contains(portal.body, "/portal/launch/personio") {
		t.Fatalf("portal: %s, status %d", portal.url, portal.status)
	}
	if who := browser.get(h.issuer + "/portal/launch/personio").signedInAs(t); !strings.Contains(who, jana) {
		t.Fatalf("after the tile: %q", who)
	}

	// N218: what monitoring sees counts, and names nobody.
	told := fetch(t, server.manage+"/metrics")
	for _, name := range []string{
		`einlass_http_request_duration_seconds_count{code="200",method="POST",route="/token"} 2`,
		`einlass_authn_attempts_total{method="password",result="success"} 2`,
		`einlass_tokens_issued_total{client="personio",type="id_token"} 2`,
		`einlass_import_paused{connection="personio"} 0`, `einlass_import_last_success_timestamp_seconds{connection="personio"} `,
		`einlass_signing_key_age_seconds{alg="RS256"} `, `einlass_store_op_duration_seconds_count{backend=`, `einlass_build_info{`,
	} {
		if !strings.Contains(told, name) {
			t.Errorf("/metrics lacks %s", name)
		}
	}
	if strings.Contains(told, jana) {
		t.Error("/metrics names a person")
	}

	// S-001: a change in HR arrives.
	must(t, h.hr.SetAttribute(personiotest.Email(jana), "position", "Chief Admissions Officer"))
	var run runReport
	h.json(&run, "import", "run")
	var user userReport
	h.json(&user, "users", "show", jana)
	if run.Counts["updated"] != 1 || user.JobTitle != "Chief Admissions Officer" {
		t.Errorf("after a change of position: %+v, job title %q", run, user.JobTitle)
	}

	// HR says leave: suspended, and refused at the next use.
	must(t, h.hr.SetStatus(personiotest.Email(jana), "leave"))
	h.json(&run, "import", "run")
	h.json(&user, "users", "show", jana)
	if run.Counts["suspended"] != 1 || user.State != "suspended" || len(user.Suspensions) != 1 || user.Suspensions[0].By != "import" {
		t.Errorf("after leave: %+v, %+v", run, user)
	}
	if p := browser.get(h.issuer + "/portal"); p.url.Path != "/login" {
		t.Errorf("the suspended person's session still opens %s", p.url)
	}
	if p := browser.get(h.hrURL + "/oauth/authorise"); !strings.HasPrefix(p.url.String(), h.issuer+"/login") {
		t.Errorf("the suspended person still gets to %s", p.url)
	}
	h.ok("", "audit", "verify")
}

// somebody returns the address of an active person of the company.
func (h *house) somebody() string {
	h.t.Helper()
	for _, p := range h.hr.People() {
		if p.Status == personiotest.Active && p.Email != "" {
			return string(p.Email)
		}
	}
	h.t.Fatal("nobody is active")
	return ""
}

// import40 previews, imports, and imports again with nothing to do.
func (h *house) import40(t *testing.T) {
	t.Helper()
	var preview, first, second runReport
	h.json(&preview, "import", "preview")
	h.json(&first, "import", "run")
	h.json(&second, "import", "run")
	if preview.State != "previewed" || first.State != "done" || first.Counts["created"] == 0 {
		t.Fatalf("preview %+v, first run %+v", preview, first)
	}
	if diff := cmp.Diff(preview.Counts, first.Counts); diff != "" {
		t.Errorf("the run did not do what the preview said (-preview +run):\n%s", diff)
	}
	if second.Counts["created"] != 0 || second.Counts["updated"] != 0 || second.Counts["unchanged"] != first.Counts["created"] {
		t.Errorf("second run %+v after %+v", second, first)
	}
}

// Two processes on PostgreSQL and Redis: what A changes counts in B's next request.
// A may even be killed.
// Invariant 3, S-045 F-115 U-13
func TestReplicas(t *testing.T) {
	t.Parallel()
	h := newHouse(t, stores{postgres: true, redis: true}, personiotest.Config{People: 20, Seed: 3})
	jana := h.somebody()
	h.ok("", "import", "run")
	h.ok(password+"\n", "users", "password", jana)
	other := freeAddress(t)
	a := h.serve(h.address)
	h.serve(other)
	at := func(address, path string) string { return "http://" + address + path }

	setA, setB := fetch(t, at(h.address, "/jwks")), fetch(t, at(other, "/jwks"))
	if diff := cmp.Diff(setA, setB); diff != "" {
		t.Errorf("the replicas publish different key sets (-A +B):\n%s", diff)
	}

	// A session, a code and a token made at A are good at B.
	browser := h.browser()
	browser.signIn(browser.get(h.issuer+"/portal"), jana)
	code := browser.code(t, h, h.issuer)
	a.stop(syscall.SIGKILL) // while it is gone, B goes on with what A has begun
	tokens := h.redeem(t, other, code)
	if tokens.AccessToken == "" {
		t.Fatalf("B does not redeem A's code: %+v", tokens)
	}
	if status := userinfo(t, at(other, "/userinfo"), tokens.AccessToken); status != http.StatusOK {
		t.Errorf("userinfo at B: status %d", status)
	}

	h.serve(h.address)
	h.ok("", "keys", "rotate", "--announce", "0s", "--yes")
	waitFor(t, "B signs with the new key", func() bool {
		kid := kidOf(t, h.redeem(t, other, browser.code(t, h, h.issuer)).IDToken)
		return kid != kidOf(t, tokens.IDToken) && strings.Contains(fetch(t, at(other, "/jwks")), kid)
	})

	fresh := browser.code(t, h, h.issuer)
	h.ok("", "users", "suspend", jana, "--reason", "left today")
	if status := userinfo(t, at(other, "/userinfo"), tokens.AccessToken); status != http.StatusUnauthorized {
		t.Errorf("token at B after the suspension: status %d", status)
	}
	if answer := h.redeem(t, other, fresh); answer.Error != "invalid_grant" {
		t.Errorf("code at B after the suspension: %+v", answer)
	}
	if p := browser.get(h.issuer + "/portal"); p.url.Path != "/login" {
		t.Errorf("session after the suspension: %s", p.url)
	}
}

type tokenAnswer struct {
	AccessToken string `json:"access_token"`
	IDToken     string `json:"id_token"`
	Error       string `json:"error"`
}

// code asks for a code with the browser's session and stops before Personio sees it.
func (b *browser) code(t *testing.T, h *house, base string) string {
	t.Helper()
	client := *b.client
	client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	answer, err := client.Get(base + "/authorize?" + h.authorization().Encode())
	must(t, err)
	defer answer.Body.Close()
	location, err := answer.Location()
	if err != nil || location.Query().Get("code") == "" {
		t.Fatalf("authorize: status %d, Location %v", answer.StatusCode, location)
	}
	return location.Query().Get("code")
}

func (h *house) redeem(t *testing.T, address, code string) tokenAnswer {
	t.Helper()
	answer, err := http.PostForm("http://"+address+"/token", h.redemption(code))
	must(t, err)
	defer answer.Body.Close()
	var tokens tokenAnswer
	must(t, json.NewDecoder(answer.Body).Decode(&tokens))
	return tokens
}

func (h *house) redemption(code string) url.Values {
	rp := h.relyingParty(personiotest.OIDC)
	return url.Values{
		"grant_type": {"authorization_code"}, "code": {code}, "redirect_uri": {rp.RedirectURIs()[0]},
		"client_id": {rp.ClientID}, "client_secret": {rp.ClientSecret.Reveal()},
	}
}

func userinfo(t *testing.T, target, token string) int {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, target, nil)
	must(t, err)
	r.Header.Set("Authorization", "Bearer "+token)
	answer, err := http.DefaultClient.Do(r)
	must(t, err)
	defer answer.Body.Close()
	return answer.StatusCode
}

func fetch(t *testing.T, target string) string {
	t.Helper()
	answer, err := http.Get(target)
	must(t, err)
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	must(t, err)
	return string(body)
}
