package userstest

import (
	"cmp"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/einlass/einlass/users"
)

var runPromises = []promise{
	{"a run that is not there is not found and not updated", unknownRun},
	{"a run's identity is used once", runTwice},
	{"everything about a run is kept", keepsRun},
	{"runs are listed newest first and since a time oldest first", listsRuns},
	{"the newest run in a state is found behind any number of others", lastRun},
	{"everything about a change is kept", keepsChange},
	{"changes are paged by phase and number, of one outcome or all", pagesOfChanges},
	{"changes are paged by kind, with those that join others beside them", changesByKind},
	{"the people in quarantine are found among all others of a run", findsQuarantined},
	{"changes of old runs are removed in portions, and the runs stay", deletesChanges},
	{"a planned change is stale once its person has moved on", staleChanges},
}

func putRuns(t *testing.T, s users.Store, runs ...users.Run) {
	t.Helper()
	update(t, s, func(tx users.Tx) error {
		for _, r := range runs {
			if err := tx.InsertRun(t.Context(), r); err != nil {
				return err
			}
		}
		return nil
	})
}

func unknownRun(t *testing.T, s users.Store) {
	_, err := s.Run(t.Context(), users.NewRunID())
	refused(t, "Run", err, users.ErrNotFound)
	err = s.Update(t.Context(), func(tx users.Tx) error { return tx.UpdateRun(t.Context(), users.Run{ID: users.NewRunID()}) })
	refused(t, "UpdateRun", err, users.ErrNotFound)
}

func runTwice(t *testing.T, s users.Store) {
	r := users.Run{ID: users.NewRunID(), Connection: connection, State: users.RunReading, StartedAt: noon}
	putRuns(t, s, r)
	err := s.Update(t.Context(), func(tx users.Tx) error { return tx.InsertRun(t.Context(), r) })
	refused(t, "InsertRun", err, users.ErrConflict)
}

func keepsRun(t *testing.T, s users.Store) {
	r := users.Run{
		ID: users.NewRunID(), Connection: connection, Preview: true, State: users.RunReading,
		Actor: users.ActorImport(connection), StartedAt: noon,
	}
	putRuns(t, s, r)
	got, err := s.Run(t.Context(), r.ID)
	ok(t, "Run", err)
	same(t, "run at its start", got, r)

	r.Preview, r.State, r.Actor, r.StartedAt, r.FinishedAt = false, users.RunHeld, users.ActorSystem, noon.Add(time.Second), noon.Add(time.Minute)
	r.Counts = users.Counts{Created: 1, Updated: 2, Suspended: 3, Reactivated: 4, Unchanged: 5, Skipped: 6, Quarantined: 7, Failed: 8}
	r.Stats = users.FeedStats{People: 9, Announced: -1, Filled: map[string]int{"email": 9}, Domains: map[string]int{"example.com": 9}, Missing: []string{"office"}, Surplus: []string{"salary"}, Active: 3}
	r.Stats.Time = users.RunTime{Pages: 2, SlowestPage: 3 * time.Second, Reading: time.Minute, Planning: time.Second, Applying: time.Millisecond}
	r.PlanHash, r.ErrorCode = "abc", "source_unreachable"
	r.Held = []users.Note{{Code: "new_domain", Texts: map[string]string{"about": "evil.example"}, Numbers: map[string]int{"count": 30}}, {English: "of old"}}
	r.Error = []users.Note{{Code: "failure.source_unreachable", Texts: map[string]string{"cause": "\"no\" route"}}}
	r.ApprovedBy, r.ApprovedAt, r.Scope = "cli:root", noon.Add(time.Hour), users.ScopeDelta
	r.Options = users.RunOptions{
		Mode: users.ImportSelected, Selected: []string{"7", "8"}, Filter: "email=ada%40example.com",
		InitialState: users.StateStaged, Reactivation: true, Leave: users.LeaveKeeps, Reconcile: true, Due: noon,
	}
	r.Progress = users.RunProgress{Phase: "reading", Done: 5, Total: -1, Since: noon, At: noon.Add(time.Second)}
	update(t, s, func(tx users.Tx) error {
		moved := r
		moved.Connection = "other" // part of the identity
		return tx.UpdateRun(t.Context(), moved)
	})
	got, err = s.Run(t.Context(), r.ID)
	ok(t, "Run", err)
	same(t, "run in the end", got, r)
}

