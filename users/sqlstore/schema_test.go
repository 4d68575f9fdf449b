package sqlstore_test

import (
	"context"
	"errors"
	"os"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/einlass/einlass/users"
	"github.com/einlass/einlass/users/sqlstore"
)

func TestEmptyDatabaseHasNoSchema(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, cfg sqlstore.Config) {
		s := open(t, cfg)
		if err := s.CheckSchema(t.Context()); !errors.Is(err, sqlstore.ErrSchemaMissing) {
			t.Errorf("schema of an empty database: %v, want ErrSchemaMissing", err)
		}
		if err := s.Migrate(t.Context()); err != nil {
			t.Fatal(err)
		}
		if err := s.CheckSchema(t.Context()); err != nil {
			t.Errorf("schema after migrating: %v", err)
		}
	})
}

func TestNewerSchemaIsRefused(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, cfg sqlstore.Config) {
		s := open(t, cfg)
		if err := s.Migrate(t.Context()); err != nil {
			t.Fatal(err)
		}
		applied := "INSERT INTO schema_versions (version_id, is_applied) VALUES (9999, 1)"
		if cfg.URL != "" {
			applied = "INSERT INTO schema_versions (version_id, is_applied) VALUES (9999, true)"
		}
		raw(t, cfg, applied)
		before := dump(t, s)
		if err := s.CheckSchema(t.Context()); !errors.Is(err, sqlstore.ErrSchemaNewer) || !strings.Contains(err.Error(), "9999") {
			t.Errorf("check: %v, want ErrSchemaNewer with the version", err)
		}
		if err := s.Migrate(t.Context()); !errors.Is(err, sqlstore.ErrSchemaNewer) {
			t.Errorf("migrate: %v, want ErrSchemaNewer", err)
		}
		if diff := cmp.Diff(before, dump(t, s)); diff != "" {
			t.Errorf("the refused migration wrote (-before +after):\n%s", diff)
		}
	})
}

func TestMigratingAgainWritesNothing(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, cfg sqlstore.Config) {
		s := open(t, cfg)
		if err := s.Migrate(t.Context()); err != nil {
			t.Fatal(err)
		}
		before := dump(t, s)
		if err := s.Migrate(t.Context()); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(before, dump(t, s)); diff != "" {
			t.Errorf("the second migration wrote (-before +after):\n%s", diff)
		}
		if len(before) < 20 {
			t.Errorf("dump has %d tables, want all", len(before))
		}
	})
}

func TestManyMigrateAtOnce(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, cfg sqlstore.Config) {
		var stores []*sqlstore.Store
		for range 8 {
			stores = append(stores, open(t, cfg))
		}
		var all sync.WaitGroup
		for _, s := range stores {
			all.Go(func() {
				if err := s.Migrate(t.Context()); err != nil {
					t.Error(err)
				}
			})
		}
		all.Wait()
		files, err := os.ReadDir("migrations")
		if err != nil {
			t.Fatal(err)
		}
		if n := len(dump(t, stores[0])["schema_versions"]); n != len(files)+1 {
			t.Errorf("%d versions were noted, want the empty one and one for each of %d files", n, len(files))
		}
	})
}

// While one process migrates, another waits: it neither writes nor gives up.
func TestMigrationWaitsForWhoHoldsTheLease(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, cfg sqlstore.Config) {
		first := open(t, cfg)
		if err := first.Migrate(t.Context()); err != nil {
			t.Fatal(err)
		}
		lease, err := first.AcquireLease(t.Context(), "migrations", "first", time.Now(), time.Minute)
		if err != nil {
			t.Fatal(err)
		}
		raw(t, cfg, "DELETE FROM schema_versions WHERE version_id > 0")
		second := open(t, cfg)
		soon, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
		defer cancel()
		if err := second.Migrate(soon); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("migrate while another does: %v, want it to wait until the deadline", err)
		}
		if n := len(dump(t, first)["schema_versions"]); n != 1 {
			t.Errorf("%d versions were noted while waiting, want 1", n)
		}
		if _, err := first.RenewLease(t.Context(), lease, time.Now()); err != nil {
			t.Errorf("renew: %v", err)
		}
	})
}

func TestOlderSchemaIsNoSchemaOfThisProgram(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, cfg sqlstore.Config) {
		s := open(t, cfg)
		if err := s.Migrate(t.Context()); err != nil {
			t.Fatal(err)
		}
		raw(t, cfg, "DELETE FROM schema_versions WHERE version_id > 0")
		if err := s.CheckSchema(t.Context()); !errors.Is(err, sqlstore.ErrSchemaMissing) {
			t.Errorf("check: %v, want ErrSchemaMissing", err)
		}
	})
}

// N213: the log shows that a row was altered behind its back.
func TestAlteredEventDoesNotVerify(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, cfg sqlstore.Config) {
		s := open(t, cfg)
		if err := s.Migrate(t.Context()); err != nil {
			t.Fatal(err)
		}
		for _, name := range []string{"ada", "bob", "eve"} {
			if err := add(t.Context(), s, person(name)); err != nil {
				t.Fatal(err)
			}
		}
		raw(t, cfg, "DELETE FROM event_data WHERE seq = 1")
		raw(t, cfg, "UPDATE events SET actor = 'user:other' WHERE seq = 2")
		raw(t, cfg, `UPDATE event_data SET payload = '{"a":1}' WHERE seq = 3`)
		events, err := s.Events(t.Context(), 0, 10)
		if err != nil {
			t.Fatal(err)
		}
		previous := users.ChainStart()
		for i, want := range []bool{true, false, false} {
			if got := events[i].Verify(previous); got != want {
				t.Errorf("event %d verifies: %t, want %t", i+1, got, want)
			}
			previous = events[i].Hash
		}
		if events[0].Payload != "" || events[0].Salt != nil {
			t.Error("an erased event has a payload or salt")
		}
	})
}

// Every table and column says what it means.
func TestSchemaIsCommented(t *testing.T) {
	t.Parallel()
	var text strings.Builder
	for _, file := range []string{"migrations/00001_directory.sql", "migrations/00002_followers.sql", "migrations/00005_work.sql", "queries/create_leases.sql"} {
		part, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		text.Write(part)
		text.WriteByte('\n')
	}
	tables := regexp.MustCompile(`(?s)(--[^\n]*\n)?CREATE TABLE (?:IF NOT EXISTS )?(\w+) \((.*?)\n\)`).FindAllStringSubmatch(text.String(), -1)
	if len(tables) < 20 {
		t.Fatalf("found %d tables, want all", len(tables))
	}
	column := regexp.MustCompile(`^    [a-z_]+ +[A-Z]+\b.*-- \S`)
	for _, table := range tables {
		if table[1] == "" {
			t.Errorf("table %s has no comment", table[2])
		}
		for line := range strings.Lines(strings.TrimPrefix(table[3], "\n")) {
			line = strings.TrimRight(line, "\n")
			if !column.MatchString(line) && !strings.HasPrefix(line, "    PRIMARY KEY (") {
				t.Errorf("table %s: no comment on %q", table[2], line)
			}
		}
	}
}

func dump(t *testing.T, s *sqlstore.Store) map[string][]string {
	t.Helper()
	tables, err := s.Dump(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return tables
}
