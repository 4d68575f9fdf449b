package importer_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/einlass/einlass/importer"
	"github.com/einlass/einlass/users"
)

// before is a person before the run that a row of the table is about.
type before struct {
	status    importer.Status   // what the source said last; empty: it did not show them yet
	base      users.State       // their own state here; empty: they were never created
	suspended []string          // by whom: import, other (another connection's import), admin, config
	waived    importer.Status   // the status an administrator overruled
	leave     users.LeavePolicy // the connection's rule then; empty: suspend
}

// now is the run: what the source says, and by which options the run is made.
type now struct {
	status   importer.Status // "gone": the source does not know them any more
	mode     users.ImportMode
	keep     bool // people on leave keep their access
	noReturn bool // reactivation is off
	staged   bool // new people are staged
}

// stay is the outcome of a run that has nothing to do with somebody: no row, and the state they had.
func stay(state users.State) [2]string { return [2]string{"", string(state)} }

// lifecycle is the table of S-044 and S-054m: what the source says, what was, and
// the options make the row of a person and the state they are in afterwards. It
// is written from the requirements, which each row names.
var lifecycle = []struct {
	rows   string // of the requirements
	name   string
	before before
	now    now
	want   [2]string // kind:reason and state; an empty state: there is no such person
}{
	// New people.
	{"S-047 S-041", "onboarding is created", before{}, now{status: "onboarding"}, [2]string{"create:new_person", "active"}},
	{"S-047 S-041", "active is created", before{}, now{status: "active"}, [2]string{"create:new_person", "active"}},
	{"S-041 S-042", "staged where it is set so", before{}, now{status: "active", staged: true}, [2]string{"create:new_person", "staged"}},
	{"S-041 S-042", "onboarding is staged too", before{}, now{status: "onboarding", staged: true}, [2]string{"create:new_person", "staged"}},
	{"S-046 S-047", "statuses are compared without regard to case", before{}, now{status: "ACTIVE"}, [2]string{"create:new_person", "active"}},
	{"S-048 S-101", "leave is not created", before{}, now{status: "leave"}, [2]string{"skip:inactive_status", ""}},
	{"S-048 S-101", "inactive is not created", before{}, now{status: "inactive"}, [2]string{"skip:inactive_status", ""}},
	{"S-046 S-048", "Inactive is inactive", before{}, now{status: "Inactive"}, [2]string{"skip:inactive_status", ""}},
	{"B-11 S-049", "leave is created where it keeps access", before{}, now{status: "leave", keep: true}, [2]string{"create:new_person", "active"}},
	{"B-11 S-048", "inactive is not created where leave keeps access", before{}, now{status: "inactive", keep: true}, [2]string{"skip:inactive_status", ""}},
	{"S-053", "an unknown status is not created", before{}, now{status: "foo"}, [2]string{"quarantine:unknown_status", ""}},
	{"S-053", "no status is not created", before{}, now{status: ""}, [2]string{"quarantine:unknown_status", ""}},
	{"S-048 S-085", "who was skipped and stays inactive is only counted", before{status: "inactive"}, now{status: "inactive"}, stay("")},
	{"S-048", "who was skipped is created once active", before{status: "inactive"}, now{status: "active"}, [2]string{"create:new_person", "active"}},
	{"S-048", "who was skipped on leave and left is skipped", before{status: "leave"}, now{status: "inactive"}, [2]string{"skip:inactive_status", ""}},
	{"S-048", "who was skipped and is gone is nobody", before{status: "inactive"}, now{status: "gone"}, [2]string{"record:person_gone", ""}},

	// Active people.
	{"S-044 S-085", "nothing changed", before{"active", "active", nil, "", ""}, now{status: "active"}, stay("active")},
	{"S-047", "onboarding becomes active", before{"onboarding", "active", nil, "", ""}, now{status: "active"}, [2]string{"record:content_changed", "active"}},
	{"S-049 S-090 S-135", "active to leave", before{"active", "active", nil, "", ""}, now{status: "leave"}, [2]string{"suspend:status_leave", "suspended"}},
	{"S-049 S-090 S-135", "active to inactive", before{"active", "active", nil, "", ""}, now{status: "inactive"}, [2]string{"suspend:status_inactive", "suspended"}},
	{"S-049", "onboarding to inactive", before{"onboarding", "active", nil, "", ""}, now{status: "inactive"}, [2]string{"suspend:status_inactive", "suspended"}},
	{"S-046 S-049", "LEAVE is leave", before{"active", "active", nil, "", ""}, now{status: "LEAVE"}, [2]string{"suspend:status_leave", "suspended"}},
	{"S-049", "reactivation off suspends as well", before{"active", "active", nil, "", ""}, now{status: "leave", noReturn: true}, [2]string{"suspend:status_leave", "suspended"}},
	{"S-049 S-135", "gone", before{"active", "active", nil, "", ""}, now{status: "gone"}, [2]string{"suspend:person_gone", "suspended"}},
	{"S-049", "a suspension that was missed is made up for", before{"inactive", "active", nil, "", ""}, now{status: "inactive"}, [2]string{"suspend:status_inactive", "suspended"}},
	{"B-11", "leave keeps access where it is set so", before{"active", "active", nil, "", ""}, now{status: "leave", keep: true}, [2]string{"record:content_changed", "active"}},
	{"B-11 S-049", "inactive suspends where leave keeps", before{"active", "active", nil, "", ""}, now{status: "inactive", keep: true}, [2]string{"suspend:status_inactive", "suspended"}},
	{"B-11 S-049", "leave begins to suspend", before{"leave", "active", nil, "", users.LeaveKeeps}, now{status: "leave"}, [2]string{"suspend:status_leave", "suspended"}},
	{"S-053", "an unknown status changes no active person", before{"active", "active", nil, "", ""}, now{status: "foo"}, [2]string{"quarantine:unknown_status", "active"}},
	{"S-053", "no status changes no active person", before{"active", "active", nil, "", ""}, now{status: ""}, [2]string{"quarantine:unknown_status", "active"}},

	// Staged people.
	{"S-041", "another initial state changes nobody who is here", before{"active", "staged", nil, "", ""}, now{status: "active"}, stay("staged")},
	{"S-041 S-042", "active again at the source opens nothing", before{"onboarding", "staged", nil, "", ""}, now{status: "active"}, [2]string{"record:content_changed", "staged"}},
	{"S-041", "staged as initial state changes nobody who is here", before{"active", "active", nil, "", ""}, now{status: "active", staged: true}, stay("active")},
	{"S-042 S-049", "staged to leave", before{"active", "staged", nil, "", ""}, now{status: "leave"}, [2]string{"suspend:status_leave", "suspended"}},
	{"S-042 S-050", "who was staged is staged again", before{"leave", "staged", []string{"import"}, "", ""}, now{status: "active"}, [2]string{"reactivate:status_active", "staged"}},

	// People whom an import suspended, with reactivation.
	{"S-050 S-091", "leave to active", before{"leave", "active", []string{"import"}, "", ""}, now{status: "active"}, [2]string{"reactivate:status_active", "active"}},
	{"S-050 S-091", "leave to onboarding", before{"leave", "active", []string{"import"}, "", ""}, now{status: "onboarding"}, [2]string{"reactivate:status_onboarding", "active"}},
	{"S-050 S-091", "inactive to active", before{"inactive", "active", []string{"import"}, "", ""}, now{status: "active"}, [2]string{"reactivate:status_active", "active"}},
	{"S-050 S-091", "inactive to onboarding", before{"inactive", "active", []string{"import"}, "", ""}, now{status: "onboarding"}, [2]string{"reactivate:status_onboarding", "active"}},
	{"S-049", "leave stays leave", before{"leave", "active", []string{"import"}, "", ""}, now{status: "leave"}, stay("suspended")},
	{"S-049", "leave to inactive", before{"leave", "active", []string{"import"}, "", ""}, now{status: "inactive"}, [2]string{"record:content_changed", "suspended"}},
	{"S-049", "inactive to gone", before{"inactive", "active", []string{"import"}, "", ""}, now{status: "gone"}, [2]string{"record:person_gone", "suspended"}},
	{"B-11 S-050", "inactive to leave that keeps access", before{"inactive", "active", []string{"import"}, "", ""}, now{status: "leave", keep: true}, [2]string{"reactivate:status_leave", "active"}},
	{"B-11 S-050", "leave begins to keep access", before{"leave", "active", []string{"import"}, "", ""}, now{status: "leave", keep: true}, [2]string{"reactivate:status_leave", "active"}},
	{"S-053", "an unknown status opens nothing", before{"leave", "active", []string{"import"}, "", ""}, now{status: "foo"}, [2]string{"quarantine:unknown_status", "suspended"}},
	{"S-083", "reactivation that is switched on reaches whoever waits", before{"active", "active", []string{"import"}, "", ""}, now{status: "active"}, [2]string{"reactivate:status_active", "active"}},

	// The same without reactivation.
	{"S-051 S-083", "leave to active", before{"leave", "active", []string{"import"}, "", ""}, now{status: "active", noReturn: true}, [2]string{"record:needs_decision", "suspended"}},
	{"S-051 S-083", "leave to onboarding", before{"leave", "active", []string{"import"}, "", ""}, now{status: "onboarding", noReturn: true}, [2]string{"record:needs_decision", "suspended"}},
	{"S-051 S-083", "inactive to active", before{"inactive", "active", []string{"import"}, "", ""}, now{status: "active", noReturn: true}, [2]string{"record:needs_decision", "suspended"}},
	{"S-051 S-083", "inactive to onboarding", before{"inactive", "active", []string{"import"}, "", ""}, now{status: "onboarding", noReturn: true}, [2]string{"record:needs_decision", "suspended"}},
	{"S-051", "who waits for a decision is listed once", before{"active", "active", []string{"import"}, "", ""}, now{status: "active", noReturn: true}, stay("suspended")},
	{"S-051 B-11", "leave that begins to keep access opens nothing", before{"leave", "active", []string{"import"}, "", ""}, now{status: "leave", keep: true, noReturn: true}, stay("suspended")},

	// Suspensions that are not this connection's.
	{"S-052", "an administrator's stays while the status stays", before{"active", "active", []string{"admin"}, "", ""}, now{status: "active"}, stay("suspended")},
	{"S-052", "an administrator's stays when the person comes back", before{"leave", "active", []string{"admin", "import"}, "", ""}, now{status: "active"}, [2]string{"reactivate:status_active", "suspended"}},
	{"S-052 S-049", "leave is noted beside an administrator's", before{"active", "active", []string{"admin"}, "", ""}, now{status: "leave"}, [2]string{"suspend:status_leave", "suspended"}},
	{"S-052", "the file's stays while the status stays", before{"active", "active", []string{"config"}, "", ""}, now{status: "active"}, stay("suspended")},
	{"S-052", "the file's stays when the person comes back", before{"leave", "active", []string{"config", "import"}, "", ""}, now{status: "active"}, [2]string{"reactivate:status_active", "suspended"}},
	{"S-036 S-052", "another connection's stays when the person comes back", before{"leave", "active", []string{"other", "import"}, "", ""}, now{status: "active"}, [2]string{"reactivate:status_active", "suspended"}},
	{"S-036 S-052", "another connection's alone is left alone", before{"leave", "active", []string{"other"}, "", ""}, now{status: "active"}, [2]string{"record:content_changed", "suspended"}},

	// An administrator's word against the source's.
	{"S-043", "it holds while the status stays", before{"leave", "active", nil, "leave", ""}, now{status: "leave"}, stay("active")},
	{"S-043", "it holds for somebody who is gone", before{"gone", "active", nil, "gone", ""}, now{status: "gone"}, stay("active")},
	{"S-043", "it ends with another inactive status", before{"leave", "active", nil, "leave", ""}, now{status: "inactive"}, [2]string{"suspend:status_inactive", "suspended"}},
	{"S-043", "it ends when the person is gone", before{"leave", "active", nil, "leave", ""}, now{status: "gone"}, [2]string{"suspend:person_gone", "suspended"}},
	{"S-043", "the source agrees again", before{"leave", "active", nil, "leave", ""}, now{status: "active"}, [2]string{"record:content_changed", "active"}},
	{"S-043 S-051", "the source agrees without reactivation", before{"leave", "active", nil, "leave", ""}, now{status: "active", noReturn: true}, [2]string{"record:content_changed", "active"}},
	{"S-043", "a word about another status counts for nothing", before{"inactive", "active", nil, "leave", ""}, now{status: "inactive"}, [2]string{"suspend:status_inactive", "suspended"}},

	// Modes.
	{"S-086", "mode new creates", before{}, now{status: "active", mode: users.ImportNew}, [2]string{"create:new_person", "active"}},
	{"S-086 S-041", "mode new creates staged people", before{}, now{status: "active", mode: users.ImportNew, staged: true}, [2]string{"create:new_person", "staged"}},
	{"S-086 S-048", "mode new creates nobody inactive", before{}, now{status: "leave", mode: users.ImportNew}, [2]string{"skip:inactive_status", ""}},
	{"S-086", "mode new creates who was skipped", before{status: "inactive"}, now{status: "active", mode: users.ImportNew}, [2]string{"create:new_person", "active"}},
	{"S-086 S-090", "mode new suspends nobody", before{"active", "active", nil, "", ""}, now{status: "inactive", mode: users.ImportNew}, stay("active")},
	{"S-086 S-090", "mode new suspends nobody who is gone", before{"active", "active", nil, "", ""}, now{status: "gone", mode: users.ImportNew}, stay("active")},
	{"S-086 S-091", "mode new reactivates nobody", before{"leave", "active", []string{"import"}, "", ""}, now{status: "active", mode: users.ImportNew}, stay("suspended")},
	{"S-086", "mode new ends no administrator's word", before{"leave", "active", nil, "leave", ""}, now{status: "inactive", mode: users.ImportNew}, stay("active")},
	{"S-088", "who is selected is created", before{}, now{status: "active", mode: users.ImportSelected}, [2]string{"create:new_person", "active"}},
	{"S-088 S-048", "who is selected and inactive is not", before{}, now{status: "leave", mode: users.ImportSelected}, [2]string{"skip:inactive_status", ""}},
	{"S-088 S-053", "who is selected with an unknown status is not", before{}, now{status: "foo", mode: users.ImportSelected}, [2]string{"quarantine:unknown_status", ""}},
	{"S-087", "mode updates creates nobody", before{}, now{status: "active", mode: users.ImportUpdates}, [2]string{"skip:not_in_mode", ""}},
	{"S-087", "mode updates creates nobody who was skipped", before{status: "inactive"}, now{status: "active", mode: users.ImportUpdates}, [2]string{"skip:not_in_mode", ""}},
	{"S-087 S-090", "mode updates suspends", before{"active", "active", nil, "", ""}, now{status: "leave", mode: users.ImportUpdates}, [2]string{"suspend:status_leave", "suspended"}},
	{"S-087 S-091", "mode updates reactivates", before{"leave", "active", []string{"import"}, "", ""}, now{status: "active", mode: users.ImportUpdates}, [2]string{"reactivate:status_active", "active"}},
	{"S-087 S-051", "mode updates without reactivation", before{"leave", "active", []string{"import"}, "", ""}, now{status: "active", mode: users.ImportUpdates, noReturn: true}, [2]string{"record:needs_decision", "suspended"}},
}

