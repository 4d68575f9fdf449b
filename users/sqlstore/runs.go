package sqlstore

import (
	"context"
	"database/sql"
	"fmt"
	"math"
	"time"

	"github.com/einlass/einlass/users"
)

var (
	selectRun       = load("run")
	selectRuns      = load("runs")
	selectRunsOver  = load("runs_over")
	selectLastRun   = load("last_run")
	selectRunsSince = load("runs_since")
	insertRun       = load("insert_run")
	updateRun       = load("update_run")
	countStale      = load("count_stale")
)

// Run implements users.Reader.
func (r reader) Run(ctx context.Context, id users.RunID) (users.Run, error) {
	return first(r.runs(ctx, selectRun, string(id)))
}

// LastRun implements users.Reader.
func (r reader) LastRun(ctx context.Context, connection users.ApplicationID, scope users.RunScope, state users.RunState) (users.Run, error) {
	return first(r.runs(ctx, selectLastRun, string(connection), string(scope), string(state)))
}

// Runs implements users.Reader.
func (r reader) Runs(ctx context.Context, connection users.ApplicationID, limit int) ([]users.Run, error) {
	return r.runs(ctx, selectRuns, string(connection), int64(math.MaxInt64), "", int64(limit))
}

// RunsBefore implements users.Reader.
func (r reader) RunsBefore(ctx context.Context, connection users.ApplicationID, before users.RunPlace, limit int) ([]users.Run, error) {
	return r.runs(ctx, selectRuns, string(connection), millis(before.StartedAt), string(before.ID), int64(limit))
}

// RunsOver implements users.Reader.
func (r reader) RunsOver(ctx context.Context, connection users.ApplicationID, scope users.RunScope, limit int) ([]users.Run, error) {
	return r.runs(ctx, selectRunsOver, string(connection), string(scope), int64(limit))
}

// RunsSince implements users.Reader.
func (r reader) RunsSince(ctx context.Context, connection users.ApplicationID, since time.Time) ([]users.Run, error) {
	return r.runs(ctx, selectRunsSince, string(connection), millis(since))
}

func (r reader) runs(ctx context.Context, s statement, args ...any) ([]users.Run, error) {
	var runs []users.Run
	err := r.conn.query(ctx, s, func(rows *sql.Rows) error {
		var run users.Run
		err := rows.Scan(&run.ID, &run.Connection, &run.Preview, &run.State, &run.Actor,
			moment{&run.StartedAt}, moment{&run.FinishedAt}, document{&run.Counts}, document{&run.Stats},
			&run.PlanHash, document{&run.Held}, &run.ErrorCode, notes{&run.Error},
			&run.ApprovedBy, moment{&run.ApprovedAt}, document{&run.Options}, document{&run.Progress}, &run.Scope)
		runs = append(runs, run)
		return err
	}, args...)
	return runs, err
}

// InsertRun implements users.Tx.
func (t *tx) InsertRun(ctx context.Context, r users.Run) error {
	columns, err := runColumns(r)
	if err != nil {
		return err
	}
	_, err = t.conn.exec(ctx, insertRun, append([]any{string(r.ID), string(r.Connection)}, columns...)...)
	return err
}

// UpdateRun implements users.Tx. It returns ErrNotFound for an unknown run.
func (t *tx) UpdateRun(ctx context.Context, r users.Run) error {
	columns, err := runColumns(r)
	if err != nil {
		return err
	}
	written, err := t.conn.exec(ctx, updateRun, append([]any{string(r.ID)}, columns...)...)
	if err == nil && written == 0 {
		return fmt.Errorf("run %s: %w", r.ID, users.ErrNotFound)
	}
	return err
}

// runColumns is a run without its identity, in the order of both statements.
func runColumns(r users.Run) ([]any, error) {
	documents := make([]any, 5)
	for i, part := range []any{r.Counts, r.Stats, r.Held, r.Options, r.Progress} {
		text, err := jsonText(part)
		if err != nil {
			return nil, fmt.Errorf("run %s: %w", r.ID, err)
		}
		documents[i] = text
	}
	failure, err := users.NotesText(r.Error)
	if err != nil {
		return nil, fmt.Errorf("run %s: %w", r.ID, err)
	}
	return []any{
		flag(r.Preview), string(r.State), string(r.Actor), millis(r.StartedAt), millis(r.FinishedAt), documents[0], documents[1],
		r.PlanHash, documents[2], r.ErrorCode, failure, string(r.ApprovedBy), millis(r.ApprovedAt), documents[3], documents[4],
		string(r.Scope),
	}, nil
}

// CountStale implements users.Reader.
func (r reader) CountStale(ctx context.Context, run users.RunID) (int, error) {
	var stale int
	err := r.conn.queryOne(ctx, countStale, func(rows *sql.Rows) error { return rows.Scan(&stale) }, string(run))
	return stale, err
}
