package importer_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/einlass/einlass/importer"
	"github.com/einlass/einlass/users"
)

// serving lets the engine of b serve until the returned function is called.
func (b *bench) serving() (stop func()) {
	b.t.Helper()
	ctx, cancel := context.WithCancel(b.t.Context())
	done := make(chan error, 1)
	go func() { done <- b.engine.Serve(ctx) }()
	stop = func() {
		cancel()
		if err := <-done; err != nil {
			b.t.Errorf("serve: %v", err)
		}
		done <- nil
	}
	b.t.Cleanup(stop)
	waitFor(b.t, "the engine to serve", func() bool {
		_, err := b.engine.Start(b.t.Context(), importer.Request{Connection: "nowhere"})
		return !errors.Is(err, importer.ErrNotServing)
	})
	return stop
}

// ended waits for a run to end in a state.
func (b *bench) ended(id users.RunID, state users.RunState) users.Run {
	b.t.Helper()
	var run users.Run
	waitFor(b.t, string("a run to be "+state), func() bool {
		var err error
		run, err = b.store.Run(b.t.Context(), id)
		return err == nil && run.State == state && !run.FinishedAt.IsZero()
	})
	return run
}

// S-076: the second start while one runs is told which.
func TestAStartedRunGoesOnByItselfAndAloneOfItsConnection(t *testing.T) {
	t.Parallel()
	b := newBench(t, 4)
	reading, goOn := make(chan struct{}), make(chan struct{})
	b.company.onPage = func(page int) {
		if page == 1 {
			close(reading)
			<-goOn
		}
	}
	b.serving()
	request, answered := context.WithCancel(t.Context())
	run, err := b.engine.Start(request, importer.Request{Connection: hr, Actor: users.ActorUser("jana")})
	if err != nil || run.State != users.RunReading {
		t.Fatalf("start: state %q, error %v", run.State, err)
	}
	answered() // nobody waits any more
	<-reading
	for _, preview := range []bool{false, true} {
		other, err := b.engine.Start(t.Context(), importer.Request{Connection: hr, Actor: users.ActorUser("paul"), Preview: preview})
		if !errors.Is(err, users.ErrLeaseHeld) || other.ID != run.ID {
			t.Errorf("second start: run %q, error %v; want %s and ErrLeaseHeld", other.ID, err, run.ID)
		}
	}
	close(goOn)
	run = b.ended(run.ID, users.RunDone)
	if run.Counts.Created != 4 || run.Actor != users.ActorUser("jana") {
		t.Errorf("the run created %d, by %q; want 4 by jana", run.Counts.Created, run.Actor)
	}
	events, err := b.store.EventsAbout(t.Context(), string(run.ID), 10)
	if err != nil || !slices.ContainsFunc(events, func(e users.Event) bool {
		return e.Kind == users.EventImportStarted && e.Actor == users.ActorUser("jana") && strings.Contains(e.Payload, `"connection":"personio"`)
	}) {
		t.Errorf("events %+v, error %v; want one that says who started it", events, err)
	}
	if runs, err := b.store.Runs(t.Context(), hr, 10); err != nil || len(runs) != 1 {
		t.Errorf("%d runs, error %v; want one", len(runs), err)
	}
}

func TestNothingIsStartedWhereNobodyServes(t *testing.T) {
	t.Parallel()
	b := newBench(t, 2)
	start := func() error {
		_, err := b.engine.Start(t.Context(), importer.Request{Connection: hr, Actor: "user:jana"})
		return err
	}
	if err := start(); !errors.Is(err, importer.ErrNotServing) {
		t.Errorf("before: %v, want ErrNotServing", err)
	}
	b.serving()()
	if err := start(); !errors.Is(err, importer.ErrNotServing) {
		t.Errorf("after: %v, want ErrNotServing", err)
	}
	if _, err := b.engine.StartApproval(t.Context(), "run", "user:jana"); !errors.Is(err, importer.ErrNotServing) {
		t.Errorf("approval: %v, want ErrNotServing", err)
	}
	if runs, err := b.store.Runs(t.Context(), hr, 10); err != nil || len(runs) > 0 {
		t.Errorf("%d runs, error %v; want none", len(runs), err)
	}
}

// REL-4: a process that is asked to end records that its run did not.
func TestAStartedRunEndsInOrderWithItsProcess(t *testing.T) {
	t.Parallel()
	b := newBench(t, 4)
	reading, goOn := make(chan struct{}), make(chan struct{})
	b.company.onPage = func(page int) {
		if page == 1 {
			close(reading)
			<-goOn
		}
	}
	stop := b.serving()
	run, err := b.engine.Start(t.Context(), importer.Request{Connection: hr, Actor: "user:jana"})
	if err != nil {
		t.Fatal(err)
	}
	<-reading
	stopped := make(chan struct{})
	go func() { defer close(stopped); stop() }()
	waitFor(t, "the engine to take nothing more", func() bool {
		_, err := b.engine.Start(t.Context(), importer.Request{Connection: "nowhere"})
		return errors.Is(err, importer.ErrNotServing)
	})
	select {
	case <-stopped:
		t.Error("serve returned while a run was under way")
	default:
	}
	close(goOn)
	<-stopped
	if run, err = b.store.Run(t.Context(), run.ID); err != nil || run.State != users.RunInterrupted {
		t.Errorf("the run is %q, error %v; want interrupted", run.State, err)
	}
	b.company.onPage = nil
	if run := b.run(); run.Counts.Created != 4 {
		t.Errorf("the next run created %d, want 4", run.Counts.Created)
	}
}

