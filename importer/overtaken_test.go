package importer_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/einlass/einlass/importer"
	"github.com/einlass/einlass/users"
)

// slowly imports everybody, and calls meanwhile while the source keeps the run
// waiting for a page. The list shows people as they were when it began.
func (b *bench) slowly(page int, meanwhile func()) (users.Run, error) {
	b.t.Helper()
	return b.slowlyBy(importer.Request{}, page, meanwhile)
}

// slowlyBy is slowly for a request.
func (b *bench) slowlyBy(req importer.Request, page int, meanwhile func()) (users.Run, error) {
	b.t.Helper()
	req.Connection, req.Actor = hr, "cli:test"
	b.clock.pass(time.Minute)
	asked, answer := make(chan struct{}), make(chan struct{})
	b.company.onPage = func(n int) {
		if n == page {
			close(asked)
			<-answer
		}
	}
	type result struct {
		run users.Run
		err error
	}
	ended := make(chan result)
	go func() {
		run, err := b.engine.Run(b.t.Context(), req)
		ended <- result{run, err}
	}()
	<-asked
	meanwhile()
	close(answer)
	got := <-ended
	b.company.onPage = nil
	return got.run, got.err
}

// served waits until nobody is to be read again.
func (b *bench) served() {
	b.t.Helper()
	waitFor(b.t, "people to be read again", func() bool { return len(b.due()) == 0 })
}

// outcomes returns what became of the rows of a run, by source id; of several rows of a person the last.
func (b *bench) outcomes(run users.Run) map[string]users.Outcome {
	b.t.Helper()
	outcomes := map[string]users.Outcome{}
	for _, c := range b.changes(run) {
		outcomes[c.SourceID] = c.Outcome
	}
	return outcomes
}

