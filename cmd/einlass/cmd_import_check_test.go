package main

import (
	"database/sql"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/einlass/einlass/importer/personio/personiotest"
)

// S-066: whoever has waited for a check sees what it found, also when that cannot be recorded.
func TestACheckIsPrintedBeforeItIsRecorded(t *testing.T) {
	t.Parallel()
	personio, err := personiotest.New(personiotest.Config{People: 5, Seed: 3, ClientID: "papi-1", ClientSecret: "test-secret"})
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(personio.Handler())
	t.Cleanup(server.Close)
	dir := t.TempDir()
	config := filepath.Join(dir, "einlass.yaml")
	text := `
issuer: http://localhost:8080
insecure_allow_loopback: true
data: ` + dir + `
applications:
  - id: personio
    groups: [everyone]
    launch: { url: "` + server.URL + `/oauth/authorise" }
    import: { personio: { client_id: papi-1, client_secret: test-secret, base_url: "` + server.URL + `" } }
`
	if err := os.WriteFile(config, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	command := func(args ...string) (code exitCode, stdout, stderr string) {
		t.Helper()
		var out, log strings.Builder
		code = run(t.Context(), append([]string{"--config", config}, args...), strings.NewReader(""), &out, &log, nil)
		return code, out.String(), log.String()
	}
	if code, _, stderr := command("import", "run", "personio"); code != exitOK {
		t.Fatalf("import: exit code %d: %s", code, stderr)
	}
	db, err := sql.Open("sqlite", filepath.Join(dir, fileDirectory))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	execute := func(statement string) {
		t.Helper()
		if _, err := db.ExecContext(t.Context(), statement); err != nil {
			t.Fatal(err)
		}
	}
	execute(`CREATE TRIGGER full BEFORE INSERT ON events WHEN NEW.kind = 'import.checked' BEGIN SELECT RAISE(ABORT, 'disk full'); END`)
	code, stdout, stderr := command("import", "check")
	if code != exitFailed || !strings.Contains(stdout, "will fail") || !strings.Contains(stderr, "record the comparison of personio") {
		t.Errorf("unrecorded: exit code %d, %q, %q; want %d, the figures, and why", code, stdout, stderr, exitFailed)
	}
	execute(`DROP TRIGGER full`)
	if code, stdout, stderr := command("import", "check"); code != exitOK || !strings.Contains(stdout, "will fail") {
		t.Errorf("recorded: exit code %d, %q, %q; want %d and the figures", code, stdout, stderr, exitOK)
	}
}
