package importer_test

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/einlass/einlass/importer"
	"github.com/einlass/einlass/users"
	"github.com/einlass/einlass/users/userstest"
)

// history is a company, its directory, and what a model knows of both.
type history struct {
	*bench
	rt    *rapid.T
	hr    *personnel
	human map[users.ID]int    // whom a user stands for
	waved map[users.ID]string // source status that an administrator overruled
	lost  []loss
	plans []users.RunID // held or previewed
}

// loss is how many people a run took access from, of how many who had it.
type loss struct {
	at           time.Time
	people, have int
}

// snapshot is everybody at one time.
type snapshot struct {
	users  map[users.ID]users.User
	people map[string]users.Person // by source id
}

// invariants 4, 5 and 6 over random histories of HR, administrators and imports.
// N303, N305, N306, N309, N311, N312, N317
func TestNoHistoryBreaksThePromises(t *testing.T) {
	t.Parallel()
	userstest.Histories(t, func(rt *rapid.T) {
		h := newHistory(t, rt)
		defer h.store.Close() // there are many
		for range 50 {
			h.step()
		}
		h.end()
	})
}

func newHistory(t *testing.T, rt *rapid.T) *history {
	h := &history{
		bench: newBenchOn(t, userstest.Fastest(t), 24), rt: rt, human: map[users.ID]int{}, waved: map[users.ID]string{},
	}
	h.company.pageSize = 10
	h.hr = newPersonnel(h.company)
	return h
}

func (h *history) pick(what string, n int) int { return rapid.IntRange(0, n-1).Draw(h.rt, what) }

// step lets somebody do something.
func (h *history) step() {
	switch h.pick("who", 10) {
	case 0, 1:
		h.administer()
	case 2, 3, 4:
		h.clock.pass(time.Duration(1+h.pick("hours", 20)) * time.Hour)
		switch h.pick("what", 5) {
		case 0:
			h.refreshing()
		case 1:
			h.delta()
		default:
			h.importing()
		}
	case 5:
		h.mischief()
	default:
		h.rt.Log(h.hr.act(h.pick))
	}
}

// mischief is what sources do beyond changing people.
func (h *history) mischief() {
	id := h.hr.rowOf(h.pick)
	switch h.pick("mischief", 4) {
	case 0:
		h.company.setStatus(id, "paused")
	case 1:
		h.hr.write(id, "email", "")
	case 2:
		h.company.granted = []string{"email", "status", "first_name", "last_name", "supervisor"}
	case 3:
		h.company.granted = nil
	}
}

// administer changes any user as an administrator does.
func (h *history) administer() {
	now := h.snapshot()
	if len(now.users) == 0 {
		return
	}
	ids := slices.SortedFunc(maps.Keys(now.users), func(a, b users.ID) int { return h.human[a] - h.human[b] })
	u := now.users[ids[h.pick("user", len(ids))]]
	var err error
	switch act := h.pick("administrator", 6); act {
	case 0:
		_, err = h.directory.Suspend(h.t.Context(), "cli:boss", u.ID, "")
	case 1, 2, 3:
		if _, err = h.directory.Activate(h.t.Context(), "cli:boss", u.ID, ""); importSuspended(u) {
			for _, p := range now.people {
				if p.User == u.ID {
					h.waved[u.ID] = p.Status
				}
			}
		}
	case 4:
		err = h.directory.SetRole(h.t.Context(), "cli:boss", u.ID, users.RoleAuditor)
	default:
		err = h.directory.SetRole(h.t.Context(), "cli:boss", u.ID, users.RoleNone)
	}
	if err != nil {
		h.rt.Fatalf("administrator: %v", err)
	}
}

// importing imports in one of the ways in which that can go.
func (h *history) importing() {
	before := h.snapshot()
	var run users.Run
	var err error
	switch way := h.pick("import", 6); {
	case way == 0:
		run, err = h.engine.Run(h.t.Context(), importer.Request{Connection: hr, Preview: true, Actor: "cli:test"})
	case way == 1 && len(h.plans) > 0:
		run, err = h.engine.Approve(h.t.Context(), h.plans[len(h.plans)-1], "cli:boss")
		h.plans = nil
	case way == 2:
		run, err = h.stopped(h.pick("steps", 8))
	default:
		run, err = h.engine.Run(h.t.Context(), importer.Request{Connection: hr, Actor: "cli:test"})
	}
	h.rt.Logf("import: %s, %+v, held %v, error %v", run.State, run.Counts, run.Held, err)
	switch run.State {
	case users.RunHeld, users.RunPreviewed:
		h.plans = append(h.plans, run.ID)
	case users.RunFailed:
		h.rt.Fatalf("import failed: %v", err)
	case users.RunDone, users.RunInterrupted, users.RunStale, users.RunReading, users.RunApplying:
	}
	h.check(before, h.snapshot(), run)
}

