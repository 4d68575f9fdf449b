package importer

import (
	"context"
	"maps"
	"slices"
	"time"

	"github.com/einlass/einlass/users"
)

// RunReport is one import as lists and programs see it.
type RunReport struct {
	ID          users.RunID         `json:"id"`
	Application users.ApplicationID `json:"application"`
	State       users.RunState      `json:"state"`
	Preview     bool                `json:"preview"`
	Scope       users.RunScope      `json:"scope,omitempty"` // refresh or delta: over some people only
	StartedAt   time.Time           `json:"started_at"`
	FinishedAt  time.Time           `json:"finished_at,omitzero"`
	Actor       users.Actor         `json:"actor"`
	ApprovedBy  users.Actor         `json:"approved_by,omitempty"`
	Held        []string            `json:"held,omitempty"` // a code, what it is about, and a sentence; see SayHeld
	ErrorCode   string              `json:"error_code,omitempty"`
	Error       string              `json:"error,omitempty"`
	Counts      users.Counts        `json:"counts"`
	Options     users.RunOptions    `json:"options"`
	Progress    *ProgressReport     `json:"progress,omitempty"` // of a run that has not ended
	Time        TimeReport          `json:"time_seconds"`
	Missing     []string            `json:"missing_attributes,omitempty"` // mapped, but the credentials may not read them
	Surplus     []string            `json:"surplus_attributes,omitempty"` // the credentials may read them, but nothing maps them

	MappingFailed map[string]int `json:"mapping_failed,omitempty"` // attribute → people who keep what they had

	Warnings []string `json:"warnings,omitempty"` // worth a look although the run did as it should

	Notes *RunNotes `json:"notes,omitempty"`
}

// RunNotes are what the sentences of a RunReport say, for programs.
type RunNotes struct {
	Held     []users.Note `json:"held,omitempty"`
	Error    []users.Note `json:"error,omitempty"`
	Warnings []users.Note `json:"warnings,omitempty"`
}

// NewRunReport returns a run as lists and programs see it, with sentences in the language of w.
func NewRunReport(w Words, r users.Run) RunReport {
	report := RunReport{
		ID: r.ID, Application: r.Connection, State: r.State, Preview: r.Preview, Scope: r.Scope, StartedAt: r.StartedAt, FinishedAt: r.FinishedAt,
		Actor: r.Actor, ApprovedBy: r.ApprovedBy, ErrorCode: r.ErrorCode, Error: Say(w, r.Error...), Counts: r.Counts,
		Progress: newProgressReport(r), Time: newTimeReport(r.Stats.Time),
		Missing: r.Stats.Missing, Surplus: r.Stats.Surplus,
		MappingFailed: r.Stats.MappingFailed, Options: r.Options,
	}
	notes := RunNotes{Held: r.Held, Error: r.Error, Warnings: warningsOf(r)}
	for _, n := range notes.Held {
		report.Held = append(report.Held, SayHeld(w, n))
	}
	for _, n := range notes.Warnings {
		report.Warnings = append(report.Warnings, Say(w, n))
	}
	if len(notes.Held)+len(notes.Error)+len(notes.Warnings) > 0 {
		report.Notes = &notes
	}
	return report
}

// ChangeReport is what a run does to one person.
type ChangeReport struct {
	User     users.ID                     `json:"user,omitempty"`
	SourceID string                       `json:"source_id"`
	Name     string                       `json:"name"`
	Email    string                       `json:"email"`
	Status   string                       `json:"status"`
	Kind     users.ChangeKind             `json:"kind"`
	Reason   string                       `json:"reason"`
	Detail   string                       `json:"detail,omitempty"`
	Effect   string                       `json:"effect,omitempty"` // what follows for the person
	Fields   map[string]users.FieldChange `json:"fields"`
	Outcome  users.Outcome                `json:"outcome"`
	Error    string                       `json:"error,omitempty"`
	Notes    *ChangeNotes                 `json:"notes,omitempty"`
}

// ChangeNotes are what the sentences of a ChangeReport say, for programs.
type ChangeNotes struct {
	Detail []users.Note `json:"detail,omitempty"`
	Effect []users.Note `json:"effect,omitempty"`
	Error  []users.Note `json:"error,omitempty"`
}

