package importer_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/einlass/einlass/importer"
	"github.com/einlass/einlass/users"
)

// note notes that people of the source are to be read again.
func (b *bench) note(ids ...string) {
	b.t.Helper()
	work := make([]users.Work, len(ids))
	for i, id := range ids {
		work[i] = users.Work{Kind: users.WorkPerson, Connection: hr, Subject: id, Due: b.clock.Now()}
	}
	if err := b.directory.NoteWork(b.t.Context(), work...); err != nil {
		b.t.Fatal(err)
	}
}

// due returns the source ids of the people who are to be read again now, and
// what else is due by its kind.
func (b *bench) due() []string {
	b.t.Helper()
	work, err := b.store.DueWork(b.t.Context(), b.clock.Now(), 100_000)
	if err != nil {
		b.t.Fatal(err)
	}
	var due []string
	for _, w := range work {
		if w.Kind == users.WorkPerson {
			due = append(due, w.Subject)
			continue
		}
		due = append(due, string(w.Kind))
	}
	return due
}

// work lets a process do what is due until nothing is.
func (b *bench) work() {
	b.t.Helper()
	ctx, cancel := context.WithCancel(b.t.Context())
	done := make(chan error)
	go func() { done <- b.newEngine(nil).Serve(ctx) }()
	waitFor(b.t, "all work to be done", func() bool { return len(b.due()) == 0 })
	cancel()
	if err := <-done; err != nil {
		b.t.Fatal(err)
	}
}

// refreshed reads people again and returns the newest run over some people, if that is new.
func (b *bench) refreshed(ids ...string) (users.Run, bool) {
	b.t.Helper()
	before := b.runsOver(users.ScopeRefresh)
	b.clock.pass(time.Minute)
	b.note(ids...)
	b.work()
	after := b.runsOver(users.ScopeRefresh)
	if len(after) == len(before) {
		return users.Run{}, false
	}
	return after[0], true
}

func (b *bench) runsOver(scope users.RunScope) []users.Run {
	b.t.Helper()
	runs, err := b.store.RunsOver(b.t.Context(), hr, scope, 1000)
	if err != nil {
		b.t.Fatal(err)
	}
	return runs
}

func (b *bench) state(email string) users.State { return b.user(email).State() }

// S-133, B-09, invariant 3
func TestALeaverIsReadAloneAndLosesAccess(t *testing.T) {
	t.Parallel()
	b := newBench(t, 30)
	b.run()
	before := b.user("p7@acme.example")
	lists := b.company.lists
	b.company.setStatus("7", importer.StatusInactive)
	heard := b.clock.Now().Add(time.Minute)
	run, recorded := b.refreshed("7")
	if !recorded || run.State != users.RunDone || run.Counts.Suspended != 1 || run.Actor != users.ActorImport(hr) {
		t.Fatalf("run: %+v, want one that suspended one", run)
	}
	if !slices.Equal(b.company.singles, []string{"7"}) || b.company.lists != lists {
		t.Errorf("read %v singly and %d lists, want the leaver alone", b.company.singles, b.company.lists-lists)
	}
	after := b.user("p7@acme.example")
	if after.State() != users.StateSuspended || after.Epoch <= before.Epoch {
		t.Errorf("leaver: %s with epoch %d, want suspended with more than %d", after.State(), after.Epoch, before.Epoch)
	}
	if rows := b.changes(run); len(rows) != 1 || !rows[0].HeardAt.Equal(heard) || rows[0].Reason != "status_inactive" {
		t.Errorf("rows %+v, want one heard of at %v", rows, heard)
	}
	events, err := b.store.EventsAbout(t.Context(), string(after.ID), 1)
	if err != nil {
		t.Fatal(err)
	}
	var payload struct {
		HeardAt time.Time `json:"heard_at"`
	}
	if err := json.Unmarshal([]byte(events[0].Payload), &payload); err != nil || !payload.HeardAt.Equal(heard) {
		t.Errorf("event %s, error %v; want heard_at %v", events[0].Payload, err, heard)
	}
}

