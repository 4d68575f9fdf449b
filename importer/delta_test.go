package importer_test

import (
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/einlass/einlass/importer"
	"github.com/einlass/einlass/users"
)

// changed lets a process read what has changed, as somebody who heard of it notes.
func (b *bench) changed() (users.Run, bool) {
	b.t.Helper()
	b.clock.pass(time.Minute)
	before := len(b.runsOver(users.ScopeDelta))
	err := b.directory.NoteWork(b.t.Context(), users.Work{Kind: users.WorkDelta, Connection: hr, Due: b.clock.Now()})
	if err != nil {
		b.t.Fatal(err)
	}
	b.work()
	runs := b.runsOver(users.ScopeDelta)
	if len(runs) == before {
		return users.Run{}, false
	}
	return runs[0], true
}

func (b *bench) cursor() time.Time {
	b.t.Helper()
	state, err := b.directory.ImportState(b.t.Context(), hr)
	if err != nil {
		b.t.Fatal(err)
	}
	return state.Cursor
}

// S-133, U-30
func TestChangesAreReadWithoutReadingEverybody(t *testing.T) {
	t.Parallel()
	b := newBench(t, 30)
	b.run()
	b.clock.pass(3 * time.Hour)
	lists := b.company.lists
	if run, recorded := b.changed(); recorded {
		t.Errorf("nothing changed: run %+v", run)
	}
	began := b.clock.Now()
	b.company.setStatus("7", importer.StatusInactive)
	b.company.hire("31", importer.StatusActive, "Newcomer")
	b.company.remove("8") // which no read of changes shows
	run, _ := b.changed()
	if diff := cmp.Diff(users.Counts{Created: 1, Suspended: 1}, run.Counts); diff != "" || run.State != users.RunDone {
		t.Errorf("run %s, counts (-want +got):\n%s", run.State, diff)
	}
	if b.state("p7@acme.example") != users.StateSuspended || b.state("p8@acme.example") != users.StateActive {
		t.Error("the leaver is not suspended, or somebody is who is only absent")
	}
	if len(b.company.singles) != 0 || b.company.lists != lists {
		t.Errorf("read %v singly and %d lists, want changes alone", b.company.singles, b.company.lists-lists)
	}
	if got, want := b.company.asked[1], began.Add(-time.Hour); !got.Equal(want) {
		t.Errorf("asked since %v, want an hour before the last read began: %v", got, want)
	}
	if full := b.run(); full.Counts.Suspended != 1 {
		t.Errorf("the next import suspended %d, want the one who is gone", full.Counts.Suspended)
	}
}

func TestTheCursorMovesOnlyAfterSuccess(t *testing.T) {
	t.Parallel()
	b := newBench(t, 30)
	if run, recorded := b.changed(); recorded || len(b.company.asked) != 0 {
		t.Errorf("before the first import: run %+v, asked %v", run, b.company.asked)
	}
	first := b.run()
	b.clock.pass(2 * time.Hour)
	b.company.deltaErr = importer.ErrUnreachable
	b.changed()
	if !b.cursor().IsZero() {
		t.Errorf("cursor %v after a failure, want none", b.cursor())
	}
	b.company.deltaErr = nil
	b.clock.pass(time.Minute)
	b.work()
	want := []time.Time{first.StartedAt.Add(-time.Hour), first.StartedAt.Add(-time.Hour)}
	if diff := cmp.Diff(want, b.company.asked); diff != "" {
		t.Errorf("asked since (-want +got):\n%s", diff)
	}
	if got := b.cursor(); !got.Equal(b.clock.Now()) {
		t.Errorf("cursor %v, want %v", got, b.clock.Now())
	}
	b.clock.pass(time.Hour)
	second := b.run()
	b.changed()
	if got := b.company.asked[2]; !got.Equal(second.StartedAt.Add(-time.Hour)) {
		t.Errorf("asked since %v after an import at %v", got, second.StartedAt)
	}
}

// An import by hand that left people alone has not seen to what changed before it.
func TestAnImportThatLeavesPeopleAloneMovesNoCursor(t *testing.T) {
	t.Parallel()
	b := newBench(t, 30)
	b.run()
	b.company.setStatus("1", importer.StatusInactive)
	b.clock.pass(5 * time.Hour)
	_, err := b.engine.Run(t.Context(), importer.Request{Connection: hr, Actor: "cli:test", Mode: users.ImportNew})
	if err != nil {
		t.Fatal(err)
	}
	// Nobody knows a start any more from which on everything was seen: everybody has to be read again.
	b.changed()
	if b.state("p1@acme.example") != users.StateActive || len(b.company.asked) != 0 {
		t.Errorf("asked since %v", b.company.asked)
	}
	b.run()
	if b.state("p1@acme.example") != users.StateSuspended {
		t.Error("the leaver was forgotten")
	}
}

