package importer

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"github.com/einlass/einlass/users"
)

// registryPoll is how often the schedule looks for new or changed connections.
const registryPoll = time.Minute

// maxBackOff is the longest pause between two tries with refused credentials.
const maxBackOff = 24 * time.Hour

// slot is the next start of one connection.
type slot struct {
	due      time.Time
	interval time.Duration // the connection's setting that due was made from
	partial  bool          // the connection's mode leaves people who are here alone, so there is nothing to reconcile
	running  bool
}

// schedule holds the slots of all connections.
type schedule struct {
	engine *Engine
	runs   sync.WaitGroup
	ended  chan struct{} // told that a run has ended, so that its slot has a new time

	mu    sync.Mutex // guards slots
	slots map[users.ApplicationID]*slot
}

// Serve runs the imports of all connections on their schedules until ctx ends,
// and waits for those under way. Several processes may serve the same database.
func (e *Engine) Serve(ctx context.Context) error {
	s := &schedule{engine: e, ended: make(chan struct{}, 1), slots: map[users.ApplicationID]*slot{}}
	defer s.runs.Wait()
	for {
		wait := registryPoll
		if err := s.refresh(ctx); err != nil && ctx.Err() == nil {
			e.log.Error("import schedule not read; trying again", "error", err)
		}
		if next := s.start(ctx); !next.IsZero() {
			wait = min(wait, max(next.Sub(e.now()), 0))
		}
		timer := time.NewTimer(wait)
		select {
		case <-ctx.Done():
			timer.Stop()
			return nil
		case <-s.ended:
			timer.Stop()
		case <-timer.C:
		}
	}
}

// refresh takes over new, changed and removed connections.
func (s *schedule) refresh(ctx context.Context) error {
	read := s.engine.cfg.Directory.Read()
	apps, err := read.Applications(ctx)
	if err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	present := map[users.ApplicationID]bool{}
	for _, app := range apps {
		if app.Import == nil || app.Disabled || app.Import.Schedule <= 0 {
			continue
		}
		present[app.ID] = true
		partial := !Rules{Mode: app.Import.Mode}.changesPeopleHere()
		if known := s.slots[app.ID]; known != nil && known.interval == app.Import.Schedule {
			known.partial = partial
			continue
		}
		now := s.engine.now()
		next := slot{due: nextStart(s.recent(ctx, app.ID), app.Import.Schedule, now), interval: app.Import.Schedule, partial: partial}
		if known := s.slots[app.ID]; known != nil {
			next.running = known.running
		}
		s.slots[app.ID] = &next
	}
	for id := range s.slots {
		if !present[id] {
			delete(s.slots, id)
		}
	}
	return nil
}

// start starts what is due and returns when the next one will be; zero: none is planned.
func (s *schedule) start(ctx context.Context) time.Time {
	s.mu.Lock()
	defer s.mu.Unlock()
	var next time.Time
	now := s.engine.now()
	for id, slot := range s.slots {
		if slot.running {
			continue
		}
		if !slot.due.After(now) {
			slot.running = true
			started := *slot
			s.runs.Go(func() { s.run(ctx, id, started) })
			continue
		}
		if next.IsZero() || slot.due.Before(next) {
			next = slot.due
		}
	}
	return next
}

// run runs one import and plans the next, counted from when this one was due: a
// long run does not move the minute of the following ones.
func (s *schedule) run(ctx context.Context, id users.ApplicationID, started slot) {
	if runs := s.recent(ctx, id); !served(runs, started.due, started.interval) {
		_, err := s.engine.Run(ctx, Request{
			Connection: id, Actor: users.ActorImport(id), Due: started.due,
			Reconcile: !started.partial && s.engine.reconciliationDue(ctx, id),
		})
		switch {
		case errors.Is(err, users.ErrLeaseHeld):
			s.engine.log.Info("scheduled import skipped: another run is under way", "connection", id)
		case err != nil && ctx.Err() == nil:
			s.engine.log.Error("scheduled import", "connection", id, "error", err)
		}
	}
	runs := s.recent(ctx, id)
	s.mu.Lock()
	if slot := s.slots[id]; slot != nil {
		slot.running = false
		slot.due = following(started.due, backOff(runs, slot.interval), s.engine.now())
	}
	s.mu.Unlock()
	select {
	case s.ended <- struct{}{}:
	default: // it has been told already
	}
}

// recent returns the newest runs of a connection; none if they cannot be read,
// which then shows in the run itself.
func (s *schedule) recent(ctx context.Context, id users.ApplicationID) []users.Run {
	runs, err := s.engine.cfg.Directory.Read().Runs(ctx, id, recentRuns)
	if err != nil {
		return nil
	}
	return runs
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
	if missed := now.Sub(due); missed >= 0 {
		due = due.Add(missed.Truncate(interval))
	}
	return due.Add(interval)
}

// backOff doubles the interval for each of the newest runs whose credentials
// were refused, up to maxBackOff: asking again does not help, and may lock the client out.
func backOff(runs []users.Run, interval time.Duration) time.Duration {
	for _, run := range runs {
		if run.ErrorCode != codeRevoked && run.ErrorCode != codeRefused {
			break
		}
		if interval*2 > maxBackOff {
			return max(interval, maxBackOff)
		}
		interval *= 2
	}
	return interval
}
