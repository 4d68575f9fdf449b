package importer

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/einlass/einlass/users"
)

// maxBackOff is the longest pause between two tries with refused credentials.
const maxBackOff = 24 * time.Hour

// planned is the work that the settings of a connection ask for at times.
type planned struct {
	full, delta *users.Work // nil: there is none
}

func (e *Engine) planned(ctx context.Context, connection users.ApplicationID) (planned, error) {
	var p planned
	work, err := e.cfg.Directory.Read().WorkOf(ctx, connection)
	for _, w := range work {
		switch w.Kind {
		case users.WorkFull:
			p.full = &w
		case users.WorkDelta:
			p.delta = &w
		case users.WorkPerson, users.WorkWindow:
		}
	}
	return p, err
}

// replan returns what has to be written so that the work of a connection is as its
// settings want it. What they have wanted before stays, with its minute.
func (p planned) replan(app users.Application, state users.ImportState, runs []users.Run, now time.Time) (users.Settlement, bool) {
	var s users.Settlement
	interval := app.Import.Schedule
	switch {
	case interval <= 0 && p.full != nil:
		s.Done = append(s.Done, *p.full)
	case interval <= 0:
	case p.full == nil:
		s.Noted = append(s.Noted, users.Work{
			Kind: users.WorkFull, Connection: app.ID, Due: nextStart(runs, interval, now), Noted: now,
		})
	case state.Interval != interval:
		w := *p.full
		w.Due = nextStart(runs, interval, now)
		s.Delayed = append(s.Delayed, w)
	}
	if state.Interval != interval {
		state.Interval = interval
		s.State = &state
	}
	switch soonest := now.Add(app.Import.Delta); {
	case app.Import.Delta <= 0:
	case p.delta == nil:
		s.Noted = append(s.Noted, users.Work{Kind: users.WorkDelta, Connection: app.ID, Due: now, Noted: now})
	case p.delta.Due.After(soonest) && !state.RetryAt.After(now):
		w := *p.delta
		w.Due = soonest
		s.Delayed = append(s.Delayed, w)
	}
	return s, len(s.Done)+len(s.Delayed)+len(s.Noted) > 0 || s.State != nil
}

// planSchedules takes over new, changed and removed connections. It reports
// whether all are as their settings want them: one whose lease is held has to wait.
func (e *Engine) planSchedules(ctx context.Context) (complete bool, err error) {
	apps, err := e.cfg.Directory.Read().Applications(ctx)
	if err != nil {
		return false, err
	}
	complete = true
	for _, app := range apps {
		if app.Import == nil || app.Disabled {
			continue
		}
		err := e.planSchedule(ctx, app)
		if errors.Is(err, users.ErrLeaseHeld) {
			complete = false
			continue
		}
		if err != nil {
			return false, fmt.Errorf("schedule of %s: %w", app.ID, err)
		}
	}
	return complete, nil
}

func (e *Engine) planSchedule(ctx context.Context, app users.Application) error {
	if _, needed, err := e.settleSchedule(ctx, app); err != nil || !needed {
		return err
	}
	held, lease, release, err := e.acquire(ctx, app.ID)
	if err != nil {
		return err
	}
	defer release()
	s, needed, err := e.settleSchedule(held, app) // what was read before the lease was ours may have changed
	if err != nil || !needed {
		return err
	}
	return e.cfg.Directory.SettleWork(held, lease, app.ID, s)
}

func (e *Engine) settleSchedule(ctx context.Context, app users.Application) (s users.Settlement, needed bool, err error) {
	work, err := e.planned(ctx, app.ID)
	if err != nil {
		return s, false, err
	}
	state, err := e.cfg.Directory.ImportState(ctx, app.ID)
	if err != nil {
		return s, false, err
	}
	runs, err := e.fullRuns(ctx, app.ID)
	if err != nil {
		return s, false, err
	}
	s, needed = work.replan(app, state, runs, e.now())
	return s, needed, nil
}

// fullRuns returns the newest runs of a connection over everybody.
func (e *Engine) fullRuns(ctx context.Context, connection users.ApplicationID) ([]users.Run, error) {
	return e.cfg.Directory.Read().RunsOver(ctx, connection, users.ScopeFull, recentRuns)
}

// lastScheduled returns the newest run that the schedule started.
func lastScheduled(runs []users.Run) (run users.Run, found bool) {
	i := slices.IndexFunc(runs, func(run users.Run) bool { return run.Actor == users.ActorImport(run.Connection) })
	if i < 0 {
		return users.Run{}, false
	}
	return runs[i], true
}

// dueAt is when the schedule wanted a run, or when any other started.
func dueAt(run users.Run) time.Time {
	if run.Options.Due.IsZero() {
		return run.StartedAt
	}
	return run.Options.Due
}

// served reports whether another process has already run what was due. Two that
// learned of a connection at different moments differ by less than half an interval.
func served(runs []users.Run, due time.Time, interval time.Duration) bool {
	last, found := lastScheduled(runs)
	return found && dueAt(last).After(due.Add(-interval/2))
}

// nextStart returns when a connection is due that this process has just learned
// of: at once if it never ran, else a whole number of intervals after the last
// scheduled run was due, or after any other if there is none. An overdue run has
// the time that was missed last, which keeps the minute of those that follow it.
func nextStart(runs []users.Run, interval time.Duration, now time.Time) time.Time {
	if len(runs) == 0 {
		return now
	}
	last, found := lastScheduled(runs)
	if !found {
		last = runs[0]
	}
	interval = backOff(runs, interval)
	next := following(dueAt(last), interval, now)
	if missed := next.Add(-interval); missed.After(dueAt(last)) {
		return missed
	}
	return next
}

// following returns the first time after now that lies a whole number of intervals after due.
func following(due time.Time, interval time.Duration, now time.Time) time.Time {
	if due.IsZero() { // at once
		due = now
	}
	if missed := now.Sub(due); missed >= 0 {
		due = due.Add(missed.Truncate(interval))
	}
	return due.Add(interval)
}

// backOff doubles the interval for each of the newest runs whose credentials
// were refused, up to maxBackOff: asking again does not help, and may lock the client out.
func backOff(runs []users.Run, interval time.Duration) time.Duration {
	for _, run := range runs {
		if !isRefusal(run.ErrorCode) {
			break
		}
		if interval*2 > maxBackOff {
			return max(interval, maxBackOff)
		}
		interval *= 2
	}
	return interval
}
