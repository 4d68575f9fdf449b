package importer_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/einlass/einlass/importer"
	"github.com/einlass/einlass/users"
	"github.com/einlass/einlass/users/sqlstore"
	"github.com/einlass/einlass/users/userstest"
)

// withWindows switches access windows on, and sends everybody's dates, which are empty.
func (b *bench) withWindows() {
	b.t.Helper()
	b.settings.Access = &users.Access{Opens: "hire_date", Closes: []string{"last_working_day", "termination_date"}}
	b.connect()
	for _, p := range slices.Clone(b.company.people) {
		b.dates(p.ID, "", "")
	}
}

// dates sets the first and the last day of somebody.
func (b *bench) dates(id, first, last string) {
	b.company.set(id, func(p *importer.Person) {
		p.Attributes["hire_date"], p.Attributes["last_working_day"], p.Attributes["termination_date"] = first, last, ""
	})
}

// inZone lets days begin in a zone.
func (b *bench) inZone(name string) {
	b.t.Helper()
	zone, err := time.LoadLocation(name)
	if err != nil {
		b.t.Fatal(err)
	}
	b.zone = zone
	b.engine = b.newEngine(nil)
}

// enters reports whether somebody would get into an application now.
func (b *bench) enters(email string, now time.Time) bool {
	b.t.Helper()
	d, err := b.store.Decision(b.t.Context(), b.user(email).ID, "", now)
	if err != nil {
		b.t.Fatal(err)
	}
	return d.State == users.StateActive
}

// strike lets the clock do what is due.
func (b *bench) strike() {
	b.t.Helper()
	due, err := b.store.DueWork(b.t.Context(), b.clock.Now(), 1000)
	if err != nil {
		b.t.Fatal(err)
	}
	due = slices.DeleteFunc(due, func(w users.Work) bool { return w.Kind != users.WorkWindow })
	if err := b.directory.ApplyWindows(b.t.Context(), due); err != nil {
		b.t.Fatal(err)
	}
}

// N-3, N-4, invariant 5: whatever the dates say, nobody is locked out by a feed that is wrong.
func TestDatesThatShutTooManyOutAreHeld(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name   string
		people int
		change func(b *bench, id string)
		held   bool
	}{
		{"two leave soon", 2, func(b *bench, id string) { b.dates(id, "", "2026-11-10") }, false},
		{"everybody left in 1900", 10, func(b *bench, id string) { b.dates(id, "", "1900-01-01") }, true},
		{"three leave within a month", 3, func(b *bench, id string) { b.dates(id, "", "2026-11-30") }, true},
		{"two leave in half a year", 2, func(b *bench, id string) { b.dates(id, "", "2027-06-30") }, false},
		{"everybody leaves in half a year", 10, func(b *bench, id string) { b.dates(id, "", "2027-06-30") }, true},
		{"everybody begins in half a year", 10, func(b *bench, id string) { b.dates(id, "2027-06-30", "") }, true},
		{"everybody has begun", 10, func(b *bench, id string) { b.dates(id, "2020-01-01", "") }, false},
		{"no date is one", 10, func(b *bench, id string) { b.dates(id, "soon", "0000-00-00") }, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t, 10)
			b.withWindows()
			b.run()
			for i := range c.people {
				c.change(b, fmt.Sprint(i+1))
			}
			before := b.directoryContents()
			run, err := b.try(false)
			if errors.Is(err, importer.ErrHeld) != c.held || err != nil && !c.held {
				t.Fatalf("run %s: %v, %d lose access; want held: %t", run.State, err, run.Stats.LosingAccess, c.held)
			}
			if diff := cmp.Diff(before, b.directoryContents()); c.held && diff != "" {
				t.Errorf("the held run changed something:\n%s", diff)
			}
			b.clock.pass(12 * time.Hour)
			b.strike()
			for email, state := range b.states() {
				if c.held && state != users.StateActive {
					t.Errorf("%s is %s", email, state)
				}
			}
		})
	}
}

