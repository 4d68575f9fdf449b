package e2e

import (
	"net/http"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/einlass/einlass/importer/personio/personiotest"
	"github.com/einlass/einlass/users"
	"github.com/einlass/einlass/users/userstest"
)

// leavers is how many people leave at once.
const leavers = 100

// A hundred people leave at once. All are refused at the next use of their tokens
// and sessions: by Personio's webhooks, by a note about each of them from another
// process, and by reads of changes alone. Their application is told to end their
// sessions. How long that takes is logged, for docs/performance.md:
//
//	go test ./cmd/einlass/e2e -run TestAHundredLeavers -v
//
// S-133, N-1, U-30, B-08
func TestAHundredLeavers(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, settings string
		tell           func(h *house, t *testing.T, people []personiotest.Employee)
		importing      bool
	}{
		{"by webhooks", "webhook: { register: true }", (*house).deliver, false},
		{"by webhooks, while everybody is imported", "webhook: { register: true }", (*house).deliver, true},
		{"by webhooks and version 2 of the API", "webhook: { register: true }  # v2", (*house).deliver, false},
		{"by a note about each", `delta: "off"`, (*house).note, false},
		{"by reading changes every 30 seconds", `delta: "30s"`, func(*house, *testing.T, []personiotest.Employee) {}, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			h := newHouse(t, stores{}, personiotest.Config{People: 150, Seed: 5, RateLimits: true})
			h.replace("max_people: 25, max_percent: 20", "max_people: 1000, max_percent: 100")
			h.replace(`schedule: "off"`, `schedule: "off"`+"\n      "+c.settings)
			if strings.HasSuffix(c.settings, "v2") {
				h.replace("personio: { client_id", "personio: { api: v2, client_id")
			}
			party := newLogoutParty(t, http.StatusOK)
			h.listenForLogout(t, party)
			h.ok("", "import", "run")
			people := h.active()[:leavers]
			h.givePasswords(t, people)
			h.serve(h.address)
			tokens := h.signInAll(t, people)
			waitFor(t, "the webhook to be registered", func() bool {
				return len(h.hr.Webhooks()) == strings.Count(c.settings, "register")
			})
			imported := func() {}
			if c.importing {
				imported = h.importSlowly(t)
			}
			left := make([]time.Time, leavers)
			for i, p := range people {
				must(t, h.hr.SetStatus(p.Email, personiotest.Inactive))
				left[i] = time.Now()
			}
			c.tell(h, t, people)
			took := h.awaitRefusals(t, tokens, left)
			slices.Sort(took)
			t.Logf("%d leavers refused after p50 %s, p95 %s, at most %s", leavers,
				took[leavers/2].Round(time.Millisecond), took[leavers*95/100].Round(time.Millisecond), took[leavers-1].Round(time.Millisecond))
			imported()
			waitFor(t, "the application to be told of everybody", func() bool { return len(party.received()) >= leavers })
			t.Logf("their application was told of all after %s", time.Since(left[0]).Round(time.Millisecond))
			var listed []struct {
				Email, State string
			}
			h.json(&listed, "users", "list")
			for _, u := range listed {
				gone := slices.ContainsFunc(people, func(p personiotest.Employee) bool { return string(p.Email) == u.Email })
				if gone == (u.State == "active") {
					t.Errorf("%s is %s, a leaver: %t", u.Email, u.State, gone)
				}
			}
			h.ok("", "audit", "verify")
		})
	}
}

// importSlowly starts an import of everybody whose first page Personio takes long to give.
// The function that it returns waits for its end, which must not have come yet.
func (h *house) importSlowly(t *testing.T) (ended func()) {
	t.Helper()
	must(t, h.hr.Inject(personiotest.Fault{Kind: personiotest.Slow, Delay: 25 * time.Second, Times: 1}))
	importing := h.command("import", "run")
	must(t, importing.Start())
	over := make(chan error, 1)
	go func() { over <- importing.Wait() }()
	waitFor(t, "the import to read", func() bool { return strings.Contains(h.ok("", "import", "list"), "reading") })
	return func() {
		t.Helper()
		select {
		case err := <-over:
			t.Fatalf("the import of everybody has ended before the leavers were refused: %v", err)
		default:
		}
		must(t, <-over)
	}
}

