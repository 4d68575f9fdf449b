package importer_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/einlass/einlass/importer"
	"github.com/einlass/einlass/users"
)

// stored returns the newest run as any other process reads it.
func (b *bench) stored() users.Run {
	b.t.Helper()
	runs, err := b.store.Runs(b.t.Context(), hr, 1)
	if err != nil || len(runs) == 0 {
		b.t.Fatalf("%d runs, error %v", len(runs), err)
	}
	return runs[0]
}

// S-106: whoever looks sees how far a run is, and a run that is fast writes it seldom.
func TestProgressIsStoredOnceASecondAndAtEachPhase(t *testing.T) {
	t.Parallel()
	b := newBench(t, 21) // 7 pages
	start := b.clock.Now().Add(time.Minute)
	var seen []int
	b.company.onPage = func(int) {
		b.clock.pass(400 * time.Millisecond)
		p := b.stored().Progress
		if p.Phase != importer.ProgressReading || !p.Since.Equal(start) {
			t.Errorf("progress while reading: %+v", p)
		}
		seen = append(seen, p.Done)
	}
	phases := map[string]users.RunProgress{}
	b.engine = b.newEngine(func(p importer.Progress) {
		if p.Phase != importer.ProgressReading && p.Done == 0 {
			b.clock.pass(time.Second)
			return
		}
		phases[p.Phase] = b.stored().Progress
	})
	b.run()
	if diff := cmp.Diff([]int{0, 0, 0, 9, 9, 9, 18}, seen); diff != "" {
		t.Errorf("people read, as stored before each page (-want +got):\n%s", diff)
	}
	// What is stored when a portion is reported is the one before: here the start of the phase.
	for _, phase := range []string{importer.ProgressPlanning, importer.ProgressApplying} {
		if p := phases[phase]; p.Phase != phase || p.Done != 0 || p.Total < 21 {
			t.Errorf("%s: stored %+v, want its start", phase, p)
		}
	}
}

// S-106
func TestARunRemembersWhereItsTimeWent(t *testing.T) {
	t.Parallel()
	b := newBench(t, 8)
	b.company.onPage = func(page int) { b.clock.pass(time.Duration(page) * time.Second) }
	b.engine = b.newEngine(func(p importer.Progress) {
		switch {
		case p.Phase == importer.ProgressPlanning && p.Done == p.Total:
			b.clock.pass(10 * time.Second)
		case p.Phase == importer.ProgressApplying && p.Done == p.Total:
			b.clock.pass(20 * time.Second)
		}
	})
	want := users.RunTime{Pages: 3, SlowestPage: 3 * time.Second, Reading: 6 * time.Second, Planning: 10 * time.Second, Applying: 20 * time.Second}
	run := b.run()
	if diff := cmp.Diff(want, run.Stats.Time); diff != "" {
		t.Errorf("time (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(want, b.stored().Stats.Time); diff != "" {
		t.Errorf("stored time (-want +got):\n%s", diff)
	}

	// A run that fails says how long it waited, also for what never came.
	b.company.failAt, b.company.err = 2, fmt.Errorf("%w: %w", importer.ErrUnreachable, context.DeadlineExceeded)
	if _, err := b.try(false); err == nil {
		t.Fatal("no error")
	}
	want = users.RunTime{Pages: 1, SlowestPage: 2 * time.Second, Reading: 3 * time.Second}
	if diff := cmp.Diff(want, b.stored().Stats.Time); diff != "" {
		t.Errorf("time of a run that failed (-want +got):\n%s", diff)
	}

	// An approved run has read and planned twice.
	b.company.failAt = 0
	b.company.setStatus("1", importer.StatusLeave)
	preview, err := b.try(true)
	if err != nil {
		t.Fatal(err)
	}
	approved, err := b.engine.Approve(t.Context(), preview.ID, "cli:test")
	want = users.RunTime{Pages: 6, SlowestPage: 3 * time.Second, Reading: 12 * time.Second, Planning: 20 * time.Second, Applying: 20 * time.Second}
	if diff := cmp.Diff(want, approved.Stats.Time); diff != "" || err != nil {
		t.Errorf("time of an approved run, error %v (-want +got):\n%s", err, diff)
	}
}

// S-076
func TestASecondStartIsToldOfTheFirst(t *testing.T) {
	t.Parallel()
	b := newBench(t, 9)
	b.company.onPage = func(page int) {
		b.clock.pass(time.Second)
		if page != 3 {
			return
		}
		first := b.stored()
		run, err := b.newEngine(nil).Run(t.Context(), importer.Request{Connection: hr, Actor: "cli:second"})
		if !errors.Is(err, users.ErrLeaseHeld) || run.ID != first.ID || run.Progress.Done != 6 {
			t.Errorf("second start: run %s with %d people, error %v; want %s with 6 and ErrLeaseHeld", run.ID, run.Progress.Done, err, first.ID)
		}
		if told := "run " + string(first.ID) + " is under way: reading 6/9 (66 %)"; !strings.Contains(err.Error(), told) {
			t.Errorf("error %q, want %q in it", err, told)
		}
	}
	b.run()

	// While a plan is approved, that run is the one under way, however many are newer.
	b.company.onPage = nil
	b.company.setStatus("1", importer.StatusLeave)
	preview, err := b.try(true)
	if err != nil {
		t.Fatal(err)
	}
	b.company.failAt, b.company.err = 1, importer.ErrUnreachable
	if _, err := b.try(false); err == nil {
		t.Fatal("no error")
	}
	b.company.failAt = 0
	b.clock.pass(time.Minute)
	var others []error
	b.company.onPage = func(page int) {
		if page != 1 {
			return
		}
		run, err := b.newEngine(nil).Run(t.Context(), importer.Request{Connection: hr, Actor: "cli:second"})
		if run.ID != preview.ID {
			t.Errorf("under way: run %s, want the approved one", run.ID)
		}
		_, errApprove := b.newEngine(nil).Approve(t.Context(), preview.ID, "cli:third")
		others = append(others, err, errApprove)
	}
	if _, err := b.engine.Approve(t.Context(), preview.ID, "cli:test"); err != nil {
		t.Fatal(err)
	}
	for _, err := range others {
		if !errors.Is(err, users.ErrLeaseHeld) || !strings.Contains(err.Error(), "run "+string(preview.ID)+" is under way") {
			t.Errorf("error beside an approval: %v", err)
		}
	}
	if len(others) != 2 {
		t.Errorf("%d others tried, want 2", len(others))
	}
}