func TestARefreshWithoutAChangeLeavesNothing(t *testing.T) {
	t.Parallel()
	b := newBench(t, 10)
	b.run()
	before := b.contents()
	if run, recorded := b.refreshed("1", "2", "3"); recorded {
		t.Errorf("run %+v, want none", run)
	}
	if diff := cmp.Diff(before, b.contents()); diff != "" {
		t.Errorf("the directory changed (-before +after):\n%s", diff)
	}
	if len(b.company.singles) != 3 {
		t.Errorf("read %v, want all three", b.company.singles)
	}
}

// B-09: whatever changed, the person is as the source shows them.
func TestOneRefreshBringsEverythingAboutAPerson(t *testing.T) {
	t.Parallel()
	b := newBench(t, 10)
	b.run()
	b.company.set("1", func(p *importer.Person) { p.Attributes["department"] = "Legal" })
	b.company.set("2", func(p *importer.Person) { p.ManagerID = "9" })
	b.company.set("3", func(p *importer.Person) { p.Attributes["email"] = "three@acme.example" })
	b.company.remove("4")
	b.company.hire("11", importer.StatusActive, "Newcomer")
	b.company.hire("12", importer.StatusInactive, "Nobody")
	run, _ := b.refreshed("1", "2", "3", "4", "11", "12", "404")
	want := users.Counts{Created: 1, Updated: 3, Suspended: 1, Skipped: 1}
	if diff := cmp.Diff(want, run.Counts); diff != "" {
		t.Errorf("counts (-want +got):\n%s", diff)
	}
	if got := b.user("p2@acme.example").Manager; got != b.user("p9@acme.example").ID {
		t.Errorf("manager %q, want P9, who was not read", got)
	}
	if b.user("p1@acme.example").Attribute("department") != "Legal" || b.state("p4@acme.example") != users.StateSuspended {
		t.Error("department or the one who is gone: not as the source shows them")
	}
	if b.state("three@acme.example") != users.StateActive || b.state("newcomer@acme.example") != users.StateActive {
		t.Error("new address or newcomer: not active")
	}
	before := b.contents()
	if full := b.run(); full.Counts.Changed() != 0 {
		t.Errorf("the import after it found %+v to do", full.Counts)
	}
	if diff := cmp.Diff(before, b.contents()); diff != "" {
		t.Errorf("the import after it changed (-before +after):\n%s", diff)
	}
}

// U-30: whom the filter lets through is for the source to say; the mode is ours.
func TestStrangersAreCreatedOnlyAsAnImportWould(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name    string
		set     func(b *bench)
		created bool
	}{
		{"with a filter", func(b *bench) { b.settings.Filter = "department=Sales" }, false},
		{"in mode updates", func(b *bench) { b.settings.Mode = users.ImportUpdates }, false},
		{"in mode new", func(b *bench) { b.settings.Mode = users.ImportNew }, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t, 10)
			b.run()
			c.set(b)
			b.connect()
			b.company.hire("11", importer.StatusActive, "Newcomer")
			b.company.setStatus("1", importer.StatusInactive)
			b.refreshed("11", "1")
			if _, created := b.states()["newcomer@acme.example"]; created != c.created {
				t.Errorf("created: %t, want %t", created, c.created)
			}
			suspended := b.state("p1@acme.example") == users.StateSuspended
			if suspended == (b.settings.Mode == users.ImportNew) {
				t.Errorf("leaver suspended: %t in mode %q", suspended, b.settings.Mode)
			}
		})
	}
}

// B-08
func TestTenThousandNotesAreThreeReads(t *testing.T) {
	t.Parallel()
	b := newBench(t, 10)
	b.run()
	for range 100 {
		var ids []string
		for i := range 100 {
			ids = append(ids, fmt.Sprint(i%3+1))
		}
		b.note(ids...)
	}
	b.work()
	slices.Sort(b.company.singles)
	if want := []string{"1", "2", "3"}; !slices.Equal(b.company.singles, want) {
		t.Errorf("read %v, want %v", b.company.singles, want)
	}
}

