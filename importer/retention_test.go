package importer_test

import (
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/einlass/einlass/importer"
	"github.com/einlass/einlass/users"
)

const dayLong = 24 * time.Hour

func TestRowsOfRunsAreKeptForAYear(t *testing.T) {
	t.Parallel()
	b := newBench(t, 1100) // more rows than one transaction removes
	b.company.pageSize = 500
	first := b.run()
	b.clock.pass(100 * dayLong)
	b.company.set("1", func(p *importer.Person) { p.Attributes["department"] = "Ops" })
	second := b.run()
	b.clock.pass(264 * dayLong)
	b.run()
	if rows := b.changes(first); len(rows) != 1100 {
		t.Errorf("after 364 days: %d rows, want 1100", len(rows))
	}
	b.clock.pass(dayLong + time.Hour)
	before := b.contents()
	b.run()
	if rows := b.changes(first); len(rows) != 0 {
		t.Errorf("after a year: %d rows, want none", len(rows))
	}
	if rows := b.changes(second); len(rows) != 1 {
		t.Errorf("of a younger run: %d rows, want 1", len(rows))
	}
	if run, err := b.store.Run(t.Context(), first.ID); err != nil || run.Counts.Created != 1100 || run.Stats.People != 1100 {
		t.Errorf("the run itself: %+v, error %v; want its counts", run.Counts, err)
	}
	if diff := cmp.Diff(before, b.contents()); diff != "" {
		t.Errorf("more than rows of runs went (-before +after):\n%s", diff)
	}
}

func TestAPlanWithoutItsRowsIsStale(t *testing.T) {
	t.Parallel()
	b := newBench(t, 3)
	preview := b.mustAsk(importer.Request{Preview: true})
	b.clock.pass(366 * dayLong)
	if _, err := b.engine.Approve(t.Context(), preview.ID, "cli:boss"); !errors.Is(err, importer.ErrStale) {
		t.Errorf("approval after a year: %v, want ErrStale", err)
	}
}

func TestOldRowsAreRemovedByTheFirstRunOfADay(t *testing.T) {
	t.Parallel()
	b := newBench(t, 3)
	first := b.run() // at 8:01
	for _, c := range []struct {
		pass time.Duration
		want int
		when string
	}{
		{364*dayLong + 23*time.Hour, 3, "an hour before their year is over"},
		{2 * time.Hour, 3, "by the second run of that day"},
		{dayLong, 0, "the next day"},
	} {
		b.clock.pass(c.pass)
		b.run()
		if rows := b.changes(first); len(rows) != c.want {
			t.Errorf("%s: %d rows, want %d", c.when, len(rows), c.want)
		}
	}
}

func TestOnlyWhoImportsRemovesRows(t *testing.T) {
	t.Parallel()
	b := newBench(t, 3)
	first := b.run()
	b.clock.pass(366 * dayLong)
	lease, err := b.directory.AcquireImportLease(t.Context(), hr, "test")
	if err != nil {
		t.Fatal(err)
	}
	b.stealLease()
	if _, err := b.directory.ForgetRunChanges(t.Context(), lease, hr); !errors.Is(err, users.ErrLeaseLost) {
		t.Errorf("without the lease: %v, want ErrLeaseLost", err)
	}
	if rows := b.changes(first); len(rows) != 3 {
		t.Errorf("%d rows, want 3", len(rows))
	}
}
