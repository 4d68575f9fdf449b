package importer_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/einlass/einlass/importer"
	"github.com/einlass/einlass/users"
)

// S-077, S-080: what the settings say now, counted from the import that was due last.
func TestAChangedScheduleIsPlannedAnew(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := scheduledBench(t, time.November, 2, 8, 7)
		b.serveFor(10 * time.Minute) // until 8:17
		b.settings.Schedule = 3 * time.Hour
		b.connect()
		b.serveFor(3 * time.Hour) // until 11:17
		b.settings.Schedule = 30 * time.Minute
		b.connect()
		b.serveFor(30 * time.Minute) // until 11:47
		b.settings.Schedule = 0
		b.connect()
		b.serveFor(2 * time.Hour) // until 13:47
		b.settings.Schedule = time.Hour
		b.connect()
		b.serveFor(30 * time.Minute) // overdue since 13:37
		want := []string{"2 08:07 CET *", "2 11:07 CET", "2 11:37 CET", "2 13:47 CET"}
		if diff := cmp.Diff(want, b.starts()); diff != "" {
			t.Errorf("starts (-want +got):\n%s", diff)
		}
	})
}

// S-075: a connection that a running process learns of is imported at once.
func TestANewConnectionIsImportedWithinAMinute(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := scheduledBench(t, time.November, 2, 8, 7)
		b.settings.Schedule = 0
		b.connect()
		time.AfterFunc(90*time.Second, func() {
			b.settings.Schedule = time.Hour
			b.connect()
		})
		b.serveFor(3 * time.Minute)
		if diff := cmp.Diff([]string{"2 08:09 CET *"}, b.starts()); diff != "" {
			t.Errorf("starts (-want +got):\n%s", diff)
		}
	})
}

// An import by hand is under way when the scheduled one is due: it runs after it.
func TestAScheduledImportWaitsForOneByHand(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := scheduledBench(t, time.November, 2, 8, 7)
		b.serveFor(50 * time.Minute) // until 8:57
		b.company.onPage = func(int) { time.Sleep(20 * time.Minute) }
		done := make(chan error, 1)
		go func() {
			_, err := b.newEngine(nil).Run(t.Context(), importer.Request{Connection: hr, Actor: "cli:test"})
			b.company.mu.Lock()
			b.company.onPage = nil
			b.company.mu.Unlock()
			done <- err
		}()
		synctest.Wait()
		b.serveFor(80 * time.Minute) // until 10:17
		if err := <-done; err != nil {
			t.Fatal(err)
		}
		want := []string{"2 08:07 CET *", "2 08:57 CET", "2 09:17 CET", "2 10:07 CET"}
		if diff := cmp.Diff(want, b.starts()); diff != "" {
			t.Errorf("starts (-want +got):\n%s", diff)
		}
	})
}

// A kind of a later version is left alone, and holds nobody up.
func TestWorkOfAKindWeDoNotKnowStays(t *testing.T) {
	t.Parallel()
	b := newBench(t, 5)
	b.run()
	strange := users.Work{Kind: "later", Connection: hr, Due: b.clock.Now()}
	if err := b.directory.NoteWork(t.Context(), strange); err != nil {
		t.Fatal(err)
	}
	b.company.setStatus("1", importer.StatusInactive)
	b.note("1")
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error)
	go func() { done <- b.newEngine(nil).Serve(ctx) }()
	waitFor(t, "the leaver's work to be done", func() bool { return len(b.due()) == 1 })
	cancel()
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	if due := b.due(); due[0] != "later" || b.state("p1@acme.example") != users.StateSuspended {
		t.Errorf("due: %v, leaver %s; want the strange work alone, and the leaver suspended", due, b.state("p1@acme.example"))
	}
}
