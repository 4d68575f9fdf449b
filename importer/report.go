package importer

import (
	"cmp"
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

	Run      users.Run           `json:"-"` // what the report is about
	people   map[users.ID]string // e-mail addresses of managers, for people who read the report
	arriving map[users.ID]string // likewise, of managers whom the plan creates
	words    Words               // in whose language its sentences are
}

// reportReader is the part of the directory that a report is read from.
type reportReader interface {
	RunChanges(ctx context.Context, run users.RunID, outcome users.Outcome, afterPhase, afterSeq, limit int) ([]users.RunChange, error)
	JoiningChanges(ctx context.Context, run users.RunID, sourceIDs []string) ([]users.RunChange, error)
	RunChangesOf(ctx context.Context, run users.RunID, kind users.ChangeKind, afterPhase, afterSeq, limit int) ([]users.RunChange, error)
	UsersByID(ctx context.Context, ids []users.ID) (map[users.ID]users.User, error)
}

// reportPage is how many rows of a plan are read at once.
const reportPage = 1000

// ReadReport reads the rows of a run, one for each person. Rows that only
// remember something of the source are left out, and a manager set in a later
// phase joins the person's own row. Its sentences are in the language of w.
func ReadReport(ctx context.Context, directory reportReader, run users.Run, w Words) (Report, error) {
	r := newReport(w, run)
	for page, err := range changesOf(ctx, directory, run.ID, w) {
		if err != nil {
			return r, err
		}
		r.Changes = append(r.Changes, page...)
	}
	rows, err := directory.RunChanges(ctx, run.ID, "", 0, 0, 1)
	if err != nil {
		return r, err
	}
	r.RowsRemoved = len(rows) == 0 && concernedSomebody(run)
	return r, r.nameManagers(ctx, directory, r.Changes)
}

func newReport(w Words, run users.Run) Report {
	return Report{RunReport: NewRunReport(w, run), Run: run, Changes: []ChangeReport{}, words: w}
}

// concernedSomebody reports whether a run has, or had, rows about people.
func concernedSomebody(run users.Run) bool {
	return run.Counts.Changed()+run.Counts.Quarantined+run.Counts.Failed > 0
}

func changesPerson(k users.ChangeKind) bool {
	return k != users.ChangeSkip && k != users.ChangeQuarantine && k != users.ChangeRecord
}

// nameManagers finds out whom the ids in the field manager of changes stand for:
// people of the directory, or people whom this very import creates.
func (r *Report) nameManagers(ctx context.Context, directory reportReader, changes []ChangeReport) error {
	known := map[users.ID]string{}
	wanted := map[users.ID]bool{}
	for _, c := range changes {
		if f, found := c.Fields[users.AttributeManager]; found {
			wanted[users.ID(f.Before)], wanted[users.ID(f.After)] = true, true
		}
	}
	delete(wanted, "")
	for _, c := range changes {
		if wanted[c.User] {
			known[c.User] = c.Email
		}
	}
	people, err := directory.UsersByID(ctx, slices.Collect(maps.Keys(wanted)))
	for id, u := range people {
		known[id] = cmp.Or(u.Email, known[id])
	}
	for id := range wanted {
		if known[id] == "" {
			known[id] = r.arriving[id]
		}
	}
	r.people = known
	return err
}

// ShowField returns a field's value for people: a manager by address, not by id.
func (r *Report) ShowField(name, value string) string {
	if email := r.people[users.ID(value)]; name == users.AttributeManager && email != "" {
		return email
	}
	return value
}
