package userstest

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/einlass/einlass/users"
)

var racePromises = []promise{
	{"of 64 who raise one version one wins", raiseOneVersion},
	{"of 16 who want one address one gets it", wantOneAddress},
	{"of 16 who create one application one does", createOneApplication},
	{"events of concurrent transactions are one chain without gaps", oneChain},
	{"of 24 who want a lease one gets it", wantOneLease},
	{"transactions that wait for each other in a circle both succeed", deadlock},
	{"a change of the rules waits for who writes people by them", rulesHeld},
	{"a person who is locked is not written by another", peopleLocked},
	{"transactions that lock many people do not wait for each other in a circle", crowdLocked},
	{"a lease taken away stops the transaction that depends on it", leaseTakenAway},
}

// together runs do n times at once and returns their errors.
func together(n int, do func(i int) error) []error {
	failures := make([]error, n)
	start := make(chan struct{})
	var group sync.WaitGroup
	for i := range n {
		group.Go(func() {
			<-start
			failures[i] = do(i)
		})
	}
	close(start)
	group.Wait()
	return failures
}

// oneOf fails unless one call succeeded and all others were refused with want.
func oneOf(t *testing.T, failures []error, want error) {
	t.Helper()
	won := 0
	for _, err := range failures {
		if err == nil {
			won++
			continue
		}
		refused(t, "the others", err, want)
	}
	if won != 1 {
		t.Errorf("%d of %d succeeded, want 1", won, len(failures))
	}
}

func raiseOneVersion(t *testing.T, s users.Store) {
	ada := person("ada")
	insert(t, s, ada)
	failures := together(64, func(i int) error {
		return s.Update(t.Context(), func(tx users.Tx) error {
			mine := ada
			mine.FirstName = fmt.Sprint(i)
			stale, err := tx.UpdateUsers(t.Context(), []users.User{mine})
			if err == nil && len(stale) > 0 {
				return users.ErrStale
			}
			tx.Append(event(string(ada.ID)))
			return err
		})
	})
	oneOf(t, failures, users.ErrStale)
	if v := read(t, s, ada.ID).Version; v != 2 {
		t.Errorf("version %d, want 2", v)
	}
	if n := CheckLog(t, s); n != 1 {
		t.Errorf("%d events, want 1", n)
	}
}

func wantOneAddress(t *testing.T, s users.Store) {
	failures := together(16, func(int) error {
		return s.Update(t.Context(), func(tx users.Tx) error {
			return tx.InsertUsers(t.Context(), []users.User{person("ada")})
		})
	})
	oneOf(t, failures, users.ErrConflict)
}

func createOneApplication(t *testing.T, s users.Store) {
	failures := together(16, func(i int) error {
		return s.Update(t.Context(), func(tx users.Tx) error {
			return tx.PutApplication(t.Context(), users.Application{
				ID: "wiki", Label: fmt.Sprint(i), Groups: []users.GroupID{users.GroupID(fmt.Sprint("g", i))},
			})
		})
	})
	oneOf(t, failures, users.ErrStale)
	a, err := s.Application(t.Context(), "wiki")
	ok(t, "Application", err)
	same(t, "bound groups", a.Groups, []users.GroupID{users.GroupID("g" + a.Label)})
}

// N213
func oneChain(t *testing.T, s users.Store) {
	const workers, rounds = 24, 4
	failures := together(workers, func(i int) error {
		for range rounds {
			err := s.Update(t.Context(), func(tx users.Tx) error {
				for j := range 1 + i%3 {
					tx.Append(event(fmt.Sprint(i, "-", j)))
				}
				return nil
			})
			if err != nil {
				return err
			}
		}
		return nil
	})
	ok(t, "concurrent transactions", errors.Join(failures...))
	if n := CheckLog(t, s); n != workers*rounds*2 {
		t.Errorf("%d events, want %d", n, workers*rounds*2)
	}
}

func wantOneLease(t *testing.T, s users.Store) {
	for round := range 3 {
		now := noon.Add(time.Duration(round) * time.Hour)
		failures := together(24, func(i int) error {
			_, err := s.AcquireLease(t.Context(), "import", fmt.Sprint(round, "-", i), now, life)
			return err
		})
		oneOf(t, failures, users.ErrLeaseHeld)
	}
}

// deadlock lets each of two transactions write one person and then the other's.
// PostgreSQL ends one of them, which must be tried again; SQLite lets one wait.
func deadlock(t *testing.T, s users.Store) {
	people := []users.User{person("ada"), person("bob")}
	insert(t, s, people...)
	reached := []chan struct{}{make(chan struct{}), make(chan struct{})}
	var attempts [2]atomic.Int64
	raiseBoth := func(i int) error {
		return s.Update(t.Context(), func(tx users.Tx) error {
			mine, other := people[i].ID, people[1-i].ID
			if err := raise(t, tx, mine); err != nil {
				return err
			}
			if attempts[i].Add(1) == 1 {
				close(reached[i])
				select { // SQLite never lets both get here
				case <-reached[1-i]:
				case <-time.After(300 * time.Millisecond):
				}
			}
			return raise(t, tx, other)
		})
	}
	failures := together(2, func(i int) error {
		err := raiseBoth(i)
		for errors.Is(err, users.ErrStale) { // the winner had not committed yet when the loser read again
			err = raiseBoth(i)
		}
		return err
	})
	ok(t, "both transactions", errors.Join(failures...))
	for _, u := range people {
		if v := read(t, s, u.ID).Version; v != 3 {
			t.Errorf("version %d, want 3", v)
		}
	}
}

