package importer_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/einlass/einlass/importer"
	"github.com/einlass/einlass/users"
)

// tell runs the schedule's import an hour later and returns what its event says;
// nothing if it left none.
func (b *bench) tell() *users.ImportFinished {
	b.t.Helper()
	return b.tellOf(users.ActorImport(hr))
}

func (b *bench) tellOf(actor users.Actor) *users.ImportFinished {
	b.t.Helper()
	b.clock.pass(time.Hour)
	run, _ := b.engine.Run(b.t.Context(), importer.Request{Connection: hr, Actor: actor}) // the event says how it ended
	events, err := b.store.EventsAbout(b.t.Context(), string(run.ID), 10)
	if err != nil || run.ID == "" {
		b.t.Fatalf("events about run %q: %v", run.ID, err)
	}
	for _, e := range events {
		if e.Kind != users.EventImportFinished {
			continue
		}
		var told users.ImportFinished
		if err := json.Unmarshal([]byte(e.Payload), &told); err != nil {
			b.t.Fatal(err)
		}
		return &told
	}
	return nil
}

// wantTold compares what a run has to say with what it should.
func wantTold(t *testing.T, what string, got *users.ImportFinished, alert, summary bool) {
	t.Helper()
	if got == nil {
		if alert || summary {
			t.Errorf("%s: no event", what)
		}
		return
	}
	if got.Alert != alert || got.Summary != summary {
		t.Errorf("%s: alert %t, summary %t; want %t, %t", what, got.Alert, got.Summary, alert, summary)
	}
}

// S-010
func TestOneCauseOfFailureIsOneAlertUntilTheSourceIsReadAgain(t *testing.T) {
	t.Parallel()
	b := newBench(t, 5)
	b.tell()
	fail := func(err error) { b.company.failAt, b.company.err = 1, err }
	fail(fmt.Errorf("%w: 403", importer.ErrCredentials))
	first := b.tell()
	wantTold(t, "credentials revoked", first, true, false)
	if first.State != users.RunFailed || first.ErrorCode != "credentials_revoked" {
		t.Errorf("told %+v, want that the credentials were revoked", first)
	}
	for range 30 { // more than a day
		wantTold(t, "still revoked", b.tell(), false, false)
	}
	fail(fmt.Errorf("%w: connection refused", importer.ErrUnreachable))
	wantTold(t, "another cause", b.tell(), true, false)
	fail(fmt.Errorf("%w: 403", importer.ErrCredentials))
	wantTold(t, "the first cause again", b.tell(), false, false)
	b.company.failAt = 0
	wantTold(t, "all well, nothing to do", b.tell(), false, false)
	fail(fmt.Errorf("%w: 403", importer.ErrCredentials))
	wantTold(t, "revoked once more", b.tell(), true, false)
}

// N-4
func TestAHoldForTheSameReasonsIsOneAlertADay(t *testing.T) {
	t.Parallel()
	b := newBench(t, 20)
	b.tell()
	for i := range 6 {
		b.company.setStatus(fmt.Sprint(i+1), importer.StatusInactive)
	}
	wantTold(t, "held", b.tell(), true, false)
	for range 23 {
		wantTold(t, "held for the same reasons", b.tell(), false, false)
	}
	wantTold(t, "held for the same reasons a day later", b.tell(), true, false)
	wantTold(t, "and an hour after that", b.tell(), false, false)
	b.company.setStatus("7", importer.StatusInactive)
	wantTold(t, "held for another number", b.tell(), true, false)
}

