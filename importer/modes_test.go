package importer_test

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/einlass/einlass/importer"
	"github.com/einlass/einlass/users"
)

// ask imports by request, a minute after the last time.
func (b *bench) ask(req importer.Request) (users.Run, error) {
	b.clock.pass(time.Minute)
	req.Connection = hr
	if req.Actor == "" {
		req.Actor = "cli:test"
	}
	return b.engine.Run(b.t.Context(), req)
}

// mustAsk is ask for a run that must not fail.
func (b *bench) mustAsk(req importer.Request) users.Run {
	b.t.Helper()
	run, err := b.ask(req)
	if err != nil {
		b.t.Fatalf("import: %v", err)
	}
	return run
}

// reasons returns kind and reason of each row of a run, by source id.
func (b *bench) reasons(run users.Run) map[string]string {
	b.t.Helper()
	reasons := map[string]string{}
	for _, c := range b.changes(run) {
		reasons[c.SourceID] = strings.TrimPrefix(reasons[c.SourceID]+" "+string(c.Kind)+":"+c.Reason, " ")
	}
	return reasons
}

// movedCompany is a bench after a first full run, with every kind of change at the source since.
func movedCompany(t *testing.T) *bench {
	t.Helper()
	b := newBench(t, 20)
	b.company.announced = -1
	b.run()
	b.company.setStatus("2", importer.StatusLeave)
	b.run()
	b.company.setStatus("1", importer.StatusInactive)
	b.company.setStatus("2", importer.StatusActive)
	b.company.set("3", func(p *importer.Person) { p.Attributes["department"] = "Ops" })
	b.company.set("4", func(p *importer.Person) { p.ManagerID = "5" })
	b.company.set("6", func(p *importer.Person) { p.Attributes["email"] = "other@acme.example" })
	b.company.remove("7")
	b.company.hire("21", importer.StatusActive, "Eve")
	b.company.set("21", func(p *importer.Person) { p.ManagerID = "8" })
	b.company.hire("22", importer.StatusInactive, "Ina")
	return b
}

// full is what a full run makes of movedCompany.
var full = map[string]string{
	"1": "suspend:status_inactive", "2": "reactivate:status_active", "3": "update:attributes_changed", "4": "update:manager",
	"6": "update:attributes_changed", "7": "suspend:person_gone",
	"21": "create:new_person", "22": "skip:inactive_status",
}

