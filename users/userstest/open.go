package userstest

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"runtime/debug"
	"slices"
	"sync"
	"testing"

	"pgregory.net/rapid"

	"github.com/einlass/einlass/users/sqlstore"
)

// SQLite returns an empty directory in a file of its own.
func SQLite(t testing.TB) *sqlstore.Store {
	t.Helper()
	empty, err := emptySQLite()
	if err != nil {
		t.Fatal(err)
	}
	return SQLiteOf(t, empty)
}

// SQLiteOf returns a directory in a file of its own, with the content of another; see SQLiteFile.
func SQLiteOf(t testing.TB, content []byte) *sqlstore.Store {
	t.Helper()
	path := filepath.Join(t.TempDir(), "einlass.db")
	if err := os.WriteFile(path, content, 0o600); err != nil {
		t.Fatal(err)
	}
	return Open(t, sqlstore.Config{Path: path})
}

// emptySQLite returns the file of an empty directory, made once: the migrations
// cost a test of a few milliseconds most of its time.
var emptySQLite = sync.OnceValues(func() ([]byte, error) {
	return SQLiteFile(context.Background(), func(*sqlstore.Store) error { return nil })
})

// SQLiteFile returns the file of a directory after furnish, for tests that all begin with the same.
func SQLiteFile(ctx context.Context, furnish func(s *sqlstore.Store) error) (content []byte, err error) {
	folder, err := os.MkdirTemp("", "einlass-directory-")
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(folder)) }()
	path := filepath.Join(folder, "einlass.db")
	store, err := sqlstore.Open(ctx, sqlstore.Config{Path: path})
	if err != nil {
		return nil, err
	}
	err = store.Migrate(ctx)
	if err == nil {
		err = furnish(store)
	}
	if err = errors.Join(err, store.Close()); err != nil {
		return nil, err
	}
	return os.ReadFile(path)
}

// PostgreSQL returns an empty directory in a schema of its own; see PostgresURL.
func PostgreSQL(t testing.TB) *sqlstore.Store {
	t.Helper()
	return Open(t, sqlstore.Config{URL: PostgresURL(t)})
}

// Fastest returns an empty directory on whichever engine costs the test least:
// PostgreSQL where it is installed, else SQLite. SQLite is a part of the test
// program, so the race detector slows it down tenfold. It is for tests that
// repeat much and prove nothing about an engine.
func Fastest(t testing.TB) *sqlstore.Store {
	t.Helper()
	if _, err := binaries(); err != nil {
		return SQLite(t)
	}
	return PostgreSQL(t)
}

// Repetitions returns how often a test does what it should do n times: all of
// them; a tenth under the race detector, which makes each ten times as long and
// finds in the rest nothing new; a twenty-fifth with -short. So .ci/run runs
// such tests once more without the race detector.
func Repetitions(n int) int {
	if testing.Short() {
		return max(n/25, 1)
	}
	build, known := debug.ReadBuildInfo()
	if known && slices.Contains(build.Settings, debug.BuildSetting{Key: "-race", Value: "true"}) {
		return max(n/10, 1)
	}
	return n
}

// Histories checks a property over a hundred random histories, Repetitions of
// which are tried; of one that fails, a smaller one is looked for.
func Histories(t *testing.T, property func(*rapid.T)) {
	t.Helper()
	const histories = 100
	most, tried, failed := Repetitions(histories), 0, false
	rapid.Check(t, func(rt *rapid.T) {
		if tried++; tried > most && most < histories && !failed {
			return
		}
		failed = true // unless it comes to its end
		property(rt)
		failed = rt.Failed()
	})
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