// S-041 S-042 S-043 S-044 S-046 S-047 S-048 S-049 S-050 S-051 S-052 S-053 S-054m
// S-045 S-083 S-085 S-086 S-087 S-088 S-090 S-091 S-101 S-135 B-11 F-66 N308
func TestStateFollowsFromStatusHistoryAndOptions(t *testing.T) {
	t.Parallel()
	for _, c := range lifecycle {
		t.Run(c.rows+" "+c.name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t, 25) // others, so that no guard minds one person
			b.company.announced = -1
			b.live(c.before)

			b.settings.InitialState, b.settings.Reactivation, b.settings.Leave = users.StateActive, !c.now.noReturn, users.LeaveSuspends
			if c.now.staged {
				b.settings.InitialState = users.StateStaged
			}
			if c.now.keep {
				b.settings.Leave = users.LeaveKeeps
			}
			b.connect()
			b.say(c.now.status)
			req := importer.Request{Mode: c.now.mode}
			if req.Mode == users.ImportSelected {
				req.Selected = []string{"x"}
			}
			run := b.mustAsk(req)
			got := [2]string{b.reasons(run)["x"], string(b.states()["xena@acme.example"])}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Errorf("row and state (-want +got):\n%s", diff)
			}
			for id := range b.reasons(run) {
				if id != "x" {
					t.Errorf("somebody else has a row: %s", id)
				}
			}
		})
	}
}

