package importer_test

import (
	"context"
	"testing"
	"time"

	"github.com/einlass/einlass/importer"
	"github.com/einlass/einlass/keys"
	"github.com/einlass/einlass/users"
)

// S-075, S-077, S-078, N335
func TestServeImportsOnScheduleAndOncePerSlot(t *testing.T) {
	t.Parallel()
	b := newBench(t, 3)
	b.settings.Schedule = time.Hour
	b.connect()
	ctx, cancel := context.WithCancel(t.Context())
	served := make(chan error, 2)
	for range 2 { // two processes
		go func() { served <- b.newEngine(nil).Serve(ctx) }()
	}
	waitFor(t, "the first import", func() bool {
		runs, err := b.store.Runs(t.Context(), hr, 1)
		return err == nil && len(runs) == 1 && runs[0].State == users.RunDone
	})
	cancel()
	for range 2 {
		if err := <-served; err != nil {
			t.Errorf("serve: %v", err)
		}
	}
	runs, err := b.store.Runs(t.Context(), hr, 10)
	if err != nil || len(runs) != 1 || runs[0].Actor != users.ActorImport(hr) || runs[0].State != users.RunDone {
		t.Errorf("runs: %+v, error %v; want one by the schedule, done", runs, err)
	}
}

func TestServeKeepsGoingAtShortIntervals(t *testing.T) {
	t.Parallel()
	b := newBench(t, 2)
	b.settings.Schedule = 50 * time.Millisecond
	b.connect()
	engine, err := importer.New(importer.Config{
		Directory: b.directory, Mappings: map[string]users.Mapping{"personio": mapping}, Holder: "test",
		Open: func(users.Application, keys.Secret) (importer.Source, error) { return b.company, nil },
	})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() { defer close(done); _ = engine.Serve(ctx) }() // returns nil when ctx ends
	waitFor(t, "three scheduled imports", func() bool {
		runs, err := b.store.Runs(t.Context(), hr, 10)
		return err == nil && len(runs) >= 3
	})
	cancel()
	<-done
}

// S-080
func TestServeLeavesConnectionsWithoutAScheduleAlone(t *testing.T) {
	t.Parallel()
	b := newBench(t, 2)
	ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	if err := b.engine.Serve(ctx); err != nil {
		t.Errorf("serve: %v", err)
	}
	if runs, err := b.store.Runs(t.Context(), hr, 10); err != nil || len(runs) != 0 {
		t.Errorf("runs: %d, error %v; want none", len(runs), err)
	}
}

func waitFor(t testing.TB, what string, reached func() bool) {
	t.Helper()
	for deadline := time.Now().Add(time.Minute); !reached(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("waited in vain for %s", what)
		}
	}
}
