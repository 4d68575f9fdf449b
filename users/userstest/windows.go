package userstest

import (
	"errors"
	"slices"
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

// N-6: whoever is confined to a connection uses what it leaves them, and nothing else.
func confinedPeople(t *testing.T, s users.Store) {
	ada, bob := person("ada"), person("bob")
	ada.ConfinedTo = connection
	insert(t, s, ada, bob)
	put := func(id users.ApplicationID, change func(a *users.Application)) {
		update(t, s, func(tx users.Tx) error {
			a, err := tx.Application(t.Context(), id)
			if errors.Is(err, users.ErrNotFound) {
				a, err = users.Application{ID: id, Label: string(id), Groups: []users.GroupID{users.Everyone}, Origin: users.OriginLocal}, nil
			}
			if err != nil {
				return err
			}
			change(&a)
			return tx.PutApplication(t.Context(), a)
		})
	}
	put("wiki", func(*users.Application) {})
	put("payslips", func(*users.Application) {})
	for _, c := range []struct {
		name string
		put  func(a *users.Application)
		want []users.ApplicationID
	}{
		{"no connection", func(*users.Application) {}, nil},
		{"its own application", func(a *users.Application) { a.Import = &users.Import{} }, []users.ApplicationID{connection}},
		{"others", func(a *users.Application) { a.Import.Applications = []users.ApplicationID{"payslips", "unknown"} }, []users.ApplicationID{"payslips"}},
		{"nothing left", func(a *users.Application) { a.Import.Applications = []users.ApplicationID{"unknown"} }, nil},
		{"no import any more", func(a *users.Application) { a.Import = nil }, nil},
	} {
		put(connection, c.put)
		var got []users.ApplicationID
		for _, id := range []users.ApplicationID{"payslips", connection, "wiki"} {
			if decide(t, s, ada.ID, id).MayEnter(1) {
				got = append(got, id)
			}
			if !decide(t, s, bob.ID, id).MayEnter(1) {
				t.Errorf("%s: somebody else may not enter %s", c.name, id)
			}
		}
		same(t, c.name+": what is left", got, c.want)
		listed, err := s.ApplicationsOf(t.Context(), ada.ID, noon)
		ok(t, "ApplicationsOf", err)
		slices.Sort(got)
		same(t, c.name+": applications", listed, got)
	}
	if !decide(t, s, ada.ID, "").MayEnter(1) {
		t.Error("the portal is closed, want open")
	}
}

// N-6: the days of a status are counted from the first time it was written.
func statusSince(t *testing.T, s users.Store) {
	put := func(status string, since time.Time) time.Time {
		update(t, s, func(tx users.Tx) error {
			return tx.PutPeople(t.Context(), []users.Person{{Connection: connection, SourceID: "1", Status: status, StatusSince: since}})
		})
		people, err := s.People(t.Context(), connection, []string{"1"})
		ok(t, "People", err)
		return people["1"].StatusSince
	}
	for i, c := range []struct {
		status      string
		since, want time.Time
	}{
		{"active", time.Time{}, time.Time{}},
		{"active", noon, noon},
		{"active", noon.Add(time.Hour), noon},
		{"leave", noon.Add(2 * time.Hour), noon.Add(2 * time.Hour)},
		{"leave", time.Time{}, noon.Add(2 * time.Hour)},
		{"active", noon.Add(3 * time.Hour), noon.Add(3 * time.Hour)},
	} {
		if got := put(c.status, c.since); !got.Equal(c.want) {
			t.Errorf("step %d: %s since %s, want %s", i, c.status, got, c.want)
		}
	}
}