func listsRuns(t *testing.T, s users.Store) {
	var all []users.Run
	for i := range 4 {
		all = append(all, users.Run{ID: users.NewRunID(), Connection: connection, StartedAt: noon.Add(time.Duration(i) * time.Minute)})
	}
	other := users.Run{ID: users.NewRunID(), Connection: "other", StartedAt: noon.Add(time.Hour)}
	putRuns(t, s, all[2], all[0], other, all[3], all[1])

	got, err := s.Runs(t.Context(), connection, 3)
	ok(t, "Runs", err)
	same(t, "newest runs of a connection", got, []users.Run{all[3], all[2], all[1]})
	got, err = s.Runs(t.Context(), "", 2)
	ok(t, "Runs of all", err)
	same(t, "newest runs of all", got, []users.Run{other, all[3]})
	twin := users.Run{ID: users.NewRunID(), Connection: "other", StartedAt: all[2].StartedAt}
	putRuns(t, s, twin)
	for c, want := range map[users.ApplicationID]map[users.RunID]bool{
		"":         {other.ID: true, all[3].ID: true, all[2].ID: true, twin.ID: true, all[1].ID: true, all[0].ID: true},
		connection: {all[3].ID: true, all[2].ID: true, all[1].ID: true, all[0].ID: true},
	} {
		seen, place := map[users.RunID]bool{}, users.RunPlace{StartedAt: noon.Add(2 * time.Hour)}
		for range len(want) {
			got, err = s.RunsBefore(t.Context(), c, place, 1)
			ok(t, "RunsBefore", err)
			if len(got) != 1 || got[0].StartedAt.After(place.StartedAt) {
				t.Fatalf("before %v: %+v, want the next older run", place, got)
			}
			place = users.RunPlace{StartedAt: got[0].StartedAt, ID: got[0].ID}
			seen[got[0].ID] = true
		}
		same(t, "runs seen page by page", seen, want)
		got, err = s.RunsBefore(t.Context(), c, place, 1)
		ok(t, "RunsBefore the first", err)
		same(t, "runs before the first", got, []users.Run{})
	}
	refreshed := users.Run{ID: users.NewRunID(), Connection: connection, StartedAt: noon.Add(150 * time.Second), Scope: users.ScopeRefresh}
	putRuns(t, s, refreshed)
	got, err = s.RunsOver(t.Context(), connection, users.ScopeFull, 2)
	ok(t, "RunsOver", err)
	same(t, "newest runs over everybody", got, []users.Run{all[3], all[2]})
	got, err = s.RunsOver(t.Context(), connection, users.ScopeRefresh, 2)
	ok(t, "RunsOver", err)
	same(t, "newest runs over some people", got, []users.Run{refreshed})
	all = slices.Insert(all, 3, refreshed)
	got, err = s.RunsSince(t.Context(), connection, all[1].StartedAt)
	ok(t, "RunsSince", err)
	same(t, "runs since", got, []users.Run{all[1], all[2], all[3], all[4]})
}