// invariant 5: a read of changes is judged like an import.
func TestChangesBeyondTheLimitsAreHeldOnce(t *testing.T) {
	t.Parallel()
	b := newBench(t, 60)
	b.run()
	for i := range 30 {
		b.company.setStatus(fmt.Sprint(i+1), importer.StatusInactive)
	}
	held, _ := b.changed()
	if held.State != users.RunHeld || held.Counts.Suspended != 30 {
		t.Fatalf("run %+v, want 30 leavers held", held)
	}
	for range 3 { // within the overlap they are shown again and again
		if run, recorded := b.changed(); recorded {
			t.Errorf("the same plan again: run %+v", run)
		}
	}
	b.company.set("40", func(p *importer.Person) { p.Attributes["department"] = "Legal" })
	b.refreshed("40")
	if got := b.user("p40@acme.example").Attribute("department"); got != "Legal" {
		t.Errorf("department of a mover meanwhile: %q", got)
	}
	run, err := b.engine.Approve(t.Context(), held.ID, "cli:boss")
	if err != nil || run.Counts.Suspended != 30 {
		t.Errorf("approval: %+v, error %v", run.Counts, err)
	}
}

// invariant 5: a column that is emptied for many is no change of theirs.
func TestAColumnEmptiedForManyWhoChangedIsHeld(t *testing.T) {
	t.Parallel()
	b := newBench(t, 20)
	b.run()
	for i := range 3 { // too few to say anything
		b.company.set(fmt.Sprint(i+1), func(p *importer.Person) { p.Attributes["department"] = "" })
	}
	if run, _ := b.changed(); run.State != users.RunDone {
		t.Errorf("three people: %s, want done", run.State)
	}
	for i := range 20 {
		b.company.set(fmt.Sprint(i+1), func(p *importer.Person) { p.Attributes["department"] = "" })
	}
	if run, _ := b.changed(); run.State != users.RunHeld {
		t.Errorf("all twenty: %s, want held", run.State)
	}
}

// S-133: on the minute, whatever changes.
func TestChangesAreReadAtTheirInterval(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := scheduledBench(t, time.November, 2, 8, 7)
		b.settings.Delta = time.Minute
		b.connect()
		b.serveFor(10*time.Minute + 30*time.Second)
		if n := len(b.company.asked); n != 10 {
			t.Errorf("asked %d times in ten minutes, want 10", n)
		}
		b.company.setStatus("1", importer.StatusInactive)
		b.serveFor(time.Minute)
		if b.state("p1@acme.example") != users.StateSuspended {
			t.Error("the leaver still has access a minute later")
		}
		asked := len(b.company.asked)
		b.settings.Delta = 30 * time.Second
		b.connect()
		b.serveFor(3 * time.Minute)
		if n := len(b.company.asked) - asked; n < 5 || n > 7 {
			t.Errorf("asked %d times in three minutes after the interval was halved, want 6", n)
		}
		b.settings.Delta = 0
		b.connect()
		b.serveFor(time.Minute)
		asked = len(b.company.asked)
		b.serveFor(10 * time.Minute)
		if n := len(b.company.asked) - asked; n != 0 {
			t.Errorf("asked %d times after it was switched off", n)
		}
		if want := []string{"2 08:07 CET *"}; !slices.Equal(b.starts(), slices.Concat(want, b.starts()[1:])) || len(b.starts()) != 2 {
			t.Errorf("runs %v, want the first import and the leaver's", b.starts())
		}
	})
}

// U-30: a mass of changes that an import cannot apply is not imported again with
// every read of changes, and holds back no leaver for longer than the overlap.
func TestManyChangesAreImportedOnce(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name  string
		spoil func(b *bench, newcomer string)
		state users.RunState
	}{
		{"held", func(b *bench, id string) { // a new domain
			b.company.set(id, func(p *importer.Person) { p.Attributes["email"] = "n" + id + "@new.example" })
		}, users.RunHeld},
		{"failed", func(b *bench, _ string) { b.company.failAt, b.company.err = 1, importer.ErrUnreachable }, users.RunFailed},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t, 10)
			b.company.pageSize = 1000
			b.run()
			b.clock.pass(3 * time.Hour)
			for i := range 5001 {
				id := fmt.Sprint(1000 + i)
				b.company.hire(id, importer.StatusActive, "N"+id)
			}
			for i := range 5001 {
				c.spoil(b, fmt.Sprint(1000+i))
			}
			lists := b.company.lists
			for range 4 {
				b.changed()
			}
			if full := b.runsOver(users.ScopeFull); len(full) != 2 || full[0].State != c.state || b.company.lists != lists+1 {
				t.Fatalf("%d imports of everybody, the last %s; want one more, %s", len(full), full[0].State, c.state)
			}
			b.clock.pass(2 * time.Hour)
			b.company.setStatus("7", importer.StatusInactive)
			b.changed()
			b.changed() // the first has still looked back to the mass
			full := b.runsOver(users.ScopeFull)
			if c.state == users.RunHeld {
				if b.state("p7@acme.example") != users.StateSuspended || len(full) != 2 {
					t.Errorf("a leaver two hours later: %s after %d imports; want suspended by the read of changes", b.state("p7@acme.example"), len(full))
				}
			} else if len(full) != 3 {
				t.Errorf("%d imports two hours after one failed, want another try", len(full))
			}
		})
	}
}
