package users_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/einlass/einlass/users"
)

// clockBench is a bench whose clock stands still at noon until a test moves it.
type clockBench struct {
	bench
	mu  sync.Mutex // guards now
	now time.Time
}

func onEnginesWithClock(t *testing.T, test func(t *testing.T, b *clockBench)) {
	t.Helper()
	onEngines(t, func(t *testing.T, b bench) {
		c := &clockBench{bench: b, now: noon}
		d, err := users.New(users.Config{Store: b.store, Sealer: b.sealer, Now: func() time.Time {
			c.mu.Lock()
			defer c.mu.Unlock()
			return c.now
		}})
		b.must(err)
		c.Directory = d
		test(t, c)
	})
}

// until moves the clock.
func (b *clockBench) until(now time.Time) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.now = now
}

// strike lets the clock do what is due, and returns how many people it looked at.
func (b *clockBench) strike() int {
	b.t.Helper()
	work, err := b.store.DueWork(b.t.Context(), b.now, 1000)
	b.must(err)
	b.must(b.ApplyWindows(b.t.Context(), work))
	return len(work)
}

// connect makes the connection whose people the tests import.
func (b *clockBench) connect(activate bool) {
	b.t.Helper()
	_, err := b.Declare(b.t.Context(), users.Declaration{Applications: []users.DeclaredApplication{{
		Application: users.Application{ID: personio, Label: "Personio", Import: &users.Import{Source: "personio", Access: &users.Access{Activate: activate}}},
	}}})
	b.must(err)
}

// window are the fields of a row that sets a window.
func window(from, until time.Time) map[string]users.FieldChange {
	var u users.User
	u.AccessFrom, u.AccessUntil = from, until
	return map[string]users.FieldChange{
		users.AttributeAccessFrom:  {After: u.Attribute(users.AttributeAccessFrom)},
		users.AttributeAccessUntil: {After: u.Attribute(users.AttributeAccessUntil)},
	}
}

// hire creates somebody with a window.
func (b *clockBench) hire(sourceID, email string, from, until time.Time) {
	b.t.Helper()
	row := create(sourceID, email)
	for name, f := range window(from, until) {
		row.Fields[name] = f
	}
	b.apply(row)
}

// told are the kinds of the events about somebody, with what the clock gives as reason, oldest first.
func (b *clockBench) told(id users.ID) []string {
	b.t.Helper()
	events, err := b.store.EventsAbout(b.t.Context(), string(id), 100)
	b.must(err)
	var told []string
	for i := len(events) - 1; i >= 0; i-- {
		told = append(told, string(events[i].Kind)+reasonIn(events[i]))
	}
	return told
}

// reasonIn is what an event says of the clock, after a blank.
func reasonIn(e users.Event) string {
	var payload struct {
		Reason string `json:"reason"`
	}
	if err := json.Unmarshal([]byte(e.Payload), &payload); err != nil || !strings.HasPrefix(payload.Reason, "access_") {
		return ""
	}
	return " " + payload.Reason
}

// suspensions are by whom and why somebody is suspended.
func suspensions(u users.User) []string {
	var all []string
	for _, s := range u.Suspensions {
		all = append(all, fmt.Sprint(s.By, " ", s.Connection, " ", s.Reason))
	}
	return all
}

var (
	opening = noon.Add(time.Hour)
	closing = noon.Add(3 * time.Hour)
)