// N-1, N-4, S-133: the list still shows the leavers at work, before the page that is
// waited for and after it.
func TestALeaverDoesNotWaitForAnImportOfEverybody(t *testing.T) {
	t.Parallel()
	b := newBench(t, 30)
	b.run()
	b.company.set("2", func(p *importer.Person) { p.Attributes["department"] = "Legal" })
	run, err := b.slowly(5, func() {
		b.company.set("7", func(p *importer.Person) { p.Attributes["department"] = "Ops" })
		b.company.setStatus("7", importer.StatusInactive)
		b.company.setStatus("28", importer.StatusInactive)
		b.note("7", "28")
		b.served()
		for _, email := range []string{"p7@acme.example", "p28@acme.example"} {
			if got := b.state(email); got != users.StateSuspended {
				t.Errorf("%s while the import waits for a page: %s, want suspended", email, got)
			}
		}
		if runs := b.runsOver(users.ScopeFull); runs[0].State != users.RunReading {
			t.Errorf("import of everybody: %s, want it to read", runs[0].State)
		}
	})
	if err != nil || run.State != users.RunDone {
		t.Fatalf("import: %s, %v", run.State, err)
	}
	if diff := cmp.Diff(users.Counts{Updated: 1, Unchanged: 29}, run.Counts); diff != "" {
		t.Errorf("counts (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(map[string]users.Outcome{"2": users.OutcomeApplied}, b.outcomes(run)); diff != "" {
		t.Errorf("rows (-want +got):\n%s", diff)
	}
	if beside := b.runsOver(users.ScopeRefresh); len(beside) != 1 || beside[0].State != users.RunDone || beside[0].Counts.Suspended != 2 {
		t.Errorf("runs beside it: %+v, want one that suspended two", beside)
	}
	before := b.contents()
	b.company.singles = nil
	b.work() // whom the list showed otherwise is asked for once more
	if slices.Sort(b.company.singles); !slices.Equal(b.company.singles, []string{"28", "7"}) {
		t.Errorf("asked again for %v, want 7 and 28", b.company.singles)
	}
	if got := b.run(); got.Counts.Changed() != 0 || b.user("p7@acme.example").Attribute("department") != "Ops" {
		t.Errorf("the next import changed %+v", got.Counts)
	}
	after := b.contents()
	delete(before, "work")
	delete(after, "work")
	if diff := cmp.Diff(before, after); diff != "" {
		t.Errorf("after the import something changed (-before +after):\n%s", diff)
	}
}

// S-133: without webhooks, too.
func TestChangesAreReadBesideAnImportOfEverybody(t *testing.T) {
	t.Parallel()
	b := newBench(t, 30)
	b.run()
	run, err := b.slowly(9, func() {
		b.company.setStatus("7", importer.StatusInactive)
		b.clock.pass(time.Second)
		w := users.Work{Kind: users.WorkDelta, Connection: hr, Due: b.clock.Now()}
		if err := b.directory.NoteWork(t.Context(), w); err != nil {
			t.Error(err)
		}
		b.served()
		if got := b.state("p7@acme.example"); got != users.StateSuspended {
			t.Errorf("while the import waits for a page: %s, want suspended", got)
		}
	})
	if err != nil || run.Counts.Changed()+run.Counts.Failed != 0 || b.state("p7@acme.example") != users.StateSuspended {
		t.Errorf("import: %+v, %v; leaver %s", run.Counts, err, b.state("p7@acme.example"))
	}
}

// S-133: a read of changes may take minutes within a tenth of the source's limits.
func TestALeaverDoesNotWaitForAReadOfChanges(t *testing.T) {
	t.Parallel()
	b := newBench(t, 30)
	b.run()
	b.clock.pass(2 * time.Hour)
	b.company.set("7", func(p *importer.Person) { p.Attributes["department"] = "Ops" })
	b.company.set("8", func(p *importer.Person) { p.Attributes["department"] = "Ops" })
	b.company.onDelta = func() {
		b.company.mu.Lock()
		b.company.onDelta = nil
		b.company.mu.Unlock()
		b.company.setStatus("7", importer.StatusInactive) // the answer still shows them at work
		b.note("7")
		waitFor(t, "the leaver to lose access", func() bool { return b.state("p7@acme.example") == users.StateSuspended })
	}
	w := users.Work{Kind: users.WorkDelta, Connection: hr, Due: b.clock.Now()}
	if err := b.directory.NoteWork(t.Context(), w); err != nil {
		t.Fatal(err)
	}
	b.work()
	if got := b.state("p7@acme.example"); got != users.StateSuspended {
		t.Errorf("leaver after the changes were applied: %s, want suspended", got)
	}
	runs := b.runsOver(users.ScopeDelta)
	if want := (users.Counts{Updated: 1, Unchanged: 29}); len(runs) != 1 || runs[0].Counts != want {
		t.Errorf("read of changes: %+v, want one with %+v", runs, want)
	}
	if got := b.company.singles; !slices.Equal(got, []string{"7", "7"}) {
		t.Errorf("asked singly for %v, want 7 twice: the changes showed something else", got)
	}
}

// N-4: what was planned by an older reading is not applied over a newer one, and is no failure.
func TestAPlannedRowIsOvertaken(t *testing.T) {
	t.Parallel()
	b := newBench(t, 10)
	b.run()
	b.company.setStatus("1", importer.StatusInactive)
	b.run()
	// What the import reads: 1 is back, 2 has moved, 11 is new and reports to 12, who is new as well.
	b.company.setStatus("1", importer.StatusActive)
	b.company.set("2", func(p *importer.Person) { p.Attributes["department"] = "Legal" })
	b.company.set("3", func(p *importer.Person) { p.Attributes["department"] = "Legal" })
	b.company.hire("12", importer.StatusActive, "Boss")
	b.company.hire("11", importer.StatusActive, "Newcomer")
	b.company.set("11", func(p *importer.Person) { p.ManagerID = "12" })
	b.company.set("4", func(p *importer.Person) { p.ManagerID = "12" })
	run := b.runWhile(func() {
		b.company.setStatus("1", importer.StatusInactive)
		b.company.setStatus("2", importer.StatusInactive)
		b.note("1", "2", "12")
	})
	if got := b.state("p1@acme.example"); got != users.StateSuspended {
		t.Errorf("who was let go again: %s, want suspended", got)
	}
	if got := b.state("p2@acme.example"); got != users.StateSuspended {
		t.Errorf("the leaver: %s, want suspended", got)
	}
	if diff := cmp.Diff(users.Counts{Created: 1, Updated: 1, Unchanged: 10}, run.Counts); diff != "" {
		t.Errorf("counts (-want +got):\n%s", diff)
	}
	want := map[string]users.Outcome{
		"1": users.OutcomeOvertaken, "2": users.OutcomeOvertaken, "12": users.OutcomeOvertaken,
		"3": users.OutcomeApplied, "4": users.OutcomeOvertaken, "11": users.OutcomeApplied,
	}
	if diff := cmp.Diff(want, b.outcomes(run)); diff != "" {
		t.Errorf("rows (-want +got):\n%s", diff)
	}
	b.work() // whose manager was another by then is read again
	boss := b.user("boss@acme.example").ID
	if got := b.user("p4@acme.example").Manager; got != boss {
		t.Errorf("manager of P4: %q, want %q", got, boss)
	}
	b.run()
	if got := b.user("newcomer@acme.example").Manager; got != boss {
		t.Errorf("manager of the newcomer after the next import: %q, want %q", got, boss)
	}
	if last := b.run(); last.Counts.Changed()+last.Counts.Failed != 0 {
		t.Errorf("the import after it found %+v to do", last.Counts)
	}
}

// S-107: the address of a leaver who turns out to be here is given to nobody.
func TestNobodyGetsTheAddressOfSomebodyWhoWasReadAgain(t *testing.T) {
	t.Parallel()
	b := newBench(t, 10)
	b.run()
	b.company.setStatus("1", importer.StatusInactive)
	b.company.hire("11", importer.StatusActive, "Other")
	b.company.set("11", func(p *importer.Person) { p.Attributes["email"] = "p1@acme.example" })
	run, err := b.slowly(4, func() {
		b.company.setStatus("1", importer.StatusActive)
		b.note("1")
		b.served()
	})
	if err != nil || run.Counts.Failed+run.Counts.Changed() != 0 {
		t.Errorf("import: %+v, %v; want nothing done", run.Counts, err)
	}
	if u := b.user("p1@acme.example"); u.FirstName != "P1" || u.State() != users.StateActive {
		t.Errorf("the address belongs to %s, %s; want P1, active", u.FirstName, u.State())
	}
	if due := b.due(); !slices.Equal(due, []string{"1", "11"}) && !slices.Equal(due, []string{"11", "1"}) {
		t.Errorf("to be read again: %v, want both", due)
	}
}

// Invariant 5: who leaves beside a run counts with those whom the run takes access from, and once.
func TestLeaversBesideAnImportCountInTheGuardOnce(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name          string
		listed, heard []string // who leaves before the list is read, and while the run waits
		planned       bool     // they are heard of when the plan is made
		held, aside   bool     // the run, and what was read beside it
	}{
		{"as many as may, some of them twice", []string{"1", "2", "3"}, []string{"3", "4"}, false, false, false},
		{"one too many in the list", []string{"1", "2", "3", "5"}, []string{"4"}, false, true, false},
		{"as many as may, heard of once they are planned", []string{"1", "2", "3"}, []string{"3", "4"}, true, false, false},
		{"one too many, heard of once they are planned", []string{"1", "2", "3"}, []string{"4", "5"}, true, false, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t, 30)
			b.settings.Guard = users.Guard{MaxPeople: 4, MaxPercent: 100}
			b.connect()
			b.run()
			for _, id := range c.listed {
				b.company.setStatus(id, importer.StatusInactive)
			}
			leave := func() {
				for _, id := range c.heard {
					b.company.setStatus(id, importer.StatusInactive)
				}
				b.note(c.heard...)
			}
			var run users.Run
			var err error
			if c.planned {
				run = b.runWhile(leave)
			} else {
				run, err = b.slowly(5, func() { leave(); b.served() })
			}
			if held := errors.Is(err, importer.ErrHeld); held != c.held || (err != nil && !held) {
				t.Errorf("import: %v; want held: %t", err, c.held)
			}
			aside := b.runsOver(users.ScopeRefresh)
			if held := len(aside) == 1 && aside[0].State == users.RunHeld; held != c.aside {
				t.Errorf("beside it: %+v; want held: %t", aside, c.aside)
			}
			suspended := 0
			for _, state := range b.states() {
				if state == users.StateSuspended {
					suspended++
				}
			}
			if suspended > 4 {
				t.Errorf("%d people have lost access, and nobody approved more than 4", suspended)
			}
			lost := run.Stats.LosingAccess
			if run.State == users.RunHeld {
				lost = 0
			}
			if len(aside) == 1 && !c.aside {
				lost += aside[0].Stats.LosingAccess
			}
			if lost != suspended {
				t.Errorf("%d people count as having lost access, %d have", lost, suspended)
			}
		})
	}
}

