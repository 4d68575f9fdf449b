package importer

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/einlass/einlass/users"
)

// Approve applies the plan of a run that was held or previewed, in the name of
// actor. It reads the source again: the plan is applied only if it would come
// out the same today and nobody whom it concerns was changed since.
//
//   - ErrStale: it would not, or a newer run of the connection did or planned something else. The run
//     can no longer be approved.
//   - users.ErrLeaseHeld: another run is under way.
//   - users.ErrInvalid: the run is in no state to be approved.
//   - ErrApprover: the connection wants another person to approve it.
//   - an error of the source: nothing happened, and the plan stays approvable.
func (e *Engine) Approve(ctx context.Context, id users.RunID, actor users.Actor) (users.Run, error) {
	return e.ApproveFrom(ctx, id, actor, Given{})
}

// ApproveFrom is Approve for a run that read what was brought along for it, which
// is given again.
func (e *Engine) ApproveFrom(ctx context.Context, id users.RunID, actor users.Actor, given Given) (users.Run, error) {
	a, run, err := e.beginApproval(ctx, id, actor, given)
	if err != nil {
		return run, err
	}
	return a.approve()
}

// beginApproval takes the lease for an approval that may go on as far as can be said
// without the source. The run is returned as it begins, or, with users.ErrLeaseHeld,
// the one under way.
func (e *Engine) beginApproval(ctx context.Context, id users.RunID, actor users.Actor, given Given) (a attempt, run users.Run, err error) {
	defer func() {
		if err != nil {
			err = fmt.Errorf("approve run %s: %w", id, err)
		}
	}()
	if actor == "" {
		return a, run, fmt.Errorf("%w: an approval needs a name", users.ErrInvalid)
	}
	if run, err = e.cfg.Directory.Read().Run(ctx, id); err != nil {
		return a, users.Run{}, err
	}
	if a.app, err = e.connection(ctx, run.Connection); err != nil {
		return a, run, err
	}
	if a.app.Import.Approval == users.ApprovalSecondPerson {
		if err := e.checkSecondPerson(ctx, run, actor); err != nil {
			return a, run, err
		}
	}
	held, lease, release, underWay, err := e.acquireForRun(ctx, a.app.ID)
	if err != nil {
		return a, underWay, err
	}
	// What was read before the lease was ours may have changed since.
	planned, err := e.approvable(held, id)
	if err != nil {
		release()
		return a, planned, err
	}
	a.engine, a.ctx, a.release, a.approver, a.ended = e, held, release, actor, planned.Progress
	a.track = e.track(lease, &planned)
	a.track.given = given
	a.track.beside = newMeanwhile(a.app, a.track)
	a.track.save(held)
	return a, planned, nil
}

// approve applies the plan of a run if it still comes out the same.
func (a attempt) approve() (users.Run, error) {
	defer a.release()
	e, held, run := a.engine, a.ctx, a.track.run
	stale, rows, err := e.replan(held, a.app, a.track)
	if err != nil {
		err = a.refused(err)
		return *run, fmt.Errorf("approve run %s: %w", run.ID, err)
	}
	run.ErrorCode, run.Error = "", nil // of an approval before
	if stale {
		run.State = users.RunStale
		if err = a.track.noteLeft(held); err != nil {
			return *run, fmt.Errorf("approve run %s: %w", run.ID, err)
		}
		if err = e.cfg.Directory.SaveRun(held, a.track.lease, *run); err == nil {
			err = fmt.Errorf("%w: people at the source or here, or the connection's rules, changed since it was made", ErrStale)
		}
	} else {
		run.ApprovedBy, run.ApprovedAt = a.approver, e.now()
		run.FinishedAt = time.Time{}
		if err = e.apply(held, a.track, rows); err != nil {
			err = e.fail(held, a.track, err)
		}
	}
	e.logRun(*run, err)
	if err != nil {
		return *run, fmt.Errorf("approve run %s: %w", run.ID, err)
	}
	return *run, nil
}

// refused notes in the run why its plan could not be made again, and returns the
// error to report. The plan stays approvable.
func (a attempt) refused(err error) error {
	e, run := a.engine, a.track.run
	err = e.precise(a.ctx, run.Connection, err)
	e.log.Warn("import not approved", "run_id", run.ID, "connection", run.Connection, "error", err)
	run.Progress = a.ended
	if f := failureOf(err); f.code != codeStopped && f.code != codeLost {
		run.ErrorCode, run.Error = f.code, f.explain(err)
	}
	ctx, done := context.WithTimeout(context.WithoutCancel(a.ctx), finishTimeout)
	defer done()
	if saveErr := e.cfg.Directory.SaveRefusal(ctx, a.track.lease, *run); saveErr != nil {
		e.log.Warn("why the import was not approved is not recorded", "run_id", run.ID, "error", saveErr)
	}
	return err
}

