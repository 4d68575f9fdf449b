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

// invariant 5, N303
// F-56
func TestAMassSuspensionChangesNothingUntilItIsApproved(t *testing.T) {
	t.Parallel()
	b := newBench(t, 10)
	b.run()
	for _, id := range []string{"1", "2", "3"} {
		b.company.setStatus(id, importer.StatusInactive)
	}
	b.company.hire("11", importer.StatusActive, "Eve")
	before := b.directoryContents()
	run, err := b.try(false)
	if !errors.Is(err, importer.ErrHeld) || run.State != users.RunHeld || len(run.Held) != 1 || !strings.HasPrefix(importer.InEnglish(run.Held), "3 of 10") {
		t.Fatalf("run: state %s, held %+v, error %v", run.State, run.Held, err)
	}
	if diff := cmp.Diff(before, b.directoryContents()); diff != "" {
		t.Errorf("a held run changed something (-before +after):\n%s", diff)
	}
	preview, err := b.try(true)
	if !errors.Is(err, importer.ErrHeld) || preview.State != users.RunHeld {
		t.Errorf("preview of the same: state %s, error %v; want held", preview.State, err)
	}
	if _, err := b.engine.Approve(t.Context(), preview.ID, ""); !errors.Is(err, users.ErrInvalid) {
		t.Errorf("approval by nobody: %v, want ErrInvalid", err)
	}
	// The older of two equal plans is as good as the newer: every scheduled run makes one more.
	approved, err := b.engine.Approve(t.Context(), run.ID, "cli:boss")
	if err != nil || approved.Counts.Suspended != 3 || approved.Counts.Created != 1 {
		t.Errorf("approval: %+v, error %v; want 3 suspended and 1 created", approved.Counts, err)
	}
	after := b.directoryContents()
	if _, err := b.engine.Approve(t.Context(), preview.ID, "cli:boss"); !errors.Is(err, importer.ErrStale) {
		t.Errorf("approval of the other plan: %v, want ErrStale", err)
	}
	if diff := cmp.Diff(after, b.directoryContents()); diff != "" {
		t.Errorf("what had been done was done again (-before +after):\n%s", diff)
	}

	// What was approved does not count against the next leaver.
	b.company.setStatus("4", importer.StatusInactive)
	b.run()
}

// N305
func TestASlowDripIsHeldToo(t *testing.T) {
	t.Parallel()
	b := newBench(t, 20)
	b.run()
	for i := range 4 {
		b.company.setStatus(fmt.Sprint(i+1), importer.StatusInactive)
		b.clock.pass(time.Hour)
		b.run()
	}
	b.company.setStatus("5", importer.StatusInactive)
	if _, err := b.try(false); !errors.Is(err, importer.ErrHeld) {
		t.Errorf("fifth leaver of 20 within a day: %v, want ErrHeld", err)
	}
	b.clock.pass(25 * time.Hour)
	b.run()
}

// invariant 5, N-4
func TestAShrunkOrEmptyFeedIsHeldWithoutAskingForEverybody(t *testing.T) {
	t.Parallel()
	b := newBench(t, 20)
	b.run()
	all := b.company.people
	before := b.directoryContents()
	for name, rest := range map[string][]importer.Person{"half": all[:10], "a tenth less": all[:18], "nobody": nil} {
		b.company.people = rest
		run, err := b.try(false)
		if !errors.Is(err, importer.ErrHeld) || run.Held[0].Subject() != "shrunk_feed" {
			t.Errorf("%s: held %+v, error %v; want shrunk_feed", name, run.Held, err)
		}
		if rest == nil {
			if _, err := b.engine.Approve(t.Context(), run.ID, "cli:boss"); err == nil {
				t.Error("a list without anybody was approved")
			}
		}
	}
	if len(b.company.singles) > 0 {
		t.Errorf("asked singly for %v", b.company.singles)
	}
	if diff := cmp.Diff(before, b.directoryContents()); diff != "" {
		t.Errorf("the directory changed (-before +after):\n%s", diff)
	}
	b.company.people = all
	b.run()
}

func TestManyFailedRunsDoNotMakeTheGuardForget(t *testing.T) {
	t.Parallel()
	b := newBench(t, 20)
	b.run()
	b.company.failAt, b.company.err = 1, importer.ErrUnreachable
	for range 25 {
		if _, err := b.try(false); err == nil {
			t.Fatal("a run without a source succeeded")
		}
	}
	b.company.failAt = 0
	b.company.people = b.company.people[:15]
	if run, err := b.try(false); !errors.Is(err, importer.ErrHeld) {
		t.Errorf("shrunk feed after failures: state %s, error %v; want held", run.State, err)
	}
}