// Invariant 5: also when the plan is applied for so long that people are read again twice.
func TestLeaversOfSeveralReadsBesideAnImportCountOnce(t *testing.T) {
	t.Parallel()
	b := newBench(t, 260)
	b.settings.Guard = users.Guard{MaxPeople: 4, MaxPercent: 100}
	b.connect()
	b.run()
	for i := range 250 {
		b.company.set(strconv.Itoa(i+10), func(p *importer.Person) { p.Attributes["department"] = "Legal" })
	}
	leave := func(id string) {
		b.company.setStatus(id, importer.StatusInactive)
		b.note(id)
	}
	for _, id := range []string{"1", "2", "3"} {
		b.company.setStatus(id, importer.StatusInactive)
	}
	second := sync.OnceFunc(func() {
		leave("4")
		time.Sleep(1100 * time.Millisecond) // until somebody looks again for what is due
	})
	engine := b.newEngine(func(p importer.Progress) {
		switch {
		case p.Phase == importer.ProgressPlanning && p.Done == p.Total:
			leave("1")
		case p.Phase == importer.ProgressApplying && p.Done > 0 && p.Done < p.Total:
			second()
		}
	})
	run, err := engine.Run(t.Context(), importer.Request{Connection: hr, Actor: "cli:test"})
	if err != nil || run.Stats.LosingAccess != 2 {
		t.Errorf("import: %d lose access, %v; want 2 by it", run.Stats.LosingAccess, err)
	}
	for _, id := range []string{"1", "2", "3", "4"} {
		if got := b.state("p" + id + "@acme.example"); got != users.StateSuspended {
			t.Errorf("leaver %s: %s, want suspended", id, got)
		}
	}
	if aside := b.runsOver(users.ScopeRefresh); len(aside) != 2 || slices.ContainsFunc(aside, func(r users.Run) bool { return r.State != users.RunDone }) {
		t.Errorf("beside it: %+v, want two that are done", aside)
	}
}

