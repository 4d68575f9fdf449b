package importer_test

import (
	"bytes"
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/einlass/einlass/importer"
	"github.com/einlass/einlass/provider/web"
	"github.com/einlass/einlass/users"
	"github.com/einlass/einlass/users/userstest"
)

// What is written page by page is all there is, to the byte, with managers from another page by their address.
func TestStreamedFilesAreThoseOfTheWholeReport(t *testing.T) {
	t.Parallel()
	store := userstest.SQLite(t)
	boss, leaver := users.NewID(), users.NewID()
	many := []users.RunChange{{Phase: 1, SourceID: "boss", User: boss, Kind: users.ChangeCreate, Email: "boss@acme.example"}}
	for i := range 2300 { // more than two pages
		id := fmt.Sprint(i)
		many = append(many, users.RunChange{
			Phase: 1, SourceID: id, User: users.NewID(), Kind: users.ChangeUpdate, Name: `<"` + id + `": []>`, Reason: "attributes_changed",
			Fields: map[string]users.FieldChange{"department": {Before: "a", After: "b"}},
		}, users.RunChange{
			Phase: 2, SourceID: id, Kind: users.ChangeUpdate, Joins: true,
			Fields: map[string]users.FieldChange{"manager": {Before: string(leaver), After: string(boss)}},
		})
	}
	for name, c := range map[string]struct {
		rows   []users.RunChange
		state  users.RunState
		counts users.Counts
	}{
		"a plan of many":             {many, users.RunPreviewed, users.Counts{Created: 1, Updated: 2300}},
		"one person":                 {many[:1], users.RunDone, users.Counts{Created: 1}},
		"nobody":                     {nil, users.RunDone, users.Counts{}},
		"rows that are kept no more": {nil, users.RunDone, users.Counts{Created: 3}},
	} {
		run := users.Run{ID: users.NewRunID(), Connection: "personio", State: c.state, Actor: "cli:root", StartedAt: time.Now().UTC(), Counts: c.counts}
		err := store.Update(t.Context(), func(tx users.Tx) error {
			if err := tx.InsertRun(t.Context(), run); err != nil {
				return err
			}
			rows := make([]users.RunChange, len(c.rows))
			for i, row := range c.rows {
				row.Run, row.Seq, row.Outcome = run.ID, i+1, users.OutcomePlanned
				rows[i] = row
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
		var whole, streamed bytes.Buffer
		opts := importer.CSVOptions{ByteOrder: true, Semicolon: true}
		whole.WriteString("\uFEFFsource_id;name;email;status;change;reason;detail;effect;fields;outcome;error\r\n")
		for _, row := range c.rows {
			switch {
			case row.Kind == users.ChangeCreate:
				whole.WriteString("boss;;boss@acme.example;;create;;;;;planned;\r\n")
			case !row.Joins:
				fmt.Fprintf(&whole, `%s;"<""%s"": []>";;;update;attributes_changed;;;"department: ""a"" → ""b""; manager: ""%s"" → ""boss@acme.example""";planned;`+"\r\n",
					row.SourceID, row.SourceID, leaver)
			}
		}
		if err := importer.StreamCSV(t.Context(), store, run, web.English(), &streamed, opts); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if diff := cmp.Diff(whole.String(), streamed.String()); diff != "" {
			t.Errorf("%s as CSV (-whole +streamed):\n%.2000s", name, diff)
		}
		whole.Reset()
		streamed.Reset()
		if err := report.WriteJSON(&whole); err != nil {
			t.Fatal(err)
		}
		if err := importer.StreamJSON(t.Context(), store, run, web.English(), &streamed); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if diff := cmp.Diff(whole.String(), streamed.String()); diff != "" {
			t.Errorf("%s as JSON (-whole +streamed):\n%.2000s", name, diff)
		}
	}
}
