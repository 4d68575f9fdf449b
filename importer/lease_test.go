package importer_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/einlass/einlass/importer"
	"github.com/einlass/einlass/keys"
	"github.com/einlass/einlass/users"
	"github.com/einlass/einlass/users/sqlstore"
	"github.com/einlass/einlass/users/userstest"
)

// In each round 24 importers with connections of their own begin at once. One
// runs; the others are told which, and nobody does anything twice.
// S-076, N335, REL-4
func TestOfManyTriggersExactlyOneRuns(t *testing.T) {
	t.Parallel()
	eachEngine(t, func(t *testing.T, location func() sqlstore.Config) {
		const importers, rounds = 24, 5
		where := location()
		b := newBenchOn(t, userstest.Open(t, where), 5)
		b.location = where
		engines := make([]*importer.Engine, importers)
		for i := range engines {
			engines[i] = b.replica().newEngine(nil)
		}
		for round := range rounds {
			b.company.hire(fmt.Sprint(100+round), importer.StatusActive, fmt.Sprintf("Round%d", round))
			refused := make(chan struct{}, importers)
			b.company.onPage = func(page int) {
				if page > 1 {
					return
				}
				for range importers - 1 { // who runs waits until all others have tried
					<-refused
				}
			}
			var all sync.WaitGroup
			done := make(chan users.Run, importers)
			for i, engine := range engines {
				all.Go(func() {
					run, err := engine.Run(t.Context(), importer.Request{Connection: hr, Actor: users.Actor(fmt.Sprintf("cli:%d", i))})
					switch {
					case err == nil:
						done <- run
						return
					case !errors.Is(err, users.ErrLeaseHeld):
						t.Errorf("round %d: %v, want ErrLeaseHeld", round, err)
					}
					refused <- struct{}{}
				})
			}
			all.Wait()
			close(done)
			for run := range done {
				if want := 1 + 5*(1-min(round, 1)); run.Counts.Created != want {
					t.Errorf("round %d: %d people created, want %d", round, run.Counts.Created, want)
				}
			}
			runs, err := b.store.Runs(t.Context(), hr, 100)
			if err != nil || len(runs) != round+1 {
				t.Errorf("round %d: %d runs in all, error %v", round, len(runs), err)
			}
		}
		userstest.CheckLog(t, b.store)
		if got := len(b.states()); got != 5+rounds {
			t.Errorf("%d people, want %d", got, 5+rounds)
		}
	})
}

// replica returns the same directory with connections of its own.
func (b *bench) replica() *bench {
	b.t.Helper()
	store, err := sqlstore.Open(b.t.Context(), b.location)
	if err != nil {
		b.t.Fatal(err)
	}
	b.t.Cleanup(func() { _ = store.Close() }) // nothing is lost by it
	sealer, err := keys.LoadMasterKey(b.keyFile, keys.MasterKeyOptions{})
	if err != nil {
		b.t.Fatal(err)
	}
	replica := *b
	replica.store = store
	if replica.directory, err = users.New(users.Config{Store: store, Sealer: sealer, Now: b.clock.Now}); err != nil {
		b.t.Fatal(err)
	}
	return &replica
}

// The refused are told which run is under way.
func TestWhoIsRefusedLearnsWhichRunIsUnderWay(t *testing.T) {
	t.Parallel()
	b := newBench(t, 5)
	b.company.onPage = func(page int) {
		if page != 1 {
			return
		}
		run, err := b.newEngine(nil).Run(t.Context(), importer.Request{Connection: hr, Actor: "cli:other"})
		if !errors.Is(err, users.ErrLeaseHeld) || run.Actor != "cli:test" || run.State != users.RunReading {
			t.Errorf("other run: %s of %q, error %v; want the one under way and ErrLeaseHeld", run.State, run.Actor, err)
		}
	}
	b.run()
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