// B-10: a hundred leavers at once are not a hundred requests.
func TestManyPeopleAreLookedForAmongThoseWhoChangedFirst(t *testing.T) {
	t.Parallel()
	b := newBench(t, 120)
	b.settings.Guard = users.Guard{MaxPeople: 1000, MaxPercent: 100}
	b.connect()
	b.run()
	b.clock.pass(3 * time.Hour)
	var ids []string
	for i := range 100 {
		ids = append(ids, fmt.Sprint(i+1))
		if i < 97 {
			b.company.setStatus(ids[i], importer.StatusInactive)
		}
	}
	b.company.remove("98")
	run, _ := b.refreshed(ids...)
	slices.Sort(b.company.singles)
	if want := []string{"100", "98", "99"}; run.Counts.Suspended != 98 || !slices.Equal(b.company.singles, want) {
		t.Errorf("suspended %d, read singly %v; want 98 and only those who did not change: %v", run.Counts.Suspended, b.company.singles, want)
	}
	for i := range 97 {
		b.company.setStatus(ids[i], importer.StatusActive)
	}
	b.company.deltaErr = importer.ErrUnreachable
	if run, _ := b.refreshed(ids...); run.Counts.Reactivated != 97 {
		t.Errorf("reactivated %d one by one, want 97", run.Counts.Reactivated)
	}
}

// B-08: what is noted while a person is read may be news.
func TestAPersonNotedWhileTheyAreReadIsReadAgain(t *testing.T) {
	t.Parallel()
	b := newBench(t, 10)
	b.run()
	b.company.setStatus("1", importer.StatusActive)
	b.company.onPerson = func(string) { // once
		b.company.mu.Lock()
		b.company.onPerson = nil
		b.company.mu.Unlock()
		b.note("1")
	}
	b.refreshed("1")
	if want := []string{"1", "1"}; !slices.Equal(b.company.singles, want) {
		t.Errorf("read %v, want %v", b.company.singles, want)
	}
}

// B-10
func TestWorkWaitsForASourceThatDoesNotAnswer(t *testing.T) {
	t.Parallel()
	b := newBench(t, 10)
	b.run()
	b.company.setStatus("1", importer.StatusInactive)
	b.company.personErr = importer.ErrUnreachable
	b.note("1", "2")
	for i, want := range []time.Duration{2, 4, 8, 16, 32, 64, 128, 256, 300, 300} {
		b.work()
		state, err := b.directory.ImportState(t.Context(), hr)
		if err != nil {
			t.Fatal(err)
		}
		if got := state.RetryAt.Sub(b.clock.Now()); got != want*time.Second || state.ErrorCode != "source_unreachable" {
			t.Errorf("failure %d: again in %s because of %q, want %s", i+1, got, state.ErrorCode, want*time.Second)
		}
		asked := len(b.company.singles)
		b.note("3") // what is noted meanwhile waits as well
		b.work()
		if len(b.company.singles) != asked {
			t.Errorf("failure %d: asked for %v in between", i+1, b.company.singles[asked:])
		}
		b.clock.pass(want * time.Second)
	}
	if runs := b.runsOver(users.ScopeRefresh); len(runs) != 0 {
		t.Errorf("%d runs were recorded, want none", len(runs))
	}
	b.company.mu.Lock()
	b.company.personErr = nil
	b.company.mu.Unlock()
	b.work()
	if b.state("p1@acme.example") != users.StateSuspended {
		t.Error("the leaver is not suspended once the source answers")
	}
	if work, err := b.store.WorkOf(t.Context(), hr); err != nil || len(work) != 0 {
		t.Errorf("work left: %+v, error %v", work, err)
	}
}

// N339, B-10
func TestRefusedCredentialsAreToldOnceAndTriedLessAndLess(t *testing.T) {
	t.Parallel()
	b := newBench(t, 10)
	b.run()
	b.company.personErr = importer.ErrCredentials
	b.note("1")
	for _, want := range []time.Duration{5, 10, 20, 40, 80, 160, 320, 640, 1280, 1440, 1440} {
		b.work()
		state, err := b.directory.ImportState(t.Context(), hr)
		if err != nil {
			t.Fatal(err)
		}
		if got := state.RetryAt.Sub(b.clock.Now()); got != want*time.Minute || state.ErrorCode != "credentials_revoked" {
			t.Errorf("again in %s because of %q, want %s", got, state.ErrorCode, want*time.Minute)
		}
		b.clock.pass(want * time.Minute)
	}
	runs := b.runsOver(users.ScopeRefresh)
	if len(runs) != 1 || runs[0].State != users.RunFailed || runs[0].ErrorCode != "credentials_revoked" {
		t.Errorf("runs %+v, want one that failed", runs)
	}
	if alerts := b.alerts(); alerts != 1 {
		t.Errorf("%d alerts, want one", alerts)
	}
	b.run() // an import of everybody gets through: nobody waits any longer
	b.company.mu.Lock()
	b.company.personErr = nil
	b.company.mu.Unlock()
	b.note("2")
	b.work()
	if !slices.Contains(b.company.singles, "2") {
		t.Error("whoever is noted after an import got through waits all the same")
	}
}