// S-086, S-090, S-091
func TestModeNewCreatesAndChangesNobodyWhoIsHere(t *testing.T) {
	t.Parallel()
	b := movedCompany(t)
	known := b.people()
	run := b.mustAsk(importer.Request{Mode: users.ImportNew})
	if diff := cmp.Diff(map[string]string{"21": full["21"], "22": full["22"]}, b.reasons(run)); diff != "" {
		t.Errorf("rows (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(users.Counts{Created: 1, Skipped: 1, Unchanged: 19}, run.Counts); diff != "" {
		t.Errorf("counts (-want +got):\n%s", diff)
	}
	if got := b.user("eve@acme.example").Manager; got != b.user("p8@acme.example").ID {
		t.Errorf("manager of the new person: %q, want P8", got)
	}
	for id, p := range b.people() {
		if was, here := known[id]; here && was != p {
			t.Errorf("what is remembered of %s: %+v, want it as it was: %+v", id, p, was)
		}
	}
	if len(b.company.singles) > 0 {
		t.Errorf("asked singly for %v, whom the mode leaves alone", b.company.singles)
	}

	rest := b.mustAsk(importer.Request{})
	want := map[string]string{}
	for id, row := range full {
		if id != "21" && id != "22" {
			want[id] = row
		}
	}
	if diff := cmp.Diff(want, b.reasons(rest)); diff != "" {
		t.Errorf("the next full run (-want +got):\n%s", diff)
	}
}

// people returns what is remembered, by source id.
func (b *bench) people() map[string]users.Person {
	b.t.Helper()
	found, err := b.store.PeopleAfter(b.t.Context(), hr, "", 1000)
	if err != nil {
		b.t.Fatal(err)
	}
	people := map[string]users.Person{}
	for _, p := range found {
		people[p.SourceID] = p
	}
	return people
}

// S-087, S-089, S-090, S-091
func TestModeUpdatesCreatesNobody(t *testing.T) {
	t.Parallel()
	b := movedCompany(t)
	run := b.mustAsk(importer.Request{Mode: users.ImportUpdates})
	want := map[string]string{}
	for id, row := range full {
		want[id] = row
	}
	want["21"] = "skip:not_in_mode"
	if diff := cmp.Diff(want, b.reasons(run)); diff != "" {
		t.Errorf("rows (-want +got):\n%s", diff)
	}
	if again := b.mustAsk(importer.Request{Mode: users.ImportUpdates}); len(b.changes(again)) != 0 || again.Counts.Skipped != 2 {
		t.Errorf("once more: %d rows, %d skipped; want none and 2", len(b.changes(again)), again.Counts.Skipped)
	}
	rest := b.mustAsk(importer.Request{})
	if diff := cmp.Diff(map[string]string{"21": full["21"]}, b.reasons(rest)); diff != "" {
		t.Errorf("the next full run (-want +got):\n%s", diff)
	}
}

// S-088, S-107
func TestOnlyChosenNewPeopleAreCreated(t *testing.T) {
	t.Parallel()
	b := movedCompany(t)
	b.company.hire("23", importer.StatusActive, "Max")
	b.company.hire("24", importer.StatusActive, "Mia")
	run := b.mustAsk(importer.Request{Mode: users.ImportSelected, Selected: []string{"21", "MAX@acme.example", "max@acme.example"}})
	want := map[string]string{"21": full["21"], "23": "create:new_person"}
	if diff := cmp.Diff(want, b.reasons(run)); diff != "" {
		t.Errorf("rows (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(users.Counts{Created: 2, Skipped: 2, Unchanged: 19}, run.Counts); diff != "" {
		t.Errorf("counts (-want +got):\n%s", diff)
	}
	if want := []string{"21", "23"}; !slices.Equal(run.Options.Selected, want) {
		t.Errorf("recorded selection: %v, want the source ids %v", run.Options.Selected, want)
	}

	// Who was created is here: nobody is created twice, and the others are told of.
	before := b.contents()
	_, err := b.ask(importer.Request{Mode: users.ImportSelected, Selected: []string{"24", "Eve@acme.example", "1", "99", "nobody@acme.example"}})
	if !errors.Is(err, importer.ErrSelection) || !errors.Is(err, users.ErrInvalid) {
		t.Fatalf("wrong choice: %v, want ErrSelection", err)
	}
	for _, text := range []string{"Eve@acme.example (is here already)", "1 (is here already)", "99 (not at the source)", "nobody@acme.example (not at the source)"} {
		if !strings.Contains(err.Error(), text) {
			t.Errorf("error %q does not say %q", err, text)
		}
	}
	if strings.Contains(err.Error(), "24") {
		t.Errorf("error %q names somebody who can be chosen", err)
	}
	if diff := cmp.Diff(before, b.contents()); diff != "" {
		t.Errorf("a wrong choice changed the directory or was told to others (-before +after):\n%s", diff)
	}
}

// S-086, S-088: an address that a full run would take over is left where it is.
func TestModeNewTakesNothingFromPeopleWhoAreHere(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name string
		move func(b *bench)
		new  string // what a run in mode new does
		all  string // what a full run does
	}{
		{"a local user with the address", func(b *bench) {
			b.local("eve@acme.example")
			b.company.hire("21", importer.StatusActive, "Eve")
		}, "skip:exists", "link:linked_by_email"},
		{"somebody who left has the address", func(b *bench) {
			b.company.setStatus("1", importer.StatusInactive)
			b.run()
			b.company.hire("21", importer.StatusActive, "Eve")
			b.company.set("21", func(p *importer.Person) { p.Attributes["email"] = "p1@acme.example" })
		}, "skip:exists", "create:rehire_new"},
		{"somebody would give the address up", func(b *bench) {
			b.company.hire("21", importer.StatusActive, "Eve")
			b.company.set("21", func(p *importer.Person) { p.Attributes["email"] = "p1@acme.example" })
			b.company.set("1", func(p *importer.Person) { p.Attributes["email"] = "other@acme.example" })
		}, "skip:exists", "create:new_person"},
		{"somebody here wants the same address", func(b *bench) {
			b.company.hire("21", importer.StatusActive, "Eve")
			b.company.set("1", func(p *importer.Person) { p.Attributes["email"] = "eve@acme.example" })
		}, "quarantine:email_duplicate", "quarantine:email_duplicate"},
		{"a colleague has the address", func(b *bench) {
			b.company.hire("21", importer.StatusActive, "Eve")
			b.company.set("21", func(p *importer.Person) { p.Attributes["email"] = "p1@acme.example" })
			b.company.set("1", func(p *importer.Person) { p.Attributes["email"] = "p1@acme.example" })
		}, "quarantine:email_taken", "quarantine:email_taken"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t, 10)
			b.run()
			c.move(b)
			for _, req := range []importer.Request{
				{Mode: users.ImportNew}, {Mode: users.ImportSelected, Selected: []string{"21"}},
			} {
				before := b.directoryContents()["users"]
				run := b.mustAsk(req)
				if diff := cmp.Diff(map[string]string{"21": c.new}, b.reasons(run)); diff != "" {
					t.Errorf("mode %s (-want +got):\n%s", req.Mode, diff)
				}
				if diff := cmp.Diff(before, b.directoryContents()["users"]); diff != "" {
					t.Errorf("mode %s changed somebody (-before +after):\n%s", req.Mode, diff)
				}
			}
			if got := b.reasons(b.mustAsk(importer.Request{}))["21"]; got != c.all {
				t.Errorf("a full run: %s, want %s", got, c.all)
			}
		})
	}
}

