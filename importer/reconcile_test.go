package importer_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/einlass/einlass/importer"
	"github.com/einlass/einlass/users"
)

// tamper changes a person behind the importer's back.
func (b *bench) tamper(email string, change func(u *users.User)) {
	b.t.Helper()
	u := b.user(email)
	change(&u)
	err := b.store.Update(b.t.Context(), func(tx users.Tx) error {
		stale, err := tx.UpdateUsers(b.t.Context(), []users.User{u})
		if err == nil && len(stale) > 0 {
			err = users.ErrStale
		}
		return err
	})
	if err != nil {
		b.t.Fatal(err)
	}
}

// unsuspend removes the suspension of an import behind the importer's back.
func (b *bench) unsuspend(email string) {
	b.t.Helper()
	id := b.user(email).ID
	err := b.store.Update(b.t.Context(), func(tx users.Tx) error {
		return tx.DeleteSuspensions(b.t.Context(), []users.ID{id}, users.ByImport, hr)
	})
	if err != nil {
		b.t.Fatal(err)
	}
}

// settledCompany is a bench on which everybody is as the source shows them.
func settledCompany(t *testing.T) *bench {
	t.Helper()
	b := newBench(t, 30)
	b.company.announced = -1
	b.company.set("4", func(p *importer.Person) { p.ManagerID = "5" })
	b.company.set("14", func(p *importer.Person) { p.ManagerID = "99" })
	b.run()
	b.company.setStatus("2", importer.StatusLeave)
	b.company.setStatus("3", importer.StatusInactive)
	b.company.remove("6")
	b.run()
	if _, err := b.directory.Activate(t.Context(), "cli:test", b.user("p3@acme.example").ID, "works on"); err != nil {
		t.Fatal(err)
	}
	if run := b.run(); run.Counts.Changed() != 0 {
		t.Fatalf("not settled: %+v", run.Counts)
	}
	return b
}