// alerts counts the imports that ask for an administrator.
func (b *bench) alerts() int {
	b.t.Helper()
	n := 0
	for after := int64(0); ; {
		events, err := b.store.Events(b.t.Context(), after, 500)
		if err != nil {
			b.t.Fatal(err)
		}
		if len(events) == 0 {
			return n
		}
		for _, e := range events {
			after = e.Seq
			var payload users.ImportFinished
			if e.Kind != users.EventImportFinished {
				continue
			}
			if err := json.Unmarshal([]byte(e.Payload), &payload); err != nil {
				b.t.Fatal(err)
			}
			if payload.Alert {
				n++
			}
		}
	}
}

func TestOnePersonWhomTheSourceCannotShowHoldsNobodyUp(t *testing.T) {
	t.Parallel()
	for _, failure := range []error{importer.ErrCorrupt, importer.ErrUnreachable} {
		b := newBench(t, 30)
		b.run()
		var ids []string
		for i := range 4 {
			ids = append(ids, fmt.Sprint(i+1))
			b.company.setStatus(ids[i], importer.StatusInactive)
		}
		b.company.broken = map[string]error{"2": failure}
		b.note(ids...)
		b.work()
		for _, id := range ids {
			want := users.StateSuspended
			if id == "2" {
				want = users.StateActive
			}
			if got := b.state("p" + id + "@acme.example"); got != want {
				t.Errorf("%v: person %s is %s, want %s", failure, id, got, want)
			}
		}
		work, err := b.store.WorkOf(t.Context(), hr)
		if err != nil || len(work) != 1 || work[0].Subject != "2" || work[0].Attempts == 0 {
			t.Errorf("%v: work left %+v, error %v; want person 2, tried", failure, work, err)
		}
	}
}

// invariant 5: single leavers add up like those of imports.
func TestManyLeaversOneByOneAreHeldAndCanBeApproved(t *testing.T) {
	t.Parallel()
	b := newBench(t, 40) // 20 % are 8
	b.run()
	for i := range 8 {
		b.company.setStatus(fmt.Sprint(i+1), importer.StatusInactive)
		b.clock.pass(time.Minute)
		if run, _ := b.refreshed(fmt.Sprint(i + 1)); run.State != users.RunDone {
			t.Fatalf("leaver %d: %s, want done", i+1, run.State)
		}
	}
	b.company.setStatus("9", importer.StatusInactive)
	held, recorded := b.refreshed("9")
	if !recorded || held.State != users.RunHeld || b.state("p9@acme.example") != users.StateActive {
		t.Fatalf("ninth leaver: %+v, want a run that is held", held)
	}
	if b.alerts() != 1 {
		t.Errorf("%d alerts, want one", b.alerts())
	}
	b.clock.pass(time.Minute)
	if again, recorded := b.refreshed("9"); recorded {
		t.Errorf("the same plan again left run %+v", again)
	}
	b.company.set("10", func(p *importer.Person) { p.Attributes["department"] = "Legal" })
	if run, _ := b.refreshed("10"); run.State != users.RunDone {
		t.Errorf("a mover meanwhile: %s, want done", run.State)
	}
	b.company.singles = nil
	approved, err := b.engine.Approve(t.Context(), held.ID, "cli:boss")
	if err != nil || approved.State != users.RunDone || b.state("p9@acme.example") != users.StateSuspended {
		t.Errorf("approval: %s, error %v; want it applied", approved.State, err)
	}
	if !slices.Equal(b.company.singles, []string{"9"}) {
		t.Errorf("the approval read %v, want person 9 alone", b.company.singles)
	}
}

