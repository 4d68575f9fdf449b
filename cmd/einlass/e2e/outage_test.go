package e2e

import (
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/einlass/einlass/importer/personio/personiotest"
	"github.com/einlass/einlass/provider/session/sessiontest"
)

// set puts a setting at the top of the configuration.
func (h *house) set(line string) {
	h.t.Helper()
	text, err := os.ReadFile(h.config)
	must(h.t, err)
	must(h.t, os.WriteFile(h.config, append([]byte(line+"\n"), text...), 0o600))
}

func status(t *testing.T, target string) int {
	t.Helper()
	answer, err := http.Get(target)
	must(t, err)
	must(t, answer.Body.Close())
	return answer.StatusCode
}

// Personio's API being down stops no sign-in. Redis being down stops every one,
// and the server says so and lives: when Redis is back, so is everything.
// Invariant 10, S-144 F-116 F-122 N353
func TestOutagesOfOthersPass(t *testing.T) {
	t.Parallel()
	h := newHouse(t, stores{}, personiotest.Config{People: 20, Seed: 3})
	redis := sessiontest.StartRedis(t, "appendfsync always")
	h.set("redis_url: " + redis.URL)
	jana := h.somebody()
	h.ok("", "import", "run")
	h.ok(password+"\n", "users", "password", jana)
	server := h.serve(h.address)

	for _, endpoint := range []personiotest.Endpoint{personiotest.EndpointAuth, personiotest.EndpointEmployees, personiotest.EndpointEmployee} {
		must(t, h.hr.Inject(personiotest.Fault{Kind: personiotest.Revoke, Endpoint: endpoint}))
	}
	if r := h.run("", "import", "run"); r.code != 1 || !strings.Contains(r.stdout, "revoked") {
		t.Errorf("import without Personio's API: exit code %d\n%s", r.code, r.stdout)
	}
	browser := h.browser()
	inside := browser.signIn(browser.get(h.hrURL+"/oauth/authorise"), jana)
	if who := inside.signedInAs(t); !strings.Contains(who, jana) {
		t.Fatalf("sign-in without Personio's API leads to %s: %q", inside.url, who)
	}

	want := func(when string, ready, portal int) {
		t.Helper()
		if got := status(t, server.manage+"/livez"); got != http.StatusOK {
			t.Errorf("%s: /livez %d", when, got)
		}
		if got := status(t, server.manage+"/readyz"); got != ready {
			t.Errorf("%s: /readyz %d, want %d", when, got, ready)
		}
		if got := browser.get(h.issuer + "/portal"); got.status != portal || portal == http.StatusOK && got.url.Path != "/portal" {
			t.Errorf("%s: portal %d at %s, want %d", when, got.status, got.url, portal)
		}
		if got := status(t, h.issuer+"/jwks"); got != http.StatusOK {
			t.Errorf("%s: /jwks %d", when, got)
		}
	}
	want("at first", http.StatusOK, http.StatusOK)
	redis.Kill()
	want("without Redis", http.StatusServiceUnavailable, http.StatusServiceUnavailable)
	if told := fetch(t, server.manage+"/readyz?verbose"); !strings.Contains(told, `{"name":"sessions","ok":false`) {
		t.Errorf("/readyz?verbose does not name the sessions: %s", told)
	}
	redis.Restart()
	waitFor(t, "the server is ready again", func() bool { return status(t, server.manage+"/readyz") == http.StatusOK })
	want("with Redis again", http.StatusOK, http.StatusOK)
}

// Redis ends and comes back while people are imported: the import needs it for
// nothing, and sessions live on. REL-5
func TestAnImportWhileRedisRestarts(t *testing.T) {
	t.Parallel()
	h := newHouse(t, stores{}, personiotest.Config{People: 20, Seed: 3, Delay: 100 * time.Millisecond})
	redis := sessiontest.StartRedis(t, "appendfsync always")
	h.set("redis_url: " + redis.URL)
	server, browser := h.signedIn()
	last := h.hr.People()[19]
	must(t, h.hr.SetStatus(last.Email, personiotest.Leave))

	calls := len(h.hr.Requests())
	run := h.command("import", "run")
	must(t, run.Start())
	waitFor(t, "call of the source", func() bool { return len(h.hr.Requests()) > calls })
	redis.Restart()
	if err := run.Wait(); err != nil {
		t.Errorf("import: %v", err)
	}
	var person userReport
	if h.json(&person, "users", "show", string(last.Email)); person.State != "suspended" {
		t.Errorf("who is on leave is %s", person.State)
	}
	waitFor(t, "the server is ready again", func() bool { return status(t, server.manage+"/readyz") == http.StatusOK })
	if got := browser.get(h.issuer + "/portal"); got.status != http.StatusOK || got.url.Path != "/portal" {
		t.Errorf("portal afterwards: %d at %s, want the session to live on", got.status, got.url)
	}
}
