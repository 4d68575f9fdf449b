package users

import (
	"context"
	"errors"
	"maps"
)

// quarantine is why one person of a source is left alone. People without an id
// cannot be told apart: of them each reason counts once.
type quarantine struct{ sourceID, reason string }

// quarantines returns the causes among the rows of a run, of one outcome or all.
func quarantines(ctx context.Context, r Reader, run RunID, outcome Outcome) (map[quarantine]bool, error) {
	rows, err := r.Quarantined(ctx, run)
	if err != nil {
		return nil, err
	}
	causes := map[quarantine]bool{}
	for _, c := range rows {
		if outcome == "" || c.Outcome == outcome {
			causes[quarantine{c.SourceID, c.Reason}] = true
		}
	}
	return causes, nil
}

// newlyQuarantined counts the causes of a run that is done which the applied run
// before it did not have, nor one over some people since. Those, and no
// interrupted one between, are what administrators were told of.
func newlyQuarantined(ctx context.Context, tx Tx, run Run) (int, error) {
	if run.State != RunDone || run.Counts.Quarantined == 0 {
		return 0, nil
	}
	last, err := tx.LastRun(ctx, run.Connection, ScopeFull, RunDone)
	if err != nil && !errors.Is(err, ErrNotFound) {
		return 0, err
	}
	since, err := tx.RunsSince(ctx, run.Connection, last.StartedAt)
	if err != nil {
		return 0, err
	}
	known := map[quarantine]bool{}
	for _, r := range since {
		if r.ID == run.ID || r.State != RunDone || r.Counts.Quarantined == 0 {
			continue
		}
		told, err := quarantines(ctx, tx, r.ID, "")
		if err != nil {
			return 0, err
		}
		maps.Copy(known, told)
	}
	causes, err := quarantines(ctx, tx, run.ID, "")
	if err != nil {
		return 0, err
	}
	n := 0
	for cause := range causes {
		if !known[cause] {
			n++
		}
	}
	return n, nil
}

// quarantinedBefore returns the causes that have had their event: those of the
// last run that was applied, and of what was applied of others since. Rows of
// this very transaction are not among them.
func (a *applier) quarantinedBefore(ctx context.Context) (map[quarantine]bool, error) {
	last, err := a.tx.LastRun(ctx, a.run.Connection, ScopeFull, RunDone)
	if err != nil && !errors.Is(err, ErrNotFound) {
		return nil, err
	}
	runs, err := a.tx.RunsSince(ctx, a.run.Connection, last.StartedAt)
	if err != nil {
		return nil, err
	}
	before := map[quarantine]bool{}
	for _, run := range runs {
		causes, err := quarantines(ctx, a.tx, run.ID, OutcomeApplied)
		if err != nil {
			return nil, err
		}
		for cause := range causes {
			before[cause] = true
		}
	}
	return before, nil
}

// appendQuarantined writes an event for each cause that had none yet.
func (a *applier) appendQuarantined(ctx context.Context) error {
	var before map[quarantine]bool
	for _, c := range a.rows {
		if c.Kind != ChangeQuarantine {
			continue
		}
		if before == nil {
			var err error
			if before, err = a.quarantinedBefore(ctx); err != nil {
				return err
			}
		}
		cause := quarantine{c.SourceID, c.Reason}
		if before[cause] {
			continue
		}
		before[cause] = true
		subject := string(c.User)
		if subject == "" {
			subject = string(a.run.ID)
		}
		payload := changePayload{Run: a.run.ID, SourceID: c.SourceID, Reason: c.Reason}
		if err := appendEvent(a.tx, EventPersonQuarantined, ActorImport(a.run.Connection), subject, payload); err != nil {
			return err
		}
	}
	return nil
}