// deliver sends what Personio has to tell to the webhook that the server has registered there.
func (h *house) deliver(t *testing.T, _ []personiotest.Employee) {
	t.Helper()
	var senders sync.WaitGroup
	for range 8 {
		senders.Go(func() { h.hr.DeliverDue(t.Context()) })
	}
	senders.Wait()
}

// note notes in the database that people are to be read again.
func (h *house) note(t *testing.T, people []personiotest.Employee) {
	t.Helper()
	var work []users.Work
	for _, p := range people {
		now := time.Now()
		work = append(work, users.Work{Kind: users.WorkPerson, Connection: "personio", Subject: strconv.FormatInt(p.ID, 10), Due: now, Noted: now})
	}
	store := userstest.Open(t, h.directory)
	must(t, store.Update(t.Context(), func(tx users.Tx) error { return tx.PutWork(t.Context(), work) }))
}

// replace changes the configuration.
func (h *house) replace(old, with string) {
	h.t.Helper()
	text, err := os.ReadFile(h.config)
	must(h.t, err)
	if !strings.Contains(string(text), old) {
		h.t.Fatalf("the configuration has no %q", old)
	}
	must(h.t, os.WriteFile(h.config, []byte(strings.Replace(string(text), old, with, 1)), 0o600))
}

// active returns the people who work there.
func (h *house) active() []personiotest.Employee {
	return slices.DeleteFunc(h.hr.People(), func(p personiotest.Employee) bool { return p.Status != personiotest.Active })
}

// givePasswords gives everybody the same password. Hashing it once is enough.
func (h *house) givePasswords(t *testing.T, people []personiotest.Employee) {
	t.Helper()
	h.ok(password+"\n", "users", "password", string(people[0].Email))
	store := userstest.Open(t, h.directory)
	must(t, store.Update(t.Context(), func(tx users.Tx) error {
		first, err := tx.UserByLogin(t.Context(), users.KeyOf(string(people[0].Email)))
		if err != nil {
			return err
		}
		c, err := tx.Credential(t.Context(), first.ID, users.CredentialPassword)
		if err != nil {
			return err
		}
		for _, p := range people[1:] {
			u, err := tx.UserByLogin(t.Context(), users.KeyOf(string(p.Email)))
			if err != nil {
				return err
			}
			c.User = u.ID
			if err := tx.PutCredential(t.Context(), c); err != nil {
				return err
			}
		}
		return nil
	}))
}

// signInAll signs everybody in and returns an access token of each.
func (h *house) signInAll(t *testing.T, people []personiotest.Employee) []string {
	t.Helper()
	tokens := make([]string, len(people))
	for i, p := range people {
		browser := h.browser()
		browser.signIn(browser.get(h.issuer+"/portal"), string(p.Email))
		tokens[i] = h.redeem(t, h.address, browser.code(t, h, h.issuer)).AccessToken
		if status := userinfo(t, h.issuer+"/userinfo", tokens[i]); status != http.StatusOK {
			t.Fatalf("userinfo of %s: status %d", p.Email, status)
		}
	}
	return tokens
}

// awaitRefusals uses the tokens until each is refused, and returns how long after
// its person left that was.
func (h *house) awaitRefusals(t *testing.T, tokens []string, left []time.Time) []time.Duration {
	t.Helper()
	took := make([]time.Duration, len(tokens))
	for remaining := len(tokens); remaining > 0; time.Sleep(20 * time.Millisecond) {
		for i, token := range tokens {
			if took[i] == 0 && userinfo(t, h.issuer+"/userinfo", token) == http.StatusUnauthorized {
				took[i] = time.Since(left[i])
				remaining--
			}
		}
		if time.Since(left[0]) > 5*time.Minute {
			t.Fatalf("%d people are still let in", remaining)
		}
	}
	return took
}
