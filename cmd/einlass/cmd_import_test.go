package main

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/einlass/einlass/users"
	"github.com/einlass/einlass/users/sqlstore"
)

func TestShowSaysThatTheRowsOfAnOldImportAreGone(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	environment := []string{"EINLASS_ISSUER=https://sso.acme.example", "EINLASS_DATA=" + dir}
	command := func(args ...string) string {
		t.Helper()
		var stdout, stderr strings.Builder
		if code := run(t.Context(), args, strings.NewReader(""), &stdout, &stderr, environment); code != exitOK {
			t.Fatalf("%v: exit code %d: %s", args, code, stderr.String())
		}
		return stdout.String()
	}
	command("users", "list") // creates the database
	store, err := sqlstore.Open(t.Context(), sqlstore.Config{Path: filepath.Join(dir, fileDirectory)})
	if err != nil {
		t.Fatal(err)
	}
	record := func(id users.RunID, counts users.Counts) {
		t.Helper()
		err := store.Update(t.Context(), func(tx users.Tx) error {
			return tx.InsertRun(t.Context(), users.Run{
				ID: id, Connection: "personio", State: users.RunDone, Counts: counts,
			})
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	record("old", users.Counts{Created: 7})
	record("quiet", users.Counts{Unchanged: 7})
	if err := store.Close(); err != nil {
		t.Fatal(err)
	}
	const text = "of this import only the numbers are left"
	if got := command("import", "show", "old"); !strings.Contains(got, text) || !strings.Contains(got, "7 created") {
		t.Errorf("an old import is shown as\n%s", got)
	}
	if got := command("import", "show", "old", "-o", "json"); !strings.Contains(got, `"rows_removed": true`) {
		t.Errorf("an old import is shown as\n%s", got)
	}
	if got := command("import", "show", "quiet"); strings.Contains(got, text) {
		t.Errorf("an import that changed nobody is shown as\n%s", got)
	}
}