// S-152
func TestAReconciliationRepairsAndReportsWhatDiffers(t *testing.T) {
	t.Parallel()
	b := settledCompany(t)
	known := b.people()
	b.tamper("p1@acme.example", func(u *users.User) { u.FirstName = "Mallory" })
	b.tamper("p4@acme.example", func(u *users.User) { u.Manager = u.ID })
	b.tamper("p7@acme.example", func(u *users.User) {
		u.SetAttribute("department", "Board")
		u.Manager = "nobody"
	})
	b.tamper("p8@acme.example", func(u *users.User) { u.SetAttribute("email", "mallory@acme.example") })
	b.unsuspend("p2@acme.example")
	b.unsuspend("p6@acme.example")

	if diff := cmp.Diff(map[string]string{"2": "suspend:status_leave"}, b.reasons(b.mustAsk(importer.Request{}))); diff != "" {
		t.Errorf("an ordinary run (-want +got):\n%s", diff)
	}
	b.unsuspend("p2@acme.example")
	run := b.mustAsk(importer.Request{Reconcile: true})
	want := map[string]string{
		"1": "update:repaired", "2": "suspend:repaired", "4": "update:repaired", "6": "suspend:repaired",
		"7": "update:repaired update:repaired", "8": "update:repaired",
	}
	if diff := cmp.Diff(want, b.reasons(run)); diff != "" {
		t.Errorf("rows (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(users.Counts{Updated: 4, Suspended: 2, Unchanged: 24}, run.Counts); diff != "" {
		t.Errorf("counts (-want +got):\n%s", diff)
	}
	for _, c := range b.changes(run) {
		if c.SourceID == "1" && c.Fields["first_name"] != (users.FieldChange{Before: "Mallory", After: "P1"}) {
			t.Errorf("first name of P1: %+v", c.Fields["first_name"])
		}
	}
	for email, reason := range map[string]string{"p2@acme.example": "status_leave", "p6@acme.example": "person_gone"} {
		if got := b.user(email).Suspensions; len(got) != 1 || got[0].Reason != reason {
			t.Errorf("%s is suspended by %+v, want the reason %s", email, got, reason)
		}
	}
	if u := b.user("p4@acme.example"); u.Manager != b.user("p5@acme.example").ID {
		t.Errorf("manager of P4: %q, want P5", u.Manager)
	}
	if u := b.user("p8@acme.example"); u.Email != "p8@acme.example" {
		t.Errorf("address of P8: %q", u.Email)
	}
	if got := b.user("p3@acme.example").State(); got != users.StateActive {
		t.Errorf("somebody an administrator keeps: %s, want active", got)
	}
	for id, p := range b.people() {
		if was := known[id]; p.ContentHash != was.ContentHash || p.Status != was.Status || p.ManagerSourceID != was.ManagerSourceID {
			t.Errorf("what is remembered of %s: %+v, want %+v", id, p, was)
		}
	}

	before := b.contents()
	if again := b.mustAsk(importer.Request{Reconcile: true}); len(b.changes(again)) != 0 {
		t.Errorf("once more: %v, want no rows", b.reasons(again))
	}
	if diff := cmp.Diff(before, b.contents()); diff != "" {
		t.Errorf("a reconciliation without findings wrote (-before +after):\n%s", diff)
	}
}

// S-152: what follows from other rules or from news is not called a repair.
func TestAReconciliationTellsRepairsFromNews(t *testing.T) {
	t.Parallel()
	b := settledCompany(t)
	b.company.set("1", func(p *importer.Person) { p.Attributes["department"] = "Ops" })
	b.company.hire("99", importer.StatusActive, "Boss") // the manager of P14, late
	run := b.mustAsk(importer.Request{Reconcile: true})
	want := map[string]string{"1": "update:attributes_changed", "14": "update:manager", "99": "create:new_person"}
	if diff := cmp.Diff(want, b.reasons(run)); diff != "" {
		t.Errorf("news (-want +got):\n%s", diff)
	}
	b.settings.Leave = users.LeaveKeeps
	b.connect()
	if diff := cmp.Diff(map[string]string{"2": "reactivate:status_leave"}, b.reasons(b.mustAsk(importer.Request{Reconcile: true}))); diff != "" {
		t.Errorf("another rule (-want +got):\n%s", diff)
	}
}

// S-152, invariant 5
func TestAReconciliationIsGuardedToo(t *testing.T) {
	t.Parallel()
	b := newBench(t, 10)
	b.run()
	for _, id := range []string{"1", "2"} {
		b.company.setStatus(id, importer.StatusInactive)
	}
	b.run()
	b.clock.pass(48 * time.Hour)
	b.company.setStatus("3", importer.StatusInactive)
	b.run()
	b.clock.pass(48 * time.Hour)
	for _, email := range []string{"p1@acme.example", "p2@acme.example", "p3@acme.example"} {
		b.unsuspend(email)
	}
	if _, err := b.ask(importer.Request{Reconcile: true}); !errors.Is(err, importer.ErrHeld) {
		t.Errorf("three of ten lose access: %v, want ErrHeld", err)
	}
}

// S-152: groups by rule are put right too, and the log tells.
func TestAReconciliationRepairsGroupsByRule(t *testing.T) {
	t.Parallel()
	b := newBench(t, 6)
	b.inDepartment("Ops", "1")
	err := b.store.Update(t.Context(), func(tx users.Tx) error {
		return tx.PutGroup(t.Context(), users.Group{ID: "sales", Label: "Sales", Rule: `department == "Sales"`})
	})
	if err != nil {
		t.Fatal(err)
	}
	b.run()
	members := b.directoryContents()["group_members"]
	if len(members) != 5 {
		t.Fatalf("members by rule: %v, want five", members)
	}
	out, in := b.user("p2@acme.example").ID, b.user("p1@acme.example").ID
	err = b.store.Update(t.Context(), func(tx users.Tx) error {
		if _, err := tx.DeleteMembers(t.Context(), []users.Membership{{Group: "sales", User: out, ByRule: true}}); err != nil {
			return err
		}
		_, err := tx.PutMembers(t.Context(), []users.Membership{{Group: "sales", User: in, ByRule: true}})
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	b.run()
	if cmp.Equal(members, b.directoryContents()["group_members"]) {
		t.Error("an ordinary run has put the groups right")
	}
	b.mustAsk(importer.Request{Reconcile: true})
	if diff := cmp.Diff(members, b.directoryContents()["group_members"]); diff != "" {
		t.Errorf("members (-want +got):\n%s", diff)
	}
	events, err := b.store.EventsAbout(t.Context(), "sales", 2)
	if err != nil {
		t.Fatal(err)
	}
	told := map[users.EventKind]string{}
	for _, e := range events {
		told[e.Kind] = e.Payload
	}
	if !strings.Contains(told[users.EventMemberAdded], string(out)) || !strings.Contains(told[users.EventMemberRemoved], string(in)) {
		t.Errorf("events: %v, want that %s was added and %s removed", told, out, in)
	}
}
