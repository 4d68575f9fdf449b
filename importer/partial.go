package importer

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/einlass/einlass/users"
)

// partial is a read of some people of a connection: of those who were to be read
// again, or of those whom the source shows as changed. Nobody is missing from it.
type partial struct {
	engine *Engine
	lease  users.Lease
	app    users.Application
	scope  users.RunScope
	heard  map[string]time.Time // when we first heard that somebody changed, by source id; may be nil
	given  Given                // by which the source is opened
	beside *meanwhile           // nil: no run over everybody is under way
	// read takes the people into the reading, page by page.
	read func(ctx context.Context, r *reading) error
}

// somePlan is what a partial read comes to, in memory: it is small.
type somePlan struct {
	outcome
	changes []users.RunChange
	people  []string     // source ids of those who are not as remembered
	reasons []users.Note // to hold it
}

// run reads, plans, judges and applies. Where nothing changes it leaves no run,
// nor where the same plan waits for a decision already; then the run has no ID.
// ErrHeld is an error of it like any other run's, also then.
func (p partial) run(ctx context.Context) (users.Run, error) {
	e := p.engine
	options, err := Request{}.options(p.app)
	if err != nil {
		return users.Run{}, err
	}
	run := e.newRun(p.app, options)
	run.Actor, run.Scope = users.ActorImport(p.app.ID), p.scope
	t := e.track(p.lease, &run)
	t.silent, t.given = true, p.given
	if p.scope == users.ScopeDelta { // which may take a while
		if t.beside = newMeanwhile(p.app, t); t.beside != nil {
			t.beside.parent = p.beside
		}
	}
	plan, err := p.plan(ctx, t)
	if err != nil {
		return users.Run{}, err
	}
	if idle, err := p.idle(ctx, plan); err != nil || idle {
		if err == nil && len(plan.reasons) > 0 {
			err = ErrHeld
		}
		return users.Run{}, err
	}
	t.sum()
	run.Counts, run.PlanHash, run.Options.People = plan.counts, plan.hash, plan.people
	plan.stats.Time = run.Stats.Time
	run.Stats = plan.stats
	if err := e.start(ctx, p.lease, run, p.beside); err != nil {
		return users.Run{}, err
	}
	t.silent = p.beside != nil // whoever watches, watches the other
	follows := e.consequences(p.app, run.StartedAt)
	err = e.savePlan(ctx, t, &follows, plan.changes)
	if err == nil {
		err = e.finishPlanned(ctx, t, plan.rows, plan.reasons)
	}
	if err != nil && !errors.Is(err, ErrHeld) {
		err = e.fail(ctx, t, err)
	}
	e.logRun(run, err)
	return run, err
}

// plan reads and plans, and lets the guard judge.
func (p partial) plan(ctx context.Context, t *tracker) (somePlan, error) {
	e := p.engine
	r, err := e.openBare(ctx, p.app, t, e.knownRights)
	if err != nil {
		return somePlan{}, err
	}
	r.memory = newMemory(p.app.ID)
	r.setRules(newRules(p.app.ID, t.run.Options, users.RunOptions{}))
	if err := p.read(ctx, r); err != nil {
		return somePlan{}, err
	}
	if err := ctx.Err(); err != nil {
		return somePlan{}, err
	}
	if r.waiting.people+r.restless.people == 0 {
		return somePlan{}, nil
	}
	if err := r.claimForQuarantined(ctx); err != nil {
		return somePlan{}, err
	}
	var plan somePlan
	plan.outcome, err = r.plan(ctx, func(_ context.Context, rows []users.RunChange) error {
		for i := range rows {
			rows[i].HeardAt = p.heard[rows[i].SourceID]
		}
		plan.changes = append(plan.changes, rows...)
		return nil
	})
	if err != nil {
		return somePlan{}, err
	}
	plan.people = r.feed.concerned(plan.changes)
	plan.reasons, err = p.judge(ctx, r, &plan, t.run.StartedAt)
	return plan, err
}

// judge is the guard for some people. Those who lose access count with those of
// all runs of the day. What a list says as a whole is judged only of a read of so
// many people that it says something.
func (p partial) judge(ctx context.Context, r *reading, plan *somePlan, now time.Time) ([]users.Note, error) {
	read, stats := p.engine.cfg.Directory.Read(), &plan.stats
	last, err := lastFull(ctx, read, p.app.ID)
	if err != nil {
		return nil, err
	}
	in := GuardInput{Settings: p.app.Import.Guard, Email: r.mapper.sources[users.AttributeEmail]}
	if stats.LosingAccess+stats.LosingLater > 0 {
		past, err := readHistory(ctx, read, p.app.ID, now)
		if err != nil {
			return nil, err
		}
		twice, err := p.beside.counted(ctx, plan.losing)
		if err != nil {
			return nil, err
		}
		in.Losses, in.LossesLater, in.ActiveBefore = max(past.losses-twice, 0), past.later, past.active
		if past.active == 0 { // no run of the last day has counted
			active, err := read.CountUsers(ctx, p.app.ID, true)
			if err != nil {
				return nil, fmt.Errorf("count active people: %w", err)
			}
			stats.Active = active[users.StateActive]
		}
	}
	in.Stats = *stats
	return judgeSome(in, last.Stats), nil
}

