package importer

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"
	"time"

	"github.com/einlass/einlass/users"
)

// progressInterval is how often a run stores how far it has come, beside each change of phase.
const progressInterval = time.Second

// What a run is busy with.
const (
	ProgressReading  = "reading"
	ProgressMissing  = "missing" // asks for people the list did not show
	ProgressPlanning = "planning"
	ProgressApplying = "applying"
)

// Progress is how far a run has come.
type Progress struct {
	Run users.RunID
	users.RunProgress
}

// tracker follows one run under its lease: it tells whoever watches, stores from
// time to time how far the run has come, and adds up where its time goes.
type tracker struct {
	engine *Engine
	lease  users.Lease
	run    *users.Run // its Progress and Stats.Time belong to the tracker
	saved  time.Time  // when the progress was stored last
	time   users.RunTime
	summed time.Time       // up to when time counts what was spent
	noting []users.Work    // to be noted when the run has been applied
	left   map[string]bool // of those, who was left to others
	silent bool            // the run is not stored: nobody is told of it yet
	given  Given           // what is read instead of the connection's own
	beside *meanwhile      // nil: nothing is done between the steps of the run
}

// track begins to follow a run that is about to read. What that run is to say of
// it has still to be stored.
func (e *Engine) track(lease users.Lease, run *users.Run) *tracker {
	now := e.now()
	run.Progress = users.RunProgress{Phase: ProgressReading, Total: -1, Since: now, At: now}
	return &tracker{engine: e, lease: lease, run: run, saved: now, time: run.Stats.Time, summed: now}
}

// report notes that so many people of a phase are done; total is -1 when unknown.
func (t *tracker) report(ctx context.Context, phase string, done, total int) {
	now := t.engine.now()
	p := &t.run.Progress
	begins := p.Phase != phase
	if begins {
		t.spend(now)
		p.Phase, p.Since = phase, now
	}
	p.Done, p.Total, p.At = done, total, now
	if t.silent {
		return
	}
	if t.engine.cfg.Progress != nil {
		t.engine.cfg.Progress(Progress{Run: t.run.ID, RunProgress: *p})
	}
	if begins || now.Sub(t.saved) >= progressInterval {
		t.save(ctx)
	}
}

// save stores the progress. That it cannot be stored is no reason to stop: a
// database that is gone for good ends the run at what it has to write.
func (t *tracker) save(ctx context.Context) {
	t.saved = t.engine.now()
	err := t.engine.cfg.Directory.SaveProgress(ctx, t.lease, t.run.ID, t.run.Progress)
	if err != nil && ctx.Err() == nil {
		t.engine.log.WarnContext(ctx, "progress of the import not stored", "run_id", t.run.ID, "error", err)
	}
}

// pages yields the pages of a source, and does what cannot wait while it is asked for them.
func (t *tracker) pages(ctx context.Context, asked iter.Seq2[Page, error]) iter.Seq2[Page, error] {
	return func(yield func(Page, error) bool) {
		next, stop := iter.Pull2(asked)
		defer stop()
		for {
			var page Page
			var more bool
			var err error
			lost := t.beside.during(ctx, func() {
				since := t.engine.now()
				if page, err, more = next(); more {
					t.page(t.engine.now().Sub(since), err == nil)
				}
			})
			if lost != nil {
				yield(Page{}, lost)
				return
			}
			if !more || !yield(page, err) || err != nil {
				return
			}
		}
	}
}

// page notes how long the source took to answer with one page, or to fail at it.
func (t *tracker) page(took time.Duration, answered bool) {
	t.time.SlowestPage = max(t.time.SlowestPage, took)
	if answered {
		t.time.Pages++
	}
}

// noteLeft has people read again whom the run left to others, because its plan is
// not applied, or not yet. Nothing else follows from the plan then.
func (t *tracker) noteLeft(ctx context.Context) error {
	var left []users.Work
	for _, w := range t.noting {
		if w.Kind == users.WorkPerson && t.left[w.Subject] {
			left = append(left, w)
		}
	}
	return t.engine.cfg.Directory.NoteWork(ctx, left...)
}

// noteAgain has a person read again once the run has been applied.
func (t *tracker) noteAgain(sourceID string) {
	now := t.engine.now()
	t.noting = append(t.noting, users.Work{Kind: users.WorkPerson, Connection: t.run.Connection, Subject: sourceID, Due: now, Noted: now})
}

// spend adds the time that was not counted yet to what the phase took.
func (t *tracker) spend(now time.Time) {
	took := now.Sub(t.summed)
	t.summed = now
	switch t.run.Progress.Phase {
	case ProgressReading, ProgressMissing:
		t.time.Reading += took
	case ProgressPlanning:
		t.time.Planning += took
	case ProgressApplying:
		t.time.Applying += took
	}
}

// sum writes into the run where its time went until now.
func (t *tracker) sum() {
	t.spend(t.engine.now())
	t.run.Stats.Time = t.time
}

// underWay returns the run that holds the lease which was refused with err, as
// far as it has come, and the error that names it. Any other error comes back as it is.
func (e *Engine) underWay(ctx context.Context, connection users.ApplicationID, err error) (users.Run, error) {
	if !errors.Is(err, users.ErrLeaseHeld) {
		return users.Run{}, err
	}
	runs, readErr := e.latestRuns(ctx, connection)
	if readErr != nil {
		return users.Run{}, err
	}
	for _, run := range runs {
		switch {
		case run.State.Unfinished() || run.Approving():
			return run, fmt.Errorf("run %s is under way: %s: %w", run.ID, run.Progress, err)
		case run.Scope == users.ScopeRefresh || run.Scope == users.ScopeDelta: // perhaps beside another one
			continue
		}
		return users.Run{}, err // the holder has not written its run yet
	}
	return users.Run{}, err
}

// latestRuns returns the runs that have got on last, the latest first: not always
// the newest, because an approval goes on with an older one, and one over everybody
// goes on beside any number over some people.
func (e *Engine) latestRuns(ctx context.Context, connection users.ApplicationID) ([]users.Run, error) {
	runs, err := e.cfg.Directory.Read().Runs(ctx, connection, recentRuns)
	if err != nil {
		return nil, err
	}
	full, err := e.fullRuns(ctx, connection)
	if err != nil {
		return nil, err
	}
	runs = append(runs, full...)
	slices.SortStableFunc(runs, func(a, b users.Run) int { return b.Progress.At.Compare(a.Progress.At) })
	return runs, nil
}