func TestWhatAStoppedRunDidNotDoDoesNotCount(t *testing.T) {
	t.Parallel()
	b := newBench(t, 20)
	b.run()
	for i := range 4 {
		b.company.setStatus(fmt.Sprint(i+1), importer.StatusInactive)
	}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	engine := b.newEngine(func(p importer.Progress) {
		if p.Phase == importer.ProgressPlanning && p.Done == p.Total { // nothing is applied yet
			cancel()
		}
	})
	run, err := engine.Run(ctx, importer.Request{Connection: hr, Actor: "cli:test"})
	if err == nil || run.Stats.LosingAccess != 4 {
		t.Fatalf("stopped run: %d losing access, error %v; want 4 and an error", run.Stats.LosingAccess, err)
	}
	if got := b.run().Counts.Suspended; got != 4 {
		t.Errorf("suspended: %d, want 4", got)
	}
}

func TestWhatAStoppedRunDidCounts(t *testing.T) {
	t.Parallel()
	b := newBench(t, 300)
	b.company.pageSize = 100
	b.settings.Guard = users.Guard{MaxPeople: 210, MaxPercent: 100}
	b.connect()
	b.run()
	for i := range 205 {
		b.company.setStatus(fmt.Sprint(i+1), importer.StatusInactive)
	}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	engine := b.newEngine(func(p importer.Progress) {
		if p.Phase == importer.ProgressApplying && p.Done > 0 { // the first of two transactions
			cancel()
		}
	})
	run, err := engine.Run(ctx, importer.Request{Connection: hr, Actor: "cli:test"})
	if err == nil || run.State != users.RunInterrupted {
		t.Fatalf("stopped run: state %s, error %v", run.State, err)
	}
	applied := 0
	for _, state := range b.states() {
		if state == users.StateSuspended {
			applied++
		}
	}
	for i := range 210 - applied + 1 - 5 { // one too many, with the five who are left
		b.company.setStatus(fmt.Sprint(i+206), importer.StatusInactive)
	}
	want := fmt.Sprintf("%d people", 211)
	if run, err := b.try(false); !errors.Is(err, importer.ErrHeld) || !strings.HasPrefix(importer.InEnglish(run.Held), want) {
		t.Errorf("beyond the limit: held %+v, error %v; want %s", run.Held, err, want)
	}
	b.company.setStatus("206", importer.StatusActive)
	b.run()
}

func TestWhatFailedDoesNotCountAsLost(t *testing.T) {
	t.Parallel()
	b := newBench(t, 20)
	b.run()
	for i := range 4 {
		b.company.setStatus(fmt.Sprint(i+1), importer.StatusInactive)
	}
	run := b.runWhile(func() { b.touch("p1@acme.example") })
	if diff := cmp.Diff(users.Counts{Suspended: 3, Failed: 1, Unchanged: 16}, run.Counts); diff != "" {
		t.Fatalf("counts (-want +got):\n%s", diff)
	}
	if got := b.run().Counts.Suspended; got != 1 {
		t.Errorf("the fourth leaver in the next run: %d suspended, want 1", got)
	}
}

// Quarantined rows stop nobody else, though the source counts them.
func TestRowsThatComeTwiceOrWithoutAnIDStopNobody(t *testing.T) {
	t.Parallel()
	b := newBench(t, 30)
	b.company.hire("", importer.StatusActive, "Nameless")
	b.company.hire("1", importer.StatusActive, "P1") // as before
	b.company.hire("2", importer.StatusActive, "Somebody-Else")
	if diff := cmp.Diff(users.Counts{Created: 29, Quarantined: 2}, b.run().Counts); diff != "" {
		t.Errorf("counts (-want +got):\n%s", diff)
	}
}

// N306
func TestAnUnknownStatusIsListedAndStopsNobodyElse(t *testing.T) {
	t.Parallel()
	b := newBench(t, 30)
	b.run()
	b.company.setStatus("1", "paused")
	b.company.setStatus("2", importer.StatusLeave)
	run := b.run()
	if diff := cmp.Diff(users.Counts{Suspended: 1, Quarantined: 1, Unchanged: 28}, run.Counts); diff != "" {
		t.Errorf("counts (-want +got):\n%s", diff)
	}
	if got := b.user("p1@acme.example").State(); got != users.StateActive {
		t.Errorf("unknown status: %s, want active", got)
	}
}
