package importer_test

import (
	"testing"
	"time"

	"github.com/einlass/einlass/importer"
	"github.com/einlass/einlass/provider/web"
	"github.com/einlass/einlass/users"
)

// S-037: who waits to be read again is counted, and not whose leave is looked at on a later day.
func TestStatusCountsWhoWaitsToBeReadAgain(t *testing.T) {
	t.Parallel()
	b := newBench(t, 5)
	b.run()
	now := b.clock.Now()
	later := users.Work{Kind: users.WorkPerson, Connection: hr, Subject: "3", Due: now.Add(48 * time.Hour)}
	failed := users.Work{Kind: users.WorkPerson, Connection: hr, Subject: "4", Due: now.Add(time.Minute), Attempts: 1}
	b.note("1", "2")
	if err := b.directory.NoteWork(t.Context(), later, failed); err != nil {
		t.Fatal(err)
	}
	app, err := b.store.Application(t.Context(), hr)
	if err != nil {
		t.Fatal(err)
	}
	status, err := importer.ReadConnectionStatus(t.Context(), b.directory, app, now, web.English())
	if err != nil || status.Waiting != 3 || status.LastRun == nil || status.LastRun.Counts.Created != 5 {
		t.Errorf("%+v, %v; want three who wait, and the last run", status, err)
	}
}
