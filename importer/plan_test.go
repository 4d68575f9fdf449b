package importer

import (
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/einlass/einlass/users"
)

// S-041, S-047, S-048, S-053, N306
// S-135
func TestStatusDecidesWhetherAStrangerIsCreated(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		status Status
		leave  users.LeavePolicy
		want   effect
	}{
		{"onboarding", users.LeaveSuspends, effect{"1", users.ChangeCreate, "new_person"}},
		{"active", users.LeaveSuspends, effect{"1", users.ChangeCreate, "new_person"}},
		{"ACTIVE", users.LeaveSuspends, effect{"1", users.ChangeCreate, "new_person"}},
		{" Active ", users.LeaveSuspends, effect{"1", users.ChangeCreate, "new_person"}},
		{"leave", users.LeaveSuspends, effect{"1", users.ChangeSkip, "inactive_status"}},
		{"Leave", users.LeaveKeeps, effect{"1", users.ChangeCreate, "new_person"}},
		{"inactive", users.LeaveSuspends, effect{"1", users.ChangeSkip, "inactive_status"}},
		{"inactive", users.LeaveKeeps, effect{"1", users.ChangeSkip, "inactive_status"}},
		{"foo", users.LeaveSuspends, effect{"1", users.ChangeQuarantine, "unknown_status"}},
		{"Aktiv", users.LeaveSuspends, effect{"1", users.ChangeQuarantine, "unknown_status"}},
		{"", users.LeaveSuspends, effect{"1", users.ChangeQuarantine, "unknown_status"}},
		{"gone", users.LeaveSuspends, effect{"1", users.ChangeQuarantine, "unknown_status"}},
	} {
		t.Run(fmt.Sprintf("%q with leave %s", c.status, c.leave), func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.rules.Leave = c.leave
			want(t, w.plan(person("1", c.status, "Ada")), c.want)
		})
	}
}

// S-041
func TestInitialStateIsTheConnections(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ setting, want users.State }{
		{"", users.StateActive}, {users.StateActive, users.StateActive}, {users.StateStaged, users.StateStaged},
	} {
		w := newWorld(t)
		w.rules.InitialState = c.setting
		if got := w.plan(person("1", StatusActive, "Ada"))[0].InitialState; got != c.want {
			t.Errorf("initial state with setting %q: %q, want %q", c.setting, got, c.want)
		}
	}
}

// state is a user's before a run: who suspended them, and what an administrator waived.
type state struct {
	base       users.State
	suspended  []users.SuspendedBy
	waived     string
	remembered Status // the status at the last run
}