// A newcomer of whom somebody tells while everybody is imported by a filter is for
// that import to create: it alone knows whom the filter lets through.
func TestANewcomerHeardOfBesideAFilteredImportIsCreated(t *testing.T) {
	t.Parallel()
	b := newBench(t, 30)
	b.settings.Filter = "status=active"
	b.connect()
	b.run()
	b.company.hire("31", importer.StatusActive, "Newcomer")
	run, err := b.slowly(5, func() { b.note("31"); b.served() })
	if err != nil || run.Counts.Created != 1 {
		t.Errorf("import: %+v, %v; want one created", run.Counts, err)
	}
}

// Who is read again goes by the connection's rules; a run by others does its own.
func TestARunByRulesOfItsOwnLeavesNobodyToOthers(t *testing.T) {
	t.Parallel()
	keep, everybody := false, ""
	for name, c := range map[string]struct {
		usual     users.ImportMode
		request   importer.Request
		suspended int
	}{
		"chosen people, where newcomers are not imported": {
			users.ImportUpdates, importer.Request{Mode: users.ImportSelected, Selected: []string{"31"}}, 0,
		},
		"all people, where only newcomers are imported": {users.ImportNew, importer.Request{Mode: users.ImportAll}, 1},
		"a reactivation of its own":                     {users.ImportNew, importer.Request{Mode: users.ImportAll, Reactivation: &keep}, 1},
		"a filter of its own":                           {users.ImportNew, importer.Request{Mode: users.ImportAll, Filter: &everybody}, 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t, 30)
			b.run()
			b.settings.Mode = c.usual
			b.connect()
			b.company.hire("31", importer.StatusActive, "Newcomer")
			b.company.setStatus("2", importer.StatusInactive)
			run, err := b.slowlyBy(c.request, 5, func() { b.note("2", "31") })
			if err != nil {
				t.Fatal(err)
			}
			if run.Counts.Created != 1 || run.Counts.Suspended != c.suspended {
				t.Errorf("counts %+v, want one created and %d suspended", run.Counts, c.suspended)
			}
			if due := b.due(); len(due) != 2 {
				t.Errorf("to be read again: %v, want both", due)
			}
		})
	}
}

// N-4: of whom the list says something else than they did alone is read once more also
// if the import of everybody is held.
func TestWhoeverAHeldImportLeavesToOthersIsReadAgain(t *testing.T) {
	t.Parallel()
	b := newBench(t, 30)
	b.settings.Guard = users.Guard{MaxPeople: 2, MaxPercent: 100}
	b.connect()
	b.run()
	for _, id := range []string{"27", "28", "29"} {
		b.company.setStatus(id, importer.StatusInactive)
	}
	_, err := b.slowly(5, func() {
		b.company.set("1", func(p *importer.Person) { p.Attributes["department"] = "Legal" }) // the list shows them as before
		b.note("1")
		b.served()
	})
	if !errors.Is(err, importer.ErrHeld) {
		t.Fatalf("import: %v, want ErrHeld", err)
	}
	if due := b.due(); !slices.Equal(due, []string{"1"}) {
		t.Errorf("to be read again: %v, want 1", due)
	}
}

