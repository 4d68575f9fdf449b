package userstest

import (
	"fmt"
	"testing"
	"time"

	"github.com/einlass/einlass/users"
)

var callPromises = []promise{
	{"a watch that has ended is not found", watchEnds},
	{"two watch one application, and one of them stops", twoWatch},
	{"a watch moves, for its holder alone", watchMoves},
	{"everything about a call is kept", keepsCalls},
	{"calls of another application and earlier ones are left out", otherCalls},
	{"of many calls the newest are found, oldest first", newestCalls},
	{"calls that are written again are there once", callsAgain},
	{"calls beyond the newest are removed, of one application alone", trimmedCalls},
	{"old calls and ended watches are removed", oldCalls},
	{"a transaction that fails writes neither watch nor call", callsRolledBack},
}

func call(application users.ApplicationID, at time.Time) users.Call {
	return users.Call{
		ID: string(users.NewID()), Application: application, At: at, Endpoint: users.EndpointToken,
		Outcome: users.CallDone, Reason: users.CallTokensSent,
	}
}

func putCalls(t *testing.T, s users.Store, calls ...users.Call) {
	t.Helper()
	update(t, s, func(tx users.Tx) error { return tx.PutCalls(t.Context(), calls) })
}

func putWatch(t *testing.T, s users.Store, w users.Watch) {
	t.Helper()
	update(t, s, func(tx users.Tx) error { return tx.PutWatch(t.Context(), w) })
}

// wantCalls fails unless these are the calls of the connection since a time, at most limit.
func wantCalls(t *testing.T, s users.Store, what string, since time.Time, limit int, want ...users.Call) {
	t.Helper()
	got, err := s.Calls(t.Context(), connection, since, limit)
	ok(t, "Calls", err)
	same(t, what, got, want)
}

// wantWatches fails unless these last at now.
func wantWatches(t *testing.T, s users.Store, what string, now time.Time, want ...users.Watch) {
	t.Helper()
	got, err := s.Watches(t.Context(), now)
	ok(t, "Watches", err)
	same(t, what, got, want)
}

func watchEnds(t *testing.T, s users.Store) {
	w := users.Watch{Application: connection, Holder: "a", Until: noon}
	wantWatches(t, s, "before it began", noon.Add(-time.Minute))
	putWatch(t, s, w)
	wantWatches(t, s, "just before its end", noon.Add(-time.Millisecond), w)
	wantWatches(t, s, "at its end", noon)
}

func twoWatch(t *testing.T, s users.Store) {
	one := users.Watch{Application: connection, Holder: "a", Until: noon}
	other := users.Watch{Application: connection, Holder: "b", Until: noon}
	elsewhere := users.Watch{Application: "wiki", Holder: "a", Until: noon}
	for _, w := range []users.Watch{elsewhere, other, one} {
		putWatch(t, s, w)
	}
	before := noon.Add(-time.Minute)
	wantWatches(t, s, "all", before, one, other, elsewhere)
	for range 2 {
		update(t, s, func(tx users.Tx) error { return tx.DeleteWatch(t.Context(), connection, "a") })
	}
	wantWatches(t, s, "after one has stopped", before, other, elsewhere)
}

func watchMoves(t *testing.T, s users.Store) {
	w := users.Watch{Application: connection, Holder: "a", Until: noon}
	other := users.Watch{Application: connection, Holder: "b", Until: noon}
	putWatch(t, s, w)
	putWatch(t, s, other)
	w.Until = noon.Add(time.Hour)
	putWatch(t, s, w)
	wantWatches(t, s, "at the end of the other", noon, w)
}

func keepsCalls(t *testing.T, s users.Store) {
	full := users.Call{
		ID: string(users.NewID()), Application: connection, At: noon, Endpoint: users.EndpointAuthorize,
		Outcome: users.CallRefused, Reason: users.CallRedirectUnknown,
		Facts: map[string]string{users.FactSent: `https://a.example/"ü"`, users.FactRegistered: "https://b.example/ https://c.example/"},
		Stray: true, Request: "req-1", User: users.NewID(),
	}
	bare := call(connection, noon.Add(time.Millisecond))
	putCalls(t, s, bare, full)
	wantCalls(t, s, "calls", noon, 10, full, bare)
}

