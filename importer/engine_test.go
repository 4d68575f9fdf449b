package importer_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/einlass/einlass/importer"
	"github.com/einlass/einlass/keys"
	"github.com/einlass/einlass/users"
)

// S-041, S-048, S-056, S-107
func TestAFirstRunCreatesEverybodyWhoWorksHere(t *testing.T) {
	t.Parallel()
	b := newBench(t, 4)
	b.company.hire("5", importer.StatusLeave, "Lea")
	b.company.hire("6", importer.StatusInactive, "Ina")
	b.company.hire("7", importer.StatusOnboarding, "Ono")
	b.company.set("2", func(p *importer.Person) { p.ManagerID = "7" })
	run := b.run()

	want := users.Counts{Created: 5, Skipped: 2}
	if diff := cmp.Diff(want, run.Counts); diff != "" {
		t.Errorf("counts (-want +got):\n%s", diff)
	}
	if run.State != users.RunDone || run.FinishedAt.IsZero() || run.Stats.People != 7 {
		t.Errorf("run: state %s, finished %v, %d people", run.State, run.FinishedAt, run.Stats.People)
	}
	if got := b.user("p2@acme.example").Manager; got != b.user("ono@acme.example").ID {
		t.Errorf("manager of P2: %q, want the one who came after them", got)
	}
	for _, c := range b.changes(run) {
		if c.Outcome != users.OutcomeApplied {
			t.Errorf("row of %s: outcome %s, want applied", c.SourceID, c.Outcome)
		}
	}
	if want := []string{"department", "email", "first_name", "last_name", "status", "supervisor"}; !slices.Equal(b.company.wanted, want) {
		t.Errorf("asked for %v, want %v", b.company.wanted, want)
	}
}

// budget: nothing changed
func TestASecondRunWritesOneRunAndNothingElse(t *testing.T) {
	t.Parallel()
	b := newBench(t, 8)
	b.company.hire("9", importer.StatusLeave, "Lea")
	b.company.set("2", func(p *importer.Person) { p.ManagerID = "99" })
	b.run()
	b.company.setStatus("3", importer.StatusLeave)
	b.run()

	before := b.contents()
	run := b.run()
	if diff := cmp.Diff(before, b.contents()); diff != "" {
		t.Errorf("the directory changed (-before +after):\n%s", diff)
	}
	if rows := b.changes(run); len(rows) != 0 {
		t.Errorf("plan: %d rows, want none: %+v", len(rows), rows)
	}
	if diff := cmp.Diff(users.Counts{Unchanged: 8, Skipped: 1}, run.Counts); diff != "" {
		t.Errorf("counts (-want +got):\n%s", diff)
	}
}

// S-045, S-049, S-050, S-076
func TestLeaversAreSuspendedAndComeBack(t *testing.T) {
	t.Parallel()
	b := newBench(t, 10)
	b.run()
	before := b.user("p1@acme.example")

	b.company.setStatus("1", importer.StatusLeave)
	if got := b.run().Counts.Suspended; got != 1 {
		t.Errorf("suspended: %d, want 1", got)
	}
	suspended := b.user("p1@acme.example")
	if suspended.State() != users.StateSuspended || suspended.Epoch <= before.Epoch {
		t.Errorf("after leave: %s with epoch %d, want suspended with more than %d", suspended.State(), suspended.Epoch, before.Epoch)
	}

	b.company.setStatus("1", importer.StatusActive)
	if got := b.run().Counts.Reactivated; got != 1 {
		t.Errorf("reactivated: %d, want 1", got)
	}
	if got := b.user("p1@acme.example").State(); got != users.StateActive {
		t.Errorf("after return: %s, want active", got)
	}
}

// S-043, S-051
func TestAnAdministratorsWordHoldsUntilTheStatusChanges(t *testing.T) {
	t.Parallel()
	b := newBench(t, 10)
	b.run()
	b.company.setStatus("1", importer.StatusLeave)
	b.run()
	if _, err := b.directory.Activate(t.Context(), "cli:test", b.user("p1@acme.example").ID, "works from home"); err != nil {
		t.Fatal(err)
	}
	b.run()
	if got := b.user("p1@acme.example").State(); got != users.StateActive {
		t.Errorf("waived: %s, want active", got)
	}
	b.company.setStatus("1", importer.StatusInactive)
	b.run()
	if got := b.user("p1@acme.example").State(); got != users.StateSuspended {
		t.Errorf("after another status: %s, want suspended", got)
	}
}