func lastRun(t *testing.T, s users.Store) {
	run := func(c users.ApplicationID, state users.RunState, minute int) users.Run {
		return users.Run{ID: users.NewRunID(), Connection: c, State: state, StartedAt: noon.Add(time.Duration(minute) * time.Minute)}
	}
	older, newest := run(connection, users.RunDone, 0), run(connection, users.RunDone, 1)
	others := []users.Run{run("other", users.RunDone, 9)}
	refreshed := run(connection, users.RunDone, 500)
	refreshed.Scope = users.ScopeRefresh
	others = append(others, refreshed)
	for minute := range 300 {
		others = append(others, run(connection, users.RunFailed, 2+minute))
	}
	putRuns(t, s, newest, older)
	putRuns(t, s, others...)

	got, err := s.LastRun(t.Context(), connection, users.ScopeFull, users.RunDone)
	ok(t, "LastRun", err)
	same(t, "newest run that is done", got, newest)
	got, err = s.LastRun(t.Context(), connection, users.ScopeRefresh, users.RunDone)
	ok(t, "LastRun over some people", err)
	same(t, "newest run over some people", got, refreshed)
	_, err = s.LastRun(t.Context(), connection, users.ScopeDelta, users.RunDone)
	refused(t, "LastRun over a scope that no run had", err, users.ErrNotFound)
	_, err = s.LastRun(t.Context(), connection, users.ScopeFull, users.RunHeld)
	refused(t, "LastRun in a state that no run is in", err, users.ErrNotFound)
	_, err = s.LastRun(t.Context(), "nobody", users.ScopeFull, users.RunDone)
	refused(t, "LastRun of a connection without runs", err, users.ErrNotFound)
}

func putChanges(t *testing.T, s users.Store, changes ...users.RunChange) {
	t.Helper()
	update(t, s, func(tx users.Tx) error { return tx.InsertRunChanges(t.Context(), changes) })
}

func keepsChange(t *testing.T, s users.Store) {
	run := users.NewRunID()
	full := users.RunChange{
		Run: run, Seq: 1, Phase: 2, SourceID: "77", User: users.NewID(), Before: 3, Kind: users.ChangeSuspend,
		Reason: "status_leave", Detail: []users.Note{{Code: "privileged", Terms: map[string]string{"status": "leave"}}}, Name: "Ada Lovelace", Email: "ada@example.com",
		Fields: map[string]users.FieldChange{"department": {Before: "", After: "Söldner"}},
		Status: "leave", ContentHash: "abc", ManagerSourceID: "1", InitialState: users.StateStaged, Effect: []users.Note{{Code: "loses", Lists: map[string][]string{"applications": {"Personio"}}}, {Code: "access_ends.later", Times: map[string]users.LocalTime{"at": {At: time.UnixMilli(1).UTC(), Zone: "Europe/Berlin"}}}},
		HeardAt: noon.Add(-time.Second), Joins: true,
		Outcome: users.OutcomePlanned, Error: []users.Note{{English: "Written by a version of old."}},
	}
	bare := users.RunChange{Run: run, Seq: 2, Phase: 2, Before: -1, Kind: users.ChangeSkip, Outcome: users.OutcomePlanned}
	putChanges(t, s, full, bare)
	got, err := s.RunChanges(t.Context(), run, "", 0, 0, 10)
	ok(t, "RunChanges", err)
	same(t, "changes", got, []users.RunChange{full, bare})
}

