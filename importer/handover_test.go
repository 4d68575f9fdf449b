package importer_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/einlass/einlass/importer"
	"github.com/einlass/einlass/keys"
	"github.com/einlass/einlass/users"
)

// section 6: releases before claims, in one transaction
func TestAddressesChangeHandsInOneRun(t *testing.T) {
	t.Parallel()
	b := newBench(t, 4)
	b.run()
	p1, p2 := b.user("p1@acme.example").ID, b.user("p2@acme.example").ID
	b.company.set("1", func(p *importer.Person) { p.Attributes["email"] = "p1.married@acme.example" })
	b.company.set("2", func(p *importer.Person) { p.Attributes["email"] = "p1@acme.example" })
	b.company.hire("5", importer.StatusActive, "P2")
	run := b.run()
	if diff := cmp.Diff(users.Counts{Created: 1, Updated: 2, Unchanged: 2}, run.Counts); diff != "" {
		t.Errorf("counts (-want +got):\n%s", diff)
	}
	if got := b.user("p1.married@acme.example").ID; got != p1 {
		t.Errorf("new address belongs to %s, want %s", got, p1)
	}
	if got := b.user("p1@acme.example").ID; got != p2 {
		t.Errorf("handed-over address belongs to %s, want %s", got, p2)
	}
	if got := b.user("p2@acme.example").ID; got == p1 || got == p2 {
		t.Errorf("the newcomer got the user of a colleague: %s", got)
	}
	before := b.contents()
	b.run()
	if diff := cmp.Diff(before, b.contents()); diff != "" {
		t.Errorf("the next run found something to do (-before +after):\n%s", diff)
	}
}

// N309, N311, N312
func TestRehiresInTheDirectory(t *testing.T) {
	t.Parallel()
	b := newBench(t, 20)
	b.run()
	b.company.setStatus("1", importer.StatusInactive)
	b.company.setStatus("2", importer.StatusInactive)
	b.run()
	same, other := b.user("p1@acme.example"), b.user("p2@acme.example")

	// Personio renames the old record and gives the address to a new one.
	b.company.set("1", func(p *importer.Person) { p.Attributes["email"] += "_a1b2c" })
	b.company.hire("101", importer.StatusOnboarding, "P1")
	b.company.hire("102", importer.StatusActive, "P2")
	b.company.set("102", func(p *importer.Person) { p.Attributes["first_name"] = "Quite-Another" })
	run := b.run()

	if diff := cmp.Diff(users.Counts{Created: 1, Updated: 2, Unchanged: 18, Skipped: 1}, run.Counts); diff != "" {
		t.Errorf("counts (-want +got):\n%s", diff)
	}
	back := b.user("p1@acme.example")
	if back.ID != same.ID || back.State() != users.StateActive || back.Epoch <= same.Epoch {
		t.Errorf("rehired: user %s, %s, epoch %d; want %s, active, more than %d", back.ID, back.State(), back.Epoch, same.ID, same.Epoch)
	}
	if got := b.user("p2@acme.example").ID; got == other.ID {
		t.Error("without proof the new person got the old user")
	}
	parked, err := b.store.User(t.Context(), other.ID)
	if err != nil || parked.Email != "p2@acme.example" || parked.EmailKey != "" || parked.State() != users.StateSuspended {
		t.Errorf("old user: address %q with key %q, %s, error %v", parked.Email, parked.EmailKey, parked.State(), err)
	}

	before := b.contents()
	b.run()
	if diff := cmp.Diff(before, b.contents()); diff != "" {
		t.Errorf("the next run found something to do (-before +after):\n%s", diff)
	}

	// The new employment ends: it is the same user who is suspended, by the new id.
	b.company.setStatus("101", importer.StatusInactive)
	b.run()
	if got := b.user("p1@acme.example").State(); got != users.StateSuspended {
		t.Errorf("after the second employment: %s, want suspended", got)
	}
}

// N303, N318: addresses that stand one row too low make everybody somebody else at
// the applications. A few hand-overs are a matter of course.
func TestAddressesOfManyThatGoToOthersAreHeld(t *testing.T) {
	t.Parallel()
	for many, want := range map[int]error{4: nil, 5: importer.ErrHeld, 19: importer.ErrHeld} {
		b := newBench(t, 20)
		b.run()
		before := b.directoryContents()
		for i := range many {
			b.company.set(strconv.Itoa(i+1), func(p *importer.Person) { p.Attributes["email"] = fmt.Sprintf("p%d@acme.example", i+2) })
		}
		b.company.set(strconv.Itoa(many+1), func(p *importer.Person) { p.Attributes["email"] = "new@acme.example" })
		run, err := b.try(false)
		if !errors.Is(err, want) || run.Stats.LosingAccess != many {
			t.Errorf("%d of 20: error %v, %d lose access; want error %v", many, err, run.Stats.LosingAccess, want)
		}
		if diff := cmp.Diff(before, b.directoryContents()); want != nil && diff != "" {
			t.Errorf("%d of 20: the directory changed (-before +after):\n%s", many, diff)
		}
	}
}

// N303, N309: new ids for people who never left are a loss, because all of them would
// have to enrol again. A few are a matter of course.
func TestNewIDsForManyAreHeld(t *testing.T) {
	t.Parallel()
	for many, want := range map[int]error{4: nil, 5: importer.ErrHeld} {
		b := newBench(t, 20)
		b.run()
		before := b.directoryContents()
		for i := range many {
			b.company.remove(strconv.Itoa(i + 1))
			b.company.hire(strconv.Itoa(i+101), importer.StatusActive, fmt.Sprintf("P%d", i+1))
		}
		run, err := b.try(false)
		if !errors.Is(err, want) || run.Stats.LosingAccess != many {
			t.Errorf("%d of 20: error %v, %d lose access; want error %v", many, err, run.Stats.LosingAccess, want)
		}
		if diff := cmp.Diff(before, b.directoryContents()); want != nil && diff != "" {
			t.Errorf("%d of 20: the directory changed (-before +after):\n%s", many, diff)
		}
	}
}

