package importer

import (
	"context"
	"errors"
	"maps"
	"slices"
	"time"

	"github.com/einlass/einlass/users"
)

// worker does the due work of one connection under its lease.
type worker struct {
	engine *Engine
	lease  users.Lease
	app    users.Application
	state  users.ImportState
	last   users.Run // the newest applied run over everybody; no ID: there is none

	people []users.Work // to be read again, at most workPortion
	delta  *users.Work  // nil: not due
	full   *users.Work

	beside *meanwhile // under way; nil: no run over everybody is
}

// doWork does what is due of a connection: first the people who are to be read
// again, then what has changed, or the whole import if that is due.
func (e *Engine) doWork(ctx context.Context, id users.ApplicationID) error {
	held, lease, release, err := e.acquire(ctx, id)
	if err != nil {
		return err
	}
	defer release()
	err = e.doWorkHolding(held, lease, id)
	if cause := context.Cause(held); errors.Is(cause, users.ErrLeaseLost) {
		return cause
	}
	return err
}

func (e *Engine) doWorkHolding(ctx context.Context, lease users.Lease, id users.ApplicationID) error {
	app, err := e.connection(ctx, id)
	if errors.Is(err, users.ErrNotFound) || errors.Is(err, users.ErrInvalid) {
		// Whoever switches the connection on again begins with an import of everybody.
		work, err := e.cfg.Directory.Read().WorkOf(ctx, id)
		if err != nil {
			return err
		}
		return e.cfg.Directory.SettleWork(ctx, lease, id, users.Settlement{Done: work})
	}
	if err != nil {
		return err
	}
	w, work, err := e.newWorker(ctx, lease, app)
	if err != nil {
		return err
	}
	if err := w.take(ctx, work); err != nil {
		return err
	}
	if err := w.dropVain(ctx); err != nil {
		return err
	}
	if err := w.refresh(ctx); err != nil {
		return err
	}
	if w.full != nil { // which reads what has changed, too
		return w.importAll(ctx)
	}
	return w.readChanges(ctx)
}

// dropVain drops people and changes where neither can be read but by an import that
// somebody starts: to try again would not help, and that import sees them.
func (w *worker) dropVain(ctx context.Context) error {
	alone, err := w.engine.readsAlone(ctx, w.app)
	if err != nil || alone || len(w.people) == 0 && w.delta == nil {
		return err
	}
	done := w.people
	if w.delta != nil {
		done = append(done, *w.delta)
	}
	w.engine.log.InfoContext(ctx, "changes are left to the next import, which somebody has to start", "connection", w.app.ID, "people", len(w.people))
	w.people, w.delta = nil, nil
	return w.settle(ctx, users.Settlement{Done: done})
}

// newWorker returns a worker and all work of its connection, read under the lease:
// what was found due before may have been done since.
func (e *Engine) newWorker(ctx context.Context, lease users.Lease, app users.Application) (*worker, []users.Work, error) {
	read := e.cfg.Directory.Read()
	work, err := read.WorkOf(ctx, app.ID)
	if err != nil {
		return nil, nil, err
	}
	w := &worker{engine: e, lease: lease, app: app}
	if w.state, err = e.cfg.Directory.ImportState(ctx, app.ID); err != nil {
		return nil, nil, err
	}
	w.last, err = lastFull(ctx, read, app.ID)
	return w, work, err
}

// take looks through the work of the connection for what is due. While the source
// is left in peace, single people and changes wait.
func (w *worker) take(ctx context.Context, work []users.Work) error {
	now := w.engine.now()
	var later []users.Work
	resting := w.resting(now)
	for _, one := range work {
		switch {
		case one.Due.After(now):
		case one.Kind == users.WorkFull:
			w.full = &one
		case resting:
			one.Due = w.state.RetryAt
			later = append(later, one)
		case one.Kind == users.WorkDelta:
			w.delta = &one
		case one.Kind == users.WorkPerson && len(w.people) < workPortion:
			w.people = append(w.people, one)
		}
	}
	if len(later) == 0 {
		return nil
	}
	return w.settle(ctx, users.Settlement{Delayed: later})
}

// resting reports whether the source is left in peace: it failed, and no import
// of everybody has got through since.
func (w *worker) resting(now time.Time) bool {
	return w.state.RetryAt.After(now) && !w.last.StartedAt.After(w.state.FailedAt)
}

func (w *worker) settle(ctx context.Context, s users.Settlement) error {
	if s.State != nil {
		w.state = *s.State
	}
	return w.engine.cfg.Directory.SettleWork(ctx, w.lease, w.app.ID, s)
}

// succeeded returns the state after the source has answered.
func (w *worker) succeeded() users.ImportState {
	state := w.state
	state.Failures, state.FailedAt, state.RetryAt, state.ErrorCode = 0, time.Time{}, time.Time{}, ""
	return state
}

// partial returns a read of some people by this worker.
func (w *worker) partial(scope users.RunScope) partial {
	p := partial{engine: w.engine, lease: w.lease, app: w.app, scope: scope, beside: w.beside}
	if w.beside != nil {
		p.given = w.beside.run.given
	}
	return p
}

