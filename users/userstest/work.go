package userstest

import (
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/einlass/einlass/users"
)

var workPromises = []promise{
	{"work is due from its time on, the most overdue first", workDue},
	{"everything about work is kept", keepsWork},
	{"much work of one kind of one connection does not hide the others", workPerConnection},
	{"the next work is the earliest of all", nextWork},
	{"work noted again is there once, with its earliest times", workNotedAgain},
	{"ten thousand notes about three people are three rows", workCoalesces},
	{"work noted in vain keeps its attempts", workKeepsAttempts},
	{"work that was noted while it was done stays", workNotedMeanwhile},
	{"work that was finished and noted anew is not finished by who had it before", workNotedAnew},
	{"work is delayed only by who has seen it last", workDelayed},
	{"a transaction that fails notes and finishes nothing", workRolledBack},
	{"more work than one statement takes goes into one transaction", muchWork},
	{"of many who note one person at once nobody is lost", workRace},
}

func work(subject string, due time.Time) users.Work {
	return users.Work{Kind: users.WorkPerson, Connection: connection, Subject: subject, Due: due, Noted: noon}
}

func putWork(t *testing.T, s users.Store, all ...users.Work) {
	t.Helper()
	update(t, s, func(tx users.Tx) error { return tx.PutWork(t.Context(), all) })
}

func finishWork(t *testing.T, s users.Store, all ...users.Work) {
	t.Helper()
	update(t, s, func(tx users.Tx) error { return tx.FinishWork(t.Context(), all) })
}

func dueWork(t *testing.T, s users.Store, now time.Time) []users.Work {
	t.Helper()
	all, err := s.DueWork(t.Context(), now, 1000)
	ok(t, "DueWork", err)
	return all
}

// sameWork compares work without its generations.
func sameWork(t *testing.T, what string, got []users.Work, want ...users.Work) {
	t.Helper()
	if diff := cmp.Diff(want, got, cmpopts.EquateEmpty(), cmpopts.IgnoreFields(users.Work{}, "Generation")); diff != "" {
		t.Errorf("%s (-want +got):\n%s", what, diff)
	}
}

func workDue(t *testing.T, s users.Store) {
	first, second, later := work("1", noon.Add(-time.Hour)), work("2", noon), work("3", noon.Add(time.Millisecond))
	putWork(t, s, later, second, first)
	sameWork(t, "due at noon", dueWork(t, s, noon), first, second)
	sameWork(t, "due later", dueWork(t, s, noon.Add(time.Millisecond)), first, second, later)
	sameWork(t, "due before all", dueWork(t, s, noon.Add(-2*time.Hour)))
	all, err := s.WorkOf(t.Context(), connection)
	ok(t, "WorkOf", err)
	sameWork(t, "all work of the connection", all, first, second, later)
	all, err = s.WorkOf(t.Context(), "other")
	ok(t, "WorkOf another", err)
	sameWork(t, "work of another connection", all)
}

func keepsWork(t *testing.T, s users.Store) {
	full := users.Work{Kind: users.WorkFull, Connection: connection, Due: noon, Noted: noon.Add(-time.Hour), Attempts: 3}
	window := users.Work{Kind: users.WorkWindow, Subject: string(users.NewID())} // due at once
	putWork(t, s, full, window)
	got := dueWork(t, s, noon)
	sameWork(t, "work", got, window, full)
	again := dueWork(t, s, noon)
	same(t, "work read again", again, got)
}

func workPerConnection(t *testing.T, s users.Store) {
	var all []users.Work
	for i := range 30 {
		all = append(all, work(fmt.Sprintf("%02d", i), noon.Add(-time.Hour)))
	}
	delta := users.Work{Kind: users.WorkDelta, Connection: connection, Due: noon.Add(-time.Minute), Noted: noon}
	other := users.Work{Kind: users.WorkPerson, Connection: "other", Subject: "00", Due: noon, Noted: noon}
	putWork(t, s, append(all, delta, other)...)
	got, err := s.DueWork(t.Context(), noon, 2)
	ok(t, "DueWork", err)
	sameWork(t, "two of each", got, all[0], all[1], delta, other)
}

func nextWork(t *testing.T, s users.Store) {
	_, found, err := s.NextWork(t.Context())
	ok(t, "NextWork of an empty store", err)
	same(t, "found in an empty store", found, false)
	putWork(t, s, work("1", noon), work("2", noon.Add(-time.Minute)), work("3", noon.Add(time.Minute)))
	due, found, err := s.NextWork(t.Context())
	ok(t, "NextWork", err)
	same(t, "found", found, true)
	same(t, "next", due, noon.Add(-time.Minute))
}

