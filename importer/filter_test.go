package importer_test

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/einlass/einlass/importer"
	"github.com/einlass/einlass/users"
)

// inDepartment moves people of a bench to a department.
func (b *bench) inDepartment(department string, ids ...string) {
	for _, id := range ids {
		b.company.set(id, func(p *importer.Person) { p.Attributes["department"] = department })
	}
}

// S-075, S-084, invariant 5
func TestAnotherFilterIsHeldAndTakesAccessFromNobody(t *testing.T) {
	t.Parallel()
	b := newBench(t, 20)
	b.inDepartment("Ops", "1", "2", "3")
	b.run()
	b.settings.Filter = "department=Sales"
	b.connect()
	before := b.directoryContents()
	run, err := b.ask(importer.Request{})
	if !errors.Is(err, importer.ErrHeld) || len(run.Held) != 1 || !strings.HasPrefix(importer.InEnglish(run.Held), "17 people were read by another filter") {
		t.Fatalf("run: state %s, held %+v, error %v; want held because of 17 people", run.State, run.Held, err)
	}
	if b.company.query != "department=Sales" || len(b.company.singles) > 0 {
		t.Errorf("asked for %q, and singly for %v", b.company.query, b.company.singles)
	}
	if diff := cmp.Diff(before, b.directoryContents()); diff != "" {
		t.Errorf("a held run changed something (-before +after):\n%s", diff)
	}
	if _, err := b.engine.Approve(t.Context(), run.ID, "cli:boss"); err != nil {
		t.Fatalf("approval: %v", err)
	}

	// Those the filter leaves out are asked for singly: who left is a leaver.
	b.company.setStatus("2", importer.StatusInactive)
	b.company.remove("3")
	b.company.setStatus("4", importer.StatusInactive)
	run = b.mustAsk(importer.Request{})
	want := map[string]string{"2": "suspend:status_inactive", "3": "suspend:person_gone", "4": "suspend:status_inactive"}
	if diff := cmp.Diff(want, b.reasons(run)); diff != "" {
		t.Errorf("rows (-want +got):\n%s", diff)
	}
	if want := []string{"1", "2", "3"}; !slices.Equal(b.company.singles, want) {
		t.Errorf("asked singly for %v, want %v", b.company.singles, want)
	}
	if run := b.mustAsk(importer.Request{}); run.Counts.Changed() != 0 || run.Stats.Listed() != 17 {
		t.Errorf("the next run: %+v with %d listed; want no change and 17", run.Counts, run.Stats.Listed())
	}

	// A list that shrinks within its filter is held like any other.
	b.inDepartment("Ops", "5")
	b.mustAsk(importer.Request{})
	b.inDepartment("Ops", "6", "7")
	if run, err := b.ask(importer.Request{}); !errors.Is(err, importer.ErrHeld) || !strings.Contains(importer.InEnglish(run.Held), "the last time (limit: 10 % fewer)") {
		t.Errorf("two of 16 less: held %+v, error %v; want shrunk_feed", run.Held, err)
	}
}

// S-084, N-2
func TestAPlanMadeByAnotherFilterIsStale(t *testing.T) {
	t.Parallel()
	b := newBench(t, 10)
	preview := b.mustAsk(importer.Request{Preview: true})
	b.settings.Filter = "department=Sales" // which is everybody
	b.connect()
	if _, err := b.engine.Approve(t.Context(), preview.ID, "cli:boss"); !errors.Is(err, importer.ErrStale) {
		t.Errorf("approval: %v, want ErrStale", err)
	}
}

// S-084, S-108, S-109
func TestAManagerOutsideTheFilterIsBlankUntilTheyAreHere(t *testing.T) {
	t.Parallel()
	b := newBench(t, 10)
	b.inDepartment("Ops", "1")
	b.company.set("2", func(p *importer.Person) { p.ManagerID = "1" })
	b.settings.Filter = "department=Sales"
	b.connect()
	run := b.mustAsk(importer.Request{})
	if got := b.reasons(run)["2"]; got != "create:new_person record:manager_unresolved" {
		t.Errorf("rows of P2: %s, want the manager listed as unresolved", got)
	}
	if got := b.user("p2@acme.example").Manager; got != "" {
		t.Errorf("manager: %q, want none", got)
	}
	b.settings.Filter = ""
	b.connect()
	b.mustAsk(importer.Request{})
	if got := b.user("p2@acme.example").Manager; got != b.user("p1@acme.example").ID {
		t.Errorf("manager once they are here: %q, want P1", got)
	}
}

// S-086, S-088: a filter bounds who can be chosen.
func TestAFilterBoundsTheNewPeople(t *testing.T) {
	t.Parallel()
	b := newBench(t, 4)
	b.inDepartment("Ops", "1")
	b.settings.Filter = "department=Sales"
	b.connect()
	if _, err := b.ask(importer.Request{Mode: users.ImportSelected, Selected: []string{"1"}}); !errors.Is(err, importer.ErrSelection) {
		t.Errorf("choice outside the filter: %v, want ErrSelection", err)
	}
	if got := b.mustAsk(importer.Request{Mode: users.ImportNew}).Counts.Created; got != 3 {
		t.Errorf("created: %d, want 3", got)
	}
}

// S-084: however many people a filter hides, each is asked for in their turn, so
// that none of them leaves unseen.
func TestHiddenPeopleAreAskedForInTurns(t *testing.T) {
	t.Parallel()
	const people = importer.MaxSingleReads + 20
	b := newBench(t, people)
	b.company.pageSize = 100
	b.run()
	b.inDepartment("Ops", "1", "2", "3", "4", "5")
	b.settings.Filter = "department=Ops"
	b.connect()
	held, err := b.ask(importer.Request{})
	if !errors.Is(err, importer.ErrHeld) {
		t.Fatalf("another filter: %v, want ErrHeld", err)
	}
	if _, err := b.engine.Approve(t.Context(), held.ID, "cli:boss"); err != nil {
		t.Fatal(err)
	}
	b.company.singles = nil
	for range 2 {
		b.mustAsk(importer.Request{})
	}
	asked := map[string]bool{}
	for _, id := range b.company.singles {
		asked[id] = true
	}
	if len(asked) != people-5 {
		t.Errorf("%d people asked for in two runs, want all %d whom the filter hides", len(asked), people-5)
	}
}
