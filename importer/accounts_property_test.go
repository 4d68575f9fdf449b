package importer_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/einlass/einlass/importer"
	"github.com/einlass/einlass/users"
	"github.com/einlass/einlass/users/userstest"
)

// twoSources are two companies whose HR departments act at random. Some people
// work for both.
type twoSources struct {
	*accounts
	rt   *rapid.T
	rows int // source ids given so far
}

// S-036, invariant 4 over random histories of two accounts: people are one only
// where both are declared to mean the same people and the names agree; two
// imports never take turns in changing somebody; whoever is left by all is out.
func TestTwoSourcesNeverQuarrel(t *testing.T) {
	t.Parallel()
	userstest.Histories(t, func(rt *rapid.T) {
		policies := []users.ConflictPolicy{users.ConflictQuarantines, users.ConflictLinks, users.ConflictLinks}
		first, second := rapid.SampledFrom(policies).Draw(rt, "first"), rapid.SampledFrom(policies).Draw(rt, "second")
		s := &twoSources{accounts: newAccountsOn(t, userstest.Fastest(t), first, second), rt: rt}
		defer s.store.Close() // there are many
		s.settings.Leave = rapid.SampledFrom([]users.LeavePolicy{users.LeaveSuspends, users.LeaveKeeps}).Draw(rt, "leave")
		s.secondSettings.Authoritative = rapid.SampledFrom([][]string{nil, {"department"}}).Draw(rt, "authoritative")
		s.declare()
		for range 15 {
			s.step()
		}
		s.end()
	})
}

func (s *twoSources) step() {
	company, connection := s.company, hr
	if rapid.Bool().Draw(s.rt, "company") {
		company, connection = s.second, subsidiary
	}
	if rapid.IntRange(0, 2).Draw(s.rt, "act") == 0 {
		s.importFrom(connection)
		s.neverMerged()
		return
	}
	if len(company.people) == 0 || rapid.IntRange(0, 3).Draw(s.rt, "hire") == 0 {
		s.rows++
		name := rapid.SampledFrom([]string{"Ada", "Bea", "Cleo"}).Draw(s.rt, "name")
		company.hire(fmt.Sprint(s.rows), rapid.SampledFrom(statuses).Draw(s.rt, "status"), name)
		s.rt.Logf("%s hires %s as %d", connection, name, s.rows)
		return
	}
	row := rapid.SampledFrom(company.people).Draw(s.rt, "row")
	attribute := rapid.SampledFrom([]string{"status", "status", "status", "first_name", "last_name", "department", "email"}).Draw(s.rt, "attribute")
	company.set(row.ID, func(p *importer.Person) {
		switch attribute {
		case "status":
			p.Status = rapid.SampledFrom(statuses).Draw(s.rt, "status")
		case "department":
			p.Attributes["department"] = rapid.SampledFrom([]string{"Sales", "Board"}).Draw(s.rt, "department")
		case "email":
			p.Attributes["email"] = rapid.SampledFrom([]string{"ada", "bea", "dora"}).Draw(s.rt, "email") + "@acme.example"
		default:
			p.Attributes[attribute] = rapid.SampledFrom([]string{"Ada", "Bea", "Example"}).Draw(s.rt, "name")
		}
		s.rt.Logf("%s: %s of %s is %s %v", connection, attribute, row.ID, p.Status, p.Attributes)
	})
}

var statuses = []importer.Status{importer.StatusActive, importer.StatusActive, importer.StatusInactive, importer.StatusLeave}

// neverMerged checks that whom both connections know was linked by their policy.
func (s *twoSources) neverMerged() {
	shared, err := s.store.SharedUsers(s.t.Context(), hr)
	if err != nil {
		s.rt.Fatal(err)
	}
	if len(shared) > 0 && (s.settings.Conflict != users.ConflictLinks || s.secondSettings.Conflict != users.ConflictLinks) {
		s.rt.Fatalf("%v are one without being declared so", shared)
	}
}

// end lets both import until nobody has anything new to say, which must be soon.
func (s *twoSources) end() {
	for range 3 { // hand-overs of addresses take turns
		s.importFrom(hr)
		s.importFrom(subsidiary)
	}
	before := s.contents()
	quarantined := map[string]bool{}
	for _, connection := range []users.ApplicationID{hr, subsidiary, hr} {
		run := s.importFrom(connection)
		if run.Counts.Changed() > 0 {
			s.rt.Errorf("%s changes people although nothing changed: %+v", connection, s.changes(run))
		}
		for _, c := range s.changes(run) {
			quarantined[string(connection)+c.SourceID] = true
		}
	}
	if diff := cmp.Diff(before["users"], s.contents()["users"]); diff != "" {
		s.rt.Errorf("users changed although nothing changed (-before +after):\n%s", diff)
	}
	s.neverMerged()
	s.wholeAccess(quarantined)
}

// wholeAccess checks that whoever is linked has access exactly if one of their
// sources admits them, and that nobody has whom all have left.
func (s *twoSources) wholeAccess(quarantined map[string]bool) {
	found, err := s.store.FindUsers(s.t.Context(), users.UserQuery{})
	if err != nil {
		s.rt.Fatal(err)
	}
	for _, u := range found {
		records, err := s.store.PeopleOf(s.t.Context(), []users.ID{u.ID})
		if err != nil {
			s.rt.Fatal(err)
		}
		admitted, troubled := false, false
		var seen []string
		for _, p := range records[u.ID] {
			company, leave := s.company, s.settings.Leave
			if p.Connection == subsidiary {
				company, leave = s.second, s.secondSettings.Leave
			}
			i := slices.IndexFunc(company.people, func(row importer.Person) bool { return row.ID == p.SourceID })
			status := company.people[i].Status
			admitted = admitted || status == importer.StatusActive || status == importer.StatusLeave && leave == users.LeaveKeeps
			troubled = troubled || quarantined[string(p.Connection)+p.SourceID]
			seen = append(seen, fmt.Sprintf("%s %s %s", p.Connection, p.SourceID, status))
		}
		active := u.State() == users.StateActive
		if active && !admitted && len(seen) > 0 || !active && admitted && !troubled {
			s.rt.Errorf("%s is %s, but the sources say %s", u.Email, u.State(), strings.Join(seen, ", "))
		}
	}
}
