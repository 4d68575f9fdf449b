package importer_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/einlass/einlass/importer"
	"github.com/einlass/einlass/users"
)

// taken is an access that somebody decided to take, and when.
type taken struct {
	at    time.Time
	later bool
}

// takings compares people before and after, as the guard should count them.
func takings(before, after []users.User, now time.Time) []taken {
	is := map[users.ID]users.User{}
	for _, u := range after {
		is[u.ID] = u
	}
	var all []taken
	for _, u := range before {
		end, closed := is[u.ID].AccessUntil, is[u.ID].StateAt(now) != users.StateActive
		moved := !end.IsZero() && (u.AccessUntil.IsZero() || end.Before(u.AccessUntil))
		if u.StateAt(now) == users.StateActive && (closed || moved) {
			all = append(all, taken{now, !closed && end.After(now.Add(24*time.Hour))})
		}
	}
	return all
}

// Whatever HR writes and in whatever order imports and single reads see it: over any
// 24 hours no more people lose access, at once or on a day to come, than the limit
// says, unless somebody has approved it;
// and nobody is in past their last day.
// N-3, N-4, invariant 5
func TestNoDateTakesMoreAccessThanTheGuardAllows(t *testing.T) {
	t.Parallel()
	const people, most, steps = 30, 4, 60
	for seed := range uint64(6) {
		t.Run(fmt.Sprintf("seed %d", seed), func(t *testing.T) {
			t.Parallel()
			dice := rand.New(rand.NewPCG(seed, 10))
			b := newBench(t, people)
			b.settings.Guard = users.Guard{MaxPeople: most, MaxPercent: 100}
			b.withWindows()
			b.run()
			var history []taken
			held, lost, approved := 0, 0, 0
			for range steps {
				b.clock.pass(time.Duration(1+dice.IntN(20)) * time.Hour)
				b.strike()
				var changed []string
				for range dice.IntN(4) * (1 + dice.IntN(3)) {
					id := fmt.Sprint(1 + dice.IntN(people))
					changed = append(changed, id)
					last := ""
					if dice.IntN(4) > 0 {
						last = b.clock.Now().AddDate(0, 0, dice.IntN(60)-2).Format(time.DateOnly)
					}
					b.dates(id, "", last)
					b.company.setStatus(id, []importer.Status{importer.StatusActive, importer.StatusActive, importer.StatusInactive}[dice.IntN(3)])
				}
				before := b.peopleHere()
				if dice.IntN(2) == 0 && len(changed) > 0 {
					b.note(changed...)
					b.work()
					history = append(history, takings(before, b.peopleHere(), b.clock.Now())...)
				} else if run, err := b.try(false); errors.Is(err, importer.ErrHeld) {
					held++
					if held%2 == 1 {
						b.approve(run.ID)
						approved++
					}
				} else if err != nil {
					t.Fatal(err)
				} else {
					history = append(history, takings(before, b.peopleHere(), b.clock.Now())...)
				}
				b.checkTaken(history, most)
				b.checkNobodyOutstays()
			}
			for _, h := range history {
				if h.later {
					lost++
				}
			}
			if held == 0 || approved == 0 || lost == 0 || lost == len(history) {
				t.Errorf("%d held, %d approved, %d of %d later: the test says little", held, approved, lost, len(history))
			}
		})
	}
}

// peopleHere returns all people.
func (b *bench) peopleHere() []users.User {
	b.t.Helper()
	found, err := b.store.FindUsers(b.t.Context(), users.UserQuery{Limit: 500})
	if err != nil {
		b.t.Fatal(err)
	}
	return found
}

// checkTaken looks at the 24 hours before now.
func (b *bench) checkTaken(history []taken, most int) {
	b.t.Helper()
	now, later := 0, 0
	for _, h := range history {
		switch {
		case h.at.Before(b.clock.Now().Add(-24 * time.Hour)):
		case h.later:
			later++
		default:
			now++
		}
	}
	if now > most || later > most {
		b.t.Fatalf("%d people have lost access within 24 hours and %d got a later last day, want at most %d each", now, later, most)
	}
}

// checkNobodyOutstays looks at who is in past their last day.
func (b *bench) checkNobodyOutstays() {
	b.t.Helper()
	for _, u := range b.peopleHere() {
		if over := !u.AccessUntil.IsZero() && !b.clock.Now().Before(u.AccessUntil); over && b.enters(u.Email, b.clock.Now()) {
			b.t.Fatalf("%s is in at %s, access ended %s", u.Email, b.clock.Now(), u.AccessUntil)
		}
	}
}
