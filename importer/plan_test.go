package importer

import (
	"fmt"
	"strings"
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
		{"an address beyond all lengths", strings.Repeat("a", 310) + "@acme.example", "email_invalid"},
		{"a quoted name", `"ada @home"@acme.example`, "email_invalid"},
		{"a link", "mailto:ada@acme.example", "email_invalid"},
		{"a fox as domain", "ada@🦊", "email_invalid"},
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
