package sqlstore

import (
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5/pgconn"
	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"

	"github.com/einlass/einlass/users"
)

// Errors of a database that cannot be used as it is.
var (
	// ErrSchemaMissing: the database is new. Migrate creates its schema.
	ErrSchemaMissing = errors.New("the database has no schema yet")
	// ErrSchemaOlder: the schema is of an earlier version of the program. Migrate brings it up to date.
	ErrSchemaOlder = errors.New("the database has the schema of an earlier version: run 'einlass migrate'")
	// ErrSchemaNewer: a later version of the program has migrated the database. There is no way back.
	ErrSchemaNewer = errors.New("the database has the schema of a later version: use that version")
	// ErrDamaged: the file is no SQLite database, or a broken one.
	ErrDamaged = errors.New("the database file is damaged: stop every einlass, keep a copy of it, and restore a backup")
)

// Codes of PostgreSQL, appendix A of its manual.
const (
	pgUniqueViolation      = "23505"
	pgForeignKeyViolation  = "23503"
	pgSerializationFailure = "40001"
	pgDeadlockDetected     = "40P01"
	pgUndefinedTable       = "42P01"
	pgDuplicateTable       = "42P07"
	pgDuplicateObject      = "42710"
)

// translate wraps an error of a driver in the one that a caller acts on.
func translate(err error) error {
	switch {
	case isUnique(err):
		return fmt.Errorf("%w: %w", users.ErrConflict, err)
	case isForeignKey(err):
		return fmt.Errorf("what is referred to: %w: %w", users.ErrNotFound, err)
	case isDamaged(err):
		return fmt.Errorf("%w: %w", ErrDamaged, err)
	}
	return err
}

func isUnique(err error) bool {
	code, ok := sqliteCode(err)
	return pgCode(err) == pgUniqueViolation ||
		ok && (code == sqlite3.SQLITE_CONSTRAINT_UNIQUE || code == sqlite3.SQLITE_CONSTRAINT_PRIMARYKEY)
}

func isForeignKey(err error) bool {
	code, ok := sqliteCode(err)
	return pgCode(err) == pgForeignKeyViolation || ok && code == sqlite3.SQLITE_CONSTRAINT_FOREIGNKEY
}

func isDamaged(err error) bool {
	code, ok := sqliteCode(err)
	return ok && (primary(code) == sqlite3.SQLITE_CORRUPT || primary(code) == sqlite3.SQLITE_NOTADB)
}

// isTransient reports whether the same transaction may succeed when it is run again.
func isTransient(err error) bool {
	code, ok := sqliteCode(err)
	pg := pgCode(err)
	return pg == pgSerializationFailure || pg == pgDeadlockDetected ||
		ok && (primary(code) == sqlite3.SQLITE_BUSY || primary(code) == sqlite3.SQLITE_LOCKED)
}

// isMissingTable recognises a table that does not exist. SQLite has no code of
// its own for it; ask only about a statement with which nothing else can be wrong.
func isMissingTable(err error) bool {
	code, ok := sqliteCode(err)
	return pgCode(err) == pgUndefinedTable || ok && code == sqlite3.SQLITE_ERROR
}

// isExistingTable recognises that another process has created a table at the
// same time: PostgreSQL's IF NOT EXISTS looks before it waits.
func isExistingTable(err error) bool {
	code := pgCode(err)
	return code == pgDuplicateTable || code == pgDuplicateObject || isUnique(err)
}

func pgCode(err error) string {
	if pg, ok := errors.AsType[*pgconn.PgError](err); ok {
		return pg.Code
	}
	return ""
}

func sqliteCode(err error) (code int, ok bool) {
	if lite, ok := errors.AsType[*sqlite.Error](err); ok {
		return lite.Code(), true
	}
	return 0, false
}

// primary is the general code of one of SQLite's extended ones.
func primary(code int) int { return code & 0xff }
