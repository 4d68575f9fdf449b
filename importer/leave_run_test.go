package importer_test

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/einlass/einlass/importer"
	"github.com/einlass/einlass/provider/web"
	"github.com/einlass/einlass/users"
)

// N-6, S-050: days of leave end by themselves, at midnight, without an import of
// everybody; whoever is back is let in by the next.
func TestDaysOfLeaveEndWithoutAnImportOfEverybody(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := scheduledBench(t, time.November, 2, 8, 7)
		b.settings.Schedule = 1000 * time.Hour
		b.settings.LeaveKind = "dynamic_9"
		b.settings.LeaveRules = []users.LeaveRule{
			{Kind: []string{"sick"}, Access: users.AccessSuspend, After: 2},
			{Access: users.AccessApplication},
		}
		b.connect()
		b.company.hire("8", importer.StatusLeave, "Sic")
		b.company.hire("9", importer.StatusLeave, "Par")
		b.company.set("8", func(p *importer.Person) { p.Attributes["dynamic_9"] = "Sick" })
		b.company.set("9", func(p *importer.Person) { p.Attributes["dynamic_9"] = "parental" })
		midnight := time.Date(2026, 11, 4, 0, 0, 0, 0, b.zone)
		b.serveFor(midnight.Sub(b.clock.Now()) - time.Second)
		if u := b.user("sic@acme.example"); u.State() != users.StateActive || u.ConfinedTo != "" {
			t.Errorf("before: %s, confined to %q", u.State(), u.ConfinedTo)
		}
		if u := b.user("par@acme.example"); u.State() != users.StateActive || u.ConfinedTo != hr {
			t.Errorf("on parental leave: %s, confined to %q", u.State(), u.ConfinedTo)
		}
		b.company.singles = nil
		b.serveFor(5 * time.Second)
		if u := b.user("sic@acme.example"); u.State() != users.StateSuspended {
			t.Errorf("after: %s; asked for %v", u.State(), b.company.singles)
		}
		if full := len(b.starts()); full != 2 { // the first import, and this read
			t.Errorf("%d imports, want two: %v", full, b.starts())
		}
		b.company.setStatus("8", importer.StatusActive)
		b.company.setStatus("9", importer.StatusActive)
		b.run()
		for _, email := range []string{"sic@acme.example", "par@acme.example"} {
			if u := b.user(email); u.State() != users.StateActive || u.ConfinedTo != "" {
				t.Errorf("back: %s is %s, confined to %q", email, u.State(), u.ConfinedTo)
			}
		}
		b.serveFor(3 * time.Second)
		work, err := b.store.WorkOf(t.Context(), hr)
		if err != nil || len(work) != 1 || work[0].Kind != users.WorkFull {
			t.Errorf("work is left: %+v, %v; want the next import alone", work, err)
		}
	})
}

// N-6: an import that is repeated changes nothing, and does not count the days anew.
func TestDaysOfLeaveAreCountedOnce(t *testing.T) {
	t.Parallel()
	b := newBench(t, 10)
	b.settings.LeaveRules = []users.LeaveRule{{Access: users.AccessSuspend, After: 2}}
	b.connect()
	b.run()
	b.company.setStatus("1", importer.StatusLeave)
	b.run()
	for range 3 {
		b.clock.pass(12 * time.Hour)
		before := b.directoryContents()
		if run := b.run(); run.Counts.Changed() != 0 {
			t.Errorf("within the days: %+v", run.Counts)
		}
		if diff := cmp.Diff(before, b.directoryContents()); diff != "" {
			t.Errorf("within the days the directory changed (-before +after):\n%s", diff)
		}
		if u := b.user("p1@acme.example"); u.State() != users.StateActive {
			t.Errorf("within the days: %s", u.State())
		}
	}
	b.clock.pass(12 * time.Hour)
	b.run() // beside which the person is read again, because that is due
	if got := b.state("p1@acme.example"); got != users.StateSuspended {
		t.Errorf("after two days: %s, want suspended", got)
	}
	b.settings.LeaveRules = nil
	b.settings.Leave = users.LeaveKeeps
	b.connect()
	if run := b.run(); run.Counts.Reactivated != 1 {
		t.Errorf("without rules, where leave keeps: %+v", run.Counts)
	}
}

// N-6: where nobody can be read alone, days of leave end with an import, which says
// so, and nothing is tried again that cannot succeed.
func TestDaysOfLeaveEndWithAnImportWhereNobodyCanBeReadAlone(t *testing.T) {
	t.Parallel()
	b := newBench(t, 10)
	b.settings.LeaveRules = []users.LeaveRule{{Access: users.AccessSuspend, After: 2}}
	b.settings.Delta = time.Minute
	b.declareWithoutSecret()
	bring := func() users.Run {
		t.Helper()
		b.clock.pass(time.Hour)
		run, err := b.engine.Run(t.Context(), importer.Request{
			Connection: hr, Actor: "cli:test", Given: importer.Given{Secret: "entered-for-one-import"},
		})
		if err != nil {
			t.Fatal(err)
		}
		return run
	}
	if run := bring(); run.Stats.LeaveLater != 0 {
		t.Errorf("nobody is on leave, %d wait for an import", run.Stats.LeaveLater)
	}
	b.company.setStatus("1", importer.StatusLeave)
	run := bring()
	warnings := importer.NewRunReport(web.English(), run).Warnings
	if run.Stats.LeaveLater != 1 || len(warnings) != 1 || !strings.Contains(warnings[0], "on leave") {
		t.Errorf("%d wait for an import, warnings %q; want one", run.Stats.LeaveLater, warnings)
	}
	b.clock.pass(72 * time.Hour)
	if due := b.due(); len(due) != 0 {
		t.Errorf("due: %v, want nothing that nobody can do", due)
	}
	b.note("1", "2") // as a webhook does
	b.work()
	state, err := b.directory.ImportState(t.Context(), hr)
	if err != nil || state.Failures != 0 || len(b.runsOver(users.ScopeRefresh)) != 0 || len(b.company.singles) != 0 {
		t.Errorf("state %+v, error %v, read singly %v; want nothing tried", state, err, b.company.singles)
	}
	if got := b.state("p1@acme.example"); got != users.StateActive {
		t.Errorf("before the next import: %s", got)
	}
	bring()
	if got := b.state("p1@acme.example"); got != users.StateSuspended {
		t.Errorf("after the next import: %s, want suspended", got)
	}
}
