package main

import (
	"context"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/einlass/einlass/users"
)

// runJSON is one import in lists.
type runJSON struct {
	ID          users.RunID         `json:"id"`
	Application users.ApplicationID `json:"application"`
	State       users.RunState      `json:"state"`
	Preview     bool                `json:"preview"`
	StartedAt   time.Time           `json:"started_at"`
	FinishedAt  time.Time           `json:"finished_at,omitzero"`
	Actor       users.Actor         `json:"actor"`
	ApprovedBy  users.Actor         `json:"approved_by,omitempty"`
	Held        []string            `json:"held,omitempty"`
	ErrorCode   string              `json:"error_code,omitempty"`
	Error       string              `json:"error,omitempty"`
	Counts      users.Counts        `json:"counts"`
}

func newRunJSON(r users.Run) runJSON {
	return runJSON{
		ID: r.ID, Application: r.Connection, State: r.State, Preview: r.Preview, StartedAt: r.StartedAt, FinishedAt: r.FinishedAt,
		Actor: r.Actor, ApprovedBy: r.ApprovedBy, Held: r.Held, ErrorCode: r.ErrorCode, Error: r.Error, Counts: r.Counts,
	}
}

// changeJSON is what a run does to one person.
type changeJSON struct {
	User     users.ID                     `json:"user,omitempty"`
	SourceID string                       `json:"source_id"`
	Name     string                       `json:"name"`
	Email    string                       `json:"email"`
	Status   string                       `json:"status"`
	Kind     users.ChangeKind             `json:"kind"`
	Reason   string                       `json:"reason"`
	Detail   string                       `json:"detail,omitempty"`
	Fields   map[string]users.FieldChange `json:"fields"`
	Outcome  users.Outcome                `json:"outcome"`
	Error    string                       `json:"error,omitempty"`
}

// report is an import with what it changes, a row for each person.
type report struct {
	runJSON
	Changes []changeJSON `json:"changes"`

	people map[users.ID]string // e-mail addresses of managers, for people who read the report
}

// changesPage is how many rows of a plan are read at once.
const changesPage = 1000

// newReport reads the rows of a run.
func newReport(ctx context.Context, a *app, run users.Run) (report, error) {
	r := report{runJSON: newRunJSON(run), Changes: []changeJSON{}}
	place := map[string]int{} // source id → row that changes the person
	phase, seq := 0, 0
	for {
		rows, err := a.Directory.Read().RunChanges(ctx, run.ID, "", phase, seq, changesPage)
		if err != nil {
			return r, err
		}
		for _, row := range rows {
			r.add(row, place)
		}
		if len(rows) < changesPage {
			return r, r.nameManagers(ctx, a)
		}
		last := rows[len(rows)-1]
		phase, seq = last.Phase, last.Seq
	}
}

// add takes one row. Rows that only remember something of the source are left
// out, and a manager set in a later phase joins the person's own row.
func (r *report) add(row users.RunChange, place map[string]int) {
	if row.Kind == users.ChangeRecord && row.Outcome != users.OutcomeFailed {
		return
	}
	if i, found := place[row.SourceID]; found && row.Kind == users.ChangeUpdate {
		maps.Copy(r.Changes[i].Fields, row.Fields)
		if row.Outcome == users.OutcomeFailed {
			r.Changes[i].Outcome, r.Changes[i].Error = row.Outcome, row.Error
		}
		return
	}
	if changesPerson(row.Kind) {
		place[row.SourceID] = len(r.Changes)
	}
	fields := maps.Clone(row.Fields)
	if fields == nil {
		fields = map[string]users.FieldChange{}
	}
	r.Changes = append(r.Changes, changeJSON{
		User: row.User, SourceID: row.SourceID, Name: row.Name, Email: row.Email, Status: row.Status, Kind: row.Kind,
		Reason: row.Reason, Detail: row.Detail, Fields: fields, Outcome: row.Outcome, Error: row.Error,
	})
}

// nameManagers finds out whom the ids in the field manager stand for: people of
// the directory, or people whom this very import creates.
func (r *report) nameManagers(ctx context.Context, a *app) error {
	r.people = map[users.ID]string{}
	var ids []users.ID
	for _, c := range r.Changes {
		if f, found := c.Fields[users.AttributeManager]; found {
			ids = append(ids, users.ID(f.Before), users.ID(f.After))
		}
		if c.User != "" {
			r.people[c.User] = c.Email
		}
	}
	slices.Sort(ids)
	ids = slices.DeleteFunc(slices.Compact(ids), func(id users.ID) bool { return id == "" || r.people[id] != "" })
	known, err := a.Directory.Read().UsersByID(ctx, ids)
	for id, u := range known {
		r.people[id] = u.Email
	}
	return err
}

