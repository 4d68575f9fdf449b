package importer

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/einlass/einlass/users"
)

const (
	// deltaOverlap is how much longer ago than the last read people may have changed
	// who are asked for: sources show changes late, and clocks differ.
	deltaOverlap = time.Hour
	// maxDeltaPeople is how many people who are not as remembered a read of changes
	// keeps in memory; more are for an import of everybody.
	maxDeltaPeople = 5000
)

// errManyChanged: so many people have changed that everybody is read instead.
var errManyChanged = errors.New("more people have changed than are read apart")

// readChanges reads who has changed since the last time and does what follows.
// Before everybody has been read once there is nothing to compare with.
func (w *worker) readChanges(ctx context.Context) error {
	if w.delta == nil {
		return nil
	}
	began := w.engine.now()
	state := w.state
	cursor := w.cursor()
	if cursor.IsZero() {
		return w.settle(ctx, w.nextDelta(nil))
	}
	p := w.partial(users.ScopeDelta)
	var seen *reading
	p.read = func(ctx context.Context, r *reading) error {
		seen = r
		for page, err := range r.track.pages(ctx, r.source.Changed(ctx, cursor.Add(-deltaOverlap), r.query.Wanted)) {
			if err != nil {
				return err
			}
			if err := r.take(ctx, page.People); err != nil {
				return err
			}
			if r.waiting.people > maxDeltaPeople {
				return errManyChanged
			}
		}
		return nil
	}
	run, err := p.run(ctx)
	if errors.Is(err, errManyChanged) {
		return w.importInPlace(ctx, began, cursor.Add(-deltaOverlap))
	}
	if err != nil && !errors.Is(err, ErrHeld) {
		return w.failed(ctx, users.ScopeDelta, []users.Work{*w.delta}, err)
	}
	state = w.succeeded()
	state.Cursor = began.UTC()
	s := w.nextDelta(&state)
	s.Noted = append(s.Noted, seen.deadlines...)
	undone, undoneErr := w.undone(ctx, run)
	for _, id := range append(undone, seen.again...) {
		s.Noted = append(s.Noted, users.Work{Kind: users.WorkPerson, Connection: w.app.ID, Subject: id, Due: began, Noted: began})
	}
	if undoneErr != nil {
		return undoneErr
	}
	if err == nil {
		if err := w.beside.note(ctx, run, except(seen.feed.ids(), append(undone, seen.again...))); err != nil {
			return err
		}
	}
	return w.settle(ctx, s)
}

// importInPlace imports everybody in place of more changes since a time than are read
// apart, once: one that is held has read what there was, and waits for somebody; and
// what kept one from reading may be over in an hour. Later changes are read apart again.
func (w *worker) importInPlace(ctx context.Context, began, since time.Time) error {
	e := w.engine
	runs, err := e.fullRuns(ctx, w.app.ID)
	if err != nil {
		return err
	}
	tried := slices.IndexFunc(runs, func(run users.Run) bool {
		held := run.State == users.RunHeld && run.StartedAt.After(since)
		failed := run.State == users.RunFailed && run.StartedAt.After(began.Add(-time.Hour))
		return run.Actor == users.ActorSystem && (held || failed)
	})
	state := w.succeeded()
	switch {
	case w.beside != nil: // one is under way
		return w.settle(ctx, w.laterDelta())
	case tried >= 0 && runs[tried].State == users.RunHeld:
		// What came after the held one began is read apart, without those whom it has read.
		state.Cursor = runs[tried].StartedAt.Add(deltaOverlap).UTC()
		return w.settle(ctx, w.nextDelta(&state))
	case tried >= 0:
		return w.settle(ctx, w.laterDelta())
	}
	if err := w.run(ctx, Request{Actor: users.ActorSystem}); err != nil && !errors.Is(err, ErrHeld) {
		e.log.Error("import of everybody in place of many changes", "connection", w.app.ID, "error", err)
		return w.settle(ctx, w.laterDelta())
	}
	state.Cursor = began.UTC()
	return w.settle(ctx, w.nextDelta(&state))
}

// laterDelta plans the next read of changes where this one came to nothing: also one
// that somebody has asked for once.
func (w *worker) laterDelta() users.Settlement {
	if w.app.Import.Delta > 0 {
		return w.nextDelta(nil)
	}
	again := *w.delta
	again.Attempts++
	again.Due = w.engine.now().Add(failurePause(again.Attempts))
	return users.Settlement{Delayed: []users.Work{again}}
}

// cursor is the time from which on changes may not be here yet: the start of the
// last read of changes, or of the last import that did with everybody what the
// connection wants today. Zero: there was none.
func (w *worker) cursor() time.Time {
	cursor, last := w.state.Cursor, w.last
	options, err := Request{}.options(w.app)
	if err == nil && last.Options.Mode == options.Mode && last.Options.Filter == options.Filter && last.Counts.Failed == 0 {
		if last.StartedAt.After(cursor) {
			cursor = last.StartedAt
		}
	}
	return cursor
}

// nextDelta plans the next read of changes, if the connection wants one.
func (w *worker) nextDelta(state *users.ImportState) users.Settlement {
	done, interval := *w.delta, w.app.Import.Delta
	if interval <= 0 { // somebody has asked for this one
		return users.Settlement{Done: []users.Work{done}, State: state}
	}
	done.Due, done.Attempts = following(done.Due, interval, w.engine.now()), 0
	return users.Settlement{Delayed: []users.Work{done}, State: state}
}
