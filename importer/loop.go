package importer

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"github.com/einlass/einlass/users"
)

const (
	registryPoll = time.Minute      // how often the loop looks for new or changed connections
	workPoll     = time.Second      // how often it looks for work that another process has noted
	workPortion  = 200              // most people of a connection who are read again at a time
	troublePause = 10 * time.Second // after an error of the store
)

// loop does the work of all connections that is due, each connection's by itself.
type loop struct {
	engine *Engine
	ended  chan struct{} // told that a connection's work has ended
	doing  sync.WaitGroup

	plannedAt time.Time // when the schedules were looked at last; zero: they have to be

	mu   sync.Mutex // guards what follows
	busy map[users.ApplicationID]bool
	rest map[users.ApplicationID]time.Time // not before
}

// Serve does what is due until ctx ends, and waits for what is under way: the
// imports of all connections on their schedules, what has changed in between,
// people who are to be read again, and what Start left to it. Several processes may
// serve the same database.
func (e *Engine) Serve(ctx context.Context) error {
	l := &loop{
		engine: e, ended: make(chan struct{}, 1),
		busy: map[users.ApplicationID]bool{}, rest: map[users.ApplicationID]time.Time{},
	}
	defer l.doing.Wait()
	e.serve(func(job func(ctx context.Context)) { l.doing.Go(func() { job(ctx) }) })
	defer e.serve(nil) // before the wait: nothing more is left to it
	for {
		timer := time.NewTimer(l.turn(ctx))
		select {
		case <-ctx.Done():
			timer.Stop()
			return nil
		case <-e.cfg.Noted:
		case <-l.ended:
		case <-timer.C:
		}
		timer.Stop()
	}
}

// turn starts what is due and returns how long there is nothing to do.
func (l *loop) turn(ctx context.Context) time.Duration {
	e := l.engine
	if l.plannedAt.IsZero() || time.Since(l.plannedAt) >= registryPoll {
		complete, err := e.planSchedules(ctx)
		if err != nil && ctx.Err() == nil {
			e.log.Error("import schedule not read; trying again", "error", err)
		}
		if complete || err != nil {
			l.plannedAt = time.Now()
		}
	}
	read := e.cfg.Directory.Read()
	next, found, err := read.NextWork(ctx)
	now := e.now()
	if err == nil && found && !next.After(now) {
		err = l.start(ctx, now)
		next = now.Add(workPoll) // what could not be started waits for somebody
	}
	if err != nil && ctx.Err() == nil {
		e.log.Error("due work not read; trying again", "error", err)
	}
	if err != nil || !found {
		return workPoll
	}
	return min(workPoll, max(next.Sub(now), 0))
}

// start starts the work of the connections that have some and are idle.
func (l *loop) start(ctx context.Context, now time.Time) error {
	due, err := l.engine.cfg.Directory.Read().DueWork(ctx, now, 1)
	if err != nil {
		return err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, w := range due {
		id := w.Connection
		if !known(w.Kind) || l.busy[id] || time.Now().Before(l.rest[id]) {
			continue
		}
		l.busy[id] = true
		l.doing.Go(func() { l.serve(ctx, id) })
	}
	return nil
}

// known reports whether this version of the program does work of a kind.
func known(kind users.WorkKind) bool {
	switch kind {
	case users.WorkPerson, users.WorkDelta, users.WorkFull, users.WorkWindow:
		return true
	}
	return false
}

// serve does what is due of one connection, or of none: access windows. While
// another process has the lease of a connection its work stays where it is.
func (l *loop) serve(ctx context.Context, id users.ApplicationID) {
	e := l.engine
	var err error
	if id == "" {
		err = e.openAndClose(ctx)
	} else {
		err = e.doWork(ctx, id)
	}
	l.mu.Lock()
	delete(l.busy, id)
	delete(l.rest, id)
	switch {
	case err == nil || ctx.Err() != nil || errors.Is(err, users.ErrLeaseLost):
	case errors.Is(err, users.ErrLeaseHeld):
		l.rest[id] = time.Now().Add(workPoll)
	default:
		l.rest[id] = time.Now().Add(troublePause)
		e.log.Error("work of a connection not done; trying again", "connection", id, "error", err)
	}
	l.mu.Unlock()
	select {
	case l.ended <- struct{}{}:
	default: // it has been told already
	}
}

// openAndClose does what is due of access windows. It needs no lease: several
// processes that do it at the same time come to the same, and each person is written once.
func (e *Engine) openAndClose(ctx context.Context) error {
	for {
		due, err := e.cfg.Directory.Read().DueWork(ctx, e.now(), workPortion)
		if err != nil {
			return err
		}
		due = slices.DeleteFunc(due, func(w users.Work) bool { return w.Kind != users.WorkWindow })
		if len(due) == 0 {
			return nil
		}
		if err := e.cfg.Directory.ApplyWindows(ctx, due); err != nil {
			return err
		}
	}
}