func TestAHeldRefreshIsStaleOnceItsPeopleMoved(t *testing.T) {
	t.Parallel()
	b := newBench(t, 10)
	b.settings.Guard = users.Guard{MaxPeople: 1, MaxPercent: 100}
	b.connect()
	b.run()
	b.company.setStatus("1", importer.StatusInactive)
	b.company.setStatus("2", importer.StatusInactive)
	held, _ := b.refreshed("1", "2")
	if held.State != users.RunHeld {
		t.Fatalf("run: %s, want held", held.State)
	}
	b.company.setStatus("2", importer.StatusActive)
	if run, err := b.engine.Approve(t.Context(), held.ID, "cli:boss"); !errors.Is(err, importer.ErrStale) || run.State != users.RunStale {
		t.Errorf("approval: %s, error %v; want stale", run.State, err)
	}
	if b.state("p1@acme.example") != users.StateActive {
		t.Error("a stale plan was applied")
	}
}

// invariant 5, N-4: safe leavers
func TestAHeldImportHoldsNoSingleLeaverBack(t *testing.T) {
	t.Parallel()
	b := newBench(t, 40)
	b.settings.Guard = users.Guard{MaxPeople: 5, MaxPercent: 100}
	b.connect()
	b.run()
	for i := range 6 {
		b.company.setStatus(fmt.Sprint(i+1), importer.StatusLeave)
	}
	held, err := b.try(false)
	if !errors.Is(err, importer.ErrHeld) {
		t.Fatalf("import: %v, want it held", err)
	}
	b.company.setStatus("40", importer.StatusInactive)
	b.clock.pass(time.Minute)
	if run, _ := b.refreshed("40"); run.State != users.RunDone || b.state("p40@acme.example") != users.StateSuspended {
		t.Fatalf("single leaver: %s, want done", run.State)
	}
	b.company.setStatus("40", importer.StatusActive)
	b.refreshed("40")
	if run, err := b.engine.Approve(t.Context(), held.ID, "cli:boss"); err != nil || run.Counts.Suspended != 6 {
		t.Errorf("approval of the held import: %+v, error %v; want six suspended", run.Counts, err)
	}
}

// Every run over everybody is compared with the one before, and never with one over some.
func TestARefreshIsNoLastImport(t *testing.T) {
	t.Parallel()
	b := newBench(t, 30)
	b.run()
	b.company.set("1", func(p *importer.Person) { p.Attributes["department"] = "Legal" })
	if _, recorded := b.refreshed("1"); !recorded {
		t.Fatal("no run was recorded")
	}
	last, err := b.store.LastRun(t.Context(), hr, users.ScopeFull, users.RunDone)
	if err != nil || last.Stats.People != 30 {
		t.Errorf("last import: %d people, error %v", last.Stats.People, err)
	}
	b.company.mu.Lock()
	b.company.people = b.company.people[:20]
	b.company.mu.Unlock()
	if run, err := b.try(false); !errors.Is(err, importer.ErrHeld) {
		t.Errorf("a feed that shrank after a refresh: %s, %v; want it held", run.State, err)
	}
}

// Two newcomers with one address: neither is created, though one is read alone.
func TestANewcomerReadAloneDoesNotGetAContestedAddress(t *testing.T) {
	t.Parallel()
	b := newBench(t, 10)
	b.company.hire("11", importer.StatusActive, "Twin")
	b.company.hire("12", importer.StatusActive, "Twin")
	b.run()
	for range 2 {
		if run, recorded := b.refreshed("11"); recorded {
			t.Errorf("run %+v, want none: the quarantine is known", run)
		}
	}
	if _, created := b.states()["twin@acme.example"]; created {
		t.Error("one of the twins was created")
	}
	b.company.hire("13", importer.StatusActive, "P1") // held by somebody here
	run, recorded := b.refreshed("13")
	if !recorded || run.Counts.Quarantined != 1 || b.alerts() != 2 {
		t.Errorf("run %+v with %d alerts, want a new quarantine told beside that of the twins", run.Counts, b.alerts())
	}
	if _, recorded := b.refreshed("13"); recorded {
		t.Error("the same quarantine was recorded again")
	}
	b.company.remove("12")
	b.run()
	if b.state("twin@acme.example") != users.StateActive {
		t.Error("the twin who is left was not created by the next import")
	}
}

