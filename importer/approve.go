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
	run, err := e.approve(ctx, id, actor, given)
	if err != nil {
		return run, fmt.Errorf("approve run %s: %w", id, err)
	}
	return run, nil
}

func (e *Engine) approve(ctx context.Context, id users.RunID, actor users.Actor, given Given) (users.Run, error) {
	if actor == "" {
		return users.Run{}, fmt.Errorf("%w: an approval needs a name", users.ErrInvalid)
	}
	run, err := e.cfg.Directory.Read().Run(ctx, id)
	if err != nil {
		return users.Run{}, err
	}
	app, err := e.connection(ctx, run.Connection)
	if err != nil {
		return run, err
	}
	if app.Import.Approval == users.ApprovalSecondPerson {
		if err := e.checkSecondPerson(ctx, run, actor); err != nil {
			return run, err
		}
	}
	held, lease, release, _, err := e.acquireForRun(ctx, app.ID)
	if err != nil {
		return run, err
	}
	defer release()

	// What was read before the lease was ours may have changed since.
	if run, err = e.approvable(held, id); err != nil {
		return run, err
	}
	t := e.track(lease, &run)
	t.given = given
	t.save(held)
	stale, rows, err := e.replan(held, app, t)
	if err != nil {
		err = e.precise(held, app.ID, err)
		e.log.Warn("import not approved", "run_id", run.ID, "connection", app.ID, "error", err)
		return run, err
	}
	if stale {
		run.State = users.RunStale
		if err = e.cfg.Directory.SaveRun(held, lease, run); err == nil {
			err = fmt.Errorf("%w: people at the source or here, or the connection's rules, changed since it was made", ErrStale)
		}
	} else {
		run.ApprovedBy, run.ApprovedAt = actor, e.now()
		run.FinishedAt = time.Time{}
		if err = e.apply(held, t, rows); err != nil {
			err = e.fail(held, t, err)
		}
	}
	e.logRun(run, err)
	return run, err
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
