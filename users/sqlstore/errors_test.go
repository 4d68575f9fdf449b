package sqlstore

import (
	"context"
	"database/sql"
	"errors"
	"io"
	"path/filepath"
	"testing"

	"github.com/jackc/pgx/v5/pgconn"
)

// A writer that finds the file locked for longer than it waits tries again.
func TestBusyDatabaseIsTransient(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "busy.db")
	begin := func() (*sql.Tx, error) {
		db, err := openSQLitePool(path, "_txlock=immediate", 1)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = db.Close() })
		return db.BeginTx(t.Context(), nil)
	}
	first, err := begin()
	if err != nil {
		t.Fatal(err)
	}
	defer first.Rollback()
	if _, err := begin(); err == nil || !isTransient(err) {
		t.Errorf("second writer: %v, want a transient error", err)
	}
}

func TestOtherErrorsAreNotTransient(t *testing.T) {
	t.Parallel()
	for _, err := range []error{
		nil, io.EOF, context.Canceled, sql.ErrNoRows, errors.New("database is locked"),
		&pgconn.PgError{Code: pgUniqueViolation}, &pgconn.PgError{Code: "57014"},
	} {
		if isTransient(err) {
			t.Errorf("%v is transient, want it final", err)
		}
	}
}
