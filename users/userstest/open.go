package userstest

import (
	"path/filepath"
	"testing"

	"github.com/einlass/einlass/users/sqlstore"
)

// SQLite returns an empty directory in a file of its own.
func SQLite(t testing.TB) *sqlstore.Store {
	t.Helper()
	return Open(t, sqlstore.Config{Path: filepath.Join(t.TempDir(), "einlass.db")})
}

// PostgreSQL returns an empty directory in a schema of its own; see PostgresURL.
func PostgreSQL(t testing.TB) *sqlstore.Store {
	t.Helper()
	return Open(t, sqlstore.Config{URL: PostgresURL(t)})
}

// Open returns the directory of cfg with the newest schema, and closes it with the test.
func Open(t testing.TB, cfg sqlstore.Config) *sqlstore.Store {
	t.Helper()
	store, err := sqlstore.Open(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := store.Close(); err != nil {
			t.Error(err)
		}
	})
	if err := store.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	return store
}

// Engines runs test on every engine, as sub-tests "sqlite" and "postgresql".
// test opens as many empty directories as it needs.
func Engines(t *testing.T, test func(t *testing.T, open func(testing.TB) *sqlstore.Store)) {
	t.Helper()
	t.Run("sqlite", func(t *testing.T) {
		t.Parallel()
		test(t, SQLite)
	})
	t.Run("postgresql", func(t *testing.T) {
		t.Parallel()
		test(t, PostgreSQL)
	})
}
