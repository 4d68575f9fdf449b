package importer

import (
	"context"
	"errors"
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
	e, began := w.engine, w.engine.now()
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
	if errors.Is(err, errManyChanged) && w.beside != nil {
		return w.settle(ctx, w.nextDelta(nil)) // an import of everybody is under way
	}
	if errors.Is(err, errManyChanged) {
		if err := w.run(ctx, Request{Actor: users.ActorSystem}); err != nil {
			e.log.Error("import of everybody in place of many changes", "connection", w.app.ID, "error", err)
		}
		return w.settle(ctx, w.nextDelta(nil))
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

// cursor is the time from which on changes may not be here yet: the start of the
// last read of changes, or of the last import that did with everybody what the
// connection wants today. Zero: there was none.
func (w *worker) cursor() time.Time {
	cursor, last := w.state.Cursor, w.last
	options, err := Request{}.options(w.app)
	if err == nil && last.Options.Mode == options.Mode && last.Options.Filter == options.Filter && last.Counts.Failed == 0 {
		cursor = later(cursor, last.StartedAt)
	}
	return cursor
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
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