// N335
func TestTwoProcessesDoEachWorkOnce(t *testing.T) {
	t.Parallel()
	b := newBench(t, 60)
	b.settings.Guard = users.Guard{MaxPeople: 100, MaxPercent: 100}
	b.connect()
	b.run()
	ctx, cancel := context.WithCancel(t.Context())
	served := make(chan error, 2)
	for range 2 {
		go func() { served <- b.newEngine(nil).Serve(ctx) }()
	}
	var ids []string
	for i := range 19 { // few enough to be read one by one
		ids = append(ids, fmt.Sprint(i+1))
		b.company.setStatus(ids[i], importer.StatusInactive)
	}
	b.note(ids...)
	waitFor(t, "all to be read", func() bool { return len(b.due()) == 0 })
	cancel()
	for range 2 {
		if err := <-served; err != nil {
			t.Error(err)
		}
	}
	if n := len(b.company.singles); n != 19 {
		t.Errorf("%d reads, want 19", n)
	}
	suspended := 0
	for _, run := range b.runsOver(users.ScopeRefresh) {
		suspended += run.Counts.Suspended
	}
	if suspended != 19 {
		t.Errorf("%d suspensions, want 19", suspended)
	}
}

// REL-4: a process that is stopped in the middle loses no work.
func TestAStoppedRefreshIsDoneByTheNext(t *testing.T) {
	t.Parallel()
	for stopAt := range 6 {
		b := newBench(t, 30)
		b.run()
		var ids []string
		for i := range 5 {
			ids = append(ids, fmt.Sprint(i+1))
			b.company.setStatus(ids[i], importer.StatusInactive)
		}
		ctx, cancel := context.WithCancel(t.Context())
		reads := 0
		b.company.onPerson = func(string) {
			b.company.mu.Lock()
			defer b.company.mu.Unlock()
			if reads++; reads > stopAt {
				cancel()
			}
		}
		b.note(ids...)
		engine := b.newEngine(func(importer.Progress) { cancel() }) // at the latest when rows are applied
		if err := engine.Serve(ctx); err != nil {
			t.Fatal(err)
		}
		cancel()
		b.company.onPerson = nil
		b.work()
		for _, id := range ids {
			if got := b.state("p" + id + "@acme.example"); got != users.StateSuspended {
				t.Errorf("stopped after %d reads: person %s is %s, want suspended", stopAt, id, got)
			}
		}
		if left := b.unfinished(); len(left) != 0 {
			t.Errorf("stopped after %d reads: runs %v are unfinished", stopAt, left)
		}
	}
}

func TestWorkOfAConnectionThatIsGoneIsDropped(t *testing.T) {
	t.Parallel()
	b := newBench(t, 5)
	b.run()
	b.settings.Schedule = time.Hour
	b.connect()
	b.note("1")
	off := users.Application{ID: hr, Label: "Personio", Disabled: true, Import: &b.settings}
	_, err := b.directory.Declare(t.Context(), users.Declaration{Applications: []users.DeclaredApplication{{Application: off, ImportSecret: "secret of the connection"}}})
	if err != nil {
		t.Fatal(err)
	}
	b.work()
	if len(b.company.singles) != 0 {
		t.Errorf("read %v, want nobody", b.company.singles)
	}
	if work, err := b.store.WorkOf(t.Context(), hr); err != nil || len(work) != 0 {
		t.Errorf("work left: %+v, error %v", work, err)
	}
}

// Whoever asks for an import is not refused because somebody is just being read again.
func TestAnImportWaitsForARefresh(t *testing.T) {
	t.Parallel()
	b := newBench(t, 10)
	b.run()
	reading, goOn := make(chan struct{}), make(chan struct{})
	b.company.onPerson = func(string) { close(reading); <-goOn }
	b.note("1")
	done := make(chan error, 2)
	go func() { done <- importer.DoWork(b.newEngine(nil), t.Context(), hr) }()
	<-reading
	go func() {
		_, err := b.engine.Run(t.Context(), importer.Request{Connection: hr, Actor: "cli:test"})
		done <- err
	}()
	close(goOn)
	for range 2 {
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
}
