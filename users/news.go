package users

import (
	"context"
	"errors"
	"maps"
	"strings"
	"time"
)

// SummaryPolicy is after which imports of a connection administrators get a mail.
type SummaryPolicy string

// The policies. Imports that stop or need a decision are mailed whatever it is.
const (
	SummaryNever   SummaryPolicy = "never"
	SummaryChanges SummaryPolicy = "changes" // those that changed somebody, or failed to
	SummaryAlways  SummaryPolicy = "always"
)

// liveResults is up to how many people the result of an import that somebody
// started is there while they wait; what larger ones did is mailed.
const liveResults = 100

// ImportFinished is the payload of EventImportFinished: what a run has to tell.
type ImportFinished struct {
	Connection ApplicationID `json:"connection"`
	State      RunState      `json:"state"`
	Counts     Counts        `json:"counts"`
	Held       []Note        `json:"held,omitempty"`
	ErrorCode  string        `json:"error_code,omitempty"`

	NewlyQuarantined int  `json:"newly_quarantined,omitempty"` // causes that the applied run before did not have
	Summary          bool `json:"summary,omitempty"`           // somebody asked for mail about runs like this
	Alert            bool `json:"alert,omitempty"`             // it stopped or needs a decision, and nobody was told of that cause yet
}

// news returns what a run that is about to be saved has to tell, and whether it
// is worth an event: one that found nothing to do is not, unless somebody wants
// to hear of it all the same.
func (d *Directory) news(ctx context.Context, tx Tx, run Run) (n ImportFinished, worth bool, err error) {
	if run.FinishedAt.IsZero() || run.Preview && run.ApprovedBy == "" {
		return n, false, nil
	}
	if run.State == RunFailed && run.Options.Mode == ImportSelected {
		return n, false, nil // whoever chose people waits for the answer, and mostly mistyped one
	}
	n = ImportFinished{Connection: run.Connection, State: run.State, Counts: run.Counts, Held: run.Held, ErrorCode: run.ErrorCode}
	if n.NewlyQuarantined, err = newlyQuarantined(ctx, tx, run); err != nil {
		return n, false, err
	}
	unknown, err := d.noteCause(ctx, tx, run)
	if err != nil {
		return n, false, err
	}
	n.Alert = unknown || n.NewlyQuarantined > 0
	if n.Summary, err = wantsSummary(ctx, tx, run); err != nil {
		return n, false, err
	}
	return n, run.State != RunDone || changedSomebody(run) || n.Alert || n.Summary, nil
}

func changedSomebody(run Run) bool { return run.Counts.Changed() > 0 || run.Counts.Failed > 0 }

// wantsSummary reports whether somebody asked for a mail about a run: by the
// connection's settings, or by starting one that is too large to wait for.
func wantsSummary(ctx context.Context, tx Tx, run Run) (bool, error) {
	if run.Scope != ScopeFull {
		return false, nil // summaries are of whole imports
	}
	switch run.State {
	case RunDone, RunHeld, RunFailed:
	case RunReading, RunPreviewed, RunApplying, RunInterrupted, RunStale:
		return false, nil
	}
	news := run.State != RunDone || changedSomebody(run)
	if news && run.Actor != ActorImport(run.Connection) && run.Stats.People > liveResults {
		return true, nil
	}
	a, err := tx.Application(ctx, run.Connection)
	if errors.Is(err, ErrNotFound) || err == nil && a.Import == nil {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	return a.Import.Summary == SummaryAlways ||
		a.Import.Summary == SummaryChanges && run.State == RunDone && changedSomebody(run), nil
}

// heldAgain is for how long nobody is told again that runs are held for the same reasons.
const heldAgain = 24 * time.Hour

// Beginnings of what is remembered as the cause of a stop.
const (
	causeFailed = "failed:"
	causeHeld   = "held:"
)

// noteCause remembers, per connection, why runs stopped, and reports whether
// this is news. A failure is until the source has been read to its end again; a hold
// is, too, after heldAgain. Whoever saves a run has the connection's lease, so nobody is faster.
func (d *Directory) noteCause(ctx context.Context, tx Tx, run Run) (unknown bool, err error) {
	name := "import_alerts:" + string(run.Connection)
	told, version, err := readSetting[map[string]time.Time](ctx, tx, name)
	if err != nil {
		return false, err
	}
	if told == nil {
		told = map[string]time.Time{}
	}
	before := maps.Clone(told)
	switch run.State {
	case RunDone:
		if run.Scope == ScopeFull {
			clear(told)
		}
	case RunHeld:
		maps.DeleteFunc(told, func(cause string, at time.Time) bool {
			return run.Scope == ScopeFull && strings.HasPrefix(cause, causeFailed) || run.FinishedAt.Sub(at) >= heldAgain
		})
		why, err := NotesText(run.Held)
		if err != nil {
			return false, err
		}
		unknown = note(told, causeHeld+why, run.FinishedAt)
	case RunFailed:
		unknown = note(told, causeFailed+run.ErrorCode, run.FinishedAt)
	case RunReading, RunPreviewed, RunApplying, RunInterrupted, RunStale:
	}
	if maps.Equal(before, told) {
		return unknown, nil
	}
	return unknown, putSetting(ctx, tx, name, told, version)
}

// note adds a cause and reports whether it was not there.
func note(told map[string]time.Time, cause string, at time.Time) bool {
	if _, known := told[cause]; known {
		return false
	}
	told[cause] = at
	return true
}