// S-051: with reactivation off an administrator decides, whatever id a person comes back under.
func TestARehireStaysSuspendedWhenReactivationIsOff(t *testing.T) {
	t.Parallel()
	b := newBench(t, 10)
	b.settings.Reactivation = false
	b.connect()
	b.run()
	b.company.setStatus("1", importer.StatusInactive)
	b.run()
	before := b.user("p1@acme.example")
	b.company.remove("1")
	b.company.hire("101", importer.StatusActive, "P1")
	run := b.run()
	u := b.user("p1@acme.example")
	if u.ID != before.ID || u.State() != users.StateSuspended || u.Epoch <= before.Epoch {
		t.Errorf("rehired: user %s, %s, epoch %d; want %s, suspended, more than %d", u.ID, u.State(), u.Epoch, before.ID, before.Epoch)
	}
	if rows := b.changes(run); !slices.ContainsFunc(rows, func(c users.RunChange) bool {
		return c.SourceID == "101" && c.Reason == "rehire_suspended" && len(c.Detail) > 0
	}) {
		t.Errorf("rows %+v, want one that says what to decide", rows)
	}
	if _, err := b.directory.Activate(t.Context(), "cli:test", u.ID, "welcome back"); err != nil {
		t.Fatal(err)
	}
	b.run()
	if got := b.user("p1@acme.example").State(); got != users.StateActive {
		t.Errorf("after the administrator's word: %s, want active", got)
	}
}

// S-107, N317
func TestLocalPeopleAreLinked(t *testing.T) {
	t.Parallel()
	b := newBench(t, 3)
	settings := b.settings
	_, err := b.directory.Declare(t.Context(), users.Declaration{
		Applications: []users.DeclaredApplication{{
			Application: users.Application{ID: hr, Label: "Personio", Import: &settings}, ImportSecret: keys.Secret("secret"),
		}},
		Users: []users.DeclaredUser{
			{Email: "P1@acme.example", FirstName: "Local", LastName: "One", State: users.StateActive},
			{Email: "p2@acme.example", FirstName: "The", LastName: "Boss", State: users.StateActive, Role: users.RoleOwner},
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	local, boss := b.user("p1@acme.example"), b.user("p2@acme.example")
	run := b.run()
	if diff := cmp.Diff(users.Counts{Created: 1, Updated: 1, Quarantined: 1}, run.Counts); diff != "" {
		t.Errorf("counts (-want +got):\n%s", diff)
	}
	if linked := b.user("p1@acme.example"); linked.ID != local.ID || linked.FirstName != "P1" || linked.Origin != users.OriginImport {
		t.Errorf("linked: user %s, first name %q, origin %s", linked.ID, linked.FirstName, linked.Origin)
	}
	if diff := cmp.Diff(boss, b.user("p2@acme.example")); diff != "" {
		t.Errorf("the owner changed (-before +after):\n%s", diff)
	}
	if again := b.run(); again.Counts.Quarantined != 1 || again.Counts.Unchanged != 2 {
		t.Errorf("next run: %+v, want the quarantine listed again", again.Counts)
	}
}

// S-109
func TestAManagerWhoComesBackUnderAnotherIDStaysTheManager(t *testing.T) {
	t.Parallel()
	b := newBench(t, 12)
	b.company.set("2", func(p *importer.Person) { p.ManagerID = "1" })
	b.run()
	boss := b.user("p1@acme.example").ID
	b.company.setStatus("1", importer.StatusInactive)
	b.company.hire("13", importer.StatusActive, "P1")
	b.run()
	for _, department := range []string{"Ops", "IT"} { // whatever else changes
		b.company.set("2", func(p *importer.Person) { p.Attributes["department"] = department })
		b.run()
		if got := b.user("p2@acme.example").Manager; got != boss {
			t.Errorf("manager %q, want %q as before", got, boss)
		}
	}
	b.company.set("3", func(p *importer.Person) { p.ManagerID = "1" }) // the old id stands for nobody
	b.run()
	if got := b.user("p3@acme.example").Manager; got != "" {
		t.Errorf("manager by the old id: %q, want none", got)
	}
	b.company.set("2", func(p *importer.Person) { p.ManagerID = "13" })
	b.run()
	before := b.contents()
	b.run()
	if diff := cmp.Diff(before, b.contents()); diff != "" {
		t.Errorf("there was still something to do (-before +after):\n%s", diff)
	}
}

// invariant 6: the old manager is still there when the process dies before the managers' turn.
func TestAKillBetweenAReturnAndItsManagerIsRepaired(t *testing.T) {
	t.Parallel()
	b := newBench(t, 12)
	b.company.set("2", func(p *importer.Person) { p.ManagerID = "1" })
	b.run()
	b.company.setStatus("2", importer.StatusInactive)
	b.company.hire("13", importer.StatusActive, "P2") // with no manager
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	engine := b.newEngine(func(p importer.Progress) {
		if p.Phase == importer.ProgressApplying && p.Done > 0 { // the hand-over
			cancel()
		}
	})
	if run, err := engine.Run(ctx, importer.Request{Connection: hr, Actor: "cli:test"}); err == nil {
		t.Fatalf("the run was not stopped: %+v", run)
	}
	b.run()
	if u := b.user("p2@acme.example"); u.Manager != "" || u.State() != users.StateActive {
		t.Errorf("after the next run: manager %q, state %s; want none, active", u.Manager, u.State())
	}
}