// invariant 4
// F-72
func TestAMissingPersonIsAskedForBeforeTheyAreGone(t *testing.T) {
	t.Parallel()
	b := newBench(t, 30)
	b.run()
	b.company.remove("1")
	b.company.hidden = map[string]bool{"2": true}
	b.company.setStatus("2", importer.StatusLeave)
	run := b.run()

	if want := []string{"1", "2"}; !slices.Equal(b.company.singles, want) {
		t.Errorf("asked singly for %v, want %v", b.company.singles, want)
	}
	if states := b.states(); states["p1@acme.example"] != users.StateSuspended || states["p2@acme.example"] != users.StateSuspended {
		t.Errorf("the gone one is %s, the drifted one on leave %s; want both suspended", states["p1@acme.example"], states["p2@acme.example"])
	}
	reasons := map[string]string{}
	for _, c := range b.changes(run) {
		reasons[c.SourceID] = c.Reason
	}
	if diff := cmp.Diff(map[string]string{"1": "person_gone", "2": "status_leave"}, reasons); diff != "" {
		t.Errorf("reasons (-want +got):\n%s", diff)
	}
	b.company.singles = nil
	b.run()
	if want := []string{"2"}; !slices.Equal(b.company.singles, want) {
		t.Errorf("asked singly for %v in the next run, want only %v", b.company.singles, want)
	}

	// N309: somebody who comes back under the old id has no old session.
	gone := b.user("p1@acme.example").Epoch
	b.company.hidden = nil
	b.company.hire("1", importer.StatusActive, "P1")
	b.run()
	if back := b.user("p1@acme.example"); back.State() != users.StateActive || back.Epoch < gone {
		t.Errorf("back: %s with epoch %d, want active with at least %d", back.State(), back.Epoch, gone)
	}
}

// S-005, S-018, S-019, S-106, B-15
func TestAnAttributeWeMayNoLongerReadStays(t *testing.T) {
	t.Parallel()
	b := newBench(t, 10)
	b.company.set("2", func(p *importer.Person) { p.ManagerID = "1" })
	b.run()
	if first := b.run(); len(first.Stats.Missing)+len(first.Stats.Surplus) > 0 {
		t.Errorf("unknown rights: missing %v, surplus %v; want nothing said", first.Stats.Missing, first.Stats.Surplus)
	}
	b.company.granted = []string{"id", "status", "salary", "email", "iban", "first_name", "last_name"}
	b.company.set("1", func(p *importer.Person) { p.Attributes["first_name"] = "Paula" })
	run := b.run()
	if want := []string{"department", "supervisor"}; !slices.Equal(run.Stats.Missing, want) {
		t.Errorf("missing: %v, want %v", run.Stats.Missing, want)
	}
	if want := []string{"iban", "salary"}; !slices.Equal(run.Stats.Surplus, want) {
		t.Errorf("surplus: %v, want %v", run.Stats.Surplus, want)
	}
	if u := b.user("p1@acme.example"); u.FirstName != "Paula" || u.Attribute("department") != "Sales" {
		t.Errorf("first name %q, department %q; want the new one and the old one", u.FirstName, u.Attribute("department"))
	}
	if got := b.user("p2@acme.example").Manager; got != b.user("p1@acme.example").ID {
		t.Errorf("manager: %q, want the old one", got)
	}
}

// S-005, S-105, N300, N324, N339
func TestAFailedRunChangesNothingAndSaysWhatToDo(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name string
		fail func(b *bench)
		is   error
		code string
	}{
		{"refused", func(b *bench) { b.company.err = importer.ErrForbidden }, importer.ErrForbidden, "right_missing"},
		{"credentials that worked before", func(b *bench) { b.company.err = importer.ErrCredentials }, importer.ErrRevoked, "credentials_revoked"},
		{"unreachable", func(b *bench) { b.company.err = importer.ErrUnreachable }, importer.ErrUnreachable, "source_unreachable"},
		{"too slow", func(b *bench) {
			b.company.err = fmt.Errorf("%w: %w", importer.ErrUnreachable, context.DeadlineExceeded)
		},
			importer.ErrUnreachable, "upstream_timeout"},
		{"garbled", func(b *bench) { b.company.err = importer.ErrCorrupt }, importer.ErrCorrupt, "feed_corrupt"},
		{"no answer for a missing person", func(b *bench) {
			b.company.failAt, b.company.personErr = 0, importer.ErrUnreachable
			b.company.hidden = map[string]bool{"1": true}
		}, importer.ErrUnreachable, "source_unreachable"},
		{"an answer about somebody else", func(b *bench) {
			b.company.failAt, b.company.answerID = 0, "3"
			b.company.hidden = map[string]bool{"1": true}
		}, importer.ErrCorrupt, "feed_corrupt"},
		{"no right to read the status", func(b *bench) { b.company.granted = []string{"email"} }, importer.ErrAttribute, "attribute_missing"},
		{"nobody has a status", func(b *bench) {
			b.company.failAt = 0
			for i := range b.company.people {
				b.company.people[i].Status = ""
			}
		}, importer.ErrAttribute, "attribute_missing"},
		{"a fault of ours", func(b *bench) { b.company.err = errors.New("boom") }, nil, "internal"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t, 12)
			b.run()
			b.company.setStatus("2", importer.StatusLeave)
			b.company.failAt = 3
			c.fail(b)
			before := b.directoryContents()
			run, err := b.try(false)
			if err == nil || (c.is != nil && !errors.Is(err, c.is)) {
				t.Errorf("error: %v, want %v", err, c.is)
			}
			if run.State != users.RunFailed || run.ErrorCode != c.code || len(importer.InEnglish(run.Error)) < 40 {
				t.Errorf("run: state %s, code %s, text %+v; want failed with %s", run.State, run.ErrorCode, run.Error, c.code)
			}
			stored, err := b.store.Run(t.Context(), run.ID)
			if err != nil || stored.ErrorCode != c.code || stored.FinishedAt.IsZero() {
				t.Errorf("stored run: code %s, finished %v, error %v", stored.ErrorCode, stored.FinishedAt, err)
			}
			if diff := cmp.Diff(before, b.directoryContents()); diff != "" {
				t.Errorf("the directory changed (-before +after):\n%s", diff)
			}
		})
	}
}

