package importer

import (
	"context"
	"errors"
	"maps"
	"slices"
	"time"

	"github.com/einlass/einlass/users"
)

// meanwhile does, between the steps of a run over everybody, what cannot wait for
// its end: people of whom somebody heard that they changed are read again, and so
// is what has changed. It does so under the lease of the run and in its goroutine,
// so that the two never write at the same time. Each is a run of its own. Likewise
// people are read again between the steps of a read of changes.
//
// The run leaves those people to it. Lists lag behind what single reads show, so it
// plays no part which of the two came first: of whom the list says something else
// is read once more when the run has been applied, and so is everybody whose
// address depends on theirs.
type meanwhile struct {
	run    *tracker
	app    users.Application
	parent *meanwhile // the run itself is made beside another; nil: it is not

	looked time.Time // when we looked last for what is due

	fresh   map[string]struct{}   // source ids of people read again
	changed map[users.ID]struct{} // their users, and whoever else was written
	lost    map[users.ID]struct{} // of those, who was suspended
	runs    int                   // that changed somebody
}

// newMeanwhile returns what is done beside a run; nil if its source is not the
// connection's own, which alone can be asked for single people, or if it goes by other
// rules than the connection: people are read again by those, and must not be left to them.
func newMeanwhile(app users.Application, t *tracker) *meanwhile {
	o := t.run.Options
	if t.given.Source != nil || app.Import.Source == users.SourceCSV || o.OwnFilter || o.OwnReactivation || o.Reconcile {
		return nil
	}
	if usual, err := (Request{}).options(app); err != nil || o.Mode != usual.Mode {
		return nil
	}
	m := &meanwhile{run: t, app: app}
	m.forget()
	m.looked = time.Now()
	return m
}

// forget begins anew: what comes now is newer than what the run has made its plan
// of. What is due goes before the next step.
func (m *meanwhile) forget() {
	m.fresh, m.changed, m.lost, m.looked = map[string]struct{}{}, map[users.ID]struct{}{}, map[users.ID]struct{}{}, time.Time{}
}

// during asks the source something, and does what is due until it has answered.
func (m *meanwhile) during(ctx context.Context, ask func()) error {
	if m == nil {
		ask()
		return nil
	}
	if err := m.look(ctx); err != nil {
		return err
	}
	answered := make(chan struct{})
	go func() {
		defer close(answered)
		ask()
	}()
	ticker := time.NewTicker(workPoll)
	defer ticker.Stop()
	var failure error
	for {
		select {
		case <-answered:
			return failure
		case <-ticker.C:
		}
		if failure == nil {
			failure = m.look(ctx)
		}
	}
}

// look does what is due, at most once in workPoll. Only that the lease is lost
// is a reason for the run to stop.
func (m *meanwhile) look(ctx context.Context) error {
	if m == nil || time.Since(m.looked) < workPoll {
		return nil
	}
	err := m.serve(ctx)
	m.looked = time.Now()
	if err == nil || ctx.Err() != nil || errors.Is(err, users.ErrLeaseLost) {
		return err
	}
	m.looked = m.looked.Add(troublePause)
	m.run.engine.log.ErrorContext(ctx, "people who were to be read again beside an import were not; trying again",
		"connection", m.app.ID, "run_id", m.run.run.ID, "error", err)
	return nil
}

func (m *meanwhile) serve(ctx context.Context) error {
	e, id := m.run.engine, m.app.ID
	read := e.cfg.Directory.Read()
	due, err := read.DueWork(ctx, e.now(), 1)
	if err != nil || !slices.ContainsFunc(due, func(w users.Work) bool { return w.Connection == id && m.serves(w) }) {
		return err
	}
	w, work, err := e.newWorker(ctx, m.run.lease, m.app)
	if err != nil {
		return err
	}
	w.beside = m
	work = slices.DeleteFunc(work, func(w users.Work) bool { return !m.serves(w) })
	if err := w.take(ctx, work); err != nil {
		return err
	}
	if err := w.refresh(ctx); err != nil {
		return err
	}
	return w.readChanges(ctx)
}

// serves reports whether something is done beside the run. Changes that were to be
// read before it began are what everybody is imported for, too.
func (m *meanwhile) serves(w users.Work) bool {
	run := m.run.run
	return w.Kind == users.WorkPerson || w.Kind == users.WorkDelta && run.Scope == users.ScopeFull && w.Due.After(run.StartedAt)
}