// checkSecondPerson returns ErrApprover unless actor is an active owner or
// administrator who did not start the run themselves.
func (e *Engine) checkSecondPerson(ctx context.Context, run users.Run, actor users.Actor) error {
	id, isPerson := actor.User()
	if !isPerson {
		return fmt.Errorf("%w: name the owner or administrator who approves", ErrApprover)
	}
	u, err := e.cfg.Directory.Read().User(ctx, id)
	if err != nil && !errors.Is(err, users.ErrNotFound) {
		return err
	}
	switch {
	case err != nil || u.StateAt(e.now()) != users.StateActive || !u.Role.Administers():
		return fmt.Errorf("%w: %s is no active owner or administrator", ErrApprover, id)
	case actor == run.Actor:
		return fmt.Errorf("%w: whoever started the import does not approve it", ErrApprover)
	}
	return nil
}

// approvable returns a run whose plan was not applied and is the newest of its
// connection over everybody, or equal to the newer ones: while a run is held, each
// scheduled one makes the same plan again.
func (e *Engine) approvable(ctx context.Context, id users.RunID) (users.Run, error) {
	read := e.cfg.Directory.Read()
	run, err := read.Run(ctx, id)
	if err != nil {
		return users.Run{}, err
	}
	switch run.State {
	case users.RunHeld, users.RunPreviewed:
	case users.RunStale:
		return run, fmt.Errorf("%w: it was refused before", ErrStale)
	case users.RunReading, users.RunApplying, users.RunDone, users.RunFailed, users.RunInterrupted:
		return run, fmt.Errorf("%w: the run is %s", users.ErrInvalid, run.State)
	}
	if run.StartedAt.Before(users.RunChangesKept(e.now())) {
		return run, fmt.Errorf("%w: its rows were kept for 12 months", ErrStale)
	}
	since, err := read.RunsSince(ctx, run.Connection, run.StartedAt)
	if err != nil {
		return run, err
	}
	for _, newer := range since {
		if run.Scope != users.ScopeFull || newer.Scope != users.ScopeFull {
			continue // whether it concerns the same people shows when they are read again
		}
		another := newer.PlanHash != "" && newer.PlanHash != run.PlanHash // what failed while reading has none
		if newer.ID != id && (another || newer.State == users.RunDone) {
			return run, fmt.Errorf("%w: run %s is newer", ErrStale, newer.ID)
		}
	}
	return run, nil
}

// replan plans again by the options of the run, without storing anything, and
// compares. Rules that the connection has changed since are reason enough not to
// apply a plan made by the old ones, even where it would come out the same.
func (e *Engine) replan(ctx context.Context, app users.Application, t *tracker) (stale bool, rows int, err error) {
	read, run := e.cfg.Directory.Read(), t.run
	if outdated(run.Options, app) {
		return true, 0, nil
	}
	var result outcome
	if run.Scope == users.ScopeFull || run.Scope == users.ScopeFile {
		result, err = e.planAgain(ctx, app, t)
	} else {
		result, err = e.planSomeAgain(ctx, app, t)
	}
	if errors.Is(err, ErrSelection) {
		return true, 0, nil
	}
	if err != nil {
		return false, 0, err
	}
	if result.stats.People == 0 {
		return false, 0, fmt.Errorf("%w: a list without anybody cannot be approved", ErrCorrupt)
	}
	moved, err := read.CountStale(ctx, run.ID)
	if err != nil {
		return false, 0, err
	}
	return moved > 0 || result.hash != run.PlanHash, result.rows, nil
}

// planAgain plans everybody.
func (e *Engine) planAgain(ctx context.Context, app users.Application, t *tracker) (outcome, error) {
	past, err := readHistory(ctx, e.cfg.Directory.Read(), app.ID, e.now())
	if err != nil {
		return outcome{}, err
	}
	result, _, err := e.plan(ctx, app, past, t, func(context.Context, []users.RunChange) error { return nil })
	return result, err
}

// planSomeAgain plans the people of a run over some people, read one by one.
func (e *Engine) planSomeAgain(ctx context.Context, app users.Application, t *tracker) (outcome, error) {
	ids := t.run.Options.People
	p := partial{engine: e, lease: t.lease, app: app, scope: t.run.Scope, read: func(ctx context.Context, r *reading) error {
		reads, err := readSingly(ctx, r.source, ids, r.query.Wanted)
		if err != nil {
			return err
		}
		if len(reads.answered) < len(ids) {
			return fmt.Errorf("%w for %d of %d people", ErrUnreachable, len(ids)-len(reads.answered), len(ids))
		}
		return reads.takeInto(ctx, r)
	}}
	plan, err := p.plan(ctx, t)
	if err == nil {
		plan.stats.People = max(plan.stats.People, 1) // nobody is missing from a read of some people
	}
	return plan.outcome, err
}