// refreshing reads a few people again, some of whom nobody knows.
func (h *history) refreshing() {
	var work []users.Work
	for range 1 + h.pick("people", 4) {
		id := h.hr.rowOf(h.pick)
		if h.pick("anybody", 5) == 0 {
			id = fmt.Sprint(1 + h.pick("id", len(h.hr.humans)+2))
		}
		work = append(work, users.Work{Kind: users.WorkPerson, Connection: hr, Subject: id, Due: h.clock.Now()})
	}
	h.working(users.ScopeRefresh, work...)
}

// delta reads who has changed.
func (h *history) delta() {
	h.working(users.ScopeDelta, users.Work{Kind: users.WorkDelta, Connection: hr, Due: h.clock.Now()})
}

// working has work done and checks what came of it.
func (h *history) working(scope users.RunScope, work ...users.Work) {
	before, recorded := h.snapshot(), len(h.runsOver(scope))
	if err := h.directory.NoteWork(h.t.Context(), work...); err != nil {
		h.rt.Fatalf("note: %v", err)
	}
	if err := importer.DoWork(h.engine, h.t.Context(), hr); err != nil {
		h.rt.Fatalf("%s: %v", scope, err)
	}
	if due := h.due(); len(due) > 0 {
		h.rt.Fatalf("%s: %v is still due", scope, due)
	}
	runs := h.runsOver(scope)
	if len(runs) == recorded {
		h.rt.Logf("%s: nothing", scope)
		if diff := cmp.Diff(before, h.snapshot(), cmp.AllowUnexported(snapshot{})); diff != "" {
			h.rt.Fatalf("%s: changed people without a run (-before +after):\n%s", scope, diff)
		}
		return
	}
	run := runs[0]
	h.rt.Logf("%s: %s, %+v, held %v, error %+v", scope, run.State, run.Counts, run.Held, run.Error)
	switch run.State {
	case users.RunHeld:
		h.plans = append(h.plans, run.ID)
	case users.RunDone:
	case users.RunFailed, users.RunInterrupted, users.RunStale, users.RunReading, users.RunApplying, users.RunPreviewed:
		h.rt.Fatalf("%s: %+v", scope, run.Error)
	}
	h.check(before, h.snapshot(), run)
}

// stopped imports until the run has reported so often.
func (h *history) stopped(after int) (users.Run, error) {
	ctx, cancel := context.WithCancel(h.t.Context())
	defer cancel()
	engine := h.newEngine(func(importer.Progress) {
		if after--; after < 0 {
			cancel()
		}
	})
	return engine.Run(ctx, importer.Request{Connection: hr, Actor: "cli:test"})
}

func (h *history) snapshot() snapshot {
	byID, people := h.everybody()
	s := snapshot{byID, map[string]users.Person{}}
	for _, p := range people {
		s.people[p.SourceID] = p
	}
	return s
}

// end repairs the source, after which imports come to rest.
func (h *history) end() {
	h.company.granted = nil
	for i := range h.company.people {
		if h.company.people[i].Status == "paused" {
			h.company.people[i].Status = importer.StatusActive
		}
	}
	h.clock.pass(25 * time.Hour)
	h.finish()
	h.finish() // who was suspended in spite of a broken row is listed with it now
	before := h.contents()
	h.finish()
	if diff := cmp.Diff(before, h.contents()); diff != "" {
		h.rt.Fatalf("a run after the last found something to do (-before +after):\n%s", diff)
	}
	userstest.CheckLog(h.t, h.store)
}

func importSuspended(u users.User) bool { return suspendedBy(u, users.ByImport) }

func suspendedBy(u users.User, by users.SuspendedBy) bool {
	return slices.ContainsFunc(u.Suspensions, func(s users.Suspension) bool { return s.By == by })
}

// status is what the source says of somebody today.
func (h *history) status(sourceID string) string {
	if row := h.hr.row(sourceID); row.ID != "" {
		return string(row.Status)
	}
	return users.PersonStatusGone
}

func works(status string) bool { return status == "active" || status == "onboarding" }

func left(status string) bool {
	return status == "leave" || status == "inactive" || status == users.PersonStatusGone
}

