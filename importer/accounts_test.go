package importer_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/einlass/einlass/importer"
	"github.com/einlass/einlass/keys"
	"github.com/einlass/einlass/users"
	"github.com/einlass/einlass/users/sqlstore"
	"github.com/einlass/einlass/users/userstest"
)

const subsidiary = users.ApplicationID("subsidiary")

// accounts is a bench with a second company, which has a connection of its own.
type accounts struct {
	*bench
	second         *company
	secondSettings users.Import
	disabled       bool // the second connection
	applying       func()
}

func newAccounts(t *testing.T, first, second users.ConflictPolicy) *accounts {
	t.Helper()
	return newAccountsOn(t, userstest.SQLite(t), first, second)
}

func newAccountsOn(t testing.TB, store *sqlstore.Store, first, second users.ConflictPolicy) *accounts {
	t.Helper()
	a := &accounts{bench: newBenchOn(t, store, 0), second: &company{pageSize: 3}}
	a.engine = a.newEngineWith(func(cfg *importer.Config) {
		cfg.Open = func(app users.Application, _ keys.Secret) (importer.Source, error) {
			if app.ID == subsidiary {
				return a.second, nil
			}
			return a.company, nil
		}
		cfg.Progress = func(p importer.Progress) {
			if do := a.applying; do != nil && p.Phase == importer.ProgressApplying {
				a.applying = nil
				do()
			}
		}
	})
	a.settings.Guard = users.Guard{MaxPeople: 1000, MaxPercent: 100}
	a.secondSettings = a.settings
	a.settings.Conflict, a.secondSettings.Conflict, a.secondSettings.Rank = first, second, 2
	a.declare()
	return a
}

// declare writes the settings of both connections.
func (a *accounts) declare() {
	a.t.Helper()
	first, second := a.settings, a.secondSettings
	_, err := a.directory.Declare(a.t.Context(), users.Declaration{Applications: []users.DeclaredApplication{
		{Application: users.Application{ID: hr, Label: "Personio", Import: &first}, ImportSecret: "secret"},
		{Application: users.Application{ID: subsidiary, Label: "Subsidiary", Disabled: a.disabled, Import: &second}, ImportSecret: "secret"},
	}})
	if err != nil {
		a.t.Fatal(err)
	}
}

// importFrom imports from one connection, and approves what the guard held.
func (a *accounts) importFrom(connection users.ApplicationID) users.Run {
	a.t.Helper()
	a.clock.pass(time.Minute)
	run, err := a.engine.Run(a.t.Context(), importer.Request{Connection: connection, Actor: "cli:test"})
	if errors.Is(err, importer.ErrHeld) {
		run, err = a.engine.Approve(a.t.Context(), run.ID, "cli:boss")
	}
	if err != nil || run.State != users.RunDone {
		a.t.Fatalf("import of %s: state %s, error %v", connection, run.State, err)
	}
	return run
}

// records returns the connections that have a record of the user with an address.
func (a *accounts) records(email string) []users.ApplicationID {
	a.t.Helper()
	id := a.user(email).ID
	records, err := a.store.PeopleOf(a.t.Context(), []users.ID{id})
	if err != nil {
		a.t.Fatal(err)
	}
	var connections []users.ApplicationID
	for _, p := range records[id] {
		connections = append(connections, p.Connection)
	}
	return connections
}

// hireBoth lets both companies employ the same human being.
func (a *accounts) hireBoth(name string) {
	a.company.hire("1", importer.StatusActive, name)
	a.second.hire("77", importer.StatusActive, name)
}

// state fails the test unless the person is in a state, suspended by these connections.
func (a *accounts) state(what, email string, want users.State, by ...users.ApplicationID) {
	a.t.Helper()
	u := a.user(email)
	var suspending []users.ApplicationID
	for _, s := range u.Suspensions {
		suspending = append(suspending, s.Connection)
	}
	if u.State() != want || !slices.Equal(suspending, by) {
		a.t.Errorf("%s: %s, suspended by %v; want %s by %v", what, u.State(), suspending, want, by)
	}
}

const ada = "ada@acme.example"