// showField is a field's value for people: the manager by address, not by id.
func (r *report) showField(name, value string) string {
	if email := r.people[users.ID(value)]; name == users.AttributeManager && email != "" {
		value = email
	}
	return printable(showText(value))
}

func changesPerson(k users.ChangeKind) bool {
	return k != users.ChangeSkip && k != users.ChangeQuarantine && k != users.ChangeRecord
}

// write prints the report: as JSON, or for people, grouped by effect.
func (r *report) write(w io.Writer, format string) error {
	if format == formatJSON {
		return writeJSON(w, r)
	}
	state := string(r.State)
	if r.State == users.RunPreviewed {
		state += ": nothing was changed"
	}
	head := fields{
		{"import", string(r.ID)},
		{"application", string(r.Application)},
		{"state", state},
		{"started", showTime(r.StartedAt) + " by " + string(r.Actor)},
	}
	if !r.FinishedAt.IsZero() {
		head = append(head, [2]string{"finished", showTime(r.FinishedAt)})
	}
	if r.ApprovedBy != "" {
		head = append(head, [2]string{"approved by", string(r.ApprovedBy)})
	}
	if r.Error != "" {
		head = append(head, [2]string{"error", r.Error})
	}
	head = append(head, [2]string{r.countsLabel(), describeCounts(r.Counts)})
	if err := head.write(w); err != nil {
		return err
	}
	var b strings.Builder
	for _, kind := range []users.ChangeKind{
		users.ChangeCreate, users.ChangeLink, users.ChangeUpdate, users.ChangeSuspend, users.ChangeReactivate,
		users.ChangeQuarantine, users.ChangeSkip, users.ChangeRecord,
	} {
		r.writeKind(&b, kind)
	}
	r.writeNextStep(&b)
	_, err := io.WriteString(w, b.String())
	return err
}

// countsLabel says whether the counts are what happened or what would happen.
func (r *report) countsLabel() string {
	switch r.State {
	case users.RunPreviewed, users.RunHeld, users.RunStale:
		return "plan"
	case users.RunReading, users.RunApplying, users.RunDone, users.RunFailed, users.RunInterrupted:
	}
	return "people"
}

func (r *report) writeKind(b *strings.Builder, kind users.ChangeKind) {
	var rows []changeJSON
	for _, c := range r.Changes {
		if c.Kind == kind {
			rows = append(rows, c)
		}
	}
	if len(rows) == 0 {
		return
	}
	fmt.Fprintf(b, "\n%s (%d)\n", kind, len(rows))
	for _, c := range rows {
		fmt.Fprintf(b, "  %s\n", printable(c.describe()))
		if kind == users.ChangeCreate {
			continue // every field is new
		}
		for _, name := range slices.Sorted(maps.Keys(c.Fields)) {
			f := c.Fields[name]
			fmt.Fprintf(b, "      %s: %s → %s\n", name, r.showField(name, f.Before), r.showField(name, f.After))
		}
	}
}

func (c changeJSON) describe() string {
	text := strings.TrimSpace(c.Name)
	if c.Email != "" {
		text += " <" + c.Email + ">"
	}
	if text == "" {
		text = "source id " + c.SourceID
	}
	text += ": " + c.Reason
	if c.Detail != "" {
		text += " (" + c.Detail + ")"
	}
	if c.Error != "" {
		text += "; failed: " + c.Error
	}
	return strings.TrimSpace(text)
}

// writeNextStep says what a person can do with the run now.
func (r *report) writeNextStep(b *strings.Builder) {
	if r.State != users.RunHeld && r.State != users.RunPreviewed {
		return
	}
	if r.State == users.RunHeld {
		b.WriteString("\nHeld by a safeguard: nothing was changed, because\n")
	}
	for _, reason := range r.Held {
		fmt.Fprintf(b, "  %s\n", printable(reason))
	}
	fmt.Fprintf(b, "\nTo apply exactly this plan: einlass import approve %s\n", r.ID)
}

// describeCounts lists what happened to how many people.
func describeCounts(c users.Counts) string {
	counts := []struct {
		n    int
		name string
	}{
		{c.Created, "created"}, {c.Updated, "updated"}, {c.Suspended, "suspended"}, {c.Reactivated, "reactivated"},
		{c.Unchanged, "unchanged"}, {c.Skipped, "skipped"}, {c.Quarantined, "quarantined"}, {c.Failed, "failed"},
	}
	var parts []string
	for _, count := range counts {
		if count.n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", count.n, count.name))
		}
	}
	if len(parts) == 0 {
		return "none"
	}
	return strings.Join(parts, ", ")
}
