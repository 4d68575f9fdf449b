package importer

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"time"

	"github.com/einlass/einlass/keys"
	"github.com/einlass/einlass/users"
)

// Config is what an Engine needs. Directory, Open and Mappings are required.
type Config struct {
	Directory *users.Directory
	// Open returns the source of a connection; the secret is the connection's.
	Open func(connection users.Application, secret keys.Secret) (Source, error)
	// Mappings holds the default mapping of each kind of source, by users.Import.Source.
	Mappings map[string]users.Mapping

	Sessions     Sessions            // nil: a plan does not say which sessions end
	Organization string              // everybody's attribute organization; empty: none
	Zone         *time.Location      // where days begin; nil means UTC
	Holder       string              // names this process in leases
	Now          func() time.Time    // nil means time.Now
	Logger       *slog.Logger        // nil discards
	Progress     func(p Progress)    // nil: nobody watches; called by the goroutine that imports
	Finished     func(run users.Run) // is told of each run that ended here; nil: nobody
	Noted        <-chan struct{}     // receives after work was noted in this process; nil: the next look finds it
}

// Engine runs imports. Its methods may be called at the same time, from several
// processes: per connection one run at a time gets the lease.
type Engine struct {
	cfg Config
	log *slog.Logger
	now func() time.Time

	mu      sync.Mutex // guards what follows
	rights  map[users.ApplicationID]rights
	serving func(job func(ctx context.Context)) // has a Serve do a job; nil: none is under way
}

// New returns an Engine.
func New(cfg Config) (*Engine, error) {
	if cfg.Directory == nil || cfg.Open == nil || cfg.Mappings == nil {
		return nil, errors.New("importer: directory, open and mappings are required")
	}
	e := &Engine{cfg: cfg, log: cfg.Logger, now: cfg.Now, rights: map[users.ApplicationID]rights{}}
	if e.log == nil {
		e.log = slog.New(slog.DiscardHandler)
	}
	if e.now == nil {
		e.now = time.Now
	}
	if e.cfg.Zone == nil {
		e.cfg.Zone = time.UTC
	}
	return e, nil
}

// Request says what to run.
type Request struct {
	Connection   users.ApplicationID
	Preview      bool // plan only
	Actor        users.Actor
	Mode         users.ImportMode // empty: the connection's
	Selected     []string         // with users.ImportSelected: new people by source id or e-mail address
	Filter       *string          // instead of the connection's, for this run alone; nil: the connection's
	Reactivation *bool            // likewise
	Reconcile    bool             // compare everybody with the directory, also those whom the source shows as remembered
	Due          time.Time        // when the schedule wanted it; zero: it was not the schedule

	Given Given
	Some  bool // the given source lists some people and says nothing about others
}

// Given is what somebody brings along for one run, and nothing stores.
type Given struct {
	Source Source      // read instead of the connection's own: a file; may be nil
	Secret keys.Secret // opens the connection's source instead of the stored one; may be empty
}

// Run imports, or previews an import. The run is returned in any case in which
// it was recorded, also beside an error:
//
//   - users.ErrNotFound, users.ErrInvalid: there is no such connection, it is switched off or not set up,
//     or the request contradicts itself.
//   - ErrSelection, which is an ErrInvalid: somebody chosen is here already or not at the source.
//   - users.ErrLeaseHeld: another run of the connection is under way; it is the one returned.
//   - ErrHeld: the guard stopped it; so it says of a preview that it would.
//   - an error of the source or of the store: the run failed, and says what to do.
func (e *Engine) Run(ctx context.Context, req Request) (users.Run, error) {
	a, run, err := e.begin(ctx, req)
	if err != nil {
		return run, err
	}
	return a.carryOut()
}

// begin takes the lease and records a run, for carryOut to do. The run is returned
// as it begins, or, with users.ErrLeaseHeld, the one under way.
func (e *Engine) begin(ctx context.Context, req Request) (attempt, users.Run, error) {
	app, err := e.connection(ctx, req.Connection)
	if err != nil {
		return attempt{}, users.Run{}, err
	}
	options, err := req.options(app)
	if err != nil {
		return attempt{}, users.Run{}, fmt.Errorf("import %s: %w", app.ID, err)
	}
	held, lease, release, underWay, err := e.acquireForRun(ctx, app.ID)
	if err != nil {
		return attempt{}, underWay, fmt.Errorf("import %s: %w", app.ID, err)
	}
	a, err := e.beginHolding(held, lease, app, req, options)
	if err != nil {
		release()
		return attempt{}, users.Run{}, err
	}
	a.release = release
	return a, *a.track.run, nil
}