// local adds a person without a source.
func (b *bench) local(email string) {
	b.t.Helper()
	err := b.store.Update(b.t.Context(), func(tx users.Tx) error {
		u := users.User{ID: users.NewID(), BaseState: users.StateActive, Epoch: 1, Role: users.RoleNone, Origin: users.OriginLocal}
		u.SetAttribute(users.AttributeEmail, email)
		u.SetAttribute(users.AttributeUsername, email)
		return tx.InsertUsers(b.t.Context(), []users.User{u})
	})
	if err != nil {
		b.t.Fatal(err)
	}
}

// S-087: the feed of a run in mode updates is looked at as a whole, however often.
func TestModeUpdatesGivesNobodyAnAddressThatSomebodyNewHas(t *testing.T) {
	t.Parallel()
	b := newBench(t, 10)
	b.run()
	b.company.hire("21", importer.StatusActive, "Eve")
	b.mustAsk(importer.Request{Mode: users.ImportUpdates}) // remembers Eve
	b.company.set("1", func(p *importer.Person) { p.Attributes["email"] = "eve@acme.example" })
	run := b.mustAsk(importer.Request{Mode: users.ImportUpdates})
	if diff := cmp.Diff(map[string]string{"1": "quarantine:email_duplicate"}, b.reasons(run)); diff != "" {
		t.Errorf("rows (-want +got):\n%s", diff)
	}
}

// S-087: somebody who comes back under another id waits for a run that creates and links.
func TestModeUpdatesLeavesARehireWithTheirOldRecord(t *testing.T) {
	t.Parallel()
	b := newBench(t, 10)
	b.run()
	b.company.setStatus("1", importer.StatusInactive)
	b.run()
	b.company.set("1", func(p *importer.Person) { p.Attributes["email"] = "p1_x7k2q@acme.example" })
	b.company.hire("21", importer.StatusActive, "P1")
	run := b.mustAsk(importer.Request{Mode: users.ImportUpdates})
	want := map[string]string{"1": "record:content_changed", "21": "skip:not_in_mode"}
	if diff := cmp.Diff(want, b.reasons(run)); diff != "" {
		t.Errorf("rows (-want +got):\n%s", diff)
	}
	if got := b.people()["1"].User; got != b.user("p1@acme.example").ID {
		t.Errorf("the old record stands for %q, want the user", got)
	}
	if got := b.reasons(b.mustAsk(importer.Request{}))["21"]; got != "link:rehire_keep" {
		t.Errorf("a full run: %s, want link:rehire_keep", got)
	}
}