// N-3, N-4: first switching windows on goes through the guard, and an approval applies it.
func TestSwitchingWindowsOnIsGuarded(t *testing.T) {
	t.Parallel()
	b := newBench(t, 10)
	b.run()
	for i := range 5 {
		b.dates(fmt.Sprint(i+1), "2020-01-01", "2025-12-31")
	}
	b.settings.Access = &users.Access{Opens: "hire_date", Closes: []string{"last_working_day", "termination_date"}}
	b.connect()
	run, err := b.try(false)
	if !errors.Is(err, importer.ErrHeld) || run.Stats.LosingAccess != 5 {
		t.Fatalf("switched on: %v, %d lose access; want held with 5", err, run.Stats.LosingAccess)
	}
	for _, c := range b.changes(run) {
		if c.Kind == users.ChangeUpdate && (!strings.Contains(importer.InEnglish(c.Effect), "Access ended 2026-01-01 00:00 UTC") || !strings.Contains(importer.InEnglish(c.Detail), "last day of access is over")) {
			t.Errorf("row of %s: effect %q, detail %q", c.SourceID, importer.InEnglish(c.Effect), importer.InEnglish(c.Detail))
		}
	}
	if _, err := b.engine.Approve(t.Context(), run.ID, "cli:boss"); err != nil {
		t.Fatal(err)
	}
	shut := 0
	for _, state := range b.states() {
		if state == users.StateSuspended {
			shut++
		}
	}
	if shut != 5 {
		t.Errorf("%d people are shut out after the approval, want 5", shut)
	}
	if again := b.run(); again.Counts.Changed() != 0 {
		t.Errorf("the next run changed %+v", again.Counts)
	}

	b.settings.Access = nil
	b.connect()
	if run := b.run(); run.Counts.Updated != 5 {
		t.Errorf("switched off: %+v", run.Counts)
	}
	for email, state := range b.states() {
		if u := b.user(email); state != users.StateActive || !u.AccessFrom.IsZero() || !u.AccessUntil.IsZero() {
			t.Errorf("switched off: %s is %s from %s until %s", email, state, u.AccessFrom, u.AccessUntil)
		}
	}
}

// U-20, S-048, S-101, B-08c: somebody in onboarding is there before the first day, and gets in when the lead says so.
func TestPreboardingOpensWithTheLead(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := scheduledBench(t, time.November, 2, 8, 7)
		b.withWindows()
		b.settings.Access.Lead, b.settings.Access.Activate, b.settings.InitialState = 1, true, users.StateStaged
		b.connect()
		b.company.hire("9", importer.StatusOnboarding, "Nia")
		b.dates("9", "2026-11-04", "2026-11-05")
		b.company.hire("8", importer.StatusLeave, "Lea")
		b.dates("8", "2020-01-01", "")
		b.serveFor(time.Hour)
		if states := b.states(); states["nia@acme.example"] != users.StateSuspended || len(states) != 3 {
			t.Errorf("before: %v, want Nia suspended and nobody for Lea, who is on leave", states)
		}
		b.company.failAt, b.company.err = 1, importer.ErrUnreachable // the source is down at both boundaries
		for _, at := range []struct {
			until time.Time
			open  bool
		}{
			{time.Date(2026, 11, 2, 23, 59, 59, 999e6, b.zone), false},
			{time.Date(2026, 11, 3, 0, 0, 1, 0, b.zone), true},
			{time.Date(2026, 11, 5, 23, 59, 59, 999e6, b.zone), true},
			{time.Date(2026, 11, 6, 0, 0, 1, 0, b.zone), false},
		} {
			time.Sleep(at.until.Add(-time.Hour).Sub(b.clock.Now())) // days in which nobody serves
			b.serveFor(at.until.Sub(b.clock.Now()))
			u := b.user("nia@acme.example")
			if open := u.State() == users.StateActive; open != at.open || b.enters("nia@acme.example", at.until) != at.open {
				t.Errorf("%s: open %t with %v, want %t", at.until, open, u.Suspensions, at.open)
			}
		}
	})
}

// N-3: the row is what decides, and the decision does not wait for the row.
func TestTheDecisionIsExactBesideTheClock(t *testing.T) {
	t.Parallel()
	userstest.Engines(t, func(t *testing.T, open func(testing.TB) *sqlstore.Store) {
		b := newBenchOn(t, open(t), 6)
		b.withWindows()
		b.inZone("Europe/Berlin")
		b.settings.Offices = map[string]string{"Tokio": "Asia/Tokyo"}
		b.connect()
		b.company.set("2", func(p *importer.Person) { p.Attributes["office"] = "Tokio" })
		for _, id := range []string{"1", "3", "4", "5", "6"} {
			b.company.set(id, func(p *importer.Person) { p.Attributes["office"] = "Berlin" })
		}
		b.dates("1", "2026-11-01", "2026-11-03")
		b.dates("2", "2026-11-01", "2026-11-03")
		b.run()
		for email, end := range map[string]time.Time{
			"p1@acme.example": time.Date(2026, 11, 3, 23, 0, 0, 0, time.UTC),
			"p2@acme.example": time.Date(2026, 11, 3, 15, 0, 0, 0, time.UTC),
		} {
			if !b.enters(email, end.Add(-time.Millisecond)) || b.enters(email, end) || b.enters(email, end.Add(time.Millisecond)) {
				t.Errorf("%s: want in until %s and not longer; window until %s", email, end, b.user(email).AccessUntil)
			}
		}
	})
}