// S-044 S-054m, S-045, S-046, S-049, S-050, S-051, S-052, N308
// F-66 S-083 S-135 B-11
func TestStateFollowsFromStatusStateAndRules(t *testing.T) {
	t.Parallel()
	none := effect{}
	var (
		active   = state{base: users.StateActive, remembered: StatusActive}
		staged   = state{base: users.StateStaged, remembered: StatusActive}
		byImport = state{base: users.StateActive, suspended: []users.SuspendedBy{users.ByImport}, remembered: StatusLeave}
		byAdmin  = state{base: users.StateActive, suspended: []users.SuspendedBy{users.ByAdmin}, remembered: StatusActive}
		byBoth   = state{base: users.StateActive, suspended: []users.SuspendedBy{users.ByAdmin, users.ByImport}, remembered: StatusLeave}
		left     = state{base: users.StateActive, suspended: []users.SuspendedBy{users.ByImport}, remembered: StatusInactive}
		waived   = state{base: users.StateActive, waived: "leave", remembered: StatusLeave}
		missed   = state{base: users.StateActive, remembered: StatusInactive} // remembered as inactive, but never suspended
	)
	for _, c := range []struct {
		name         string
		before       state
		status       Status
		keeps        bool // people on leave keep their access
		irreversible bool // reactivation is off
		want         effect
	}{
		{"an active person stays active", active, StatusActive, false, false, none},
		{"onboarding is as good as active", active, StatusOnboarding, false, false, effect{"1", users.ChangeRecord, "content_changed"}},
		{"leave suspends", active, StatusLeave, false, false, effect{"1", users.ChangeSuspend, "status_leave"}},
		{"leave in capitals suspends", active, "LEAVE", false, false, effect{"1", users.ChangeSuspend, "status_leave"}},
		{"leave keeps where it is set so", active, StatusLeave, true, false, effect{"1", users.ChangeRecord, "content_changed"}},
		{"inactive suspends", active, StatusInactive, false, false, effect{"1", users.ChangeSuspend, "status_inactive"}},
		{"inactive suspends also where leave keeps", active, StatusInactive, true, false, effect{"1", users.ChangeSuspend, "status_inactive"}},
		{"inactive suspends a staged person", staged, StatusInactive, false, false, effect{"1", users.ChangeSuspend, "status_inactive"}},
		{"inactive is added to an administrator's suspension", byAdmin, StatusInactive, false, false, effect{"1", users.ChangeSuspend, "status_inactive"}},
		{"a missed suspension is made up for", missed, StatusInactive, false, false, effect{"1", users.ChangeSuspend, "status_inactive"}},
		{"suspended on leave stays suspended", byImport, StatusLeave, false, false, none},
		{"leave to inactive changes only what is remembered", byImport, StatusInactive, false, false, effect{"1", users.ChangeRecord, "content_changed"}},
		{"leave to active reactivates", byImport, StatusActive, false, false, effect{"1", users.ChangeReactivate, "status_active"}},
		{"leave to onboarding reactivates", byImport, StatusOnboarding, false, false, effect{"1", users.ChangeReactivate, "status_onboarding"}},
		{"inactive to active reactivates", left, StatusActive, false, false, effect{"1", users.ChangeReactivate, "status_active"}},
		{"inactive to onboarding reactivates", left, StatusOnboarding, false, false, effect{"1", users.ChangeReactivate, "status_onboarding"}},
		{"inactive to leave reactivates where leave keeps", left, StatusLeave, true, false, effect{"1", users.ChangeReactivate, "status_leave"}},
		{"a suspension ends when leave begins to keep", byImport, StatusLeave, true, false, effect{"1", users.ChangeReactivate, "status_leave"}},
		{"without reactivation an administrator decides", byImport, StatusActive, false, true, effect{"1", users.ChangeRecord, "needs_decision"}},
		{"without reactivation somebody who left stays out", left, StatusOnboarding, false, true, effect{"1", users.ChangeRecord, "needs_decision"}},
		{"an administrator's suspension is not lifted", byAdmin, StatusActive, false, false, none},
		{"of two suspensions only the import's is lifted", byBoth, StatusActive, false, false, effect{"1", users.ChangeReactivate, "status_active"}},
		{"a waiver holds while the status stays", waived, StatusLeave, false, false, none},
		{"a waiver ends with another status", waived, StatusInactive, false, false, effect{"1", users.ChangeSuspend, "status_inactive"}},
		{"a waived person who is back is only remembered", waived, StatusActive, false, false, effect{"1", users.ChangeRecord, "content_changed"}},
		{"an unknown status changes no active person", active, "paused", false, false, effect{"1", users.ChangeQuarantine, "unknown_status"}},
		{"an unknown status changes no suspended person", byImport, "paused", false, false, effect{"1", users.ChangeQuarantine, "unknown_status"}},
		{"no status changes nobody", active, "", false, false, effect{"1", users.ChangeQuarantine, "unknown_status"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.rules.Reactivation = !c.irreversible
			if c.keeps {
				w.rules.Leave = users.LeaveKeeps
			}
			id := w.hire(person("1", c.before.remembered, "Ada"))
			w.change(id, func(u *users.User) { u.BaseState = c.before.base })
			for _, by := range c.before.suspended {
				w.suspend(id, by)
			}
			if c.before.waived != "" {
				w.waivers[id] = users.Waiver{User: id, Connection: hr, Status: c.before.waived}
			}
			rows := w.plan(person("1", c.status, "Ada"))
			if c.want == none {
				want(t, rows)
				return
			}
			want(t, rows, c.want)
			if kind := rows[0].Kind; kind == users.ChangeReactivate && rows[0].Before != 7 {
				t.Errorf("version the plan saw: %d, want 7", rows[0].Before)
			}
		})
	}
}