func changesByKind(t *testing.T, s users.Store) {
	run := users.NewRunID()
	kinds := []users.ChangeKind{
		users.ChangeCreate, users.ChangeUpdate, users.ChangeLink, users.ChangeSuspend, users.ChangeReactivate,
		users.ChangeQuarantine, users.ChangeSkip, users.ChangeRecord,
	}
	var all []users.RunChange
	for i := range 160 { // ten of each kind in each of two phases
		c := users.RunChange{
			Run: run, Seq: i + 1, Phase: 1 + i%2, SourceID: fmt.Sprint(i % 80), Kind: kinds[i/2%8], Outcome: users.OutcomeApplied,
		}
		if i >= 144 {
			c.Outcome = users.OutcomeFailed
		}
		c.Joins = i >= 80 && i < 96
		all = append(all, c)
	}
	putChanges(t, s, all...)
	putChanges(t, s, users.RunChange{Run: users.NewRunID(), Seq: 1, Phase: 1, Kind: users.ChangeUpdate, SourceID: "3", Joins: true, Outcome: users.OutcomeFailed})
	slices.SortFunc(all, func(a, b users.RunChange) int { return cmp.Or(a.Phase-b.Phase, a.Seq-b.Seq) })
	pages := func(read func(phase, seq int) ([]users.RunChange, error)) (rows []users.RunChange) {
		for phase, seq := 0, 0; ; {
			page, err := read(phase, seq)
			ok(t, "page", err)
			if len(page) == 0 {
				return rows
			}
			rows = append(rows, page...)
			phase, seq = page[len(page)-1].Phase, page[len(page)-1].Seq
		}
	}
	only := func(match func(c users.RunChange) bool) (rows []users.RunChange) {
		for _, c := range all {
			if match(c) {
				rows = append(rows, c)
			}
		}
		return rows
	}
	for _, kind := range kinds {
		got := pages(func(phase, seq int) ([]users.RunChange, error) {
			return s.RunChangesOf(t.Context(), run, kind, phase, seq, 7)
		})
		same(t, "rows of kind "+string(kind), got, only(func(c users.RunChange) bool {
			return c.Kind == kind && c.Outcome != users.OutcomeFailed && (kind != users.ChangeUpdate || !c.Joins)
		}))
	}
	got := pages(func(phase, seq int) ([]users.RunChange, error) {
		return s.RunChanges(t.Context(), run, users.OutcomeFailed, phase, seq, 7)
	})
	same(t, "rows that failed", got, only(func(c users.RunChange) bool { return c.Outcome == users.OutcomeFailed }))

	var ids []string
	for i := range 80 {
		ids = append(ids, fmt.Sprint(i))
	}
	got, err := s.JoiningChanges(t.Context(), run, ids)
	ok(t, "JoiningChanges", err)
	bySeq := func(a, b users.RunChange) int { return a.Seq - b.Seq }
	want := only(func(c users.RunChange) bool { return c.Joins && c.Kind == users.ChangeUpdate })
	slices.SortFunc(got, bySeq)
	slices.SortFunc(want, bySeq)
	same(t, "rows that join others", got, want)
	got, err = s.JoiningChanges(t.Context(), run, []string{"79", "nobody"})
	ok(t, "JoiningChanges of others", err)
	same(t, "rows that join those of others", got, []users.RunChange{})
}

func pagesOfChanges(t *testing.T, s users.Store) {
	run := users.NewRunID()
	var all []users.RunChange
	for i := range 150 {
		all = append(all, users.RunChange{Run: run, Seq: i + 1, Phase: 1 + (i+1)%3, Outcome: users.OutcomePlanned})
	}
	putChanges(t, s, all...)
	putChanges(t, s, users.RunChange{Run: users.NewRunID(), Seq: 1, Phase: 1, Outcome: users.OutcomePlanned})
	update(t, s, func(tx users.Tx) error {
		done := make([]users.RunChange, 0, 100)
		for _, c := range all[:100] {
			c.Outcome = users.OutcomeApplied
			done = append(done, c)
		}
		done[0].Phase, done[0].Outcome, done[0].Error = 9, users.OutcomeFailed, []users.Note{{Code: "sealed"}}
		return tx.UpdateRunChanges(t.Context(), done)
	})
	count := func(outcome users.Outcome) (n int, last users.RunChange) {
		for {
			page, err := s.RunChanges(t.Context(), run, outcome, last.Phase, last.Seq, 40)
			ok(t, "RunChanges", err)
			if len(page) == 0 {
				return n, last
			}
			for _, c := range page {
				if c.Phase < last.Phase || c.Phase == last.Phase && c.Seq <= last.Seq {
					t.Fatalf("change %d of phase %d after %d of phase %d", c.Seq, c.Phase, last.Seq, last.Phase)
				}
				n, last = n+1, c
			}
		}
	}
	for outcome, want := range map[users.Outcome]int{
		"": 150, users.OutcomePlanned: 50, users.OutcomeApplied: 99, users.OutcomeFailed: 1,
	} {
		if n, _ := count(outcome); n != want {
			t.Errorf("%d changes of outcome %q, want %d", n, outcome, want)
		}
	}
	if _, last := count(""); last.Phase != 9 || last.Seq != 1 || len(last.Error) != 1 || last.Error[0].Code != "sealed" {
		t.Errorf("last change %+v, want the one that failed and was moved to phase 9", last)
	}
}

