package importer_test

import (
	"context"
	"encoding/csv"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/einlass/einlass/importer"
	"github.com/einlass/einlass/provider/web"
	"github.com/einlass/einlass/users"
	"github.com/einlass/einlass/users/userstest"
)

// readReport stores rows of a run and reads the report of it.
func readReport(t *testing.T, rows ...users.RunChange) importer.Report {
	t.Helper()
	store := userstest.SQLite(t)
	run := users.Run{ID: users.NewRunID(), Connection: "personio", State: users.RunDone, Actor: "cli:root", StartedAt: time.Now().UTC()}
	err := store.Update(t.Context(), func(tx users.Tx) error {
		if err := tx.InsertRun(t.Context(), run); err != nil {
			return err
		}
		for i := range rows {
			rows[i].Run, rows[i].Seq = run.ID, i+1
		}
		return tx.InsertRunChanges(context.WithoutCancel(t.Context()), rows)
	})
	if err != nil {
		t.Fatal(err)
	}
	report, err := importer.ReadReport(t.Context(), store, run, web.English())
	if err != nil {
		t.Fatal(err)
	}
	return report
}

func TestAReportKeepsFailuresOfTheManagerPhase(t *testing.T) {
	t.Parallel()
	r := readReport(t,
		users.RunChange{Phase: 1, SourceID: "1", Kind: users.ChangeCreate, Outcome: users.OutcomeApplied},
		users.RunChange{Phase: 2, SourceID: "1", Kind: users.ChangeUpdate, Joins: true, Outcome: users.OutcomeFailed, Error: []users.Note{{Code: "moved_on"}}},
		users.RunChange{Phase: 2, SourceID: "1", Kind: users.ChangeSkip, Reason: "manager_unresolved"},
	)
	if len(r.Changes) != 2 || r.Changes[0].Outcome != users.OutcomeFailed || !strings.HasPrefix(r.Changes[0].Error, "The person was changed by somebody else") {
		t.Errorf("changes are %+v", r.Changes)
	}
}

func TestAReportHasEachPersonOnceAndNobodyWhoStaysTheSame(t *testing.T) {
	t.Parallel()
	boss := users.NewID()
	r := readReport(t,
		users.RunChange{Phase: 1, SourceID: "1", User: boss, Kind: users.ChangeCreate, Email: "ada@acme.example"},
		users.RunChange{Phase: 1, SourceID: "2", Kind: users.ChangeUpdate, Fields: map[string]users.FieldChange{"department": {Before: "Sales", After: "IT"}}},
		users.RunChange{Phase: 1, SourceID: "3", Kind: users.ChangeRecord},
		users.RunChange{Phase: 2, SourceID: "2", Kind: users.ChangeUpdate, Joins: true, Fields: map[string]users.FieldChange{"manager": {After: string(boss)}}},
	)
	want := map[string]users.FieldChange{"department": {Before: "Sales", After: "IT"}, "manager": {After: string(boss)}}
	if len(r.Changes) != 2 || r.Changes[1].SourceID != "2" {
		t.Fatalf("changes are %+v, want one of each person who changes", r.Changes)
	}
	if diff := cmp.Diff(want, r.Changes[1].Fields); diff != "" {
		t.Errorf("fields (-want +got):\n%s", diff)
	}
	if got := r.ShowField(users.AttributeManager, string(boss)); got != "ada@acme.example" {
		t.Errorf("the manager is shown as %q", got)
	}
}

// rowsOfRun are rows as a directory would return them, also such as no column can hold.
type rowsOfRun []users.RunChange

func (r rowsOfRun) RunChanges(_ context.Context, _ users.RunID, _ users.Outcome, _, seq, _ int) ([]users.RunChange, error) {
	return slices.Clone(r[min(seq, len(r)):]), nil
}

func (rowsOfRun) RunChangesOf(context.Context, users.RunID, users.ChangeKind, int, int, int) ([]users.RunChange, error) {
	return nil, nil
}

func (rowsOfRun) JoiningChanges(context.Context, users.RunID, []string) ([]users.RunChange, error) {
	return nil, nil
}

func (rowsOfRun) UsersByID(context.Context, []users.ID) (map[users.ID]users.User, error) {
	return nil, nil
}

// N205
func TestAReportAsCSVHoldsNoFormulas(t *testing.T) {
	t.Parallel()
	names := []string{"=1+1", "+49", "-1", "@x", "\tx", "\rx", "\x00x", "＝x", "＋x", "－x", "＠x", `quote "d", comma`, "two\nlines", "semi;colon", "plain"}
	var rows rowsOfRun
	for i, name := range names {
		rows = append(rows, users.RunChange{
			Phase: 1, Seq: i + 1, Kind: users.ChangeQuarantine, Reason: "id_invalid", Name: name, Detail: []users.Note{{English: "=cmd|' /C calc'!A0"}},
		})
	}
	for _, semicolon := range []bool{false, true} {
		var b strings.Builder
		opts := importer.CSVOptions{Semicolon: semicolon, ByteOrder: true}
		if err := importer.StreamCSV(t.Context(), rows, users.Run{State: users.RunDone}, web.English(), &b, opts); err != nil {
			t.Fatal(err)
		}
		text, marked := strings.CutPrefix(b.String(), "\uFEFF")
		if !marked {
			t.Error("no byte order mark")
		}
		in := csv.NewReader(strings.NewReader(text))
		if semicolon {
			in.Comma = ';'
		}
		lines, err := in.ReadAll()
		if err != nil || len(lines) != len(names)+1 {
			t.Fatalf("%d lines, %v; want a header and %d", len(lines), err, len(names))
		}
		for i, line := range lines[1:] {
			want := names[i]
			if i < 11 {
				want = "'" + want
			}
			// A reader of RFC 4180 takes a return for the end of a line.
			if got := line[1]; got != want && got != strings.ReplaceAll(want, "\r", "") {
				t.Errorf("name %q became %q, want %q", names[i], got, want)
			}
			if line[6] != "'=cmd|' /C calc'!A0" {
				t.Errorf("detail became %q", line[6])
			}
		}
	}
}

func TestAReportAsCSVSaysWhatChanges(t *testing.T) {
	t.Parallel()
	rows := rowsOfRun{{
		Phase: 1, Seq: 1, SourceID: "7", Name: "Ada Lovelace", Email: "ada@acme.example", Status: "active", Kind: users.ChangeUpdate,
		Reason: "attributes_changed", Outcome: users.OutcomeApplied,
		Fields: map[string]users.FieldChange{"office": {Before: "Wien", After: "Graz"}, "department": {After: "IT"}},
	}}
	var b strings.Builder
	if err := importer.StreamCSV(t.Context(), rows, users.Run{State: users.RunDone}, web.English(), &b, importer.CSVOptions{}); err != nil {
		t.Fatal(err)
	}
	want := "source_id,name,email,status,change,reason,detail,effect,fields,outcome,error\r\n" +
		`7,Ada Lovelace,ada@acme.example,active,update,attributes_changed,,,"department: """" → ""IT""; office: ""Wien"" → ""Graz""",applied,` + "\r\n"
	if diff := cmp.Diff(want, b.String()); diff != "" {
		t.Errorf("CSV (-want +got):\n%s", diff)
	}
}