// beginHolding is begin for who has the lease and gives it back.
func (e *Engine) beginHolding(
	ctx context.Context, lease users.Lease, app users.Application, req Request, options users.RunOptions,
) (attempt, error) {
	run := e.newRun(app, options)
	run.Preview, run.Actor = req.Preview, req.Actor
	if req.Some {
		run.Scope = users.ScopeFile
	}
	t := e.track(lease, &run)
	t.given = req.Given
	t.beside = newMeanwhile(app, t)
	if err := e.cfg.Directory.StartRun(ctx, lease, run); err != nil {
		return attempt{}, fmt.Errorf("import %s: %w", app.ID, err)
	}
	return attempt{engine: e, ctx: ctx, app: app, track: t, release: func() {}}, nil
}

// carryOut does a run that has begun.
func (a attempt) carryOut() (users.Run, error) {
	defer a.release()
	err := a.engine.execute(a.ctx, a.app, a.track)
	if err != nil && !errors.Is(err, ErrHeld) {
		err = a.engine.fail(a.ctx, a.track, err)
	}
	run := *a.track.run
	a.engine.logRun(run, err)
	if err != nil {
		return run, fmt.Errorf("import %s: %w", a.app.ID, err)
	}
	return run, nil
}

// start writes a new run, beside another one that goes on if there is any.
func (e *Engine) start(ctx context.Context, lease users.Lease, run users.Run, beside *meanwhile) error {
	if beside != nil {
		return e.cfg.Directory.StartRunBeside(ctx, lease, run)
	}
	return e.cfg.Directory.StartRun(ctx, lease, run)
}

// newRun returns a run that begins now, by nobody yet.
func (e *Engine) newRun(app users.Application, options users.RunOptions) users.Run {
	return users.Run{
		ID: users.NewRunID(), Connection: app.ID, State: users.RunReading,
		StartedAt: e.now(), Stats: users.FeedStats{Announced: -1}, Options: options,
	}
}

// connection returns an application whose people can be imported.
func (e *Engine) connection(ctx context.Context, id users.ApplicationID) (users.Application, error) {
	app, err := e.cfg.Directory.Read().Application(ctx, id)
	switch {
	case err != nil:
		return users.Application{}, fmt.Errorf("import %s: %w", id, err)
	case app.Import == nil:
		return users.Application{}, fmt.Errorf("import %s: %w: the application is no source of people", id, users.ErrInvalid)
	case app.Disabled:
		return users.Application{}, fmt.Errorf("import %s: %w: the application is disabled", id, users.ErrInvalid)
	}
	return app, nil
}

// execute reads, plans, judges and, unless it is a preview or held, applies.
func (e *Engine) execute(ctx context.Context, app users.Application, t *tracker) error {
	lease, run := t.lease, t.run
	read := e.cfg.Directory.Read()
	past, err := readHistory(ctx, read, app.ID, run.StartedAt)
	if err != nil {
		return err
	}
	follows := e.consequences(app, run.StartedAt)
	save := func(ctx context.Context, rows []users.RunChange) error {
		return e.savePlan(ctx, t, &follows, rows)
	}
	result, reasons, err := e.plan(ctx, app, past, t, save)
	run.Stats = result.stats
	if err != nil {
		return err
	}
	t.sum()
	run.Counts, run.PlanHash = result.counts, result.hash
	if result.selected != nil {
		run.Options.Selected = result.selected
	}
	if err := e.finishPlanned(ctx, t, result.rows, reasons); err != nil || run.State != users.RunDone {
		return err
	}
	if run.Options.Reconcile {
		e.reviewGroups(ctx, run.Connection)
	}
	if past.at.Before(e.midnight(run.StartedAt)) {
		e.forgetOld(ctx, lease, run.Connection)
	}
	return nil
}

// savePlan stores rows with what follows from them for their people.
func (e *Engine) savePlan(ctx context.Context, t *tracker, follows *consequences, rows []users.RunChange) error {
	for i := range rows {
		rows[i].Run = t.run.ID
	}
	if err := follows.note(ctx, rows); err != nil {
		return err
	}
	return e.cfg.Directory.SavePlan(ctx, t.lease, rows)
}

// finishPlanned applies the stored plan of a run, unless it is a preview or there
// are reasons to hold it, of which it returns ErrHeld.
func (e *Engine) finishPlanned(ctx context.Context, t *tracker, rows int, reasons []users.Note) error {
	run := t.run
	run.Held = reasons
	switch {
	case len(reasons) > 0:
		run.State = users.RunHeld
	case run.Preview:
		run.State = users.RunPreviewed
	default:
		return e.apply(ctx, t, rows)
	}
	if err := t.noteLeft(ctx); err != nil {
		return err
	}
	run.FinishedAt = e.now()
	if err := e.cfg.Directory.SaveRun(ctx, t.lease, *run); err != nil {
		return err
	}
	if run.State == users.RunHeld {
		return fmt.Errorf("%w: %s", ErrHeld, strings.Join(subjects(run.Held), ", "))
	}
	return nil
}