// say makes the source show Xena, whose id is x, with a status, or not at all.
func (b *bench) say(status importer.Status) {
	b.company.remove("x")
	if status != users.PersonStatusGone {
		b.company.hire("x", status, "Xena")
	}
}

// live gives Xena the past that a row of the table begins with.
func (b *bench) live(past before) {
	b.t.Helper()
	if past.status == "" {
		b.run() // only the others
		return
	}
	b.settings.Leave = past.leave
	b.connect()
	if past.base != "" {
		b.settings.InitialState = past.base
		b.connect()
		b.say(importer.StatusOnboarding)
		b.run()
	}
	b.say(past.status)
	b.run()
	if past.base == "" {
		return
	}
	id := b.user("xena@acme.example").ID
	err := b.store.Update(b.t.Context(), func(tx users.Tx) error {
		if err := tx.DeleteSuspensions(b.t.Context(), []users.ID{id}, "", ""); err != nil {
			return err
		}
		if past.waived != "" {
			w := users.Waiver{User: id, Connection: hr, Status: string(past.waived)}
			if err := tx.PutWaiver(b.t.Context(), w); err != nil {
				return err
			}
		}
		return tx.PutSuspensions(b.t.Context(), suspensionsBy(id, past.suspended))
	})
	if err != nil {
		b.t.Fatal(err)
	}
}

// suspensionsBy returns a suspension of the user for each party.
func suspensionsBy(id users.ID, parties []string) []users.Suspension {
	var suspensions []users.Suspension
	for _, party := range parties {
		s := users.Suspension{User: id, By: users.SuspendedBy(party), Reason: strings.ToUpper(party)}
		switch party {
		case "import":
			s.Connection = hr
		case "other":
			s.By, s.Connection = users.ByImport, "another"
		}
		suspensions = append(suspensions, s)
	}
	return suspensions
}
