package users

import (
	"slices"
	"time"
)

// RunID identifies one import.
type RunID string

// NewRunID returns a fresh identifier of 26 lower-case characters.
func NewRunID() RunID { return RunID(newToken()) }

// RunState is how far an import has come.
type RunState string

// The states of a run. Only reading and applying are unfinished; a run found in
// one of them by somebody who holds the lease was killed.
const (
	RunReading     RunState = "reading"     // reads the source and plans
	RunPreviewed   RunState = "previewed"   // planned only; may be approved
	RunHeld        RunState = "held"        // stopped by the guard before writing; may be approved
	RunApplying    RunState = "applying"    // writes the plan
	RunDone        RunState = "done"        // written
	RunFailed      RunState = "failed"      // stopped by an error; see ErrorCode
	RunInterrupted RunState = "interrupted" // its process died; the next run repairs
	RunStale       RunState = "stale"       // approved too late: source or directory had moved
)

// Unfinished reports whether a run in this state is under way, or was when its process died.
func (s RunState) Unfinished() bool { return slices.Contains(unfinished, s) }

var unfinished = []RunState{RunReading, RunApplying}

// Run is one import from start to end.
type Run struct {
	ID         RunID
	Connection ApplicationID
	Preview    bool // plan only
	State      RunState
	Actor      Actor
	StartedAt  time.Time
	FinishedAt time.Time // zero while unfinished
	Counts     Counts
	Stats      FeedStats
	PlanHash   string // hex SHA-256 of the plan whatever the order of the feed
	Held       []Note // the guard's reasons
	ErrorCode  string // e.g. source_unreachable; empty: none
	Error      []Note // what happened and the remedy; no secrets
	ApprovedBy Actor
	ApprovedAt time.Time
	Options    RunOptions
	Scope      RunScope
	Progress   RunProgress // of a run that has ended: where it did
}

// Approving reports whether somebody has the plan of a run applied that was held
// or previewed: the source is being read again.
func (r Run) Approving() bool {
	return (r.State == RunHeld || r.State == RunPreviewed) && r.Progress.At.After(r.FinishedAt)
}

// RunPlace is where a run stands among all, by time.
type RunPlace struct {
	StartedAt time.Time
	ID        RunID
}

// RunScope is over whom a run goes.
type RunScope string

// The scopes. Only a run over everybody can say that somebody is missing, so the
// others are never compared with it.
const (
	ScopeFull    RunScope = ""        // everybody of the source
	ScopeRefresh RunScope = "refresh" // people who were to be read again
	ScopeDelta   RunScope = "delta"   // people whom the source shows as changed since a time
	ScopeFile    RunScope = "file"    // people whom a file lists that says nothing about others
)

var scopes = []RunScope{ScopeFull, ScopeRefresh, ScopeDelta, ScopeFile}

// ImportMode is which people a run may change.
type ImportMode string

// The modes.
const (
	ImportAll      ImportMode = "all"      // new people and changes of those who are here
	ImportNew      ImportMode = "new"      // new people only: nobody who is here changes, whatever the source says
	ImportUpdates  ImportMode = "updates"  // people who are here only: nobody is created
	ImportSelected ImportMode = "selected" // the new people whom an administrator has chosen, and nobody else
)

// Valid reports whether m is one of the modes.
func (m ImportMode) Valid() bool {
	return m == ImportAll || m == ImportNew || m == ImportUpdates || m == ImportSelected
}

// RunOptions are what a run was made by. They are kept with it, because those
// of the connection may change afterwards.
type RunOptions struct {
	Mode         ImportMode  `json:"mode,omitempty"`     // empty: ImportAll
	Selected     []string    `json:"selected,omitempty"` // source ids, with ImportSelected
	Filter       string      `json:"filter,omitempty"`   // query string in the source's own syntax
	InitialState State       `json:"initial_state,omitempty"`
	Reactivation bool        `json:"reactivation,omitempty"`
	Leave        LeavePolicy `json:"leave,omitempty"`
	LeaveRules   []LeaveRule `json:"leave_rules,omitempty"`
	Reconcile    bool        `json:"reconcile,omitempty"` // compares everybody, also those whom the source shows as remembered
	Due          time.Time   `json:"due,omitzero"`        // when the schedule wanted the run; zero: it was not the schedule
	// What was asked for with this run alone, instead of what the connection says.
	OwnFilter       bool     `json:"own_filter,omitempty"`
	OwnReactivation bool     `json:"own_reactivation,omitempty"`
	People          []string `json:"people,omitempty"` // source ids of those who were not as remembered, unless the run was over everybody; an approval reads them again
}

// Counts is what a run did, or would do, in people. Each counts once, by the
// strongest change; whoever a change failed for counts as failed alone.
type Counts struct {
	Created     int `json:"created"`
	Updated     int `json:"updated"`
	Suspended   int `json:"suspended"`
	Reactivated int `json:"reactivated"`
	Unchanged   int `json:"unchanged"`
	Skipped     int `json:"skipped"`
	Quarantined int `json:"quarantined"`
	Failed      int `json:"failed"`
}

