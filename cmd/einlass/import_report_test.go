package main

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/einlass/einlass/importer"
	"github.com/einlass/einlass/provider/web"
	"github.com/einlass/einlass/users"
)

// F-55
func TestReportShowsEachPersonOnceWithReasonAndFields(t *testing.T) {
	t.Parallel()
	r := report{importer.Report{
		RunReport: importer.NewRunReport(web.English(), users.Run{
			ID: "r1", Connection: "personio", State: users.RunHeld, Actor: "cli:root",
			StartedAt: time.Date(2026, 11, 21, 10, 0, 0, 0, time.UTC),
			Held:      []users.Note{{Code: "mass_suspension.people", Numbers: map[string]int{"count": 31, "limit": 25}}},
			Counts:    users.Counts{Created: 1, Updated: 1, Suspended: 31, Quarantined: 1},
		}),
		Changes: []importer.ChangeReport{
			{SourceID: "1", Kind: users.ChangeCreate, Reason: "new_person", Name: "Ada Lovelace", Email: "ada@acme.example",
				Fields: map[string]users.FieldChange{"department": {After: "IT"}}},
			{SourceID: "2", Kind: users.ChangeUpdate, Reason: "attributes_changed", Name: "Grace Hopper", Email: "grace@acme.example",
				Fields: map[string]users.FieldChange{"department": {Before: "Sales", After: "Finance"}, "manager": {After: "Ada Lovelace"}}},
			{SourceID: "5", Kind: users.ChangeSuspend, Reason: "status_leave", Name: "Lea Leave", Email: "lea@acme.example",
				Effect: "Loses Wiki. 2 sessions end."},
			{SourceID: "4", Kind: users.ChangeQuarantine, Reason: "email_taken", Detail: "grace@acme.example belongs to Grace Hopper"},
		},
	}}
	var b strings.Builder
	if err := r.write(&b); err != nil {
		t.Fatal(err)
	}
	want := `import       r1
application  personio
state        held
started      2026-11-21 10:00:00 UTC by cli:root
options      mode all; new people active; reactivation off; leave suspend
plan         1 created, 1 updated, 31 suspended, 1 quarantined

create (1)
  Ada Lovelace <ada@acme.example>: new_person

update (1)
  Grace Hopper <grace@acme.example>: attributes_changed
      department: Sales → Finance
      manager: "" → Ada Lovelace

suspend (1)
  Lea Leave <lea@acme.example>: status_leave. Loses Wiki. 2 sessions end.

quarantine (1)
  source id 4: email_taken (grace@acme.example belongs to Grace Hopper)

Held by a safeguard: nothing was changed, because
  mass_suspension: 31 people would lose access within 24 hours (limit 25).

To apply exactly this plan: einlass import approve r1
`
	if diff := cmp.Diff(want, b.String()); diff != "" {
		t.Errorf("report (-want +got):\n%s", diff)
	}
}
