package importer_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/einlass/einlass/importer"
	"github.com/einlass/einlass/users"
)

// S-076, N335, REL-4
func TestOfManyTriggersExactlyOneRuns(t *testing.T) {
	t.Parallel()
	b := newBench(t, 5)
	entered, proceed := make(chan struct{}), make(chan struct{})
	b.company.onPage = func(page int) {
		if page == 1 {
			close(entered)
			<-proceed
		}
	}
	var winners sync.WaitGroup
	var first users.Run
	winners.Go(func() {
		run, err := b.engine.Run(t.Context(), importer.Request{Connection: hr, Actor: "cli:first"})
		if err != nil {
			t.Errorf("first run: %v", err)
		}
		first = run
	})
	<-entered
	var others sync.WaitGroup
	for range 24 {
		others.Go(func() {
			run, err := b.newEngine(nil).Run(t.Context(), importer.Request{Connection: hr, Actor: "cli:other"})
			if !errors.Is(err, users.ErrLeaseHeld) || run.Actor != "cli:first" {
				t.Errorf("other run: that of %q, error %v; want the one under way and ErrLeaseHeld", run.Actor, err)
			}
		})
	}
	others.Wait()
	close(proceed)
	winners.Wait()
	if first.Counts.Created != 5 {
		t.Errorf("first run created %d, want 5", first.Counts.Created)
	}
	runs, err := b.store.Runs(t.Context(), hr, 100)
	if err != nil || len(runs) != 1 {
		t.Errorf("runs: %d, error %v; want 1", len(runs), err)
	}
}

// REL-4
func TestARunThatLostItsLeaseWritesNothing(t *testing.T) {
	t.Parallel()
	b := newBench(t, 5)
	b.company.onPage = func(page int) {
		if page == 2 {
			b.stealLease()
		}
	}
	_, err := b.try(false)
	if !errors.Is(err, users.ErrLeaseLost) {
		t.Errorf("run: %v, want ErrLeaseLost", err)
	}
	if got := len(b.states()); got != 0 {
		t.Errorf("%d people were created", got)
	}
	b.company.onPage = nil
	b.clock.pass(2 * users.ImportLease)
	b.run()
	runs, err := b.store.Runs(t.Context(), hr, 10)
	if err != nil || len(runs) != 2 || runs[1].State != users.RunInterrupted {
		t.Errorf("runs: %d, error %v; want the first one marked as interrupted", len(runs), err)
	}
}

// stealLease gives the lease of the connection to somebody else, as if this process had slept.
func (b *bench) stealLease() {
	b.t.Helper()
	b.clock.pass(2 * users.ImportLease)
	if _, err := b.directory.AcquireImportLease(b.t.Context(), hr, "somebody else"); err != nil {
		b.t.Error(err)
	}
}

// invariant 6, N336
func TestARunThatWasStoppedAnywhereIsRepairedByTheNext(t *testing.T) {
	t.Parallel()
	whole := newBench(t, 230)
	grow(whole.company)
	whole.run()
	want := whole.readable()

	for stop := range 6 {
		t.Run(fmt.Sprintf("after %d steps", stop), func(t *testing.T) {
			t.Parallel()
			b := newBench(t, 230)
			grow(b.company)
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			steps := 0
			engine := b.newEngine(func(p importer.Progress) {
				if p.Phase != importer.ProgressApplying && p.Phase != importer.ProgressPlanning {
					return
				}
				if steps == stop {
					cancel()
				}
				steps++
			})
			run, err := engine.Run(ctx, importer.Request{Connection: hr, Actor: "cli:test"})
			if err == nil || run.State != users.RunInterrupted {
				t.Fatalf("stopped run: state %s, error %v", run.State, err)
			}
			b.run()
			if diff := cmp.Diff(want, b.readable()); diff != "" {
				t.Errorf("not what one whole run leaves (-want +got):\n%s", diff)
			}
			before := b.contents()
			b.run()
			if diff := cmp.Diff(before, b.contents()); diff != "" {
				t.Errorf("a third run found something to do (-before +after):\n%s", diff)
			}
		})
	}
}

// grow gives everybody a manager.
func grow(c *company) {
	c.pageSize = 100
	for i := range c.people {
		c.people[i].ManagerID = fmt.Sprint(1 + i/10)
	}
}

// readable returns everybody by address with attributes, state and manager's address.
func (b *bench) readable() map[string]string {
	b.t.Helper()
	people := map[string]string{}
	names := map[users.ID]string{}
	query := users.UserQuery{Limit: 500}
	found, err := b.store.FindUsers(b.t.Context(), query)
	if err != nil {
		b.t.Fatal(err)
	}
	for _, u := range found {
		names[u.ID] = u.Email
	}
	for _, u := range found {
		people[u.Email] = fmt.Sprint(u.DisplayName(), u.State(), u.Attributes, names[u.Manager])
	}
	return people
}
