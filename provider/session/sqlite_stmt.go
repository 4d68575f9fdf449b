package session

import (
	"context"
	"database/sql"
)

// stmt is a compiled statement that runs to its end once it has begun. Of a
// context that may end, database/sql and the driver each keep watch from a
// goroutine of their own, which costs more than most of our statements.
type stmt struct{ compiled *sql.Stmt }

// patient is ctx for what runs to its end. One that has ended stays as it is, so nothing begins.
func patient(ctx context.Context) context.Context {
	if ctx.Err() != nil {
		return ctx
	}
	return context.WithoutCancel(ctx)
}

// in is the statement in a transaction.
func (s stmt) in(ctx context.Context, tx *sql.Tx) stmt {
	return stmt{tx.StmtContext(patient(ctx), s.compiled)}
}

func (s stmt) exec(ctx context.Context, args ...any) (sql.Result, error) {
	return s.compiled.ExecContext(patient(ctx), args...)
}

func (s stmt) row(ctx context.Context, args ...any) *sql.Row {
	return s.compiled.QueryRowContext(patient(ctx), args...)
}

func (s stmt) rows(ctx context.Context, args ...any) (*sql.Rows, error) {
	return s.compiled.QueryContext(patient(ctx), args...)
}
