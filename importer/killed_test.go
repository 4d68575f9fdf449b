package importer_test

import (
	"fmt"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/einlass/einlass/importer"
	"github.com/einlass/einlass/users"
	"github.com/einlass/einlass/users/sqlstore"
	"github.com/einlass/einlass/users/userstest"
)

// The importing process is killed after a statement that the seed chooses, 200
// times on each engine, also while it applies an approved plan. What it leaves is
// whole, and after the next run it is as if nothing had happened.
// invariant 6, N336, REL-3
func TestAKilledImportIsFinishedByTheNext(t *testing.T) {
	t.Parallel()
	const perCompany = 25
	kills := userstest.Repetitions(200)
	eachEngine(t, func(t *testing.T, location func() sqlstore.Config) {
		for killed, seed := 0, uint64(0); killed < kills; seed++ {
			w := newTwins(t, location, seed, 60)
			for day := 0; killed < kills && day < perCompany; day++ {
				if w.killOnce(fmt.Sprintf("seed %d, day %d", seed, day), day%5 == 4) {
					killed++
				}
				w.workday()
			}
		}
	})
}

// killOnce has an import killed once, unless it ends before the moment comes:
// a directory with another past takes some statements more or less.
func (w *twins) killOnce(what string, approved bool) bool {
	w.calm.t.Helper()
	kill := job{Signal: syscall.SIGKILL}
	w.statements.Store(0)
	if !approved {
		w.calm.finish()
	} else {
		plan := w.calm.preview()
		w.statements.Store(0)
		w.calm.approve(plan)
		kill.Approve = w.disturbed.preview()
	}
	kill.At = 1 + w.dice.IntN(int(w.statements.Load()))
	what = fmt.Sprintf("%s, killed after %d of %d statements", what, kill.At, w.statements.Load())
	killed := w.disturbed.start(kill).killed()
	w.disturbed.checkWhole(what)

	w.disturbed.clock.pass(2 * users.ImportLease) // the dead process renews no lease
	w.disturbed.finish()
	if open := w.disturbed.unfinished(); len(open) > 0 {
		w.calm.t.Fatalf("%s: runs %v have not ended", what, open)
	}
	w.compare(what)
	return killed
}

// preview plans, and returns the id of the plan.
func (b *bench) preview() users.RunID {
	b.t.Helper()
	run, err := b.try(true)
	if err != nil {
		b.t.Fatalf("preview: %v", err)
	}
	return run.ID
}

// approve applies a plan.
func (b *bench) approve(id users.RunID) {
	b.t.Helper()
	if run, err := b.engine.Approve(b.t.Context(), id, "cli:boss"); err != nil || run.State != users.RunDone {
		b.t.Fatalf("approval: state %s, error %v", run.State, err)
	}
}

