package e2e

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/einlass/einlass/importer"
	"github.com/einlass/einlass/importer/personio/personiotest"
	"github.com/einlass/einlass/provider/notify/notifytest"
	"github.com/einlass/einlass/provider/web"
	"github.com/einlass/einlass/users"
	"github.com/einlass/einlass/users/sqlstore"
	"github.com/einlass/einlass/users/userstest"
)

// corruption is something that is wrong with a list of people, and how an import of it ends.
type corruption struct {
	name   string
	config personiotest.Config
	change func(e *personiotest.Employee)
	before func(personio http.Handler) http.Handler
	code   int
	state  users.RunState
	why    string // beginning of the reason, or code of the error
	dates  bool   // only with access windows
}

func fault(kind personiotest.FaultKind, after int) personiotest.Config {
	return personiotest.Config{Faults: []personiotest.Fault{{Kind: kind, After: after}}}
}

var corruptions = []corruption{
	{name: "nobody", before: withoutPeople, code: 3, state: users.RunHeld, why: "shrunk_feed"},
	{name: "a page cut off", config: fault(personiotest.Truncated, 1), code: 1, state: users.RunFailed, why: "feed_corrupt"},
	{name: "ids twice with different content", before: contradicting, code: 1, state: users.RunFailed, why: "feed_corrupt"},
	{name: "everybody has left", change: func(e *personiotest.Employee) { e.Status = personiotest.Inactive },
		code: 3, state: users.RunHeld, why: "mass_suspension"},
	{name: "no addresses", change: func(e *personiotest.Employee) { e.Email = "" }, code: 3, state: users.RunFailed, why: "attribute_missing"},
	{name: "unknown statuses", config: personiotest.Config{Variants: []personiotest.Variant{personiotest.UnknownStatuses}},
		code: 3, state: users.RunHeld, why: "unknown_statuses"},
	{name: "an emptied column", change: func(e *personiotest.Employee) { e.Department = "" }, code: 3, state: users.RunHeld, why: "emptied_column:department"},
	{name: "another domain", config: personiotest.Config{Domain: "other.example"}, code: 3, state: users.RunHeld, why: "new_domain:other.example"},
	{name: "totals that lie", config: fault(personiotest.TotalsHigh, 0), code: 3, state: users.RunHeld, why: "shrunk_feed"},
	{name: "a page twice", config: fault(personiotest.RepeatedPage, 1), code: 1, state: users.RunFailed, why: "feed_corrupt"},
	{name: "half of the attributes", config: personiotest.Config{Granted: []string{"email", "first_name", "last_name", "position", "office"}},
		code: 3, state: users.RunFailed, why: "attribute_missing"},
	{name: "last days long ago", change: func(e *personiotest.Employee) { e.LastWorkingDay = "2001-01-31" },
		code: 3, state: users.RunHeld, why: "mass_suspension", dates: true},
	{name: "first days to come", change: func(e *personiotest.Employee) { e.HireDate = "2099-01-01" },
		code: 3, state: users.RunHeld, why: "mass_suspension", dates: true},
	{name: "a web page", config: fault(personiotest.HTML, 0), code: 1, state: users.RunFailed, why: "feed_corrupt"},
}

// owner is no person of the source.
const owner = "owner@einlass.example"

// Whatever is wrong with a list as a whole: the import changes nobody, not even
// somebody who really leaves, and says why in one mail, however often it is tried.
// With the next sound list the leaver loses access, and nobody else.
// So it is with access windows, which have two more ways to be wrong.
// N-3, N-4, U-08, invariant 5, N302, N303, N306, N324, N326
func TestTwelveCorruptedListsChangeNobody(t *testing.T) {
	t.Parallel()
	for _, c := range corruptions {
		for name, s := range map[string]stores{"windows": {}, stores{}.String(): {}, stores{postgres: true}.String(): {postgres: true}} {
			if c.dates && name != "windows" {
				continue
			}
			t.Run(c.name+"/"+name, func(t *testing.T) {
				t.Parallel()
				company := personiotest.Config{People: 220, Seed: 9}
				h := newHouse(t, s, company)
				mails := notifytest.New(t)
				h.mailThrough(mails)
				mails.Start()
				if name == "windows" {
					h.edit("      schedule: \"off\"\n", "      schedule: \"off\"\n      access: {}\n")
				}
				h.ok("", "import", "run")
				leaver := h.somebody()
				h.ok(password+"\n", "users", "password", leaver)
				h.ok("", "admin", "recover", owner)
				must(t, h.hr.SetStatus(personiotest.Email(leaver), personiotest.Inactive))

				before, events := h.contents(t)
				h.answer(c.corrupted(t, h, company))
				if r := h.run("", "import", "run"); r.code != c.code {
					t.Errorf("exit code %d, want %d\n%s%s", r.code, c.code, r.stdout, r.stderr)
				}
				after, told := h.contents(t)
				if diff := cmp.Diff(before, after); diff != "" {
					t.Errorf("the import changed something (-before +after):\n%s", diff)
				}
				run := c.check(t, told[len(events):])
				if r := h.run("", "import", "run"); r.code != c.code {
					t.Errorf("once more: exit code %d, want %d\n%s%s", r.code, c.code, r.stdout, r.stderr)
				}
				checkAlert(t, h, mails, run)

				h.answer(h.hr.Handler())
				var next runReport
				h.json(&next, "import", "run")
				if next.Counts["suspended"] != 1 || next.Counts["created"]+next.Counts["updated"]+next.Counts["reactivated"] != 0 {
					t.Errorf("the next import: %+v, want the leaver alone suspended", next.Counts)
				}
				var person userReport
				if h.json(&person, "users", "show", leaver); person.State != "suspended" {
					t.Errorf("the leaver is %s", person.State)
				}
			})
		}
	}
}

