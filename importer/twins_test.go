package importer_test

import (
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/einlass/einlass/importer"
	"github.com/einlass/einlass/users"
	"github.com/einlass/einlass/users/sqlstore"
	"github.com/einlass/einlass/users/userstest"
)

// twins are two directories with one source. What happens to the imports of one
// must leave no trace: in the end it equals the other, which nobody disturbs.
type twins struct {
	disturbed, calm *bench
	hr              *personnel
	dice            *rand.Rand

	statements, commits *atomic.Int64 // of calm
}

// eachEngine runs test on both engines; location returns an empty directory.
func eachEngine(t *testing.T, test func(t *testing.T, location func() sqlstore.Config)) {
	t.Helper()
	t.Run("sqlite", func(t *testing.T) {
		t.Parallel()
		test(t, func() sqlstore.Config { return sqlstore.Config{Path: filepath.Join(t.TempDir(), "einlass.db")} })
	})
	t.Run("postgresql", func(t *testing.T) {
		t.Parallel()
		test(t, func() sqlstore.Config { return sqlstore.Config{URL: userstest.PostgresURL(t)} })
	})
}

// newTwins returns two empty directories and a company of n people. The same
// seed leads to the same acts of HR and the same moments.
func newTwins(t *testing.T, location func() sqlstore.Config, seed uint64, n int) *twins {
	t.Helper()
	w := &twins{dice: rand.New(rand.NewPCG(seed, 0)), statements: &atomic.Int64{}, commits: &atomic.Int64{}}
	here, there := location(), location()
	there.Observe = func(operation string, _ time.Duration) {
		w.statements.Add(1)
		if operation == "update" {
			w.commits.Add(1)
		}
	}
	w.disturbed, w.calm = newBenchOn(t, userstest.Open(t, here), n), newBenchOn(t, userstest.Open(t, there), 0)
	w.disturbed.location = here
	w.calm.company = w.disturbed.company
	w.hr = newPersonnel(w.calm.company)
	for _, b := range []*bench{w.disturbed, w.calm} {
		b.company.pageSize = 20
		b.settings.Guard = users.Guard{MaxPeople: 1000, MaxPercent: 100}
		b.connect()
	}
	for i := range w.calm.company.people {
		w.calm.company.people[i].ManagerID = fmt.Sprint(1 + i/10)
	}
	return w
}

// workday lets HR do a few things.
func (w *twins) workday() {
	for range 2 + w.dice.IntN(12) {
		w.hr.act(func(_ string, n int) int { return w.dice.IntN(n) })
	}
}

// finish imports, and approves what the guard holds back.
func (b *bench) finish() {
	b.t.Helper()
	run, err := b.try(false)
	if errors.Is(err, importer.ErrHeld) {
		run, err = b.engine.Approve(b.t.Context(), run.ID, "cli:boss")
	}
	if err != nil || run.State != users.RunDone || run.Counts.Failed > 0 {
		b.t.Fatalf("import: state %s, %+v, error %v", run.State, run.Counts, err)
	}
}

// compare fails the test unless the twins are equal.
func (w *twins) compare(what string) {
	w.calm.t.Helper()
	w.disturbed.checkWhole(what)
	if diff := cmp.Diff(w.calm.portrait(), w.disturbed.portrait()); diff != "" {
		w.calm.t.Fatalf("%s: not what an undisturbed import leaves (-undisturbed +disturbed):\n%s", what, diff)
	}
}

// everybody returns all users and what is remembered of the people of the source.
func (b *bench) everybody() (map[users.ID]users.User, []users.Person) {
	b.t.Helper()
	found, err := b.store.FindUsers(b.t.Context(), users.UserQuery{Limit: 500})
	if err != nil {
		b.t.Fatal(err)
	}
	people, err := b.store.PeopleAfter(b.t.Context(), hr, "", 1000)
	if err != nil {
		b.t.Fatal(err)
	}
	byID := map[users.ID]users.User{}
	for _, u := range found {
		byID[u.ID] = u
	}
	return byID, people
}