// tell writes the sentences that follow from the notes.
func (c *ChangeReport) tell(w Words) {
	if c.Notes == nil {
		return
	}
	c.Detail, c.Effect, c.Error = Say(w, c.Notes.Detail...), Say(w, c.Notes.Effect...), Say(w, c.Notes.Error...)
	if c.Detail+c.Effect+c.Error == "" {
		c.Notes = nil
	}
}

// Report is a run with what it changes: what commands, pages and downloads show
// of it. Its JSON is part of the contract with programs.
type Report struct {
	RunReport
	Changes []ChangeReport `json:"changes"`
	// The import changed people, but is so old that who it was is kept no longer.
	RowsRemoved bool `json:"rows_removed,omitempty"`

	Run    users.Run           `json:"-"` // what the report is about
	people map[users.ID]string // e-mail addresses of managers, for people who read the report
}

// reportReader is the part of the directory that a report is read from.
type reportReader interface {
	RunChanges(ctx context.Context, run users.RunID, outcome users.Outcome, afterPhase, afterSeq, limit int) ([]users.RunChange, error)
	UsersByID(ctx context.Context, ids []users.ID) (map[users.ID]users.User, error)
}

// reportPage is how many rows of a plan are read at once.
const reportPage = 1000

// ReadReport reads the rows of a run, one for each person. Rows that only
// remember something of the source are left out, and a manager set in a later
// phase joins the person's own row. Its sentences are in the language of w.
func ReadReport(ctx context.Context, directory reportReader, run users.Run, w Words) (Report, error) {
	r := Report{RunReport: NewRunReport(w, run), Run: run, Changes: []ChangeReport{}}
	place := map[string]int{} // source id → row that changes the person
	for phase, seq := 0, 0; ; {
		rows, err := directory.RunChanges(ctx, run.ID, "", phase, seq, reportPage)
		if err != nil {
			return r, err
		}
		for _, row := range rows {
			r.add(row, place)
		}
		if len(rows) < reportPage {
			for i := range r.Changes {
				r.Changes[i].tell(w)
			}
			r.RowsRemoved = len(rows) == 0 && seq == 0 && run.Counts.Changed()+run.Counts.Quarantined+run.Counts.Failed > 0
			return r, r.nameManagers(ctx, directory)
		}
		last := rows[len(rows)-1]
		phase, seq = last.Phase, last.Seq
	}
}

func (r *Report) add(row users.RunChange, place map[string]int) {
	if row.Kind == users.ChangeRecord && row.Outcome != users.OutcomeFailed {
		return
	}
	i, found := place[row.SourceID]
	if found && row.Outcome == users.OutcomeOvertaken {
		return
	}
	if found && row.Kind == users.ChangeUpdate {
		maps.Copy(r.Changes[i].Fields, row.Fields)
		notes := r.Changes[i].Notes
		if len(notes.Effect) == 0 {
			notes.Effect = row.Effect
		}
		if row.Outcome == users.OutcomeFailed {
			r.Changes[i].Outcome, notes.Error = row.Outcome, row.Error
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
	r.Changes = append(r.Changes, ChangeReport{
		User: row.User, SourceID: row.SourceID, Name: row.Name, Email: row.Email, Status: row.Status, Kind: row.Kind,
		Reason: row.Reason, Fields: fields, Outcome: row.Outcome, Notes: &ChangeNotes{row.Detail, row.Effect, row.Error},
	})
}

func changesPerson(k users.ChangeKind) bool {
	return k != users.ChangeSkip && k != users.ChangeQuarantine && k != users.ChangeRecord
}

// nameManagers finds out whom the ids in the field manager stand for: people of
// the directory, or people whom this very import creates.
func (r *Report) nameManagers(ctx context.Context, directory reportReader) error {
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
	known, err := directory.UsersByID(ctx, ids)
	for id, u := range known {
		r.people[id] = u.Email
	}
	return err
}

// ShowField returns a field's value for people: a manager by address, not by id.
func (r *Report) ShowField(name, value string) string {
	if email := r.people[users.ID(value)]; name == users.AttributeManager && email != "" {
		return email
	}
	return value
}
