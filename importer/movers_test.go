package importer_test

import (
	"errors"
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/einlass/einlass/importer"
	"github.com/einlass/einlass/users"
)

// byRule declares groups by department, the applications of two of them, and the connection.
func (b *bench) byRule() {
	b.t.Helper()
	settings := b.settings
	used := func(id users.ApplicationID, label string, groups ...users.GroupID) users.DeclaredApplication {
		app := users.Application{ID: id, Label: label, Groups: groups, Launch: &users.Launch{URL: "https://" + string(id) + ".example"}}
		return users.DeclaredApplication{Application: app}
	}
	_, err := b.directory.Declare(b.t.Context(), users.Declaration{
		Applications: []users.DeclaredApplication{
			{Application: users.Application{ID: hr, Label: "Feed", Import: &settings}, ImportSecret: "secret of the connection"},
			used("wiki", "Wiki", users.Everyone), used("crm", "CRM", "sales", "partners"), used("ledger", "Ledger", "finance"),
		},
		Groups: []users.Group{
			{ID: "sales", Label: "Sales", Rule: `department == "Sales"`},
			{ID: "finance", Label: "Finance", Rule: `department == "Finance"`},
			{ID: "partners", Label: "Partners", Rule: `department == "Partners"`},
		},
	})
	if err != nil {
		b.t.Fatal(err)
	}
}

func (b *bench) move(department string, ids ...int) {
	for _, id := range ids {
		b.company.set(fmt.Sprint(id), func(p *importer.Person) { p.Attributes["department"] = department })
	}
}

// S-142, F-68, N-2: the plan says who leaves and joins which group by rule, and the run does it.
func TestAMoverIsForetoldAndMoved(t *testing.T) {
	t.Parallel()
	b := newBench(t, 12)
	b.byRule()
	created := b.run()
	if rows := b.changes(created); importer.InEnglish(rows[0].Effect) != "Gains Wiki. Joins by rule: Sales. Gains CRM." {
		t.Errorf("effect of a creation: %q", importer.InEnglish(rows[0].Effect))
	}
	b.move("Finance", 1)
	b.move("Partners", 2)
	b.move("Finance", 3)
	b.company.setStatus("3", importer.StatusLeave)
	run := b.run()
	effects := map[string]string{}
	for _, c := range b.changes(run) {
		effects[c.SourceID] = importer.InEnglish(c.Effect)
	}
	want := map[string]string{
		"1": "Leaves by rule: Sales. Joins by rule: Finance. Loses CRM. Gains Ledger.",
		"2": "Leaves by rule: Sales. Joins by rule: Partners.",
		"3": "Loses CRM, Wiki. Leaves by rule: Sales. Joins by rule: Finance.",
	}
	if diff := cmp.Diff(want, effects); diff != "" {
		t.Errorf("effects (-want +got):\n%s", diff)
	}
	if run.Stats.LosingAccess != 2 {
		t.Errorf("%d people lose access, want the mover and the one on leave", run.Stats.LosingAccess)
	}
	for application, access := range map[users.ApplicationID]bool{"crm": false, "ledger": true, "wiki": true} {
		d, err := b.store.Decision(t.Context(), b.user("p1@acme.example").ID, application, b.clock.Now())
		if err != nil || d.Access != access {
			t.Errorf("access to %s after the move: %t, %v; want %t", application, d.Access, err, access)
		}
	}
}

// Invariant 5: a mistake in a column that rules read takes nobody's application without a named word.
func TestTheGuardCountsApplicationsLostByRule(t *testing.T) {
	t.Parallel()
	b := newBench(t, 10)
	b.byRule()
	b.run()
	if err := b.directory.AddMember(t.Context(), "cli:test", "partners", b.user("p1@acme.example").ID); err != nil {
		t.Fatal(err)
	}
	b.move("Sales & Marketing", 1, 2, 3, 4)
	run, err := b.try(false)
	if !errors.Is(err, importer.ErrHeld) || run.Stats.LosingAccess != 3 {
		t.Fatalf("%v, %d lose access; want held with 3, all but the partner", err, run.Stats.LosingAccess)
	}
	if d, err := b.store.Decision(t.Context(), b.user("p2@acme.example").ID, "crm", b.clock.Now()); err != nil || !d.Access {
		t.Errorf("access while held: %t, %v; want as before", d.Access, err)
	}
	if _, err := b.engine.Approve(t.Context(), run.ID, "cli:admin"); err != nil {
		t.Fatal(err)
	}
	for email, access := range map[string]bool{"p1@acme.example": true, "p2@acme.example": false, "p5@acme.example": true} {
		if d, err := b.store.Decision(t.Context(), b.user(email).ID, "crm", b.clock.Now()); err != nil || d.Access != access {
			t.Errorf("access of %s after approval: %t, %v; want %t", email, d.Access, err, access)
		}
	}

	b.move("Partners", 5, 6, 7, 8, 9, 10)
	if run := b.run(); run.Stats.LosingAccess != 0 {
		t.Errorf("%d lose access by moving between groups of one application, want none", run.Stats.LosingAccess)
	}
}