// stories returns the kinds of all events about each subject, in order.
func (b *bench) stories() map[string][]users.EventKind {
	b.t.Helper()
	stories := map[string][]users.EventKind{}
	for seq := int64(0); ; {
		page, err := b.store.Events(b.t.Context(), seq, 500)
		if err != nil {
			b.t.Fatal(err)
		}
		if len(page) == 0 {
			return stories
		}
		for _, e := range page {
			seq = e.Seq
			stories[e.Subject] = append(stories[e.Subject], e.Kind)
		}
	}
}

// portrait describes everybody by source id, without what is random: ids and times.
func (b *bench) portrait() map[string]string {
	b.t.Helper()
	byID, people := b.everybody()
	stories := b.stories()
	sourceOf := map[users.ID]string{}
	for _, p := range people {
		if p.User != "" {
			sourceOf[p.User] = p.SourceID
		}
	}
	portrait := map[string]string{}
	for _, p := range people {
		u := byID[p.User]
		var suspensions []string
		for _, s := range u.Suspensions {
			suspensions = append(suspensions, fmt.Sprint(s.By, s.Connection, s.Reason))
		}
		portrait[p.SourceID] = fmt.Sprintln(p.Status, p.ContentHash[:min(len(p.ContentHash), 8)], p.ManagerSourceID, "user:", u.Email, u.EmailKey,
			u.UsernameKey, u.DisplayName(), u.BaseState, suspensions, u.Epoch, u.Attributes, sourceOf[u.Manager], u.Origin, stories[string(u.ID)])
	}
	return portrait
}

// checkWhole checks what must hold at every moment: the log is complete, each
// user stands for one person of the source, was created once, and is suspended
// by the import if and only if the log says so.
func (b *bench) checkWhole(what string) {
	b.t.Helper()
	userstest.CheckLog(b.t, b.store)
	byID, people := b.everybody()
	linked := map[users.ID]string{}
	for _, p := range people {
		if _, exists := byID[p.User]; p.User != "" && !exists {
			b.t.Fatalf("%s: person %s has user %s, who does not exist", what, p.SourceID, p.User)
		}
		if other := linked[p.User]; p.User != "" && other != "" {
			b.t.Fatalf("%s: people %s and %s share a user", what, other, p.SourceID)
		}
		linked[p.User] = p.SourceID
	}
	stories := b.stories()
	for id, u := range byID {
		if linked[id] == "" {
			b.t.Fatalf("%s: user %s stands for nobody at the source", what, u.Email)
		}
		story := stories[string(id)]
		if slices.Index(story, users.EventUserCreated) != 0 || slices.Contains(story[1:], users.EventUserCreated) {
			b.t.Fatalf("%s: %s was not created once: %v", what, u.Email, story)
		}
		if suspended := suspendedInLog(story); suspended != (u.State() == users.StateSuspended) {
			b.t.Fatalf("%s: %s is %s, but the log says %v", what, u.Email, u.State(), story)
		}
	}
}

// suspendedInLog says how a story of suspensions by imports alone ends.
func suspendedInLog(story []users.EventKind) bool {
	suspended := false
	for _, kind := range story {
		switch kind {
		case users.EventUserSuspended:
			suspended = true
		case users.EventUserReactivated, users.EventUserLinked: // who is linked is back
			suspended = false
		}
	}
	return suspended
}

// unfinished returns the ids of runs that have not ended.
func (b *bench) unfinished() []users.RunID {
	b.t.Helper()
	runs, err := b.store.Runs(b.t.Context(), hr, 100)
	if err != nil {
		b.t.Fatal(err)
	}
	var open []users.RunID
	for _, run := range runs {
		if run.FinishedAt.IsZero() {
			open = append(open, run.ID)
		}
	}
	return open
}

// differences names what two dumps do not have in common.
func differences(before, after map[string][]string) string {
	var lines []string
	for _, table := range slices.Sorted(maps.Keys(after)) {
		if diff := cmp.Diff(before[table], after[table]); diff != "" {
			lines = append(lines, table+":\n"+diff)
		}
	}
	return strings.Join(lines, "\n")
}

// largestFile returns the size of the largest file of a SQLite directory.
func (b *bench) largestFile() int64 {
	b.t.Helper()
	files, err := filepath.Glob(b.location.Path + "*")
	if err != nil {
		b.t.Fatal(err)
	}
	var largest int64
	for _, name := range files {
		file, err := os.Stat(name)
		if err != nil {
			b.t.Fatal(err)
		}
		largest = max(largest, file.Size())
	}
	return largest
}