// raise writes a person as the transaction reads them.
func raise(t *testing.T, tx users.Tx, id users.ID) error {
	u, err := tx.User(t.Context(), id)
	if err != nil {
		return err
	}
	stale, err := tx.UpdateUsers(t.Context(), []users.User{u})
	if err == nil && len(stale) > 0 {
		return users.ErrStale
	}
	return err
}

// leaseTakenAway lets the next holder in between two transactions of a run.
func leaseTakenAway(t *testing.T, s users.Store) {
	lease, err := s.AcquireLease(t.Context(), "import", "slow", noon, life)
	ok(t, "AcquireLease", err)
	failures := together(25, func(i int) error {
		if i == 0 {
			_, err := s.AcquireLease(t.Context(), "import", "next", noon.Add(24*time.Hour), life)
			return err
		}
		err := hold(t, s, lease)
		if errors.Is(err, users.ErrLeaseLost) {
			return nil
		}
		return err
	})
	ok(t, "everybody", errors.Join(failures...))
	before := CheckLog(t, s)
	refused(t, "HoldLease afterwards", hold(t, s, lease), users.ErrLeaseLost)
	if n := CheckLog(t, s); n != before {
		t.Errorf("%d events, want %d as before", n, before)
	}
}

// whileHeld runs other while a transaction stands after hold, for as long as a
// store that lets it through would need, and ends the transaction with finish.
func whileHeld(t *testing.T, s users.Store, hold, finish func(tx users.Tx) error, other func() error) {
	t.Helper()
	held, through := make(chan struct{}), make(chan struct{})
	var once sync.Once
	failures := together(2, func(i int) error {
		if i == 1 {
			<-held
			defer close(through)
			return other()
		}
		return s.Update(t.Context(), func(tx users.Tx) error {
			if err := hold(tx); err != nil {
				return err
			}
			once.Do(func() { close(held) })
			select {
			case <-through:
			case <-time.After(300 * time.Millisecond):
			}
			return finish(tx)
		})
	})
	ok(t, "both", errors.Join(failures...))
}

func rulesHeld(t *testing.T, s users.Store) {
	ada := person("ada")
	whileHeld(t, s,
		func(tx users.Tx) error {
			_, err := tx.Rules(t.Context())
			return err
		},
		func(tx users.Tx) error { return tx.InsertUsers(t.Context(), []users.User{ada}) },
		func() error {
			group(t, s, "staff")
			_, err := s.User(t.Context(), ada.ID) // whoever was written by the old rules is there now
			return err
		})
}

func peopleLocked(t *testing.T, s users.Store) {
	ada := person("ada")
	insert(t, s, ada)
	whileHeld(t, s,
		func(tx users.Tx) error {
			_, err := tx.LockUsers(t.Context(), []users.ID{ada.ID})
			return err
		},
		func(tx users.Tx) error {
			u, err := tx.User(t.Context(), ada.ID)
			if err == nil && u.Version != ada.Version {
				err = fmt.Errorf("written by another: version %d, want %d", u.Version, ada.Version)
			}
			return err
		},
		func() error { return s.Update(t.Context(), func(tx users.Tx) error { return raise(t, tx, ada.ID) }) })
}

// crowdLocked counts the attempts of the transactions: one that met another in a circle has two.
func crowdLocked(t *testing.T, s users.Store) {
	people := crowd("p", 300)
	insert(t, s, people...)
	const transactions = 80
	var attempts atomic.Int32
	failures := together(4, func(worker int) error {
		random := rand.New(rand.NewPCG(uint64(worker), 1))
		for i := range transactions / 4 {
			some := make([]users.ID, 0, 200)
			signIns := map[users.ID]time.Time{}
			for _, n := range random.Perm(len(people))[:cap(some)] {
				some = append(some, people[n].ID)
				signIns[people[n].ID] = noon.Add(time.Duration(i) * time.Hour)
			}
			err := s.Update(t.Context(), func(tx users.Tx) error {
				attempts.Add(1)
				if worker%2 == 0 {
					return tx.TouchSignIns(t.Context(), signIns)
				}
				_, err := tx.LockUsers(t.Context(), some)
				return err
			})
			if err != nil {
				return err
			}
		}
		return nil
	})
	ok(t, "everybody", errors.Join(failures...))
	if n := attempts.Load(); n != transactions {
		t.Errorf("%d attempts, want each of the %d transactions to succeed at once", n, transactions)
	}
}