// corrupted is the Personio of h with something wrong.
func (c corruption) corrupted(t *testing.T, h *house, company personiotest.Config) http.Handler {
	t.Helper()
	if c.before != nil {
		return c.before(h.hr.Handler())
	}
	c.config.People, c.config.Seed = company.People, company.Seed
	c.config.ClientID, c.config.ClientSecret = h.hr.Credentials()
	broken, err := personiotest.New(c.config)
	must(t, err)
	for _, e := range h.hr.People() {
		must(t, broken.Update(e.ID, func(b *personiotest.Employee) {
			b.Status = e.Status
			if c.change != nil {
				c.change(b)
			}
		}))
	}
	return broken.Handler()
}

// check looks for the one event of a run that changed nobody, and returns the run.
func (c corruption) check(t *testing.T, events []users.Event) (run string) {
	t.Helper()
	if len(events) != 1 || events[0].Kind != users.EventImportFinished {
		t.Fatalf("%d events: %v, want one of the import", len(events), events)
	}
	var told users.ImportFinished
	must(t, json.Unmarshal([]byte(events[0].Payload), &told))
	why := told.ErrorCode
	if len(told.Held) > 0 {
		why = importer.SayHeld(web.English(), told.Held[0])
	}
	if told.State != c.state || !strings.HasPrefix(why, c.why) || !told.Alert {
		t.Errorf("event: %+v, want %s because of %s, as an alert", told, c.state, c.why)
	}
	return events[0].Subject
}

// checkAlert lets a server mail what there is to be mailed: one alert, about a run.
func checkAlert(t *testing.T, h *house, mails *notifytest.Server, run string) {
	t.Helper()
	h.mailAll(t)
	var alerts []string
	for _, mail := range mails.Mails() { // beside the reports to whoever imported by hand
		_, text, _ := mail.Read(t)
		if strings.Contains(text, "nicht noch einmal") {
			alerts = append(alerts, text)
		}
		if len(mail.To) != 1 || mail.To[0] != owner {
			t.Errorf("mail to %v, want %s", mail.To, owner)
		}
	}
	if len(alerts) != 1 || !strings.Contains(alerts[0], run) {
		t.Errorf("%d alerts, want one about run %s:\n%s", len(alerts), run, strings.Join(alerts, "\n---\n"))
	}
}

// contents returns what people are and may, and the log.
func (h *house) contents(t *testing.T) (tables map[string][]string, events []users.Event) {
	t.Helper()
	store, err := sqlstore.Open(t.Context(), h.directory)
	must(t, err)
	defer store.Close()
	userstest.CheckLog(t, store)
	all, err := store.Dump(t.Context())
	must(t, err)
	tables = map[string][]string{}
	for _, name := range []string{"users", "people", "suspensions", "waivers", "credentials", "groups", "group_members"} {
		rows, found := all[name]
		if !found {
			t.Fatalf("no table %s in the dump", name)
		}
		tables[name] = rows
	}
	for {
		page, err := store.Events(t.Context(), int64(len(events)), 500) // numbers have no gaps
		must(t, err)
		if len(page) == 0 {
			return tables, events
		}
		events = append(events, page...)
	}
}

// rewritten changes the answers of the list of people.
func rewritten(personio http.Handler, change func(list map[string]any)) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/v1/company/employees" {
			personio.ServeHTTP(w, r)
			return
		}
		answer := httptest.NewRecorder()
		personio.ServeHTTP(answer, r)
		var list map[string]any
		if err := json.Unmarshal(answer.Body.Bytes(), &list); err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
		change(list)
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(list) // the program sees a broken answer
	})
}

func withoutPeople(personio http.Handler) http.Handler {
	return rewritten(personio, func(list map[string]any) {
		list["data"], list["metadata"] = []any{}, map[string]any{"total_elements": 0}
	})
}

// contradicting shows the first people of each page once more, under another name.
func contradicting(personio http.Handler) http.Handler {
	return rewritten(personio, func(list map[string]any) {
		rows := list["data"].([]any)
		for _, row := range rows[:min(5, len(rows))] {
			again := map[string]any{}
			for name, value := range row.(map[string]any)["attributes"].(map[string]any) {
				again[name] = value
			}
			again["last_name"] = map[string]any{"value": "Somebody Else"}
			rows = append(rows, map[string]any{"type": "Employee", "attributes": again})
		}
		list["data"] = rows
	})
}
