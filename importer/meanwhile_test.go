package importer_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/einlass/einlass/importer"
	"github.com/einlass/einlass/users"
)

// runWhile imports and calls meanwhile when everything is planned and nothing applied.
func (b *bench) runWhile(meanwhile func()) users.Run {
	b.t.Helper()
	engine := b.newEngine(func(p importer.Progress) {
		if p.Phase == importer.ProgressPlanning && p.Done == p.Total {
			meanwhile()
		}
	})
	run, err := engine.Run(b.t.Context(), importer.Request{Connection: hr, Actor: "cli:test"})
	if err != nil {
		b.t.Fatalf("import: %v", err)
	}
	return run
}

// touch changes a person here, so that what was planned for them is stale.
func (b *bench) touch(email string) {
	b.t.Helper()
	if err := b.directory.EndSessions(b.t.Context(), "cli:boss", b.user(email).ID); err != nil {
		b.t.Fatal(err)
	}
}

// invariant 6: what follows from a row that failed fails with it, and each person is counted once.
func TestWhoWasChangedMeanwhileFailsAsAWholeAndIsRepaired(t *testing.T) {
	t.Parallel()
	b := newBench(t, 10)
	b.run()
	b.company.setStatus("1", importer.StatusInactive)
	b.company.hire("11", importer.StatusActive, "P1") // gets the address of the leaver
	b.company.set("11", func(p *importer.Person) { p.Attributes["first_name"] = "Quite-Another" })
	b.company.set("2", func(p *importer.Person) { p.Attributes["department"], p.ManagerID = "Ops", "3" })
	run := b.runWhile(func() { b.touch("p1@acme.example"); b.touch("p2@acme.example") })
	if diff := cmp.Diff(users.Counts{Failed: 3, Unchanged: 8}, run.Counts); diff != "" {
		t.Errorf("counts (-want +got):\n%s", diff)
	}
	if p1, p2 := b.user("p1@acme.example"), b.user("p2@acme.example"); p1.State() != users.StateActive || p2.Manager != "" {
		t.Errorf("after failed rows: the leaver is %s, the other has manager %q; want both as they were", p1.State(), p2.Manager)
	}

	leaver := b.user("p1@acme.example").ID
	run = b.run()
	if diff := cmp.Diff(users.Counts{Created: 1, Updated: 1, Suspended: 1, Unchanged: 8}, run.Counts); diff != "" {
		t.Errorf("counts of the next run (-want +got):\n%s", diff)
	}
	if u, err := b.store.User(t.Context(), leaver); err != nil || u.State() != users.StateSuspended {
		t.Errorf("the leaver is %s, error %v; want suspended", u.State(), err)
	}
	if u := b.user("p2@acme.example"); u.Attribute("department") != "Ops" || u.Manager != b.user("p3@acme.example").ID {
		t.Errorf("department %q, manager %q; want the new ones", u.Attribute("department"), u.Manager)
	}
}

func TestWhoseAddressWasTakenMeanwhileFailsAlone(t *testing.T) {
	t.Parallel()
	b := newBench(t, 10)
	b.run()
	b.company.hire("11", importer.StatusActive, "Eve")
	b.company.set("11", func(p *importer.Person) { p.ManagerID = "99" }) // nobody
	b.company.set("2", func(p *importer.Person) { p.Attributes["department"] = "Ops" })
	run := b.runWhile(func() {
		if _, _, err := b.directory.Recover(b.t.Context(), "cli:root", "eve@acme.example"); err != nil {
			t.Error(err)
		}
	})
	if diff := cmp.Diff(users.Counts{Updated: 1, Failed: 1, Unchanged: 9}, run.Counts); diff != "" {
		t.Errorf("counts (-want +got):\n%s", diff)
	}
	if next := b.run(); next.Counts.Quarantined != 1 || next.Counts.Failed != 0 {
		t.Errorf("next run: %+v, want one quarantined and none failed", next.Counts)
	}
}
