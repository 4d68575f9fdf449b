package userstest

import (
	"testing"
	"time"

	"github.com/einlass/einlass/users"
)

// Invariant 1, N-3
func outsideTheWindow(t *testing.T, s users.Store) {
	bind(t, s, "wiki", users.Everyone)
	never := noon.Add(-time.Hour) // a window that ends before it begins
	windows := map[string]struct{ from, until time.Time }{
		"unbounded": {}, "opens": {from: noon}, "closes": {until: noon.Add(time.Hour)}, "both": {noon, noon.Add(time.Hour)},
		"long-ago": {from: time.Date(1835, 2, 1, 0, 0, 0, 0, time.UTC)}, "never": {noon, never},
	}
	people := map[string]users.User{}
	for name, w := range windows {
		u := person(name)
		u.AccessFrom, u.AccessUntil = w.from, w.until
		people[name] = u
		insert(t, s, u)
	}
	instants := []time.Time{
		noon.Add(-time.Millisecond), noon, noon.Add(time.Hour - time.Millisecond), noon.Add(time.Hour), never,
	}
	for name, w := range windows {
		for _, now := range instants {
			open := !now.Before(w.from) && (w.until.IsZero() || now.Before(w.until))
			id := people[name].ID
			d, err := s.Decision(t.Context(), id, "wiki", now)
			ok(t, "Decision", err)
			u, beside, err := s.UserDecision(t.Context(), id, "wiki", now)
			ok(t, "UserDecision", err)
			same(t, "decision beside the person", beside, d)
			if d.MayEnter(1) != open || !d.Access {
				t.Errorf("window %s at %s: decision %+v, want to enter: %t", name, now, d, open)
			}
			if want := u.StateAt(now); d.State != want {
				t.Errorf("window %s at %s: state %s, the person says %s", name, now, d.State, want)
			}
			applications, err := s.ApplicationsOf(t.Context(), id, now)
			ok(t, "ApplicationsOf", err)
			if (len(applications) == 1) != open {
				t.Errorf("window %s at %s: applications %v, want some: %t", name, now, applications, open)
			}
		}
	}

	opens := people["opens"]
	update(t, s, func(tx users.Tx) error {
		return tx.PutSuspensions(t.Context(), []users.Suspension{{User: opens.ID, By: users.ByWindow, Reason: users.ReasonAccessNotOpen, Since: noon}})
	})
	if d, err := s.Decision(t.Context(), opens.ID, "wiki", noon); err != nil || !d.MayEnter(1) {
		t.Errorf("decision before the clock has written down the opening: %+v, %v; want to enter", d, err)
	}

	both := people["both"]
	both.AccessFrom, both.AccessUntil = time.Time{}, noon
	update(t, s, func(tx users.Tx) error {
		_, err := tx.UpdateUsers(t.Context(), []users.User{both})
		return err
	})
	both.Version++
	same(t, "the person after the window moved", read(t, s, both.ID), both)
	if d, err := s.Decision(t.Context(), both.ID, "wiki", noon); err != nil || d.MayEnter(1) {
		t.Errorf("decision after the window moved: %+v, %v; want not to enter", d, err)
	}
}
