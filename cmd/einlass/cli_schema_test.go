package main

import (
	"bytes"
	"database/sql"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// N229: a program that is older than its database leaves it alone.
func TestNewerSchemaIsRefusedUntouched(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	database := filepath.Join(dir, fileDirectory)
	environment := []string{"EINLASS_ISSUER=https://sso.acme.example", "EINLASS_DATA=" + dir}
	command := func() (exitCode, string) {
		var stderr strings.Builder
		code := run(t.Context(), []string{"users", "list"}, strings.NewReader(""), &strings.Builder{}, &stderr, environment)
		return code, stderr.String()
	}
	if code, stderr := command(); code != exitOK {
		t.Fatalf("first command: exit code %d: %s", code, stderr)
	}
	pretendNewerSchema(t, database)
	before, err := os.ReadFile(database)
	if err != nil {
		t.Fatal(err)
	}
	code, stderr := command()
	if code != exitRefused || !strings.Contains(stderr, "schema of a later version") {
		t.Errorf("exit code %d, want %d; stderr: %s", code, exitRefused, stderr)
	}
	after, err := os.ReadFile(database)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(before, after) {
		t.Error("the database was changed")
	}
}

// pretendNewerSchema notes a migration that this program does not know.
func pretendNewerSchema(t *testing.T, database string) {
	t.Helper()
	db, err := sql.Open("sqlite", database)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if _, err := db.ExecContext(t.Context(), "INSERT INTO schema_versions (version_id, is_applied) VALUES (9999, 1)"); err != nil {
		t.Fatal(err)
	}
}
