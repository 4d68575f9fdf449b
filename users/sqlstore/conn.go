package sqlstore

import (
	"context"
	"database/sql"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/einlass/einlass/users"
)

// database is what *sql.DB and *sql.Tx have in common.
type database interface {
	ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error)
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
	PrepareContext(ctx context.Context, query string) (*sql.Stmt, error)
}

// conn runs statements on a pool or in a transaction.
type conn struct {
	db        database
	maxParams int       // parameters that the rows of one statement may have
	prepared  *prepared // nil: the driver keeps compiled statements itself
	observe   func(operation string, took time.Duration)
	failed    func(error) // is told of every error; nil outside a transaction
}

// scanner reads the current row.
type scanner func(rows *sql.Rows) error

// query runs a statement that returns rows. Text that no column can hold finds nothing.
func (c *conn) query(ctx context.Context, s statement, scan scanner, args ...any) error {
	if !storable(args) {
		return nil
	}
	return c.read(ctx, call{name: s.name, text: s.text, often: true, args: args}, scan)
}

// queryOne is query for a single row; without one it returns users.ErrNotFound.
func (c *conn) queryOne(ctx context.Context, s statement, scan scanner, args ...any) error {
	found := false
	err := c.query(ctx, s, func(rows *sql.Rows) error {
		found = true
		return scan(rows)
	}, args...)
	if err == nil && !found {
		return users.ErrNotFound
	}
	return err
}

// lookUp runs a query for many keys. A key that no column can hold is not found.
func (c *conn) lookUp(ctx context.Context, b batch, scan scanner, keys []string, common ...any) error {
	if !storable(common) {
		return nil
	}
	rows := make([][]any, 0, len(keys))
	for _, key := range keys {
		if row := []any{key}; storable(row) {
			rows = append(rows, row)
		}
	}
	return c.returning(ctx, b, scan, uniqueRows(rows, 1), common...)
}

// returning runs a batch that returns rows.
func (c *conn) returning(ctx context.Context, b batch, scan scanner, rows [][]any, common ...any) error {
	for next := range c.calls(b, rows, common) {
		if err := c.read(ctx, next, scan); err != nil {
			return err
		}
	}
	return nil
}

// exec runs a statement and returns how many rows it changed.
func (c *conn) exec(ctx context.Context, s statement, args ...any) (int64, error) {
	return c.change(ctx, call{name: s.name, text: s.text, often: true, args: args})
}

// execRows runs a batch and returns how many rows it changed.
func (c *conn) execRows(ctx context.Context, b batch, rows [][]any, common ...any) (int64, error) {
	var changed int64
	for next := range c.calls(b, rows, common) {
		n, err := c.change(ctx, next)
		if err != nil {
			return changed, err
		}
		changed += n
	}
	return changed, nil
}

// read runs a call that returns rows.
func (c *conn) read(ctx context.Context, next call, scan scanner) error {
	start := time.Now()
	err := c.check(next.args)
	if err == nil {
		err = c.scanAll(ctx, next, scan)
	}
	return c.finish(next, start, err)
}

func (c *conn) scanAll(ctx context.Context, next call, scan scanner) error {
	rows, err := c.start(ctx, next)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		if err := scan(rows); err != nil {
			return err
		}
	}
	return rows.Err()
}

func (c *conn) start(ctx context.Context, next call) (*sql.Rows, error) {
	if c.prepared == nil || !next.often {
		return c.db.QueryContext(ctx, next.text, next.args...)
	}
	compiled, err := c.prepared.get(ctx, c.db, next.text)
	if err != nil {
		return nil, err
	}
	return compiled.QueryContext(patient(ctx), next.args...)
}

// patient is ctx for a statement of SQLite, which runs to its end once it has
// begun: of a context that may end, database/sql and the driver each keep watch
// from a goroutine of their own, which costs more than most statements. One that
// has ended stays as it is, so nothing begins.
func patient(ctx context.Context) context.Context {
	if ctx.Err() != nil {
		return ctx
	}
	return context.WithoutCancel(ctx)
}

// change runs a call that returns no rows.
func (c *conn) change(ctx context.Context, next call) (int64, error) {
	start := time.Now()
	err := c.check(next.args)
	var changed int64
	if err == nil {
		changed, err = c.affect(ctx, next)
	}
	return changed, c.finish(next, start, err)
}

func (c *conn) affect(ctx context.Context, next call) (int64, error) {
	var result sql.Result
	var err error
	if c.prepared == nil || !next.often {
		result, err = c.db.ExecContext(ctx, next.text, next.args...)
	} else {
		var compiled *sql.Stmt
		if compiled, err = c.prepared.get(ctx, c.db, next.text); err == nil {
			result, err = compiled.ExecContext(patient(ctx), next.args...)
		}
	}
	if err != nil {
		return 0, err
	}
	return result.RowsAffected()
}

// finish reports what a call took and turns its error into ours.
func (c *conn) finish(done call, start time.Time, err error) error {
	c.observe(done.name, time.Since(start))
	if err == nil {
		return nil
	}
	err = fmt.Errorf("%s: %w", done.name, translate(err))
	if c.failed != nil {
		c.failed(err)
	}
	return err
}

// check refuses text that no column can hold.
func (c *conn) check(args []any) error {
	if storable(args) {
		return nil
	}
	return fmt.Errorf("%w text: not UTF-8, or with a NUL", users.ErrInvalid)
}

// storable reports whether all texts are valid UTF-8 without NUL. PostgreSQL
// refuses others and SQLite does not; asking here makes both answer alike.
func storable(args []any) bool {
	for _, arg := range args {
		if text, isText := arg.(string); isText && (!utf8.ValidString(text) || strings.Contains(text, "\x00")) {
			return false
		}
	}
	return true
}