// refresh reads people again who may have changed, and does what follows.
func (w *worker) refresh(ctx context.Context) error {
	if len(w.people) == 0 {
		return nil
	}
	var reads *personReads
	p := w.partial(users.ScopeRefresh)
	p.heard = map[string]time.Time{}
	ids := make([]string, len(w.people))
	since := w.people[0].Noted
	for i, one := range w.people {
		ids[i], p.heard[one.Subject] = one.Subject, one.Noted
		if one.Noted.Before(since) {
			since = one.Noted
		}
	}
	var seen *reading
	p.read = func(ctx context.Context, r *reading) (err error) {
		seen = r
		if reads, err = w.readPeople(ctx, r, ids, since); err != nil {
			return err
		}
		return reads.takeInto(ctx, r)
	}
	run, err := p.run(ctx)
	if err != nil && !errors.Is(err, ErrHeld) {
		return w.failed(ctx, users.ScopeRefresh, w.people, err)
	}
	undone, undoneErr := w.undone(ctx, run)
	if undoneErr != nil {
		return undoneErr
	}
	if err == nil {
		taken := except(slices.Collect(maps.Keys(reads.answered)), append(undone, seen.strangers...))
		if err := w.beside.note(ctx, run, taken); err != nil {
			return err
		}
	}
	state := w.succeeded()
	s := users.Settlement{State: &state, Noted: seen.deadlines}
	for _, one := range w.people {
		switch {
		case reads.failed[one.Subject] || slices.Contains(undone, one.Subject):
			one.Attempts++
			one.Due = w.engine.now().Add(failurePause(one.Attempts))
			s.Delayed = append(s.Delayed, one)
		case reads.answered[one.Subject]:
			s.Done = append(s.Done, one)
		}
	}
	if state == w.state {
		s.State = nil
	}
	return w.settle(ctx, s)
}

// readPeople asks the source for people. Many are looked for among those who have
// changed first, which is one request, and only who is not there is asked for singly.
func (w *worker) readPeople(ctx context.Context, r *reading, ids []string, since time.Time) (*personReads, error) {
	if len(ids) < manyPeople {
		return readSingly(ctx, r.source, ids, r.query.Wanted)
	}
	together, err := readTogether(ctx, r.source, ids, since.Add(-deltaOverlap), r.query.Wanted)
	if err != nil {
		if f := failureOf(err); isRefusal(f.code) || !f.ofSource() {
			return nil, err
		}
		w.engine.log.Warn("changes not read; asking for people one by one", "connection", w.app.ID, "error", err)
	}
	rest := slices.DeleteFunc(slices.Clone(ids), func(id string) bool { return together.answered[id] })
	if len(rest) == 0 {
		return together, nil
	}
	singly, err := readSingly(ctx, r.source, rest, r.query.Wanted)
	if err != nil && len(together.people) > 0 && ctx.Err() == nil && !isRefusal(failureOf(err).code) {
		return together, nil // the others are still due
	}
	if err != nil {
		return nil, err
	}
	return together.join(singly), nil
}

// undone returns the source ids of those for whom a row of the run could not be
// applied, because somebody was faster: they are to be read again.
func (w *worker) undone(ctx context.Context, run users.Run) ([]string, error) {
	if run.Counts.Failed == 0 {
		return nil, nil
	}
	var ids []string
	for c, err := range rowsOf(ctx, w.engine.cfg.Directory.Read(), run.ID, users.OutcomeFailed) {
		if err != nil {
			return nil, err
		}
		ids = append(ids, c.SourceID)
	}
	return ids, nil
}

// except returns ids less some others.
func except(ids, others []string) []string {
	return slices.DeleteFunc(ids, func(id string) bool { return slices.Contains(others, id) })
}

// importAll runs the import that the schedule wants, unless another process has,
// and plans the next, counted from when this one was due: a long run does not move
// the minute of the following ones.
func (w *worker) importAll(ctx context.Context) error {
	e, due, interval := w.engine, *w.full, w.app.Import.Schedule
	if interval <= 0 { // switched off since
		return w.settle(ctx, users.Settlement{Done: []users.Work{due}})
	}
	runs, err := e.fullRuns(ctx, w.app.ID)
	if err != nil {
		return err
	}
	var s users.Settlement
	if !served(runs, due.Due, interval) {
		reconcile := (Rules{Mode: w.app.Import.Mode}).changesPeopleHere() && e.reconciliationDue(ctx, w.app.ID)
		err = w.run(ctx, Request{Actor: users.ActorImport(w.app.ID), Due: due.Due, Reconcile: reconcile})
		if ctx.Err() != nil {
			return nil // whoever comes next sees that it ran
		}
		switch {
		case err != nil:
			e.log.Error("scheduled import", "connection", w.app.ID, "error", err)
		case w.delta != nil: // it has seen what changed
			s = w.nextDelta(nil)
		}
		if runs, err = e.fullRuns(ctx, w.app.ID); err != nil {
			return err
		}
	}
	due.Due, due.Attempts = following(due.Due, backOff(runs, interval), e.now()), 0
	s.Delayed = append(s.Delayed, due)
	return w.settle(ctx, s)
}

// run imports everybody.
func (w *worker) run(ctx context.Context, req Request) error {
	req.Connection = w.app.ID
	options, err := req.options(w.app)
	if err != nil {
		return err
	}
	a, err := w.engine.beginHolding(ctx, w.lease, w.app, req, options)
	if err != nil {
		return err
	}
	_, err = a.carryOut()
	return err
}