func otherCalls(t *testing.T, s users.Store) {
	early, late := call(connection, noon.Add(-time.Millisecond)), call(connection, noon)
	putCalls(t, s, early, late, call("wiki", noon))
	wantCalls(t, s, "since noon", noon, 10, late)
	wantCalls(t, s, "since later", noon.Add(time.Millisecond), 10)
}

func newestCalls(t *testing.T, s users.Store) {
	var all []users.Call
	for i := range 120 { // more than one statement takes
		c := call(connection, noon.Add(time.Duration(i)*time.Millisecond))
		c.Request = fmt.Sprintf("req-%03d", i)
		all = append(all, c)
	}
	putCalls(t, s, all...)
	wantCalls(t, s, "the newest three", noon, 3, all[117:]...)
	wantCalls(t, s, "all", noon, 1000, all...)
}

func callsAgain(t *testing.T, s users.Store) {
	c := call(connection, noon)
	putCalls(t, s, c)
	again := c
	again.Reason = users.CallClaimsSent
	putCalls(t, s, again, call(connection, noon.Add(time.Millisecond)))
	got, err := s.Calls(t.Context(), connection, noon, 10)
	ok(t, "Calls", err)
	same(t, "calls", len(got), 2)
	same(t, "the first of them", got[0], c)
}

func trimmedCalls(t *testing.T, s users.Store) {
	var all []users.Call
	for i := range 10 {
		all = append(all, call(connection, noon.Add(time.Duration(i)*time.Millisecond)))
	}
	other := call("wiki", noon)
	putCalls(t, s, append(all, other)...)
	trim := func(keep int) {
		update(t, s, func(tx users.Tx) error { return tx.TrimCalls(t.Context(), connection, keep) })
	}
	trim(10)
	wantCalls(t, s, "after trimming to as many as there are", noon, 100, all...)
	trim(3)
	wantCalls(t, s, "after trimming to three", noon, 100, all[7:]...)
	left, err := s.Calls(t.Context(), "wiki", noon, 100)
	ok(t, "Calls of another", err)
	same(t, "calls of another application", left, []users.Call{other})
}

func oldCalls(t *testing.T, s users.Store) {
	early, late, other := call(connection, noon.Add(-time.Millisecond)), call(connection, noon), call("wiki", noon.Add(-time.Hour))
	putCalls(t, s, early, late, other)
	ended := users.Watch{Application: connection, Holder: "a", Until: noon}
	lasting := users.Watch{Application: connection, Holder: "b", Until: noon.Add(time.Millisecond)}
	putWatch(t, s, ended)
	putWatch(t, s, lasting)
	update(t, s, func(tx users.Tx) error { return tx.DeleteOldCalls(t.Context(), noon, noon) })
	wantCalls(t, s, "calls", noon.Add(-time.Hour), 100, late)
	gone, err := s.Calls(t.Context(), "wiki", noon.Add(-time.Hour), 100)
	ok(t, "Calls of another", err)
	same(t, "old calls of another application", gone, []users.Call{})
	wantWatches(t, s, "watches, however long ago", noon.Add(-time.Hour), lasting)
}

func callsRolledBack(t *testing.T, s users.Store) {
	err := s.Update(t.Context(), func(tx users.Tx) error {
		if err := tx.PutCalls(t.Context(), []users.Call{call(connection, noon)}); err != nil {
			return err
		}
		if err := tx.PutWatch(t.Context(), users.Watch{Application: connection, Holder: "a", Until: noon.Add(time.Hour)}); err != nil {
			return err
		}
		return users.ErrConflict
	})
	refused(t, "Update", err, users.ErrConflict)
	wantCalls(t, s, "calls", noon, 10)
	wantWatches(t, s, "watches", noon)
}
