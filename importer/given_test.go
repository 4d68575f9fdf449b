package importer_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/einlass/einlass/importer"
	"github.com/einlass/einlass/importer/csvfile"
	"github.com/einlass/einlass/keys"
	"github.com/einlass/einlass/users"
)

// newFiles returns a bench whose connection has no service, only files.
func newFiles(t *testing.T) *bench {
	t.Helper()
	b := newBench(t, 0)
	b.settings.Source, b.settings.BaseURL = users.SourceCSV, ""
	b.engine = b.newEngineWith(func(cfg *importer.Config) {
		cfg.Mappings = map[string]users.Mapping{users.SourceCSV: csvfile.DefaultMapping()}
		cfg.Open = func(users.Application, keys.Secret) (importer.Source, error) {
			return nil, errors.New("a connection of files was opened")
		}
	})
	b.declareWithoutSecret()
	return b
}

// declareWithoutSecret writes the settings of the connection, which has no stored secret.
func (b *bench) declareWithoutSecret() {
	b.t.Helper()
	settings := b.settings
	_, err := b.directory.Declare(b.t.Context(), users.Declaration{Applications: []users.DeclaredApplication{
		{Application: users.Application{ID: hr, Label: "People", Import: &settings}},
	}})
	if err != nil {
		b.t.Fatal(err)
	}
}

// bring imports a CSV file; complete says that it lists everybody.
func (b *bench) bring(complete, preview bool, lines ...string) (users.Run, error) {
	b.t.Helper()
	b.clock.pass(time.Minute)
	return b.engine.Run(b.t.Context(), importer.Request{
		Connection: hr, Actor: "cli:test", Preview: preview, Some: !complete,
		Given: importer.Given{Source: csvFile(b.t, lines...)},
	})
}

func csvFile(t testing.TB, lines ...string) importer.Source {
	t.Helper()
	file, err := csvfile.Read(strings.NewReader(strings.Join(lines, "\n")))
	if err != nil {
		t.Fatal(err)
	}
	return file
}

// S-149: a second file updates; whoever it leaves out stays, unless it lists everybody.
func TestPeopleComeFromFiles(t *testing.T) {
	t.Parallel()
	b := newFiles(t)
	const header = "id,email,first_name,department,manager"
	run, err := b.bring(false, false, header, "1,ada@acme.example,Ada,Sales,2", "2,bob@acme.example,Bob,Sales,")
	if err != nil || run.Counts.Created != 2 || run.Scope != users.ScopeFile {
		t.Fatalf("first file: scope %q, %+v, error %v", run.Scope, run.Counts, err)
	}
	if got := b.user("ada@acme.example").Manager; got != b.user("bob@acme.example").ID {
		t.Errorf("manager %q", got)
	}

	run, err = b.bring(false, false, "id,email,department", "1,ada@acme.example,Board", "3,cleo@acme.example,Board")
	if err != nil || run.Counts.Created != 1 || run.Counts.Updated != 1 || run.Counts.Suspended != 0 {
		t.Fatalf("second file: %+v, error %v", run.Counts, err)
	}
	if u := b.user("ada@acme.example"); u.FirstName != "Ada" || u.Attribute("department") != "Board" || u.Manager == "" {
		t.Errorf("after a file with fewer columns: %q in %q, manager %q", u.FirstName, u.Attribute("department"), u.Manager)
	}
	if diff := cmp.Diff([]string{"company", "cost_center", "employee_type", "first_name", "job_title", "last_name", "location", "manager", "username"}, run.Stats.Missing); diff != "" {
		t.Errorf("columns that the file lacks (-want +got):\n%s", diff)
	}

	// The same file again has nothing to do.
	before := b.contents()
	run, err = b.bring(false, false, "id,email,department", "1,ada@acme.example,Board", "3,cleo@acme.example,Board")
	if err != nil || run.Counts.Changed() != 0 || cmp.Diff(before, b.contents()) != "" {
		t.Errorf("the same file again: %+v, error %v", run.Counts, err)
	}

	run, err = b.bring(false, false, "id,email,status", "1,ada@acme.example,inactive")
	if err != nil || run.Counts.Suspended != 1 {
		t.Errorf("a leaver by file: %+v, error %v", run.Counts, err)
	}
	run, err = b.bring(true, false, "id,email,status", "2,bob@acme.example,active", "3,cleo@acme.example,active")
	if err != nil || run.Counts.Suspended != 0 || run.Scope != users.ScopeFull {
		t.Errorf("everybody: scope %q, %+v, error %v", run.Scope, run.Counts, err)
	}
	run, err = b.bring(true, false, "id,email", "2,bob@acme.example")
	if !errors.Is(err, importer.ErrHeld) {
		t.Errorf("half the people are missing: %+v, error %v; want it held", run.Counts, err)
	}
}