// check compares what an import did with what it may do.
func (h *history) check(before, after snapshot, run users.Run) {
	if run.State != users.RunDone && run.State != users.RunInterrupted {
		if diff := cmp.Diff(before, after, cmp.AllowUnexported(snapshot{})); diff != "" {
			h.rt.Fatalf("a run that is %s changed people (-before +after):\n%s", run.State, diff)
		}
	}
	h.checkIdentity(before, after)
	l := loss{at: h.clock.Now()}
	for id, u := range before.users {
		v := after.users[id]
		h.checkPerson(u, v)
		if u.State() != users.StateActive || u.Role != users.RoleNone {
			continue
		}
		l.have++
		if v.State() != users.StateActive && run.ApprovedBy == "" {
			l.people++
		}
	}
	h.lost = append(h.lost, l)
	h.checkGuard(l.people)
	if run.State == users.RunDone {
		h.checkStates(after, run)
	}
}

// checkIdentity checks that no user stands for two people, and no person of the
// source for two users.
func (h *history) checkIdentity(before, after snapshot) {
	standsFor := map[users.ID]string{}
	for id, p := range after.people {
		if p.User == "" {
			continue
		}
		if other, taken := standsFor[p.User]; taken {
			h.rt.Fatalf("people %s and %s share a user", id, other)
		}
		standsFor[p.User] = id
		if was := before.people[id].User; was != "" && was != p.User {
			h.rt.Fatalf("person %s was user %s and is %s", id, was, p.User)
		}
		if human, known := h.human[p.User]; known && human != h.hr.humans[id] {
			h.rt.Fatalf("user %s stood for human %d and stands for %d", p.User, human, h.hr.humans[id])
		}
		h.human[p.User] = h.hr.humans[id]
	}
}

// checkPerson checks what no import may do to anybody.
func (h *history) checkPerson(u, v users.User) {
	_, department := v.Attributes["department"]
	switch {
	case v.ID == "":
		h.rt.Fatalf("%s was deleted", u.Email)
	case suspendedBy(u, users.ByAdmin) && !suspendedBy(v, users.ByAdmin):
		h.rt.Fatalf("%s: the administrator's suspension was lifted", u.Email)
	case u.Role != users.RoleNone && !cmp.Equal(u, v):
		h.rt.Fatalf("%s has a role and was changed:\n%s", u.Email, cmp.Diff(u, v))
	case h.company.granted != nil && u.Attributes["department"] != "" && !department:
		h.rt.Fatalf("%s lost an attribute that was not sent", u.Email)
	}
}

// checkGuard checks that nobody loses access beyond the limits without approval,
// of those who had it at the start of the day.
func (h *history) checkGuard(losing int) {
	people, have := 0, 0
	for _, l := range h.lost {
		if h.clock.Now().Sub(l.at) <= 24*time.Hour {
			people, have = people+l.people, max(have, l.have)
		}
	}
	limit := users.DefaultGuard
	if losing > 0 && (people > limit.MaxPeople || have >= 5 && people*100 > limit.MaxPercent*have) {
		h.rt.Fatalf("%d of %d people lost access within a day, %d of them now, and nobody approved it", people, have, losing)
	}
}

// checkStates checks after a run that everybody whom it was over is what their source and
// administrators say, but for those who are in quarantine.
func (h *history) checkStates(after snapshot, run users.Run) {
	set := map[string]bool{}
	for _, c := range h.changes(run) {
		set[c.SourceID] = set[c.SourceID] || c.Kind == users.ChangeQuarantine || c.Outcome == users.OutcomeFailed
	}
	for id, p := range after.people {
		u, status := after.users[p.User], h.status(id)
		if run.Scope != users.ScopeFull && !slices.Contains(run.Options.People, id) {
			continue
		}
		if p.User == "" || set[id] || u.Role != users.RoleNone {
			continue
		}
		if h.waved[u.ID] != status {
			delete(h.waved, u.ID)
		}
		_, waved := h.waved[u.ID]
		switch {
		case works(status) && importSuspended(u):
			h.rt.Fatalf("%s (%s) works here, but imports keep them out", u.Email, id)
		case left(status) && !waved && !importSuspended(u):
			h.rt.Fatalf("%s (%s) is %s, and no import keeps them out", u.Email, id, fmt.Sprint(status))
		case left(status) && waved && importSuspended(u):
			h.rt.Fatalf("%s (%s) was let in in spite of being %s, and is kept out", u.Email, id, status)
		}
	}
}