func TestEachPersonInQuarantineIsAnEventOnce(t *testing.T) {
	t.Parallel()
	b := newBench(t, 5)
	b.tell()
	empty := func(p *importer.Person) { p.Attributes["email"] = "" }
	b.company.set("1", empty)
	told := b.tell()
	wantTold(t, "somebody in quarantine", told, true, false)
	if told.NewlyQuarantined != 1 || told.Counts.Quarantined != 1 {
		t.Errorf("told %+v, want one newly in quarantine", told)
	}
	wantTold(t, "still in quarantine", b.tell(), false, false)
	b.company.set("2", empty)
	told = b.tell()
	wantTold(t, "another one in quarantine", told, true, false)
	if told.NewlyQuarantined != 1 || told.Counts.Quarantined != 2 {
		t.Errorf("told %+v, want one newly in quarantine of two", told)
	}
	b.company.set("1", func(p *importer.Person) { p.Attributes["email"] = "p1@acme.example" })
	wantTold(t, "one resolved", b.tell(), false, false)
	b.company.set("1", empty)
	wantTold(t, "and in quarantine again", b.tell(), true, false)

	var sources []string
	for _, e := range b.eventsOf(users.EventPersonQuarantined) {
		var payload struct {
			SourceID string `json:"source_id"`
			Reason   string `json:"reason"`
		}
		if err := json.Unmarshal([]byte(e.Payload), &payload); err != nil {
			t.Fatal(err)
		}
		sources = append(sources, payload.SourceID+" "+payload.Reason)
		if strings.Contains(e.Payload, "@") {
			t.Errorf("the event names an address: %s", e.Payload)
		}
	}
	if diff := cmp.Diff([]string{"1 email_missing", "2 email_missing", "1 email_missing"}, sources); diff != "" {
		t.Errorf("events (-want +got):\n%s", diff)
	}
}

// eventsOf returns the events of a kind, oldest first.
func (b *bench) eventsOf(kind users.EventKind) []users.Event {
	b.t.Helper()
	all, err := b.store.Events(b.t.Context(), 0, 10_000)
	if err != nil {
		b.t.Fatal(err)
	}
	return slices.DeleteFunc(all, func(e users.Event) bool { return e.Kind != kind })
}

// S-081
func TestSummariesFollowTheSetting(t *testing.T) {
	t.Parallel()
	for policy, want := range map[users.SummaryPolicy]struct{ changed, unchanged, held bool }{
		"":                   {false, false, false},
		users.SummaryNever:   {false, false, false},
		users.SummaryChanges: {true, false, false}, // a hold is an alert
		users.SummaryAlways:  {true, true, true},
	} {
		t.Run(string(policy), func(t *testing.T) {
			t.Parallel()
			b := newBench(t, 20)
			b.settings.Summary = policy
			b.connect()
			wantTold(t, "a run that created everybody", b.tell(), false, want.changed)
			wantTold(t, "a run that changed nothing", b.tell(), false, want.unchanged)
			for i := range 6 {
				b.company.setStatus(fmt.Sprint(i+1), importer.StatusInactive)
			}
			wantTold(t, "a run that was held", b.tell(), true, want.held)
			wantTold(t, "and again", b.tell(), false, want.held)
		})
	}
}

// S-099
func TestALargeImportThatSomebodyStartedIsMailed(t *testing.T) {
	t.Parallel()
	for people, want := range map[int]bool{99: false, 100: false, 101: true} {
		b := newBench(t, people)
		b.company.pageSize = 50
		wantTold(t, fmt.Sprintf("%d people by hand", people), b.tellOf("cli:root"), false, want)
		wantTold(t, fmt.Sprintf("%d people by hand and nothing to do", people), b.tellOf("cli:root"), false, false)
		b.company.set("1", func(p *importer.Person) { p.Attributes["department"] = "Ops" })
		wantTold(t, fmt.Sprintf("%d people by the schedule", people), b.tell(), false, false)
	}
}

func TestAPreviewTellsNobody(t *testing.T) {
	t.Parallel()
	b := newBench(t, 5)
	b.settings.Summary = users.SummaryAlways
	b.connect()
	b.tell()
	b.company.failAt, b.company.err = 1, fmt.Errorf("%w: 403", importer.ErrCredentials)
	if _, err := b.try(true); err == nil {
		t.Fatal("the preview did not fail")
	}
	if n := len(b.eventsOf(users.EventImportFinished)); n != 1 {
		t.Errorf("%d events, want the one of the run before", n)
	}
	wantTold(t, "the run that fails next", b.tell(), true, true)
}
