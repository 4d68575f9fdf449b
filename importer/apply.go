package importer

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"

	"github.com/einlass/einlass/users"
)

// Rows per transaction. On PostgreSQL a transaction holds the head of the event
// log while it writes its events, so ordinary ones stay small. Hand-overs of
// addresses go into one transaction, up to the most that ApplyChanges takes.
const (
	applyRows    = 200
	handOverRows = 1000
)

// apply writes the stored plan of a run, in order of phase, and finishes the run.
func (e *Engine) apply(ctx context.Context, t *tracker, total int) error {
	d, lease, run := e.cfg.Directory, t.lease, t.run
	if total > 0 {
		run.State = users.RunApplying
		if err := d.SaveRun(ctx, lease, *run); err != nil {
			return err
		}
		t.report(ctx, ProgressApplying, 0, total)
	}
	undone := newUndone()
	limit := handOverRows
	for done, phase, seq := 0, 0, 0; total > 0; {
		rows, err := d.Read().RunChanges(ctx, run.ID, users.OutcomePlanned, phase, seq, limit)
		if err != nil {
			return err
		}
		if len(rows) == 0 {
			break
		}
		batch := nextBatch(rows)
		if batch[0].Phase >= phasePeople { // who exchanges addresses goes before whoever was read again
			limit = applyRows
			if err := t.beside.look(ctx); err != nil {
				return err
			}
		}
		undone.overtake(batch, t)
		undone.failFollowers(batch)
		applied, err := d.ApplyChanges(ctx, lease, *run, batch)
		if err != nil {
			return err
		}
		undone.note(applied)
		last := batch[len(batch)-1]
		phase, seq = last.Phase, last.Seq
		done += len(batch)
		t.report(ctx, ProgressApplying, done, total)
	}
	if err := undone.recount(ctx, d.Read(), run); err != nil {
		return err
	}
	run.State, run.FinishedAt = users.RunDone, e.now()
	t.sum()
	if err := d.NoteWork(ctx, t.noting...); err != nil { // first: whom a rule for leave concerns later must not be forgotten
		return err
	}
	return d.SaveRun(ctx, lease, *run)
}

// rowsOf yields the rows of a run with an outcome, or all for none, in the order in which they are applied.
func rowsOf(ctx context.Context, r users.Reader, run users.RunID, outcome users.Outcome) iter.Seq2[users.RunChange, error] {
	return func(yield func(users.RunChange, error) bool) {
		for phase, seq := 0, 0; ; {
			rows, err := r.RunChanges(ctx, run, outcome, phase, seq, peoplePage)
			if err != nil {
				yield(users.RunChange{}, fmt.Errorf("rows of run %s: %w", run, err))
				return
			}
			for _, c := range rows {
				if !yield(c, nil) {
					return
				}
				phase, seq = c.Phase, c.Seq
			}
			if len(rows) < peoplePage {
				return
			}
		}
	}
}

// nextBatch returns the rows of one transaction: all hand-overs together, others
// within one phase, so that no person has two rows in it.
func nextBatch(rows []users.RunChange) []users.RunChange {
	first := rows[0].Phase
	end := slices.IndexFunc(rows, func(c users.RunChange) bool {
		if first < phasePeople {
			return c.Phase >= phasePeople
		}
		return c.Phase != first
	})
	if end < 0 {
		end = len(rows)
	}
	if first >= phasePeople {
		end = min(end, applyRows)
		if slices.ContainsFunc(rows[:end], users.RunChange.SetsWindow) { // which brings events of its own
			end = min(end, applyRows/2)
		}
	}
	return rows[:end]
}

// fail records why a run stopped and returns the error to report, which may be
// more precise than the one that was met.
func (e *Engine) fail(ctx context.Context, t *tracker, err error) error {
	lease, run := t.lease, t.run
	t.sum()
	err = e.precise(ctx, run.Connection, err)
	ctx, done := context.WithTimeout(context.WithoutCancel(ctx), finishTimeout)
	defer done()
	f := failureOf(err)
	run.State, run.FinishedAt = users.RunFailed, e.now()
	if f.code == codeStopped {
		run.State = users.RunInterrupted
	}
	run.ErrorCode, run.Error = f.code, f.explain(err)
	if saveErr := e.cfg.Directory.SaveRun(ctx, lease, *run); saveErr != nil {
		e.log.Error("failed import not recorded; the next run marks it interrupted", "run_id", run.ID, "error", saveErr)
	}
	return err
}

// precise returns what an error met under ctx really means: the lease was lost,
// or credentials were revoked that had worked before.
func (e *Engine) precise(ctx context.Context, connection users.ApplicationID, err error) error {
	if cause := context.Cause(ctx); errors.Is(cause, users.ErrLeaseLost) {
		return cause
	}
	if errors.Is(err, ErrCredentials) && !errors.Is(err, ErrRevoked) && e.workedBefore(ctx, connection) {
		return errors.Join(ErrRevoked, err)
	}
	return err
}

// workedBefore reports whether the source ever let a run of the connection read everybody.
func (e *Engine) workedBefore(ctx context.Context, connection users.ApplicationID) bool {
	read := e.cfg.Directory.Read()
	if _, err := read.LastRun(ctx, connection, users.ScopeFull, users.RunDone); err == nil {
		return true
	}
	runs, err := read.Runs(ctx, connection, recentRuns)
	return err == nil && slices.ContainsFunc(runs, func(run users.Run) bool { return run.PlanHash != "" })
}

// recentRuns is how many runs are looked at where only the last few matter.
const recentRuns = 20

func (e *Engine) logRun(run users.Run, err error) {
	if e.cfg.Finished != nil {
		e.cfg.Finished(run)
	}
	attributes := []any{
		"run_id", run.ID, "connection", run.Connection, "state", run.State,
		"created", run.Counts.Created, "updated", run.Counts.Updated, "suspended", run.Counts.Suspended,
		"reactivated", run.Counts.Reactivated, "quarantined", run.Counts.Quarantined, "failed", run.Counts.Failed,
	}
	if err != nil {
		e.log.Warn("import stopped", append(attributes, "error", err)...)
		return
	}
	e.log.Info("import finished", attributes...)
}