// S-036 N314: one address in two accounts is reported and merges nobody, unless
// both accounts are declared to mean the same people.
func TestAnAddressInTwoAccountsIsAConflictUnlessBothLink(t *testing.T) {
	t.Parallel()
	const quarantine, link = users.ConflictQuarantines, users.ConflictLinks
	for _, c := range []struct {
		first, second users.ConflictPolicy
		linked        bool
	}{{quarantine, quarantine, false}, {"", "", false}, {link, quarantine, false}, {quarantine, link, false}, {link, link, true}} {
		t.Run(fmt.Sprintf("%s and %s", c.first, c.second), func(t *testing.T) {
			t.Parallel()
			a := newAccounts(t, c.first, c.second)
			a.hireBoth("Ada")
			a.importFrom(hr)
			run := a.importFrom(subsidiary)
			rows := a.changes(run)
			if c.linked {
				if diff := cmp.Diff([]users.ApplicationID{hr, subsidiary}, a.records(ada)); diff != "" || rows[0].Reason != "linked_account" {
					t.Errorf("reason %s, records (-want +got):\n%s", rows[0].Reason, diff)
				}
				if !strings.Contains(importer.InEnglish(rows[0].Detail), "personio") {
					t.Errorf("the row does not name the other account: %s", importer.InEnglish(rows[0].Detail))
				}
				return
			}
			if len(rows) != 1 || rows[0].Kind != users.ChangeQuarantine || rows[0].Reason != "other_account" ||
				!strings.Contains(importer.InEnglish(rows[0].Detail), "Ada Example of personio") || !strings.Contains(importer.InEnglish(rows[0].Detail), "conflict: link for both") {
				t.Errorf("rows %+v", rows)
			}
			if diff := cmp.Diff([]users.ApplicationID{hr}, a.records(ada)); diff != "" {
				t.Errorf("records (-want +got):\n%s", diff)
			}
		})
	}
}

// S-036 S-107: an address alone proves nothing, whatever is declared.
func TestAccountsLinkNobodyWithoutProof(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name   string
		change func(a *accounts)
		detail string
	}{
		{"another first name", func(a *accounts) {
			a.second.set("77", func(p *importer.Person) { p.Attributes["first_name"] = "Bea" })
		}, "names differ"},
		{"no name", func(a *accounts) {
			a.second.set("77", func(p *importer.Person) { p.Attributes["first_name"], p.Attributes["last_name"] = "", "" })
		}, "names differ"},
		{"a birth date that contradicts", func(a *accounts) {
			a.settings.Mapping = users.Mapping{"email": "email", "first_name": "first_name", "last_name": "last_name", "birth_date": "birthday"}
			a.secondSettings.Mapping = a.settings.Mapping
			a.declare()
			a.company.set("1", func(p *importer.Person) { p.Attributes["birthday"] = "1990-01-01" })
			a.second.set("77", func(p *importer.Person) { p.Attributes["birthday"] = "1990-01-02" })
		}, "birth date or personnel number differs"},
		{"two rows of one account", func(a *accounts) {
			a.importFrom(hr)
			a.importFrom(subsidiary)
			a.second.hire("78", importer.StatusActive, "Ada")
		}, "another row of this account"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			a := newAccounts(t, users.ConflictLinks, users.ConflictLinks)
			a.hireBoth("Ada")
			c.change(a)
			a.importFrom(hr)
			before := a.records(ada)
			rows := a.changes(a.importFrom(subsidiary))
			last := rows[len(rows)-1]
			if last.Kind != users.ChangeQuarantine || last.Reason != "other_account" || !strings.Contains(importer.InEnglish(last.Detail), c.detail) {
				t.Errorf("row %s %s %q, want a quarantine that says %q", last.Kind, last.Reason, importer.InEnglish(last.Detail), c.detail)
			}
			if diff := cmp.Diff(before, a.records(ada)); diff != "" {
				t.Errorf("records (-before +after):\n%s", diff)
			}
		})
	}
}

// S-107: people who are two users here stay two.
func TestTwoUsersAreNeverMadeOne(t *testing.T) {
	t.Parallel()
	a := newAccounts(t, users.ConflictLinks, users.ConflictLinks)
	a.hireBoth("Ada")
	a.second.set("77", func(p *importer.Person) { p.Attributes["email"] = "ada@subsidiary.example" })
	a.importFrom(hr)
	a.importFrom(subsidiary)
	a.second.set("77", func(p *importer.Person) { p.Attributes["email"] = ada })
	rows := a.changes(a.importFrom(subsidiary))
	if len(rows) != 1 || rows[0].Reason != "other_account" || !strings.Contains(importer.InEnglish(rows[0].Detail), "another user here") {
		t.Errorf("rows %+v", rows)
	}
	if diff := cmp.Diff([]users.ApplicationID{subsidiary}, a.records("ada@subsidiary.example")); diff != "" {
		t.Errorf("records (-want +got):\n%s", diff)
	}
}