// Changed is how many people the run changed or would change.
func (c Counts) Changed() int { return c.Created + c.Updated + c.Suspended + c.Reactivated }

// FeedStats describes a full read of a source, so that the next can be compared with it.
type FeedStats struct {
	People          int            `json:"people"`                 // different ids read
	Singly          int            `json:"singly,omitempty"`       // of those, people who were not in the list and were read one by one
	SinglyLast      string         `json:"singly_last,omitempty"`  // the last source id that was asked for singly, gone or not; the next run goes on after it
	Announced       int            `json:"announced"`              // the source's own total; -1: none
	Filled          map[string]int `json:"filled,omitempty"`       // source attribute → people with a value
	Domains         map[string]int `json:"domains,omitempty"`      // e-mail domain → people; the 50 largest
	UnknownStatuses int            `json:"unknown_statuses"`       // people with a status we do not know
	Missing         []string       `json:"missing,omitempty"`      // optional attributes the credential may not read
	Surplus         []string       `json:"surplus,omitempty"`      // attributes the credential may read and nothing maps
	Active          int            `json:"active"`                 // active people before the run, without roles
	Staged          int            `json:"staged,omitempty"`       // likewise staged ones
	LosingAccess    int            `json:"losing_access"`          // active people this run suspends, makes enrol again, or takes an application from by a rule, or an address for somebody else
	LosingLater     int            `json:"losing_later,omitempty"` // active people whose access ends by a date after a day, or sooner than it would have
	Lookalikes      int            `json:"lookalikes,omitempty"`   // people whose address is easily mistaken for another one
	LeaveLater      int            `json:"leave_later,omitempty"`  // people on leave from whom a rule takes access on a later day, by an import, because nobody can be read alone
	Time            RunTime        `json:"time,omitzero"`

	MappingFailed map[string]int `json:"mapping_failed,omitempty"` // attribute of ours → people for whom its expression fails
}

// Listed is how many people the list showed.
func (s FeedStats) Listed() int { return s.People - s.Singly }

// ChangeKind is the strongest effect of a run on one person.
type ChangeKind string

// The kinds. Skip and quarantine change nothing.
const (
	ChangeCreate     ChangeKind = "create"
	ChangeUpdate     ChangeKind = "update"
	ChangeLink       ChangeKind = "link" // a local user is from now on looked after by the source
	ChangeSuspend    ChangeKind = "suspend"
	ChangeReactivate ChangeKind = "reactivate"
	ChangeRecord     ChangeKind = "record" // only what we remember of the source changes, not the person
	ChangeSkip       ChangeKind = "skip"
	ChangeQuarantine ChangeKind = "quarantine"
)

// Outcome is what became of a change.
type Outcome string

// The outcomes.
const (
	OutcomePlanned Outcome = "planned"
	OutcomeApplied Outcome = "applied"
	OutcomeFailed  Outcome = "failed"
	// OutcomeOvertaken: the person was read again, and changed as that says, while the run was under way.
	OutcomeOvertaken Outcome = "overtaken"
)

// FieldChange is one attribute's value before and after.
type FieldChange struct {
	Before string `json:"before"`
	After  string `json:"after"`
}

// RunChange is what a run does, or would do, to one person, and why.
type RunChange struct {
	Run      RunID
	Seq      int // from 1, in the order of the plan
	Phase    int // rows are applied by phase: e-mail releases before e-mail claims, managers last
	SourceID string
	User     ID    // empty for skip and quarantine of unknown people; chosen by the plan for create
	Before   int64 // version of the user row the plan saw; 0 for create
	Kind     ChangeKind
	Reason   string // a code such as status_leave, inactive_status, email_taken
	Detail   []Note // more than the reason says
	Name     string // display name, for lists
	Email    string
	Fields   map[string]FieldChange // changed attributes by target name

	// The person as the source shows them, remembered when the change is applied.
	Status          string
	ContentHash     string
	ManagerSourceID string

	HeardAt time.Time // when we first heard that the person changed; zero: the run found out itself

	Joins        bool  // an earlier row of the run changes the same person, and lists show both as one
	InitialState State // for create
	Outcome      Outcome
	Error        []Note // why it failed

	// Effect is what follows for the person, as far as it was known when the row was
	// planned; none: nothing does.
	Effect []Note
}

// Person is what we remember of one person of a source: the key is
// (connection, source id), never an e-mail address.
type Person struct {
	Connection      ApplicationID
	SourceID        string
	User            ID // empty: never created, for example inactive at first sight
	Status          string
	ContentHash     string
	ManagerSourceID string
	SeenRun         RunID     // the run that wrote this row last
	StatusSince     time.Time // when the status was first written; zero: that was not remembered
}

// PersonStatusGone is the status of a person whom the source no longer knows.
const PersonStatusGone = "gone"