// S-051
func TestSomebodyWhoWaitsForADecisionIsListedOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.rules.Reactivation = false
	id := w.hire(person("1", StatusActive, "Ada"))
	w.suspend(id, users.ByImport)
	want(t, w.plan(person("1", StatusActive, "Ada")))
}

// S-005, S-054b, S-055, S-089
func TestAttributesFollowTheSource(t *testing.T) {
	t.Parallel()
	before := person("1", StatusActive, "Ada")
	for _, c := range []struct {
		name string
		now  Person
		want map[string]users.FieldChange
	}{
		{"a new value", with(before, "department", "Ops"), map[string]users.FieldChange{"department": {Before: "Sales", After: "Ops"}}},
		{"an empty value empties", with(before, "department", ""), map[string]users.FieldChange{"department": {Before: "Sales"}}},
		{"an absent value stays", without(before, "department"), nil},
		{"a first value", with(before, "cost_centers", "A"), map[string]users.FieldChange{"cost_center": {After: "A"}}},
		{"several at once", with(with(before, "office", "Wien"), "position", "CTO"), map[string]users.FieldChange{
			"location": {After: "Wien"}, "job_title": {After: "CTO"},
		}},
		{"an address with another case", with(before, "email", "Ada@acme.example"), map[string]users.FieldChange{
			"email":    {Before: "ada@acme.example", After: "Ada@acme.example"},
			"username": {Before: "ada@acme.example", After: "Ada@acme.example"},
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.hire(before)
			rows := w.plan(c.now)
			if len(rows) != 1 {
				t.Fatalf("plan: %d rows, want 1: %v", len(rows), effectsOf(rows))
			}
			if diff := cmp.Diff(c.want, rows[0].Fields); diff != "" {
				t.Errorf("fields (-want +got):\n%s", diff)
			}
		})
	}
}

// S-048, S-085
func TestSomebodyNeverCreatedIsListedWhenSomethingChanges(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	inactive := person("1", StatusInactive, "Ada")
	rows := w.plan(inactive)
	want(t, rows, effect{"1", users.ChangeSkip, "inactive_status"})
	w.people["1"] = users.Person{Connection: hr, SourceID: "1", Status: "inactive", ContentHash: rows[0].ContentHash}

	want(t, w.plan(inactive))
	want(t, w.plan(with(inactive, "position", "CTO")), effect{"1", users.ChangeSkip, "inactive_status"})
	want(t, w.plan(person("1", StatusActive, "Ada")), effect{"1", users.ChangeCreate, "new_person"})
}

// S-054d, N315
func TestABrokenAddressHarmsNobody(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name   string
		email  string
		reason string
	}{
		{"blank", "", "email_missing"},
		{"spaces", "   ", "email_missing"},
		{"two at signs", "ada@@acme.example", "email_invalid"},
		{"no domain", "ada", "email_invalid"},
		{"a newline inside", "ada@acme\n.example", "email_invalid"},
		{"a NUL", "a\x00da@acme.example", "email_invalid"},
		{"not UTF-8", "a\xffda@acme.example", "email_invalid"},
		{"a display name", "Ada <ada@acme.example>", "email_invalid"},
		{"Personio's mark of a record that was replaced", "ada@acme.example_x1y2z", "email_invalid"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			broken := func(status Status) Person {
				return with(with(person("1", status, "Ada"), "email", c.email), "department", "Ops")
			}

			want(t, newWorld(t).plan(broken(StatusActive)), effect{"1", users.ChangeQuarantine, c.reason})

			w := newWorld(t)
			w.hire(person("1", StatusActive, "Ada"))
			want(t, w.plan(broken(StatusActive)), effect{"1", users.ChangeQuarantine, c.reason})
			onLeave := w.plan(broken(StatusLeave))
			want(t, onLeave, effect{"1", users.ChangeSuspend, "status_leave"})
			if len(onLeave[0].Fields) > 0 || onLeave[0].ContentHash != "" {
				t.Errorf("suspension with a broken address: fields %v and hash %q, want neither", onLeave[0].Fields, onLeave[0].ContentHash)
			}
			left := w.plan(broken(StatusInactive))
			want(t, left, effect{"1", users.ChangeSuspend, "status_inactive"})
			if _, changed := left[0].Fields["email"]; changed {
				t.Errorf("leaver's fields: %v, want the address left alone", left[0].Fields)
			}
		})
	}
}