// S-086, S-109: a manager who arrives is no reason to change those who are here.
func TestModeNewSetsNoManagersOfPeopleWhoAreHere(t *testing.T) {
	t.Parallel()
	b := newBench(t, 10)
	b.company.set("1", func(p *importer.Person) { p.ManagerID = "99" })
	b.run()
	b.company.hire("99", importer.StatusActive, "Boss")
	if diff := cmp.Diff(map[string]string{"99": "create:new_person"}, b.reasons(b.mustAsk(importer.Request{Mode: users.ImportNew}))); diff != "" {
		t.Errorf("mode new (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(map[string]string{"1": "update:manager"}, b.reasons(b.mustAsk(importer.Request{}))); diff != "" {
		t.Errorf("a full run (-want +got):\n%s", diff)
	}
}

// S-075
func TestARunKeepsTheOptionsItWasMadeBy(t *testing.T) {
	t.Parallel()
	b := newBench(t, 5)
	b.settings.Mode, b.settings.Leave, b.settings.InitialState = users.ImportNew, users.LeaveKeeps, users.StateStaged
	b.connect()
	want := users.RunOptions{Mode: users.ImportNew, Leave: users.LeaveKeeps, InitialState: users.StateStaged, Reactivation: true}
	if diff := cmp.Diff(want, b.mustAsk(importer.Request{}).Options); diff != "" {
		t.Errorf("options of the connection (-want +got):\n%s", diff)
	}
	run := b.mustAsk(importer.Request{Mode: users.ImportUpdates})
	want.Mode = users.ImportUpdates
	stored, err := b.store.Run(t.Context(), run.ID)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, stored.Options); diff != "" {
		t.Errorf("options of the request (-want +got):\n%s", diff)
	}
}

func TestAContradictoryRequestIsRefused(t *testing.T) {
	t.Parallel()
	b := newBench(t, 5)
	for name, req := range map[string]importer.Request{
		"an unknown mode":             {Mode: "some"},
		"a selection of nobody":       {Mode: users.ImportSelected},
		"a selection in another mode": {Mode: users.ImportNew, Selected: []string{"1"}},
		"a reconciliation of nobody":  {Mode: users.ImportNew, Reconcile: true},
	} {
		if run, err := b.ask(req); !errors.Is(err, users.ErrInvalid) || run.ID != "" {
			t.Errorf("%s: run %q, error %v; want ErrInvalid and no run", name, run.ID, err)
		}
	}
}

// S-075, N-2
func TestAnApprovalUsesTheOptionsOfTheRun(t *testing.T) {
	t.Parallel()
	b := movedCompany(t)
	b.company.hire("23", importer.StatusActive, "Max")
	preview := b.mustAsk(importer.Request{Preview: true, Mode: users.ImportSelected, Selected: []string{"eve@acme.example"}})
	b.settings.Mode = users.ImportUpdates // the mode of later runs, no rule of this one
	b.connect()
	run, err := b.engine.Approve(t.Context(), preview.ID, "cli:boss")
	if err != nil || run.Counts.Created != 1 || run.Counts.Changed() != 1 {
		t.Errorf("approval: %+v, error %v; want one person created and nothing else", run.Counts, err)
	}
	if _, err := b.store.UserByLogin(t.Context(), users.KeyOf("max@acme.example")); !errors.Is(err, users.ErrNotFound) {
		t.Errorf("somebody not chosen: %v, want ErrNotFound", err)
	}
}

// S-075, N-2: whoever approves today knows the rules of today.
func TestAPlanMadeByOtherRulesIsStale(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(i *users.Import){
		"initial state": func(i *users.Import) { i.InitialState = users.StateStaged },
		"reactivation":  func(i *users.Import) { i.Reactivation = false },
		"leave":         func(i *users.Import) { i.Leave = users.LeaveKeeps },
		"mapping":       func(i *users.Import) { i.Mapping = users.Mapping{"email": "email", "company": "department"} },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := movedCompany(t)
			b.settings.Leave = users.LeaveSuspends
			b.connect()
			preview := b.mustAsk(importer.Request{Preview: true})
			change(&b.settings)
			b.connect()
			if run, err := b.engine.Approve(t.Context(), preview.ID, "cli:boss"); !errors.Is(err, importer.ErrStale) || run.State != users.RunStale {
				t.Errorf("approval: state %s, error %v; want stale", run.State, err)
			}
		})
	}
}

func TestASelectionThatLeftTheSourceIsStale(t *testing.T) {
	t.Parallel()
	b := movedCompany(t)
	preview := b.mustAsk(importer.Request{Preview: true, Mode: users.ImportSelected, Selected: []string{"21"}})
	b.company.remove("21")
	if run, err := b.engine.Approve(t.Context(), preview.ID, "cli:boss"); !errors.Is(err, importer.ErrStale) || run.State != users.RunStale {
		t.Errorf("approval: state %s, error %v; want stale", run.State, err)
	}
}