// idle reports whether a plan is not worth a run: nothing changes, or what keeps
// people in quarantine is known, or the same plan is held already.
func (p partial) idle(ctx context.Context, plan somePlan) (bool, error) {
	if len(plan.changes) == 0 {
		return true, nil
	}
	read := p.engine.cfg.Directory.Read()
	last, err := lastFull(ctx, read, p.app.ID)
	if err != nil {
		return false, err
	}
	since := last.StartedAt
	if day := p.engine.now().Add(-guardWindow); len(plan.reasons) > 0 && day.Before(since) {
		since = day // after that, whoever did not decide is told again
	}
	runs, err := read.RunsSince(ctx, p.app.ID, since)
	if err != nil {
		return false, fmt.Errorf("runs before: %w", err)
	}
	if len(plan.reasons) > 0 {
		for _, run := range runs {
			if run.State == users.RunHeld && run.PlanHash == plan.hash {
				return true, nil
			}
		}
		return false, nil
	}
	return onlyKnownQuarantine(ctx, read, runs, plan.changes)
}

// onlyKnownQuarantine reports whether rows say only of people that they are in
// quarantine for a reason that one of the runs has given before.
func onlyKnownQuarantine(ctx context.Context, r users.Reader, runs []users.Run, rows []users.RunChange) (bool, error) {
	type cause struct{ id, reason string }
	known := map[cause]bool{}
	for _, row := range rows {
		if row.Kind != users.ChangeQuarantine {
			return false, nil
		}
	}
	for _, run := range runs {
		if run.Counts.Quarantined == 0 || run.State != users.RunDone {
			continue
		}
		before, err := r.Quarantined(ctx, run.ID)
		if err != nil {
			return false, fmt.Errorf("people in quarantine: %w", err)
		}
		for _, row := range before {
			known[cause{row.SourceID, row.Reason}] = true
		}
	}
	for _, row := range rows {
		if !known[cause{row.SourceID, row.Reason}] {
			return false, nil
		}
	}
	return true, nil
}

// lastFull returns the newest applied run over everybody; the zero run where there is none.
func lastFull(ctx context.Context, r users.Reader, connection users.ApplicationID) (users.Run, error) {
	last, err := r.LastRun(ctx, connection, users.ScopeFull, users.RunDone)
	if err != nil && !errors.Is(err, users.ErrNotFound) {
		return users.Run{}, fmt.Errorf("last applied run: %w", err)
	}
	return last, nil
}

// take takes some people into a partial reading. Whoever is not known here is
// created only by a run over everybody while a filter is set: whom it lets
// through is for the source to say.
func (r *reading) take(ctx context.Context, people []Person) error {
	if err := r.recall(ctx, people); err != nil {
		return err
	}
	var concerned []Person
	for _, p := range people {
		if r.query.Filter == "" || r.memory.people[p.ID].user != "" {
			concerned = append(concerned, p)
		} else {
			r.strangers = append(r.strangers, p.ID)
		}
	}
	r.rows += len(concerned)
	return r.survey(ctx, concerned)
}

// recall adds to the memory what is remembered of people.
func (r *reading) recall(ctx context.Context, people []Person) error {
	known, err := r.memory.recall(ctx, r.directory, people)
	if err != nil || len(r.accounts) < 2 || len(known) == 0 {
		return err
	}
	records, err := r.directory.PeopleOf(ctx, known)
	if err != nil {
		return fmt.Errorf("records of other connections: %w", err)
	}
	for id, all := range records {
		if len(r.rules.elsewhere(all)) > 0 {
			r.memory.shared[id] = struct{}{}
		}
	}
	return nil
}

// takeGone takes somebody into a partial reading whom the source does not know.
// Of a stranger nothing follows.
func (r *reading) takeGone(ctx context.Context, id string) error {
	if err := r.recall(ctx, []Person{{ID: id}}); err != nil {
		return err
	}
	if known, found := r.memory.people[id]; !found || known.status == users.PersonStatusGone && !r.unsuspended(known) {
		return nil
	}
	return r.withoutRow(Mapped{ID: id, Gone: true})
}

// unsuspended reports whether somebody remembered has a user whom this connection does not suspend.
func (r *reading) unsuspended(known remembered) bool {
	_, suspended := r.memory.suspended[known.user]
	return known.user != "" && !suspended
}

// claimForQuarantined lets the people whom the last run over everybody left in
// quarantine stand in the way of others: a newcomer who is read alone must not
// get the address that two newcomers have.
func (r *reading) claimForQuarantined(ctx context.Context) error {
	if len(r.feed.claims) == 0 {
		return nil
	}
	last, err := lastFull(ctx, r.directory, r.rules.Connection)
	if err != nil || last.Counts.Quarantined == 0 {
		return err
	}
	rows, err := r.directory.Quarantined(ctx, last.ID)
	if err != nil {
		return fmt.Errorf("people in quarantine: %w", err)
	}
	for _, row := range rows {
		if row.SourceID == "" || row.Email == "" || row.User != "" || r.feed.saw(row.SourceID) {
			continue
		}
		key := users.KeyOf(row.Email)
		r.feed.claim(claim{id: row.SourceID, email: key, keys: []users.LoginKey{key}, idle: true})
	}
	return nil
}
