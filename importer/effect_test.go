package importer_test

import (
	"context"
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/einlass/einlass/importer"
	"github.com/einlass/einlass/users"
)

// openSessions are how many sessions people have, by address.
type openSessions struct {
	counts map[string]int
	err    error
	asked  []string
}

func (s *openSessions) CountSessions(_ context.Context, people []users.User) (map[users.ID]int, error) {
	counts := map[users.ID]int{}
	for _, u := range people {
		s.asked = append(s.asked, u.Email)
		if n := s.counts[u.Email]; n > 0 {
			counts[u.ID] = n
		}
	}
	return counts, s.err
}

// furnish declares applications beside the connection, and makes the engine ask for sessions.
func (b *bench) furnish(sessions importer.Sessions) {
	b.t.Helper()
	settings := b.settings
	used := func(id users.ApplicationID, label string, groups ...users.GroupID) users.DeclaredApplication {
		app := users.Application{ID: id, Label: label, Groups: groups, Launch: &users.Launch{URL: "https://" + string(id) + ".example"}}
		return users.DeclaredApplication{Application: app}
	}
	closed := used("closed", "Closed", users.Everyone)
	closed.Disabled = true
	_, err := b.directory.Declare(b.t.Context(), users.Declaration{
		Applications: []users.DeclaredApplication{
			{Application: users.Application{ID: hr, Label: "Feed", Groups: []users.GroupID{users.Everyone}, Import: &settings}, ImportSecret: "secret of the connection"},
			used("wiki", "Wiki", users.Everyone), used("crm", "CRM", "sales"), used("lab", "Lab", "research"), closed,
		},
		Groups: []users.Group{{ID: "sales", Label: "Sales"}, {ID: "research", Label: "Research"}},
	})
	if err != nil {
		b.t.Fatal(err)
	}
	b.engine = b.newEngineWith(func(cfg *importer.Config) { cfg.Sessions = sessions })
}

// join puts a person into a group.
func (b *bench) join(email string, group users.GroupID) {
	b.t.Helper()
	err := b.store.Update(b.t.Context(), func(tx users.Tx) error {
		_, err := tx.PutMembers(b.t.Context(), []users.Membership{{Group: group, User: b.user(email).ID}})
		return err
	})
	if err != nil {
		b.t.Fatal(err)
	}
}

// effects returns the effects of a run's rows by source id, those without any left out.
func (b *bench) effects(run users.Run) map[string]string {
	b.t.Helper()
	found := map[string]string{}
	for _, c := range b.changes(run) {
		if len(c.Effect) > 0 {
			found[c.SourceID] = importer.InEnglish(c.Effect)
		}
	}
	return found
}

// N-2
func TestAPlanSaysWhatFollowsForPeople(t *testing.T) {
	t.Parallel()
	b := newBench(t, 40)
	sessions := &openSessions{counts: map[string]int{"p1@acme.example": 2, "p2@acme.example": 1, "p9@acme.example": 7}}
	b.furnish(sessions)
	first := b.run()
	if got := b.effects(first)["1"]; got != "Gains Wiki." {
		t.Errorf("effect on somebody new: %q", got)
	}
	if len(sessions.asked) > 0 {
		t.Errorf("asked for sessions of %v, who have just come", sessions.asked)
	}
	b.join("p1@acme.example", "sales")
	b.company.setStatus("3", importer.StatusLeave)
	b.company.setStatus("8", importer.StatusLeave)
	b.run()
	if _, err := b.directory.Suspend(t.Context(), "cli:test", b.user("p4@acme.example").ID, ""); err != nil {
		t.Fatal(err)
	}
	if _, err := b.directory.Suspend(t.Context(), "cli:test", b.user("p8@acme.example").ID, ""); err != nil {
		t.Fatal(err)
	}

	sessions.asked = nil
	b.company.setStatus("1", importer.StatusLeave)
	b.company.setStatus("2", importer.StatusInactive)
	b.company.setStatus("3", importer.StatusActive)
	b.company.setStatus("4", importer.StatusLeave) // suspended by an administrator already
	b.company.set("5", func(p *importer.Person) { p.Attributes["email"] = "anna@acme.example" })
	b.company.set("6", func(p *importer.Person) { p.Attributes["department"] = "Finance" })
	b.company.setStatus("7", importer.StatusLeave)
	b.company.setStatus("8", importer.StatusActive)
	preview, err := b.try(true)
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]string{
		"1": "Loses CRM, Wiki. 2 sessions end.",
		"2": "Loses Wiki. 1 session ends.",
		"3": "Gains Wiki.",
		"5": "The email address at Wiki changes.",
		"7": "Loses Wiki.",
		"8": "Stays suspended.",
	}
	if diff := cmp.Diff(want, b.effects(preview)); diff != "" {
		t.Errorf("effects (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"p1@acme.example", "p2@acme.example", "p7@acme.example"}, sessions.asked); diff != "" {
		t.Errorf("asked for the sessions of (-want +got):\n%s", diff)
	}

	// Sessions come and go: the plan is still the same.
	sessions.counts = map[string]int{}
	b.join("p2@acme.example", "sales")
	if run, err := b.engine.Approve(t.Context(), preview.ID, "cli:test"); err != nil || run.State != users.RunDone {
		t.Errorf("approval: state %s, error %v", run.State, err)
	}
}

// N-2
func TestPeopleWhoAreStagedGainNothingYet(t *testing.T) {
	t.Parallel()
	b := newBench(t, 3)
	b.settings.InitialState = users.StateStaged
	b.furnish(nil)
	if got := b.effects(b.run())["1"]; got != "Is to be activated before they can use Wiki." {
		t.Errorf("effect on somebody staged: %q", got)
	}
	b.company.setStatus("1", importer.StatusLeave)
	if got := b.effects(b.run()); len(got) > 0 {
		t.Errorf("effects on somebody who had no access: %v", got)
	}
}

// N-2
func TestAHandOverSaysWhoseSessionsEnd(t *testing.T) {
	t.Parallel()
	b := newBench(t, 20)
	b.furnish(&openSessions{counts: map[string]int{"p1@acme.example": 1, "p2@acme.example": 3}})
	b.run()
	b.company.set("1", func(p *importer.Person) { p.Attributes["email"] = "one@acme.example" })
	b.company.set("2", func(p *importer.Person) { p.Attributes["email"] = "p1@acme.example" })
	want := map[string]string{
		"1": "The email address at Wiki changes. 1 session ends.",
		"2": "The email address at Wiki changes. 3 sessions end.",
	}
	if diff := cmp.Diff(want, b.effects(b.run())); diff != "" {
		t.Errorf("effects (-want +got):\n%s", diff)
	}
}

// N-2
func TestSomebodyWhoComesBackAsTheSamePersonEnrolsAgain(t *testing.T) {
	t.Parallel()
	b := newBench(t, 20)
	b.furnish(nil)
	b.run()
	b.company.setStatus("1", importer.StatusInactive)
	b.run()
	b.company.hire("101", importer.StatusActive, "P1")
	if got := b.effects(b.run())["101"]; got != "Gains Wiki. Sign-in methods must be enrolled again." {
		t.Errorf("effect: %q", got)
	}
}

// N353: the session store is down, the import goes on.
func TestSessionsThatCannotBeCountedHoldNobodyUp(t *testing.T) {
	t.Parallel()
	b := newBench(t, 20)
	b.furnish(&openSessions{err: errors.New("store is down")})
	b.run()
	b.company.setStatus("1", importer.StatusLeave)
	if got := b.effects(b.run())["1"]; got != "Loses Wiki." {
		t.Errorf("effect: %q", got)
	}
}