// N345, N-3, invariant 1: over ten years of odd dates, zones, leads and graces,
// through moved dates, returns and an administrator who activates nobody, nobody
// gets in outside the window, and the row of the clock says the same as the decision.
func TestNobodyIsEverLetInOutsideTheWindow(t *testing.T) {
	t.Parallel()
	zones := []string{"Europe/Berlin", "America/Havana", "America/Santiago", "Asia/Beirut", "Pacific/Apia", "Australia/Lord_Howe", "UTC"}
	for seed := range uint64(12) {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			t.Parallel()
			random := rand.New(rand.NewPCG(seed, 345))
			b := newBench(t, 0)
			b.settings.Guard = users.Guard{MaxPeople: 1000, MaxPercent: 100}
			b.settings.Access = &users.Access{
				Opens: "hire_date", Closes: []string{"last_working_day"}, Lead: users.Days(random.IntN(3)), Grace: users.Days(random.IntN(3)),
			}
			b.inZone(zones[random.IntN(len(zones))])
			elsewhere := zones[random.IntN(len(zones))]
			b.settings.Offices = map[string]string{"Elsewhere": elsewhere}
			b.connect()
			there, err := time.LoadLocation(elsewhere)
			if err != nil {
				t.Fatal(err)
			}
			type employment struct {
				first, last time.Time // noon of those days in UTC; zero: none
				zone        *time.Location
			}
			who := map[string]employment{}
			day := time.Date(2018+random.IntN(10), time.Month(1+random.IntN(12)), 1+random.IntN(28), 12, 0, 0, 0, time.UTC)
			b.clock.set(day)
			pick := func() (at time.Time, text string) {
				if random.IntN(4) == 0 {
					return time.Time{}, ""
				}
				at = time.Date(day.Year(), day.Month(), day.Day()+random.IntN(40)-20, 12, 0, 0, 0, time.UTC)
				return at, at.Format("2006-01-02") + []string{"", "T00:00:00+01:00", "T00:00:00-0800"}[random.IntN(3)]
			}
			// open is the oracle: whether a calendar on the wall of the office shows a day of the window.
			open := func(e employment, now time.Time) bool {
				today := now.In(e.zone).Format("2006-01-02")
				shift := func(t time.Time, days users.Days) string { return t.AddDate(0, 0, int(days)).Format("2006-01-02") }
				return (e.first.IsZero() || today >= shift(e.first, -b.settings.Access.Lead)) &&
					(e.last.IsZero() || today <= shift(e.last, b.settings.Access.Grace))
			}
			for i := range 8 {
				b.company.hire(fmt.Sprint(i+1), importer.StatusActive, fmt.Sprintf("P%d", i+1))
			}
			for step := range 12 {
				for i := range 8 {
					if step > 0 && random.IntN(4) > 0 {
						continue
					}
					e := employment{zone: b.zone}
					office := "Here"
					if random.IntN(2) == 0 {
						e.zone, office = there, "Elsewhere"
					}
					var first, last string
					e.first, first = pick()
					e.last, last = pick()
					id := fmt.Sprint(i + 1)
					b.dates(id, first, last)
					b.company.set(id, func(p *importer.Person) { p.Attributes["office"] = office })
					who[fmt.Sprintf("p%d@acme.example", i+1)] = e
				}
				b.run()
				for range 4 {
					b.clock.pass(time.Duration(random.IntN(5*24*60)) * time.Minute)
					struck := random.IntN(2) == 0
					if struck {
						b.strike()
					}
					now := b.clock.Now()
					for email, e := range who {
						want := open(e, now)
						if got := b.enters(email, now); got != want {
							u := b.user(email)
							t.Fatalf("%s at %s (%s there): gets in %t, want %t; from %s until %s, days %s to %s",
								email, now, now.In(e.zone), got, want, u.AccessFrom, u.AccessUntil, e.first, e.last)
						}
						if state := b.user(email).State(); struck && (state == users.StateActive) != want {
							t.Fatalf("%s at %s: the clock left them %s, want to get in: %t", email, now, state, want)
						}
					}
				}
			}
		})
	}
}