// N-3, invariant 3: each boundary leaves its row, event and epoch, once.
func TestTheClockOpensAndCloses(t *testing.T) {
	onEnginesWithClock(t, func(t *testing.T, b *clockBench) {
		b.connect(false)
		b.hire("1", ada, opening, closing)
		u := b.user(ada)
		if u.State() != users.StateSuspended || u.StateAt(noon) != users.StateSuspended {
			t.Errorf("before the opening: %s with %v", u.State(), suspensions(u))
		}
		for _, step := range []struct {
			at      time.Time
			looked  int
			state   users.State
			reasons []string
			ended   bool // sessions of before
		}{
			{opening.Add(-time.Millisecond), 0, users.StateSuspended, []string{"window  access_not_open"}, false},
			{opening, 1, users.StateActive, nil, false},
			{opening.Add(time.Minute), 0, users.StateActive, nil, false},
			{closing.Add(-time.Millisecond), 0, users.StateActive, nil, false},
			{closing, 1, users.StateSuspended, []string{"window  access_ended"}, true},
			{closing.Add(time.Hour), 0, users.StateSuspended, []string{"window  access_ended"}, false},
		} {
			before := b.user(ada)
			b.until(step.at)
			if n := b.strike(); n != step.looked {
				t.Errorf("at %s: looked at %d, want %d", step.at, n, step.looked)
			}
			u := b.user(ada)
			if diff := cmp.Diff(step.reasons, suspensions(u)); diff != "" || u.State() != step.state || u.StateAt(step.at) != step.state {
				t.Errorf("at %s: %s, want %s (-want +got):\n%s", step.at, u.State(), step.state, diff)
			}
			if (u.Epoch > before.Epoch) != step.ended {
				t.Errorf("at %s: epoch %d after %d, want more: %t", step.at, u.Epoch, before.Epoch, step.ended)
			}
			b.must(b.ApplyWindows(t.Context(), []users.Work{{Kind: users.WorkWindow, Subject: string(u.ID)}}))
			if again := b.user(ada); again.Version != u.Version {
				t.Errorf("at %s: looking once more changed the person", step.at)
			}
		}
		want := []string{"user.created", "user.suspended access_not_open", "user.reactivated access_open", "user.suspended access_ended"}
		if diff := cmp.Diff(want, b.told(u.ID)); diff != "" {
			t.Errorf("events (-want +got):\n%s", diff)
		}
		if due, found, err := b.store.NextWork(t.Context()); err != nil || found {
			t.Errorf("work is left at %s: %v", due, err)
		}
	})
}

// N-3, B-14: who comes with a window that has ended is created without access.
func TestAWindowThatHasEndedShutsAtOnce(t *testing.T) {
	onEnginesWithClock(t, func(t *testing.T, b *clockBench) {
		b.connect(false)
		b.hire("1", ada, time.Time{}, noon)
		if got := suspensions(b.user(ada)); !cmp.Equal(got, []string{"window  access_ended"}) {
			t.Errorf("created with %v", got)
		}
		b.hire("2", "bob@acme.example", time.Time{}, time.Time{})
		before := b.user("bob@acme.example")
		b.apply(b.on("bob@acme.example", users.ChangeUpdate, "dates", "active", window(time.Time{}, noon.Add(-time.Hour))))
		u := b.user("bob@acme.example")
		if !cmp.Equal(suspensions(u), []string{"window  access_ended"}) || u.Epoch <= before.Epoch {
			t.Errorf("changed to %v with epoch %d after %d", suspensions(u), u.Epoch, before.Epoch)
		}
		want := []string{"user.created", "user.updated", "user.suspended access_ended"}
		if diff := cmp.Diff(want, b.told(u.ID)); diff != "" {
			t.Errorf("events (-want +got):\n%s", diff)
		}
	})
}

// N-3: a date that moves moves the plan, in both directions; what stood at the old one does nothing.
func TestAMovedDateIsPlannedAnew(t *testing.T) {
	onEnginesWithClock(t, func(t *testing.T, b *clockBench) {
		b.connect(false)
		b.hire("1", ada, time.Time{}, closing)
		move := func(until time.Time) {
			b.apply(b.on(ada, users.ChangeUpdate, "dates", "active", window(time.Time{}, until)))
		}
		move(closing.Add(time.Hour)) // later
		b.until(closing)
		b.strike()
		if u := b.user(ada); u.State() != users.StateActive {
			t.Errorf("at the old end: %v", suspensions(u))
		}
		move(closing.Add(time.Minute)) // sooner
		b.until(closing.Add(time.Minute))
		if n := b.strike(); n != 1 || b.user(ada).State() != users.StateSuspended {
			t.Errorf("at the new end: looked at %d, %s", n, b.user(ada).State())
		}
		move(closing.Add(time.Hour)) // extended after it had ended
		if u := b.user(ada); u.State() != users.StateActive {
			t.Errorf("extended: %v", suspensions(u))
		}
		b.until(closing.Add(time.Hour))
		b.strike()
		move(time.Time{}) // the notice is withdrawn
		if u := b.user(ada); u.State() != users.StateActive || !u.AccessUntil.IsZero() {
			t.Errorf("withdrawn: %v until %s", suspensions(u), u.AccessUntil)
		}
	})
}

