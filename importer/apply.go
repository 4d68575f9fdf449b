package importer

import (
	"context"
	"errors"
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
func (e *Engine) apply(ctx context.Context, lease users.Lease, run *users.Run, total int) error {
	d := e.cfg.Directory
	if total > 0 {
		run.State = users.RunApplying
		if err := d.SaveRun(ctx, lease, *run); err != nil {
			return err
		}
	}
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
		applied, err := d.ApplyChanges(ctx, lease, *run, batch)
		if err != nil {
			return err
		}
		for _, c := range applied {
			countFailure(&run.Counts, c)
		}
		last := batch[len(batch)-1]
		phase, seq = last.Phase, last.Seq
		if phase >= phasePeople {
			limit = applyRows
		}
		done += len(batch)
		e.progress(run.ID, ProgressApplying, done, total)
	}
	run.State, run.FinishedAt = users.RunDone, e.now()
	return d.SaveRun(ctx, lease, *run)
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
	}
	return rows[:end]
}

// countFailure moves a person whose row failed to the failed. A row that follows
// another one leaves the person where that one put them.
func countFailure(counts *users.Counts, c users.RunChange) {
	if c.Outcome != users.OutcomeFailed {
		return
	}
	counts.Failed++
	if c.Before == users.BeforeFollows {
		return
	}
	switch c.Kind {
	case users.ChangeCreate:
		counts.Created--
	case users.ChangeUpdate, users.ChangeLink:
		counts.Updated--
	case users.ChangeSuspend:
		counts.Suspended--
	case users.ChangeReactivate:
		counts.Reactivated--
	case users.ChangeRecord, users.ChangeSkip, users.ChangeQuarantine: // change nobody, so cannot fail
	}
}

// fail records why a run stopped and returns the error to report, which may be
// more precise than the one that was met.
func (e *Engine) fail(ctx context.Context, lease users.Lease, run *users.Run, err error) error {
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
	if _, err := read.LastRun(ctx, connection, users.RunDone); err == nil {
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