// N303: a complete file without somebody suspends them, within the guard.
func TestWhoeverIsMissingFromACompleteFileHasLeft(t *testing.T) {
	t.Parallel()
	b := newFiles(t)
	lines := []string{"email"}
	for _, name := range strings.Fields("a b c d e f g h i j k l m n o p q r s t u v") {
		lines = append(lines, name+"@acme.example")
	}
	if run, err := b.bring(true, false, lines...); err != nil || run.Counts.Created != 22 {
		t.Fatalf("%+v, error %v", run.Counts, err)
	}
	run, err := b.bring(true, false, lines[:22]...)
	if err != nil || run.Counts.Suspended != 1 || b.user("v@acme.example").State() != users.StateSuspended {
		t.Errorf("%+v, error %v; want the missing one suspended", run.Counts, err)
	}
	if run, err = b.bring(true, false, lines...); err != nil || run.Counts.Reactivated != 1 {
		t.Errorf("back in the file: %+v, error %v", run.Counts, err)
	}
	// A file of some may bring leavers as any source does, and is held as any other.
	leavers := []string{"email,status"}
	for _, line := range lines[1:] {
		leavers = append(leavers, line+",inactive")
	}
	before := b.directoryContents()
	if run, err = b.bring(false, false, leavers...); !errors.Is(err, importer.ErrHeld) {
		t.Errorf("everybody leaves by a file of some: %+v, error %v; want it held", run.Counts, err)
	}
	if diff := cmp.Diff(before, b.directoryContents()); diff != "" {
		t.Errorf("a held file changed the directory:\n%s", diff)
	}
}

// What was previewed is approved by giving the same file again, and no other.
func TestAPreviewedFileIsApprovedWithTheSameFile(t *testing.T) {
	t.Parallel()
	b := newFiles(t)
	lines := []string{"email,first_name", "ada@acme.example,Ada"}
	run, err := b.bring(false, true, lines...)
	if err != nil || run.State != users.RunPreviewed {
		t.Fatalf("preview: %s, error %v", run.State, err)
	}
	if _, err := b.engine.Approve(t.Context(), run.ID, "cli:boss"); !errors.Is(err, users.ErrInvalid) || !strings.Contains(err.Error(), "name one") {
		t.Errorf("approved without the file: %v", err)
	}
	approved, err := b.engine.ApproveFrom(t.Context(), run.ID, "cli:boss", importer.Given{Source: csvFile(t, lines...)})
	if err != nil || approved.Counts.Created != 1 {
		t.Errorf("approved with the file: %+v, error %v", approved.Counts, err)
	}
	run, err = b.bring(false, true, "email,first_name", "ada@acme.example,Adele")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := b.engine.ApproveFrom(t.Context(), run.ID, "cli:boss", importer.Given{Source: csvFile(t, "email,first_name", "ada@acme.example,Alma")}); !errors.Is(err, importer.ErrStale) {
		t.Errorf("approved with another file: %v, want %v", err, importer.ErrStale)
	}
}

func TestAConnectionOfFilesHasNothingToOpen(t *testing.T) {
	t.Parallel()
	b := newFiles(t)
	run, err := b.try(false)
	if !errors.Is(err, users.ErrInvalid) || run.ErrorCode != "settings_invalid" || !strings.Contains(err.Error(), "come from files") {
		t.Errorf("run %s, error %v", run.ErrorCode, err)
	}
	if _, err := b.engine.Check(t.Context(), hr, importer.Given{}); !errors.Is(err, users.ErrInvalid) {
		t.Errorf("check: %v", err)
	}
}

// S-017: a secret that somebody enters for one import opens the source and is
// stored nowhere; one that is declared no longer is forgotten.
func TestASecretForOneImportIsStoredNowhere(t *testing.T) {
	t.Parallel()
	b := newBench(t, 2)
	var opened []string
	b.engine = b.newEngineWith(func(cfg *importer.Config) {
		cfg.Open = func(_ users.Application, secret keys.Secret) (importer.Source, error) {
			opened = append(opened, secret.Reveal())
			return b.company, nil
		}
	})
	b.declareWithoutSecret()
	if _, err := b.directory.ImportSecret(t.Context(), hr); !errors.Is(err, users.ErrNotFound) {
		t.Errorf("the secret that was declared before: %v, want %v", err, users.ErrNotFound)
	}
	if run, err := b.try(false); !errors.Is(err, users.ErrInvalid) || !strings.Contains(err.Error(), "--credentials=prompt") {
		t.Errorf("without a secret: %s, error %v", run.State, err)
	}
	b.clock.pass(time.Minute)
	given := importer.Given{Secret: "entered-for-one-import"}
	run, err := b.engine.Run(t.Context(), importer.Request{Connection: hr, Preview: true, Actor: "cli:test", Given: given})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := b.engine.ApproveFrom(t.Context(), run.ID, "cli:boss", given); err != nil {
		t.Error(err)
	}
	if _, err := b.engine.Check(t.Context(), hr, given); err != nil {
		t.Error(err)
	}
	want := []string{"entered-for-one-import", "entered-for-one-import", "entered-for-one-import"}
	if diff := cmp.Diff(want, opened); diff != "" {
		t.Errorf("opened with (-want +got):\n%s", diff)
	}
	tables, err := b.store.Dump(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for name, rows := range tables {
		if strings.Contains(strings.Join(rows, "\n"), "entered-for-one-import") {
			t.Errorf("table %s holds the secret", name)
		}
	}
	if _, err := b.directory.ImportSecret(t.Context(), hr); !errors.Is(err, users.ErrNotFound) {
		t.Errorf("a secret is stored: %v", err)
	}
}