// N317, invariant 4
func TestPeopleWithARoleAndSealedOnesAreLeftAlone(t *testing.T) {
	t.Parallel()
	for name, protect := range map[string]func(*users.User){
		"role":   func(u *users.User) { u.Role = users.RoleHelpdesk },
		"sealed": func(u *users.User) { u.Sealed = true },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			id := w.hire(person("1", StatusActive, "Ada"))
			w.change(id, protect)
			want(t, w.plan(person("1", StatusActive, "Ada")))
			for _, now := range []Person{
				person("1", StatusInactive, "Ada"),
				with(person("1", StatusActive, "Ada"), "department", "Ops"),
				with(person("1", StatusActive, "Ada"), "email", "other@acme.example"),
			} {
				want(t, w.plan(now), effect{"1", users.ChangeQuarantine, "privileged_user"})
			}
			managed := person("1", StatusActive, "Ada")
			managed.ManagerID = "1"
			want(t, w.plan(managed), effect{"1", users.ChangeQuarantine, "privileged_user"})
		})
	}
}

// N302, N320, N321
func TestIDsThatContradictThemselvesAreQuarantined(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.hire(person("1", StatusActive, "Ada"))

	same := person("1", StatusActive, "Ada")
	want(t, w.plan(same, same, same))

	other := with(same, "department", "Ops")
	want(t, w.plan(same, other), effect{"1", users.ChangeQuarantine, "duplicate_id"})
	want(t, w.plan(other, same, other), effect{"1", users.ChangeQuarantine, "duplicate_id"})

	nameless := person("", StatusActive, "Eve")
	want(t, w.plan(nameless), effect{"", users.ChangeQuarantine, "id_invalid"})
	nameless.ID = "1\x00"
	want(t, w.plan(nameless), effect{"", users.ChangeQuarantine, "id_invalid"})
}

func TestMoreThanThreeContradictingIDsAreACorruptFeed(t *testing.T) {
	t.Parallel()
	feed := NewFeed(Rules{Connection: hr})
	mapping := newMapper(jumpCloud, "")
	for i := range 4 {
		id := fmt.Sprint(i)
		if _, err := feed.see(mapping.apply(person(id, StatusActive, "Ada"))); err != nil {
			t.Fatalf("first sight of %s: %v", id, err)
		}
		_, err := feed.see(mapping.apply(person(id, StatusActive, "Eve")))
		if corrupt := err != nil; corrupt != (i == 3) {
			t.Errorf("contradiction %d: error %v, want one only for the fourth", i+1, err)
		}
	}
}

// invariant 4: gone is what the source said, not what it left out
func TestSomebodyTheSourceNoLongerKnowsIsSuspended(t *testing.T) {
	t.Parallel()
	gone := Mapped{ID: "1", Gone: true}
	plan := func(w *world) []users.RunChange {
		feed := NewFeed(w.rules)
		if _, err := feed.see(gone); err != nil {
			t.Fatal(err)
		}
		return w.planFeed(feed, []Mapped{gone}, 1)
	}

	w := newWorld(t)
	id := w.hire(person("1", StatusActive, "Ada"))
	rows := plan(w)
	want(t, rows, effect{"1", users.ChangeSuspend, "person_gone"})
	if got := rows[0].Status; got != users.PersonStatusGone {
		t.Errorf("remembered status: %q, want gone", got)
	}

	w.suspend(id, users.ByImport)
	want(t, plan(w), effect{"1", users.ChangeRecord, "person_gone"})

	w = newWorld(t)
	w.people["1"] = users.Person{Connection: hr, SourceID: "1", Status: "inactive"}
	want(t, plan(w), effect{"1", users.ChangeRecord, "person_gone"})
}