// Each attribute has one source: the lowest rank, unless another connection is
// authoritative for it. Which account was imported first plays no part.
func TestEveryAttributeHasOneSource(t *testing.T) {
	t.Parallel()
	for _, order := range [][]users.ApplicationID{{hr, subsidiary}, {subsidiary, hr}} {
		t.Run(string(order[0]), func(t *testing.T) {
			t.Parallel()
			a := newAccounts(t, users.ConflictLinks, users.ConflictLinks)
			a.secondSettings.Authoritative = []string{"department"}
			a.secondSettings.Mapping = users.Mapping{
				"email": "email", "first_name": "first_name", "last_name": "last_name", "department": "department",
				"job_title": "position", "nick": "nick", "manager": "supervisor",
			}
			a.settings.Mapping = users.Mapping{
				"email": "email", "first_name": "first_name", "last_name": "last_name", "department": "department",
				"job_title": "position", "manager": "supervisor",
			}
			a.declare()
			a.company.hire("2", importer.StatusActive, "Boss")
			a.second.hire("88", importer.StatusActive, "Chief")
			a.hireBoth("Ada")
			say := func(c *company, id, position, department, manager string) {
				c.set(id, func(p *importer.Person) {
					p.Attributes["position"], p.Attributes["department"], p.Attributes["nick"] = position, department, "Countess"
					p.ManagerID = manager
				})
			}
			say(a.company, "1", "Engineer", "Sales", "2")
			say(a.second, "77", "Advisor", "Board", "88")
			for range 2 {
				for _, connection := range order {
					a.importFrom(connection)
				}
			}
			u := a.user(ada)
			got := []string{u.Attribute("job_title"), u.Attribute("department"), u.Attribute("nick"), string(u.Manager)}
			if diff := cmp.Diff([]string{"Engineer", "Board", "Countess", string(a.user("boss@acme.example").ID)}, got); diff != "" {
				t.Errorf("attributes (-want +got):\n%s", diff)
			}
			before := a.contents()
			for _, connection := range order {
				if run := a.importFrom(connection); len(a.changes(run)) > 0 {
					t.Errorf("nothing changed, and the import of %s has rows: %+v", connection, a.changes(run))
				}
			}
			if diff := cmp.Diff(before, a.contents()); diff != "" {
				t.Errorf("the directory changed (-before +after):\n%s", diff)
			}
		})
	}
}

// Whoever leaves one company and works at the other keeps their access, and is
// what the other one says of them: so rules by company take the left one's
// applications. Whoever leaves both is suspended by the last.
func TestLeavingOneOfTwoCompanies(t *testing.T) {
	t.Parallel()
	a := newAccounts(t, users.ConflictLinks, users.ConflictLinks)
	a.hireBoth("Ada")
	a.second.set("77", func(p *importer.Person) { p.Attributes["department"] = "Board" })
	a.importFrom(hr)
	a.importFrom(subsidiary)
	epoch := a.user(ada).Epoch

	a.company.setStatus("1", importer.StatusInactive)
	run := a.importFrom(hr)
	if rows := a.changes(run); len(rows) != 1 || rows[0].Reason != "at_work_elsewhere" || !strings.Contains(importer.InEnglish(rows[0].Detail), "subsidiary") {
		t.Errorf("rows of the company left: %+v", rows)
	}
	a.state("left the first", ada, users.StateActive)
	a.importFrom(subsidiary)
	if got := a.user(ada); got.Attribute("department") != "Board" || got.Epoch != epoch {
		t.Errorf("department %q, epoch %d; want the other company's, and epoch %d", got.Attribute("department"), got.Epoch, epoch)
	}
	if run := a.importFrom(hr); len(a.changes(run)) > 0 {
		t.Errorf("nothing changed, and there are rows: %+v", a.changes(run))
	}

	a.second.setStatus("77", importer.StatusInactive)
	a.importFrom(subsidiary)
	a.state("left both", ada, users.StateSuspended, subsidiary)
	a.importFrom(hr)
	a.state("left both, imported again", ada, users.StateSuspended, subsidiary, hr)

	// Each connection lifts only its own suspension, in its next import.
	a.company.setStatus("1", importer.StatusActive)
	a.importFrom(hr)
	a.state("back at the first", ada, users.StateSuspended, subsidiary)
	run = a.importFrom(subsidiary)
	a.state("back at the first, and both imported", ada, users.StateActive)
	if rows := a.changes(run); len(rows) != 1 || rows[0].Kind != users.ChangeReactivate || rows[0].Reason != "at_work_elsewhere" {
		t.Errorf("rows of the company that lifts: %+v", rows)
	}
}

// invariant 4: an administrator's suspension is lifted by no account.
func TestNoAccountLiftsAnAdministratorsSuspension(t *testing.T) {
	t.Parallel()
	a := newAccounts(t, users.ConflictLinks, users.ConflictLinks)
	a.hireBoth("Ada")
	a.importFrom(hr)
	a.importFrom(subsidiary)
	if _, err := a.directory.Suspend(t.Context(), "cli:boss", a.user(ada).ID, ""); err != nil {
		t.Fatal(err)
	}
	a.company.setStatus("1", importer.StatusInactive)
	for range 2 {
		a.importFrom(hr)
		a.importFrom(subsidiary)
		a.state("suspended by an administrator", ada, users.StateSuspended, "")
		a.company.setStatus("1", importer.StatusActive)
	}
}