// S-075: what was asked for with one run is kept in its record, and is for that run alone.
func TestOptionsOfOneRunAreForThatRunAlone(t *testing.T) {
	t.Parallel()
	b := newBench(t, 10)
	b.inDepartment("Ops", "1", "2")
	b.run()
	b.company.setStatus("3", importer.StatusLeave)
	b.run()
	b.company.setStatus("3", importer.StatusActive)

	keep, everybody := false, ""
	run := b.mustAsk(importer.Request{Reactivation: &keep, Filter: &everybody})
	if run.Counts.Reactivated != 0 || run.Options.Reactivation || !run.Options.OwnReactivation || !run.Options.OwnFilter {
		t.Errorf("a run without reactivation: %+v with options %+v", run.Counts, run.Options)
	}
	ops := "department=Ops"
	preview, err := b.ask(importer.Request{Filter: &ops, Preview: true})
	if !errors.Is(err, importer.ErrHeld) || preview.Options.Filter != ops || b.company.query != ops {
		t.Errorf("a preview by another filter: options %+v, asked for %q, error %v", preview.Options, b.company.query, err)
	}
	if run, err := b.engine.Approve(t.Context(), preview.ID, "cli:boss"); err != nil || run.State != users.RunDone {
		t.Errorf("its approval: %s, %v; its own filter is no reason against it", run.State, err)
	}
	run = b.mustAsk(importer.Request{})
	if run.Options.Filter != "" || !run.Options.Reactivation || run.Options.OwnFilter || run.Counts.Reactivated != 1 {
		t.Errorf("the next run: %+v with options %+v; want those of the connection", run.Counts, run.Options)
	}
}

// N-2
func TestAnApprovalInTheBackgroundTellsWhatBecameOfIt(t *testing.T) {
	t.Parallel()
	b := newBench(t, 5)
	preview, err := b.try(true)
	if err != nil {
		t.Fatal(err)
	}
	b.serving()
	b.clock.pass(time.Minute)
	b.company.mu.Lock()
	b.company.failAt, b.company.err = 1, importer.ErrUnreachable
	b.company.mu.Unlock()
	run, err := b.engine.StartApproval(t.Context(), preview.ID, "user:boss")
	if err != nil || !run.Approving() || run.ApprovedBy != "" {
		t.Fatalf("approval: %+v, error %v; want one under way, approved by nobody yet", run, err)
	}
	waitFor(t, "the approval to fail", func() bool {
		run, err = b.store.Run(t.Context(), preview.ID)
		return err == nil && run.ErrorCode != ""
	})
	if run.ErrorCode != "source_unreachable" || run.State != users.RunPreviewed || run.Approving() || run.ApprovedBy != "" {
		t.Errorf("after the source was away: %+v", run)
	}
	b.company.mu.Lock()
	b.company.failAt = 0
	b.company.mu.Unlock()
	waitFor(t, "the lease", func() bool {
		_, err = b.engine.StartApproval(t.Context(), preview.ID, "user:boss")
		return !errors.Is(err, users.ErrLeaseHeld)
	})
	run = b.ended(preview.ID, users.RunDone)
	if err != nil || run.Counts.Created != 5 || run.ApprovedBy != "user:boss" || run.ErrorCode != "" || len(run.Error) > 0 {
		t.Errorf("once it was back: %+v, error %v", run, err)
	}
	if _, err := b.engine.StartApproval(t.Context(), preview.ID, "user:boss"); !errors.Is(err, users.ErrInvalid) {
		t.Errorf("again: %v, want ErrInvalid", err)
	}
}

// N-4: what waits for a decision, and what does not any more.
func TestHeldRunsAreThoseThatWaitForADecision(t *testing.T) {
	t.Parallel()
	b := newBench(t, 10)
	b.run()
	waiting := func() []users.RunID {
		held, err := importer.HeldRuns(t.Context(), b.store, hr, b.clock.Now())
		if err != nil {
			t.Fatal(err)
		}
		var ids []users.RunID
		for _, run := range held {
			ids = append(ids, run.ID)
		}
		return ids
	}
	if got := waiting(); len(got) > 0 {
		t.Errorf("nothing was held, and %v wait", got)
	}
	for _, id := range []string{"1", "2", "3"} {
		b.company.setStatus(id, importer.StatusInactive)
	}
	first, err := b.ask(importer.Request{})
	if !errors.Is(err, importer.ErrHeld) {
		t.Fatalf("mass suspension: %v, want ErrHeld", err)
	}
	if got := waiting(); !slices.Equal(got, []users.RunID{first.ID}) {
		t.Errorf("%v wait, want %s", got, first.ID)
	}
	second, _ := b.ask(importer.Request{}) // held like the first
	b.company.failAt, b.company.err = 1, importer.ErrUnreachable
	_, _ = b.ask(importer.Request{}) // fails
	b.company.failAt = 0
	if got := waiting(); !slices.Equal(got, []users.RunID{second.ID}) {
		t.Errorf("%v wait, want the newer one of two equal plans, %s", got, second.ID)
	}
	if _, err := b.engine.Approve(t.Context(), second.ID, "cli:boss"); err != nil {
		t.Fatal(err)
	}
	if got := waiting(); len(got) > 0 {
		t.Errorf("after the approval %v wait", got)
	}
}