// A process that was stopped until its lease ran out, in the middle of a run,
// finds its token refused when it goes on, and writes nothing more.
// N335, REL-4
func TestAStoppedImportWritesNothingWhenItGoesOn(t *testing.T) {
	t.Parallel()
	eachEngine(t, func(t *testing.T, location func() sqlstore.Config) {
		w := newTwins(t, location, 7, 60)
		for day := range 8 {
			w.workday()
			w.commits.Store(0)
			w.calm.finish()
			stop := job{Signal: syscall.SIGSTOP, Commits: true, At: 1 + w.dice.IntN(int(w.commits.Load())-1)}
			what := fmt.Sprintf("day %d, stopped after %d of %d transactions", day, stop.At, w.commits.Load())
			stopped := w.disturbed.start(stop)
			stopped.stopped()

			w.disturbed.clock.pass(2 * users.ImportLease)
			w.disturbed.finish()
			before, err := w.disturbed.store.Dump(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			stopped.goOn()
			if end := stopped.ended(); !end.LeaseLost {
				t.Errorf("%s: ended with %v, want a lost lease", what, end)
			}
			after, err := w.disturbed.store.Dump(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			if diff := differences(before, after); diff != "" {
				t.Errorf("%s: it wrote something (-before +after):\n%s", what, diff)
			}
			w.compare(what)
		}
	})
}

// A process that was stopped in the middle of a transaction, with locks that
// everybody needs, is done with as soon as PostgreSQL has ended that transaction.
// On SQLite it blocks all writers until it goes on or is killed. REL-4
func TestAnImportStoppedWithinATransactionHoldsNobodyUp(t *testing.T) {
	t.Parallel()
	w := newTwins(t, func() sqlstore.Config {
		return sqlstore.Config{URL: userstest.PostgresURL(t) + "&idle_in_transaction_session_timeout=200"}
	}, 11, 30)
	for day := range 4 {
		w.statements.Store(0)
		w.calm.finish()
		stop := job{Signal: syscall.SIGSTOP, At: 1 + w.dice.IntN(int(w.statements.Load())*9/10)}
		what := fmt.Sprintf("day %d, stopped after %d of %d statements", day, stop.At, w.statements.Load())
		stopped := w.disturbed.start(stop)
		stopped.stopped()
		w.disturbed.clock.pass(2 * users.ImportLease)
		w.disturbed.finish()
		stopped.goOn()
		if end := stopped.ended(); end.State == users.RunDone {
			t.Errorf("%s: ended with %v, want an error", what, end)
		}
		w.compare(what)
		w.workday()
	}
}

// PostgreSQL ends and comes back while people are read, and while changes are
// written: the run goes on or fails, and nothing is lost or doubled. REL-5
func TestARestartOfTheDatabaseIsSurvived(t *testing.T) {
	t.Parallel()
	server := userstest.StartPostgreSQL(t)
	locations := []sqlstore.Config{{URL: server.URL}, {Path: filepath.Join(t.TempDir(), "einlass.db")}}
	w := newTwins(t, func() sqlstore.Config {
		next := locations[0]
		locations = locations[1:]
		return next
	}, 5, 60)
	for day, phase := range []string{importer.ProgressReading, importer.ProgressPlanning, importer.ProgressApplying} {
		w.calm.finish()
		restarts := 0
		engine := w.disturbed.newEngine(func(p importer.Progress) {
			if p.Phase == phase && restarts == 0 {
				restarts++
				server.Restart()
			}
		})
		w.disturbed.clock.pass(time.Minute)
		run, err := engine.Run(t.Context(), importer.Request{Connection: hr, Actor: "cli:test"})
		if restarts != 1 || (err == nil) != (run.State == users.RunDone) {
			t.Errorf("day %d, restart while %s: %d restarts, state %s, error %v", day, phase, restarts, run.State, err)
		}
		w.disturbed.clock.pass(2 * users.ImportLease)
		w.disturbed.finish()
		if open := w.disturbed.unfinished(); len(open) > 0 {
			t.Errorf("day %d: runs %v have not ended", day, open)
		}
		w.compare(fmt.Sprintf("day %d, restart while %s", day, phase))
		w.workday()
	}
}

// A full disk ends the run with an error that says so, and harms nothing: once
// there is room, the next run does it all.
// REL-5
func TestAFullDiskEndsARunAndHarmsNothing(t *testing.T) {
	t.Parallel()
	w := newTwins(t, func() sqlstore.Config {
		return sqlstore.Config{Path: filepath.Join(t.TempDir(), "einlass.db")}
	}, 3, 20)
	w.calm.finish()
	w.disturbed.finish()
	for i := range 150 {
		w.hr.newcomer(importer.StatusActive, fmt.Sprintf("Late%d", i))
	}
	w.calm.finish()
	failed := 0
	for room := int64(0); room < 400_000; room += 40_000 {
		e := w.disturbed.start(job{MaxFileBytes: w.disturbed.largestFile() + room}).ended()
		w.disturbed.checkWhole(fmt.Sprintf("%d bytes of room", room))
		w.disturbed.clock.pass(2 * users.ImportLease)
		if e.State == users.RunDone {
			break
		}
		if failed++; !strings.Contains(e.Error, "disk") {
			t.Errorf("%d bytes of room: ended with %v, want an error of the disk", room, e)
		}
	}
	if failed == 0 {
		t.Fatal("the disk was never full")
	}
	w.disturbed.finish()
	w.compare("after the full disk")
}