func TestCredentialsThatNeverWorkedAreNotRevoked(t *testing.T) {
	t.Parallel()
	b := newBench(t, 3)
	b.company.failAt, b.company.err = 1, importer.ErrCredentials
	for range 2 {
		run, err := b.try(false)
		if !errors.Is(err, importer.ErrCredentials) || errors.Is(err, importer.ErrRevoked) || run.ErrorCode != "credentials_refused" {
			t.Errorf("run: code %s, error %v; want credentials_refused", run.ErrorCode, err)
		}
	}
}

func TestAnEngineWithoutWhatItNeedsIsRefused(t *testing.T) {
	t.Parallel()
	if _, err := importer.New(importer.Config{}); err == nil {
		t.Error("an engine without directory, source and mappings was made")
	}
}

func TestASourceThatCannotBeOpenedFailsTheRun(t *testing.T) {
	t.Parallel()
	b := newBench(t, 2)
	refusal := fmt.Errorf("%w base URL", users.ErrInvalid)
	engine := b.newEngineWith(func(cfg *importer.Config) {
		cfg.Open = func(users.Application, keys.Secret) (importer.Source, error) { return nil, refusal }
	})
	run, err := engine.Run(t.Context(), importer.Request{Connection: hr, Actor: "cli:test"})
	if !errors.Is(err, users.ErrInvalid) || run.State != users.RunFailed || run.ErrorCode != "settings_invalid" {
		t.Errorf("run: state %s, code %s, error %v; want failed with settings_invalid", run.State, run.ErrorCode, err)
	}
}

func TestWhatCannotBeImportedIsRefused(t *testing.T) {
	t.Parallel()
	b := newBench(t, 3)
	settings := b.settings
	settings.Mapping = users.Mapping{"state": "status", "email": "email"}
	elsewhere := b.settings
	elsewhere.Source = "elsewhere"
	_, err := b.directory.Declare(t.Context(), users.Declaration{Applications: []users.DeclaredApplication{
		{Application: users.Application{ID: "else", Label: "Else", Import: &elsewhere}, ImportSecret: "secret"},
		{Application: users.Application{ID: "wiki", Label: "Wiki"}},
		{Application: users.Application{ID: "off", Label: "Off", Disabled: true, Import: &settings}, ImportSecret: "secret"},
		{Application: users.Application{ID: "odd", Label: "Odd", Import: &settings}, ImportSecret: "secret"},
		{Application: users.Application{ID: "bare", Label: "Bare", Import: &b.settings}},
	}})
	if err != nil {
		t.Fatal(err)
	}
	for id, want := range map[users.ApplicationID]error{
		"nowhere": users.ErrNotFound, "wiki": users.ErrInvalid, "off": users.ErrInvalid,
		"odd": users.ErrInvalid, "bare": users.ErrInvalid, "else": users.ErrInvalid,
	} {
		run, err := b.engine.Run(t.Context(), importer.Request{Connection: id, Actor: "cli:test"})
		if !errors.Is(err, want) {
			t.Errorf("%s: %v, want %v", id, err, want)
		}
		if recorded := id == "odd" || id == "bare" || id == "else"; recorded != (run.ErrorCode == "settings_invalid") {
			t.Errorf("%s: recorded with code %q", id, run.ErrorCode)
		}
	}
}