// note remembers who has been read again by a run over some people, and whom that
// run has changed; it may have no ID.
func (m *meanwhile) note(ctx context.Context, run users.Run, ids []string) error {
	if m == nil || len(ids) == 0 && run.ID == "" {
		return nil
	}
	read := m.run.engine.cfg.Directory.Read()
	people, err := read.People(ctx, m.app.ID, ids)
	if err != nil {
		return err
	}
	for _, id := range ids {
		m.fresh[id] = struct{}{}
		if user := people[id].User; user != "" {
			m.changed[user] = struct{}{}
		}
	}
	if err := m.parent.note(ctx, run, ids); err != nil || run.ID == "" {
		return err
	}
	m.runs++
	for c, err := range rowsOf(ctx, read, run.ID, users.OutcomeApplied) {
		if err != nil {
			return err
		}
		if c.User != "" {
			m.changed[c.User] = struct{}{}
		}
		if c.Kind == users.ChangeSuspend {
			m.lost[c.User] = struct{}{}
		}
	}
	return nil
}

// overtakes reports whether a planned row is about somebody who was read again,
// or changed thereby, since.
func (m *meanwhile) overtakes(c users.RunChange) bool {
	if m == nil {
		return false
	}
	_, changed := m.changed[c.User]
	return changed || m.isFresh(c.SourceID)
}

// served reports whether anybody was changed beside the run.
func (m *meanwhile) served() bool { return m != nil && m.runs > 0 }

// isFresh reports whether a person has been read again since the plan was made.
func (m *meanwhile) isFresh(sourceID string) bool {
	if m == nil {
		return false
	}
	_, fresh := m.fresh[sourceID]
	return fresh
}

// counted returns how many people stand among the losses of the run that is about
// to be applied who stand there a second time: those of losing, whom a plan takes
// access from, and those who have been suspended beside it. Only suspensions are told
// apart; whoever loses access otherwise may count twice.
func (m *meanwhile) counted(ctx context.Context, losing map[users.ID]struct{}) (int, error) {
	if m == nil {
		return 0, nil
	}
	n, err := m.parent.counted(ctx, losing)
	run := m.run.run
	if err != nil || run.State != users.RunApplying || run.ApprovedBy != "" { // of an approved one nobody counts
		return n, err
	}
	twice := 0
	for c, err := range rowsOf(ctx, m.run.engine.cfg.Directory.Read(), run.ID, "") {
		if err != nil {
			return 0, err
		}
		_, now := losing[c.User]
		_, before := m.lost[c.User]
		if c.Kind == users.ChangeSuspend && (now || before) {
			twice++
		}
	}
	return n + min(twice, run.Stats.LosingAccess), nil
}

// leaveToOthers takes those out of the plan who were read again beside the run
// that is about to plan, and whoever's address depends on theirs.
func (r *reading) leaveToOthers(ctx context.Context) error {
	m := r.track.beside
	if m == nil {
		return nil
	}
	defer m.forget()
	ids := slices.Sorted(maps.Keys(m.fresh))
	if len(ids) == 0 && len(m.changed) == 0 {
		return nil
	}
	people := make([]Person, len(ids))
	r.left = make(map[string]struct{}, len(ids))
	for i, id := range ids {
		people[i].ID, r.left[id] = id, struct{}{}
	}
	if err := r.remind(ctx, people); err != nil {
		return err
	}
	for _, id := range ids {
		if !r.feed.saw(id) {
			continue
		}
		known := r.memory.people[id]
		if known.user != "" {
			r.feed.hasUser(id)
		}
		if !r.feed.shows(id, known) {
			r.again = append(r.again, id)
		}
	}
	for _, id := range r.feed.leave(r.left, m.changed) {
		r.left[id] = struct{}{}
		r.again = append(r.again, id)
	}
	return nil
}

// remind reads anew what is remembered of people.
func (r *reading) remind(ctx context.Context, people []Person) error {
	for _, p := range people {
		delete(r.memory.suspended, r.memory.people[p.ID].user)
		delete(r.memory.people, p.ID)
	}
	return r.recall(ctx, people)
}

// isLeft reports whether the run leaves a person to others.
func (r *reading) isLeft(m Mapped) bool {
	_, left := r.left[m.ID]
	return left
}