func workNotedAgain(t *testing.T, s users.Store) {
	late, early := work("1", noon.Add(time.Minute)), work("1", noon)
	late.Noted, early.Noted = noon.Add(-time.Minute), noon.Add(time.Hour)
	want := work("1", noon)
	want.Noted = noon.Add(-time.Minute)
	putWork(t, s, late)
	before := dueWork(t, s, noon.Add(time.Hour))[0].Generation
	putWork(t, s, early)
	got := dueWork(t, s, noon)
	sameWork(t, "noted earlier the second time", got, want)
	if got[0].Generation == before {
		t.Error("the generation did not rise")
	}
	putWork(t, s, work("1", noon.Add(time.Hour)))
	sameWork(t, "noted later the third time", dueWork(t, s, noon), want)

	both := []users.Work{work("2", late.Due), work("2", early.Due)}
	both[0].Noted, both[1].Noted = late.Noted, early.Noted
	want.Subject = "2"
	putWork(t, s, both...)
	sameWork(t, "noted twice in one call", dueWork(t, s, noon)[1:], want)
}

// B-08
func workCoalesces(t *testing.T, s users.Store) {
	notes := make([]users.Work, 100)
	for round := range 100 {
		for i := range notes {
			notes[i] = work(fmt.Sprint(i%3), noon.Add(time.Duration(round)*time.Second))
		}
		putWork(t, s, notes...)
	}
	sameWork(t, "work", dueWork(t, s, noon.Add(time.Hour)), work("0", noon), work("1", noon), work("2", noon))
}

func workKeepsAttempts(t *testing.T, s users.Store) {
	putWork(t, s, work("1", noon))
	delayed := dueWork(t, s, noon)[0]
	delayed.Due, delayed.Attempts = noon.Add(time.Minute), 2
	update(t, s, func(tx users.Tx) error { return tx.DelayWork(t.Context(), []users.Work{delayed}) })
	putWork(t, s, work("1", noon.Add(time.Second)))
	want := work("1", noon.Add(time.Second))
	want.Attempts = 2
	sameWork(t, "work noted again", dueWork(t, s, noon.Add(time.Second)), want)
}

func workNotedMeanwhile(t *testing.T, s users.Store) {
	putWork(t, s, work("1", noon), work("2", noon))
	seen := dueWork(t, s, noon)
	putWork(t, s, work("1", noon.Add(time.Hour)))
	finishWork(t, s, seen...)
	left := dueWork(t, s, noon)
	sameWork(t, "left", left, work("1", noon))
	finishWork(t, s, left...)
	sameWork(t, "left in the end", dueWork(t, s, noon))
	finishWork(t, s, left...)
}

func workNotedAnew(t *testing.T, s users.Store) {
	putWork(t, s, work("1", noon))
	slow := dueWork(t, s, noon)
	finishWork(t, s, slow...)
	putWork(t, s, work("1", noon))
	finishWork(t, s, slow...)
	sameWork(t, "left", dueWork(t, s, noon), work("1", noon))
}

func workDelayed(t *testing.T, s users.Store) {
	putWork(t, s, work("1", noon), work("2", noon))
	seen := dueWork(t, s, noon)
	putWork(t, s, work("2", noon))
	for i := range seen {
		seen[i].Due, seen[i].Attempts = noon.Add(time.Minute), 1
	}
	update(t, s, func(tx users.Tx) error { return tx.DelayWork(t.Context(), seen) })
	sameWork(t, "due at once", dueWork(t, s, noon), work("2", noon))
	want := work("1", noon.Add(time.Minute))
	want.Attempts = 1
	sameWork(t, "due later", dueWork(t, s, noon.Add(time.Minute))[1:], want)
}

func workRolledBack(t *testing.T, s users.Store) {
	putWork(t, s, work("1", noon))
	err := s.Update(t.Context(), func(tx users.Tx) error {
		seen, err := tx.DueWork(t.Context(), noon, 10)
		if err != nil {
			return err
		}
		if err := tx.FinishWork(t.Context(), seen); err != nil {
			return err
		}
		if err := tx.PutWork(t.Context(), []users.Work{work("2", noon)}); err != nil {
			return err
		}
		return users.ErrStale
	})
	refused(t, "Update", err, users.ErrStale)
	sameWork(t, "work", dueWork(t, s, noon), work("1", noon))
}

func muchWork(t *testing.T, s users.Store) {
	var all []users.Work
	for i := range 333 {
		all = append(all, work(fmt.Sprintf("%03d", i), noon))
	}
	putWork(t, s, all...)
	seen := dueWork(t, s, noon)
	sameWork(t, "work", seen, all...)
	for i := range seen {
		seen[i].Due = noon.Add(time.Minute)
	}
	update(t, s, func(tx users.Tx) error { return tx.DelayWork(t.Context(), seen) })
	sameWork(t, "due after all were delayed", dueWork(t, s, noon))
	finishWork(t, s, seen...)
	sameWork(t, "left", dueWork(t, s, noon.Add(time.Hour)))
}

func workRace(t *testing.T, s users.Store) {
	const writers, each = 8, 20
	var all sync.WaitGroup
	for writer := range writers {
		notes := []users.Work{work("1", noon), work("2", noon), work("3", noon)}
		if writer%2 == 1 {
			slices.Reverse(notes)
		}
		all.Go(func() {
			for range each {
				err := s.Update(t.Context(), func(tx users.Tx) error {
					return tx.PutWork(t.Context(), notes)
				})
				if err != nil {
					t.Error(err)
				}
			}
		})
	}
	all.Wait()
	sameWork(t, "work", dueWork(t, s, noon), work("1", noon), work("2", noon), work("3", noon))
}