// N-4: what the guard holds of single people is not taken for done.
func TestWhoeverIsHeldBesideAnImportIsLeftToIt(t *testing.T) {
	t.Parallel()
	b := newBench(t, 30)
	b.settings.Guard = users.Guard{MaxPeople: 1, MaxPercent: 100}
	b.connect()
	b.run()
	b.company.set("1", func(p *importer.Person) { p.Attributes["department"] = "Legal" })
	run, err := b.slowly(5, func() {
		b.company.setStatus("1", importer.StatusInactive)
		b.company.setStatus("2", importer.StatusInactive)
		b.note("1", "2")
		b.served()
	})
	if err != nil || run.Counts.Updated != 1 || b.user("p1@acme.example").Attribute("department") != "Legal" {
		t.Errorf("import: %+v, %v; want what it read of P1 applied", run.Counts, err)
	}
	if b.state("p1@acme.example") != users.StateActive || b.state("p2@acme.example") != users.StateActive {
		t.Error("two lost access, and the guard lets one")
	}
}

// N-1: a file says nothing that single reads could make clearer, and they cannot be had.
func TestNobodyIsReadBesideAFile(t *testing.T) {
	t.Parallel()
	b := newBench(t, 10)
	b.run()
	b.note("1")
	file := &company{people: b.company.people, pageSize: 3}
	run, err := b.engine.Run(t.Context(), importer.Request{Connection: hr, Actor: "cli:test", Given: importer.Given{Source: file}})
	if err != nil || run.State != users.RunDone || len(file.singles)+len(b.company.singles) != 0 {
		t.Errorf("import: %s, %v; asked singly for %v", run.State, err, append(file.singles, b.company.singles...))
	}
	if due := b.due(); !slices.Equal(due, []string{"1"}) {
		t.Errorf("due: %v, want what was", due)
	}
}

// An error of the source beside a run is not the run's.
func TestARunGoesOnWhenSinglePeopleCannotBeRead(t *testing.T) {
	t.Parallel()
	b := newBench(t, 10)
	b.run()
	b.company.set("1", func(p *importer.Person) { p.Attributes["department"] = "Legal" })
	b.company.broken = map[string]error{"2": importer.ErrUnreachable}
	run, err := b.slowly(3, func() {
		b.note("2")
		b.served() // put off
	})
	if err != nil || run.Counts.Updated != 1 {
		t.Errorf("import: %+v, %v", run.Counts, err)
	}
}

// Invariant 6: a process that is killed after somebody was read again beside its
// run leaves the run to the next, and the leaver suspended.
func TestAnImportThatStopsLeavesWhatWasDoneBesideIt(t *testing.T) {
	t.Parallel()
	b := newBench(t, 30)
	b.run()
	b.company.set("2", func(p *importer.Person) { p.Attributes["department"] = "Legal" })
	ctx, kill := context.WithCancel(t.Context())
	b.company.onPage = func(page int) {
		if page != 5 {
			return
		}
		b.company.setStatus("7", importer.StatusInactive)
		b.note("7")
		b.served()
		kill()
	}
	b.clock.pass(time.Minute)
	run, err := b.engine.Run(ctx, importer.Request{Connection: hr, Actor: "cli:test"})
	if !errors.Is(err, context.Canceled) || run.State != users.RunInterrupted {
		t.Errorf("import: %s, %v; want it stopped", run.State, err)
	}
	if got := b.state("p7@acme.example"); got != users.StateSuspended {
		t.Errorf("leaver: %s, want suspended", got)
	}
	b.company.onPage = nil
	if next := b.run(); next.Counts.Updated != 1 || next.Counts.Failed != 0 || b.state("p7@acme.example") != users.StateSuspended {
		t.Errorf("next import: %+v, leaver %s", next.Counts, b.state("p7@acme.example"))
	}
}

// Whoever asks for an import is told of the one over everybody that is under way,
// however many people were read again beside it.
func TestTheRunUnderWayIsNamedWhateverIsDoneBesideIt(t *testing.T) {
	t.Parallel()
	b := newBench(t, 12)
	b.run()
	_, err := b.slowly(2, func() {
		for i := range 2 {
			b.company.set("1", func(p *importer.Person) { p.Attributes["department"] = fmt.Sprint("D", i) })
			b.clock.pass(time.Minute)
			b.note("1")
			b.served()
		}
		run, err := b.newEngine(nil).Run(t.Context(), importer.Request{Connection: hr, Actor: "cli:other"})
		if !errors.Is(err, users.ErrLeaseHeld) || run.Scope != users.ScopeFull || run.State != users.RunReading {
			t.Errorf("told of %+v, %v; want the import of everybody", run, err)
		}
	})
	if err != nil {
		t.Error(err)
	}
}
