package importer_test

import (
	"fmt"
	"math/rand/v2"
	"syscall"
	"testing"
	"time"

	"github.com/einlass/einlass/importer"
	"github.com/einlass/einlass/users"
	"github.com/einlass/einlass/users/sqlstore"
	"github.com/einlass/einlass/users/userstest"
)

// The process that reads people again is killed after a statement that the seed
// chooses. Nobody who was noted is forgotten, and nothing is done twice.
// invariant 6, REL-3, B-08
func TestAKilledRefreshLosesNoWork(t *testing.T) {
	t.Parallel()
	kills := userstest.Repetitions(30)
	eachEngine(t, func(t *testing.T, location func() sqlstore.Config) {
		here := location()
		b := newBenchOn(t, userstest.Open(t, here), 60)
		b.location = here
		b.settings.Guard = users.Guard{MaxPeople: 10_000, MaxPercent: 100}
		b.connect()
		b.run()
		killed := 0
		for seed := range kills {
			dice := rand.New(rand.NewPCG(uint64(seed), 0))
			ids := b.shuffled(dice, 5)
			b.clock.pass(time.Minute)
			b.note(ids...)
			if b.start(job{Work: true, Signal: syscall.SIGKILL, At: 1 + dice.IntN(90)}).killed() {
				killed++
			}
			b.checkWhole(fmt.Sprintf("seed %d", seed))
			b.clock.pass(2 * users.ImportLease) // the dead process renews no lease
			for len(b.due()) > 0 {
				if err := importer.DoWork(b.engine, t.Context(), hr); err != nil {
					t.Fatalf("seed %d: %v", seed, err)
				}
			}
			b.checkRead(fmt.Sprintf("seed %d", seed), ids)
			if run := b.run(); run.Counts.Changed() > 0 { // which also closes the run of the dead
				t.Fatalf("seed %d: the import after it found %+v to do", seed, run.Counts)
			}
			if open := b.unfinished(); len(open) > 0 {
				t.Fatalf("seed %d: runs %v have not ended", seed, open)
			}
		}
		if killed < kills/3 {
			t.Errorf("%d of %d processes were killed in time, want a third at least", killed, kills)
		}
		userstest.CheckLog(t, b.store)
	})
}

// shuffled turns the status and department of n people over and returns their ids.
func (b *bench) shuffled(dice *rand.Rand, n int) []string {
	var ids []string
	for _, i := range dice.Perm(len(b.company.people))[:n] {
		id := b.company.people[i].ID
		ids = append(ids, id)
		b.company.set(id, func(p *importer.Person) {
			p.Attributes["department"] = fmt.Sprint("D", dice.IntN(9))
			if p.Status = importer.StatusActive; dice.IntN(2) == 0 {
				p.Status = importer.StatusInactive
			}
		})
	}
	return ids
}

// checkRead fails the test unless people are as the source shows them.
func (b *bench) checkRead(what string, ids []string) {
	b.t.Helper()
	people, err := b.store.People(b.t.Context(), hr, ids)
	if err != nil {
		b.t.Fatal(err)
	}
	for _, p := range b.company.people {
		known, asked := people[p.ID]
		if !asked {
			continue
		}
		u, err := b.store.User(b.t.Context(), known.User)
		if err != nil {
			b.t.Fatal(err)
		}
		if (u.State() == users.StateActive) != (p.Status == importer.StatusActive) || u.Attribute("department") != p.Attributes["department"] {
			b.t.Fatalf("%s: %s is %s in %s, the source says %s in %s", what, u.Email, u.State(), u.Attribute("department"), p.Status, p.Attributes["department"])
		}
	}
}