func staleChanges(t *testing.T, s users.Store) {
	people := crowd("p", 4)
	insert(t, s, people...)
	run := users.NewRunID()
	change := func(seq int, user users.ID, before int64, outcome users.Outcome) users.RunChange {
		return users.RunChange{Run: run, Seq: seq, User: user, Before: before, Kind: users.ChangeUpdate, Outcome: outcome}
	}
	putChanges(t, s,
		change(1, people[0].ID, 1, users.OutcomePlanned),
		change(2, people[1].ID, 1, users.OutcomePlanned),
		change(3, people[1].ID, -1, users.OutcomePlanned), // follows an earlier row: no version was seen
		change(4, people[2].ID, 1, users.OutcomeApplied),
		change(5, users.NewID(), 0, users.OutcomePlanned),
		change(6, people[3].ID, 0, users.OutcomePlanned))
	stale := func() int {
		n, err := s.CountStale(t.Context(), run)
		ok(t, "CountStale", err)
		return n
	}
	if n := stale(); n != 0 {
		t.Errorf("%d stale before anybody moved, want 0", n)
	}
	update(t, s, func(tx users.Tx) error {
		_, err := tx.UpdateUsers(t.Context(), people[1:])
		return err
	})
	if n := stale(); n != 1 {
		t.Errorf("%d stale, want 1", n)
	}
}

func findsQuarantined(t *testing.T, s users.Store) {
	run := users.NewRunID()
	late := users.RunChange{Run: run, Seq: 1, Phase: 3, SourceID: "1", Kind: users.ChangeQuarantine, Reason: "email_taken", Outcome: users.OutcomePlanned}
	early := users.RunChange{Run: run, Seq: 2, Phase: 2, SourceID: "2", Kind: users.ChangeQuarantine, Reason: "id_invalid", Outcome: users.OutcomeApplied}
	putChanges(t, s, late, early,
		users.RunChange{Run: run, Seq: 3, Phase: 2, SourceID: "3", Kind: users.ChangeSkip, Outcome: users.OutcomeApplied},
		users.RunChange{Run: users.NewRunID(), Seq: 1, Phase: 2, SourceID: "4", Kind: users.ChangeQuarantine, Outcome: users.OutcomeApplied})
	got, err := s.Quarantined(t.Context(), run)
	ok(t, "Quarantined", err)
	same(t, "people in quarantine", got, []users.RunChange{early, late})
}

func deletesChanges(t *testing.T, s users.Store) {
	run := func(c users.ApplicationID, at time.Time) users.Run {
		return users.Run{ID: users.NewRunID(), Connection: c, State: users.RunDone, StartedAt: at}
	}
	oldest, old := run(connection, noon.Add(-time.Hour)), run(connection, noon.Add(-time.Millisecond))
	kept, other := run(connection, noon), run("other", noon.Add(-time.Hour))
	putRuns(t, s, oldest, old, kept, other)
	for _, r := range []users.Run{oldest, old, kept, other} {
		for seq := range 30 {
			putChanges(t, s, users.RunChange{Run: r.ID, Seq: seq + 1, Phase: 1, Outcome: users.OutcomeApplied})
		}
	}
	for _, want := range []int{40, 20, 0} {
		update(t, s, func(tx users.Tx) error {
			deleted, err := tx.DeleteRunChanges(t.Context(), connection, noon, 40)
			same(t, "removed", deleted, want)
			return err
		})
	}
	for r, want := range map[users.RunID]int{oldest.ID: 0, old.ID: 0, kept.ID: 30, other.ID: 30} {
		rows, err := s.RunChanges(t.Context(), r, "", 0, 0, 100)
		ok(t, "RunChanges", err)
		same(t, "rows left", len(rows), want)
		_, err = s.Run(t.Context(), r)
		ok(t, "Run", err)
	}
}