// On leave counts by the policy of the account that says so.
func TestLeaveInOneOfTwoAccounts(t *testing.T) {
	t.Parallel()
	for policy, want := range map[users.LeavePolicy]users.State{users.LeaveSuspends: users.StateSuspended, users.LeaveKeeps: users.StateActive} {
		a := newAccounts(t, users.ConflictLinks, users.ConflictLinks)
		a.settings.Leave, a.secondSettings.Leave = policy, policy
		a.declare()
		a.hireBoth("Ada")
		a.importFrom(hr)
		a.importFrom(subsidiary)
		a.second.setStatus("77", importer.StatusLeave)
		a.importFrom(subsidiary)
		a.state("on leave in one", ada, users.StateActive)
		a.company.setStatus("1", importer.StatusLeave)
		a.importFrom(hr)
		a.importFrom(subsidiary)
		if got := a.user(ada).State(); got != want {
			t.Errorf("policy %s, on leave in both: %s, want %s", policy, got, want)
		}
	}
}

// A connection that imports no longer keeps nobody active, and owns no attribute.
func TestASwitchedOffAccountHasNoSay(t *testing.T) {
	t.Parallel()
	a := newAccounts(t, users.ConflictLinks, users.ConflictLinks)
	a.settings.Rank, a.secondSettings.Rank = 2, 1
	a.declare()
	a.hireBoth("Ada")
	a.second.set("77", func(p *importer.Person) { p.Attributes["department"] = "Board" })
	a.importFrom(hr)
	a.importFrom(subsidiary)
	if got := a.user(ada).Attribute("department"); got != "Board" {
		t.Errorf("department %q, want that of the lower rank", got)
	}
	a.company.setStatus("1", importer.StatusInactive)
	a.importFrom(hr)
	a.state("left the first", ada, users.StateActive)
	a.disabled = true
	a.declare()
	a.importFrom(hr)
	a.state("the second is switched off", ada, users.StateSuspended, hr)
	a.company.setStatus("1", importer.StatusActive)
	a.importFrom(hr)
	if got := a.user(ada); got.Attribute("department") != "Sales" || got.State() != users.StateActive {
		t.Errorf("%s in %q, want active in what the first says", got.State(), got.Attribute("department"))
	}
}

// Two imports at the same time, each of which counts on the other account: one
// of them fails for the person, and the next closes the door.
// S-045 N303
func TestLeavingBothCompaniesAtTheSameTime(t *testing.T) {
	t.Parallel()
	a := newAccounts(t, users.ConflictLinks, users.ConflictLinks)
	a.hireBoth("Ada")
	a.importFrom(hr)
	a.importFrom(subsidiary)
	a.company.setStatus("1", importer.StatusInactive)
	a.second.setStatus("77", importer.StatusInactive)
	a.applying = func() { a.importFrom(subsidiary) }
	if run := a.importFrom(hr); run.Counts.Failed != 1 {
		t.Errorf("counts %+v, want the overtaken row to fail", run.Counts)
	}
	a.importFrom(hr)
	a.state("left both at once", ada, users.StateSuspended, hr)
}

// Somebody who left one company and joins the other is the same person if both
// accounts mean the same people, and enrols anew; else their address is free.
// S-107 N312
func TestMovingFromOneCompanyToTheOther(t *testing.T) {
	t.Parallel()
	for policy, reason := range map[users.ConflictPolicy]string{users.ConflictLinks: "rehire_keep", users.ConflictQuarantines: "rehire_new"} {
		a := newAccounts(t, policy, policy)
		a.company.hire("1", importer.StatusActive, "Ada")
		a.importFrom(hr)
		before := a.user(ada)
		a.company.setStatus("1", importer.StatusInactive)
		a.importFrom(hr)
		a.second.hire("77", importer.StatusActive, "Ada")
		rows := a.changes(a.importFrom(subsidiary))
		if last := rows[len(rows)-1]; last.Reason != reason {
			t.Errorf("%s: reason %s, want %s", policy, last.Reason, reason)
		}
		a.importFrom(hr)
		after := a.user(ada)
		if after.State() != users.StateActive {
			t.Errorf("%s: %s, want active", policy, after.State())
		}
		if same := after.ID == before.ID; same != (policy == users.ConflictLinks) || same && after.Epoch <= before.Epoch+1 {
			t.Errorf("%s: user %s with epoch %d, before %s with %d", policy, after.ID, after.Epoch, before.ID, before.Epoch)
		}
	}
}