// S-052, N-3: the window and the import suspend independently of each other.
func TestAnOpeningLiftsOnlyTheWindowsOwnSuspension(t *testing.T) {
	onEnginesWithClock(t, func(t *testing.T, b *clockBench) {
		b.connect(true)
		b.hire("1", ada, opening, closing)
		b.apply(b.on(ada, users.ChangeSuspend, "status_leave", "leave", nil))
		_, err := b.Suspend(t.Context(), admin, b.user(ada).ID, "investigation")
		b.must(err)
		b.until(opening)
		b.strike()
		if diff := cmp.Diff([]string{"admin  investigation", "import personio status_leave"}, suspensions(b.user(ada))); diff != "" {
			t.Errorf("after the opening (-want +got):\n%s", diff)
		}
		b.apply(b.on(ada, users.ChangeReactivate, "status_active", "active", nil))
		b.until(closing)
		b.strike()
		if diff := cmp.Diff([]string{"admin  investigation", "window  access_ended"}, suspensions(b.user(ada))); diff != "" {
			t.Errorf("after the end (-want +got):\n%s", diff)
		}
		b.apply(b.on(ada, users.ChangeReactivate, "status_active", "active", nil))
		if got := suspensions(b.user(ada)); len(got) != 2 {
			t.Errorf("an import lifted what is not its own: %v", got)
		}
	})
}

// N-3, U-20: only where the connection says so does an opening make staged people active.
func TestAnOpeningActivatesWhereConfigured(t *testing.T) {
	onEnginesWithClock(t, func(t *testing.T, b *clockBench) {
		for _, activate := range []bool{false, true} {
			b.until(noon)
			b.connect(activate)
			id := fmt.Sprint(activate)
			ahead, late, undated := create(id+"1", id+"ahead@acme.example"), create(id+"2", id+"late@acme.example"), create(id+"3", id+"undated@acme.example")
			for name, f := range window(opening, time.Time{}) {
				ahead.Fields[name] = f
			}
			for name, f := range window(noon.Add(-time.Hour), time.Time{}) {
				late.Fields[name] = f
			}
			ahead.InitialState, late.InitialState, undated.InitialState = users.StateStaged, users.StateStaged, users.StateStaged
			b.apply(ahead, late, undated)
			if u := b.user(id + "ahead@acme.example"); u.State() != users.StateSuspended || u.BaseState != users.StateStaged {
				t.Errorf("activate %t, before the opening: %s on %s", activate, u.State(), u.BaseState)
			}
			b.until(opening)
			b.strike()
			want := map[bool]users.State{true: users.StateActive, false: users.StateStaged}[activate]
			for _, who := range []string{"ahead", "late"} {
				if u := b.user(id + who + "@acme.example"); u.State() != want {
					t.Errorf("activate %t, %s: %s, want %s", activate, who, u.State(), want)
				}
			}
			if u := b.user(id + "undated@acme.example"); u.State() != users.StateStaged {
				t.Errorf("activate %t, without a first day: %s, want staged", activate, u.State())
			}
		}
	})
}

