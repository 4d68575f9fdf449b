package importer_test

import (
	"context"
	"errors"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/einlass/einlass/importer"
	"github.com/einlass/einlass/users"
)

// serveFor runs the schedule of a bench for a time of the test's clock, and
// stops it as a process is stopped.
func (b *bench) serveFor(d time.Duration) {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.t.Context(), d)
	defer cancel()
	if err := b.newEngine(nil).Serve(ctx); err != nil {
		b.t.Errorf("serve: %v", err)
	}
}

// starts returns when the runs of a bench began, in its zone, oldest first; a
// reconciliation has a star.
func (b *bench) starts() []string {
	b.t.Helper()
	runs, err := b.store.Runs(b.t.Context(), hr, 1000)
	if err != nil {
		b.t.Fatal(err)
	}
	var starts []string
	for _, run := range slices.Backward(runs) {
		text := run.StartedAt.In(b.zone).Format("2 15:04 MST")
		if run.Options.Reconcile {
			text += " *"
		}
		starts = append(starts, text)
	}
	return starts
}

// scheduledBench is a bench with an hourly schedule in Berlin, whose clock goes from a local time on.
func scheduledBench(t *testing.T, month time.Month, day, hour, minute int) *bench {
	t.Helper()
	zone, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	b := newBench(t, 2)
	b.zone = zone
	b.engine = b.newEngine(nil)
	b.settings.Schedule = time.Hour
	b.connect()
	b.clock.start(time.Date(2026, month, day, hour, minute, 0, 0, zone))
	return b
}

// S-077, S-078, S-079, S-152: hours of real time pass, and the clock on the wall jumps.
func TestTheScheduleKeepsItsMinuteWhenClocksChange(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name     string
		interval time.Duration
		month    time.Month
		day      int
		want     []string
	}{
		{"to summer", time.Hour, time.March, 28, []string{
			"28 22:07 CET *", "28 23:07 CET", "29 00:07 CET *", "29 01:07 CET", "29 03:07 CEST", "29 04:07 CEST",
		}},
		{"to winter", time.Hour, time.October, 24, []string{
			"24 22:07 CEST *", "24 23:07 CEST", "25 00:07 CEST *", "25 01:07 CEST", "25 02:07 CEST", "25 02:07 CET",
		}},
		{"every 150 minutes", 150 * time.Minute, time.October, 24, []string{"24 22:07 CEST *", "25 00:37 CEST *", "25 02:07 CET"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				b := scheduledBench(t, c.month, c.day, 22, 7)
				b.settings.Schedule = c.interval
				b.connect()
				b.company.onPage = func(int) { time.Sleep(10 * time.Minute) } // a slow source
				b.serveFor(5*time.Hour + 20*time.Minute)
				if diff := cmp.Diff(c.want, b.starts()); diff != "" {
					t.Errorf("starts (-want +got):\n%s", diff)
				}
			})
		})
	}
}

// S-079: the minute outlives processes, overdue starts and runs by hand.
func TestTheScheduleKeepsItsMinuteThroughRestarts(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := scheduledBench(t, time.November, 2, 8, 7)
		b.serveFor(90 * time.Minute) // until 9:37
		b.serveFor(20 * time.Minute) // until 9:57
		time.Sleep(13 * time.Minute) // 10:07 is missed
		b.serveFor(30 * time.Minute) // until 10:40
		if _, err := b.engine.Run(t.Context(), importer.Request{Connection: hr, Actor: "cli:test"}); err != nil {
			t.Fatal(err)
		}
		b.serveFor(30 * time.Minute) // until 11:10
		want := []string{"2 08:07 CET *", "2 09:07 CET", "2 10:10 CET", "2 10:40 CET", "2 11:07 CET"}
		if diff := cmp.Diff(want, b.starts()); diff != "" {
			t.Errorf("starts (-want +got):\n%s", diff)
		}
	})
}

// S-152
func TestOneReconciliationADay(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := scheduledBench(t, time.November, 1, 22, 30)
		b.serveFor(20 * time.Minute)
		b.company.failAt, b.company.err = 1, importer.ErrUnreachable
		b.serveFor(2 * time.Hour) // until 0:50
		b.company.failAt = 0
		b.serveFor(2 * time.Hour) // until 2:50
		b.settings.Mode = users.ImportNew
		b.connect()
		b.serveFor(23 * time.Hour)
		starts := b.starts()
		want := []string{"1 22:30 CET *", "1 23:30 CET", "2 00:30 CET *", "2 01:30 CET *", "2 02:30 CET"}
		if diff := cmp.Diff(want, starts[:min(len(starts), len(want))]); diff != "" {
			t.Errorf("starts (-want +got):\n%s", diff)
		}
		if !slices.Contains(starts, "3 00:30 CET") {
			t.Errorf("starts: %v, want one without a reconciliation on the 3rd: the mode leaves everybody alone", starts)
		}
	})
}

// S-152: looking is not repairing, but who was held has found what there is.
func TestOnlyAReconciliationThatWasJudgedIsTheOneOfTheDay(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := scheduledBench(t, time.November, 1, 21, 30)
		b.serveFor(20 * time.Minute)
		time.Sleep(3 * time.Hour) // until 0:50
		b.company.remove("1")
		preview := importer.Request{Connection: hr, Actor: "cli:test", Preview: true, Reconcile: true}
		if _, err := b.engine.Run(t.Context(), preview); !errors.Is(err, importer.ErrHeld) {
			t.Fatalf("preview: %v, want ErrHeld", err)
		}
		b.serveFor(2 * time.Hour) // until 2:50
		want := []string{"1 21:30 CET *", "2 00:50 CET *", "2 00:50 CET *", "2 01:30 CET", "2 02:30 CET"}
		if diff := cmp.Diff(want, b.starts()); diff != "" {
			t.Errorf("starts (-want +got):\n%s", diff)
		}
		if runs, err := b.store.Runs(t.Context(), hr, 1); err != nil || runs[0].State != users.RunHeld {
			t.Errorf("the last run is %s, error %v; want held", runs[0].State, err)
		}
	})
}

// S-152: what somebody edited is repaired by the next morning.
func TestTheScheduleRepairsOvernight(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := scheduledBench(t, time.November, 1, 21, 30)
		b.serveFor(50 * time.Minute)
		b.tamper("p1@acme.example", func(u *users.User) { u.FirstName = "Mallory" })
		b.serveFor(90 * time.Minute) // until 23:50
		if got := b.user("p1@acme.example").FirstName; got != "Mallory" {
			t.Errorf("before midnight: %q, want it as it was edited", got)
		}
		b.serveFor(time.Hour)
		if got := b.user("p1@acme.example").FirstName; got != "P1" {
			t.Errorf("after midnight: %q, want it repaired", got)
		}
	})
}
