package sqlstore_test

import (
	"context"
	"database/sql"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/einlass/einlass/users"
	"github.com/einlass/einlass/users/sqlstore"
	"github.com/einlass/einlass/users/userstest"
)

// TestMain lets tests start this program again as a writer; see writers_test.go.
func TestMain(m *testing.M) {
	if job := os.Getenv(writerVariable); job != "" {
		if err := write(job); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	os.Exit(m.Run())
}

func TestDirectoryStore(t *testing.T) {
	t.Parallel()
	t.Run("sqlite", func(t *testing.T) {
		t.Parallel()
		userstest.Run(t, func(t *testing.T) users.Store { return userstest.SQLite(t) })
	})
	t.Run("postgresql", func(t *testing.T) {
		t.Parallel()
		userstest.PostgresURL(t) // skips here, once, where PostgreSQL is missing
		userstest.Run(t, func(t *testing.T) users.Store { return userstest.PostgreSQL(t) })
	})
}

// onEach runs test on each engine with a database that has no schema yet.
func onEach(t *testing.T, test func(t *testing.T, cfg sqlstore.Config)) {
	t.Helper()
	t.Run("sqlite", func(t *testing.T) {
		t.Parallel()
		test(t, sqlstore.Config{Path: filepath.Join(t.TempDir(), "einlass.db")})
	})
	t.Run("postgresql", func(t *testing.T) {
		t.Parallel()
		test(t, sqlstore.Config{URL: userstest.PostgresURL(t)})
	})
}

// open connects without migrating.
func open(t *testing.T, cfg sqlstore.Config) *sqlstore.Store {
	t.Helper()
	s, err := sqlstore.Open(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

// raw runs one statement behind the back of the store.
func raw(t *testing.T, cfg sqlstore.Config, statement string, args ...any) {
	t.Helper()
	driver, name := "sqlite", cfg.Path
	if cfg.URL != "" {
		driver, name = "pgx", cfg.URL
	}
	db, err := sql.Open(driver, name)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if _, err := db.ExecContext(t.Context(), statement, args...); err != nil {
		t.Fatal(err)
	}
}

func person(name string) users.User {
	key := users.KeyOf(name + "@example.com")
	return users.User{
		ID: users.NewID(), BaseState: users.StateActive, Epoch: 1, Version: 1, Email: string(key), EmailKey: key,
		Username: string(key), UsernameKey: key, Role: users.RoleNone, Origin: users.OriginLocal,
	}
}

// add adds a person and says so in the log.
func add(ctx context.Context, s *sqlstore.Store, u users.User) error {
	return s.Update(ctx, func(tx users.Tx) error {
		tx.Append(users.Event{Kind: users.EventUserCreated, Actor: users.ActorSystem, Subject: string(u.ID), Payload: "{}"})
		return tx.InsertUsers(ctx, []users.User{u})
	})
}