// N-3, S-043: an administrator overrules exactly these dates.
func TestActivateOverrulesTheWindowUntilItsDatesChange(t *testing.T) {
	onEnginesWithClock(t, func(t *testing.T, b *clockBench) {
		b.connect(false)
		b.hire("1", ada, opening, closing)
		activate := func() users.Waiver {
			u, err := b.Activate(t.Context(), admin, b.user(ada).ID, "needed early")
			b.must(err)
			if u.StateAt(b.now) != users.StateActive || len(u.Suspensions) != 0 {
				t.Errorf("activated: %s with %v", u.StateAt(b.now), suspensions(u))
			}
			waivers, err := b.store.Waivers(t.Context(), personio, []users.ID{u.ID})
			b.must(err)
			return waivers[u.ID]
		}
		w := activate()
		if !w.AccessFrom.Equal(opening) || !w.AccessUntil.Equal(closing) || w.Status != "" {
			t.Errorf("waiver %+v, want the dates and no status", w)
		}
		if u := b.user(ada); !u.AccessFrom.IsZero() || !u.AccessUntil.Equal(closing) {
			t.Errorf("window from %s until %s, want only the opening gone", u.AccessFrom, u.AccessUntil)
		}
		b.apply(b.on(ada, users.ChangeSuspend, "status_leave", "leave", nil))
		if w = activate(); w.Status != "leave" || !w.AccessFrom.Equal(opening) {
			t.Errorf("waiver %+v, want the status beside the dates", w)
		}
		b.apply(b.on(ada, users.ChangeRecord, "", "active", nil))
		b.until(closing)
		b.strike()
		if u := b.user(ada); u.State() != users.StateSuspended {
			t.Errorf("the end that was not overruled: %s", u.State())
		}
		if w = activate(); w.Status != "" || !w.AccessFrom.Equal(opening) || !w.AccessUntil.Equal(closing) {
			t.Errorf("waiver %+v, want the dates of the source and the status gone", w)
		}
		b.strike()
		if u := b.user(ada); u.StateAt(b.now) != users.StateActive {
			t.Errorf("after the clock looked again: %v", suspensions(u))
		}
		b.apply(b.on(ada, users.ChangeUpdate, "dates", "active", window(opening, closing.Add(-time.Minute))))
		u := b.user(ada)
		waivers, err := b.store.Waivers(t.Context(), personio, []users.ID{u.ID})
		if err != nil || len(waivers) != 0 || u.State() != users.StateSuspended {
			t.Errorf("other dates: %s, waivers %v, %v", u.State(), waivers, err)
		}
	})
}

// N-3: a crowd goes at midnight, in transactions of bounded size; an unknown person is no obstacle.
func TestACrowdLeavesAtMidnight(t *testing.T) {
	onEnginesWithClock(t, func(t *testing.T, b *clockBench) {
		b.connect(false)
		const crowd = 230
		var rows []users.RunChange
		for i := range crowd {
			row := create(fmt.Sprint(i), fmt.Sprintf("p%d@acme.example", i))
			row.Fields[users.AttributeAccessUntil] = window(noon, closing)[users.AttributeAccessUntil]
			rows = append(rows, row)
		}
		for i := 0; i < crowd; i += 115 {
			b.apply(rows[i : i+115]...)
		}
		b.must(b.NoteWork(t.Context(), users.Work{Kind: users.WorkWindow, Subject: "nobody", Due: closing}))
		b.until(closing)
		if n := b.strike(); n != crowd+1 {
			t.Errorf("looked at %d, want %d", n, crowd+1)
		}
		counts, err := b.store.CountUsers(t.Context(), personio, false)
		b.must(err)
		if counts[users.StateSuspended] != crowd {
			t.Errorf("states %v, want everybody suspended", counts)
		}
		if n := b.strike(); n != 0 {
			t.Errorf("%d people are still waiting", n)
		}
		if _, err := b.VerifyLog(t.Context()); err != nil {
			t.Error(err)
		}
	})
}

// invariant 6: whoever is killed in between leaves all of it or nothing.
func TestAClockThatStopsLeavesTheWork(t *testing.T) {
	onEnginesWithClock(t, func(t *testing.T, b *clockBench) {
		b.connect(false)
		b.hire("1", ada, time.Time{}, closing)
		b.until(closing)
		due, err := b.store.DueWork(t.Context(), closing, 10)
		b.must(err)
		killed := errors.New("killed")
		before := b.user(ada)
		d, err := users.New(users.Config{Store: killedStore{b.store, killed}, Sealer: b.sealer, Now: func() time.Time { return closing }})
		b.must(err)
		if err := d.ApplyWindows(t.Context(), due); !errors.Is(err, killed) {
			t.Fatalf("error %v, want %v", err, killed)
		}
		if diff := cmp.Diff(before, b.user(ada)); diff != "" {
			t.Errorf("something was written (-before +after):\n%s", diff)
		}
		if n := b.strike(); n != 1 || b.user(ada).State() != users.StateSuspended {
			t.Errorf("the next one looked at %d, %s", n, b.user(ada).State())
		}
	})
}

// killedStore loses every transaction at its end.
type killedStore struct {
	users.Store
	err error
}

func (s killedStore) Update(ctx context.Context, change func(users.Tx) error) error {
	return s.Store.Update(ctx, func(tx users.Tx) error {
		if err := change(tx); err != nil {
			return err
		}
		return s.err
	})
}
