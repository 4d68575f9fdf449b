package importer

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/einlass/einlass/users"
)

// under is p with a manager.
func under(p Person, manager string) Person {
	p.ManagerID = manager
	return p
}

// remember lets the world know what a plan's rows leave behind.
func (w *world) remember(rows []users.RunChange) {
	for _, c := range byPhase(rows) {
		if c.Kind == users.ChangeQuarantine || c.Status == "" {
			continue
		}
		w.people[c.SourceID] = users.Person{
			Connection: hr, SourceID: c.SourceID, User: c.User, Status: c.Status,
			ContentHash: c.ContentHash, ManagerSourceID: c.ManagerSourceID,
		}
		if c.User == "" {
			continue
		}
		u := w.users[c.User]
		if u.ID == "" {
			u = users.User{ID: c.User, BaseState: users.StateActive, Role: users.RoleNone, Origin: users.OriginImport}
		}
		for name, f := range c.Fields {
			u.SetAttribute(name, f.After)
		}
		u.Version++
		w.users[c.User] = u
	}
}

// S-109
func TestManagersAreFoundWhateverTheOrder(t *testing.T) {
	t.Parallel()
	boss, ada := person("1", StatusActive, "Boss"), under(person("2", StatusActive, "Ada"), "1")
	for name, people := range map[string][]Person{"manager first": {boss, ada}, "manager last": {ada, boss}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			rows := w.planPages(1, people...)
			last := rows[len(rows)-1]
			want(t, rows[2:], effect{"2", users.ChangeUpdate, "manager"})
			if diff := cmp.Diff(map[string]users.FieldChange{"manager": {After: "new-1"}}, last.Fields); diff != "" {
				t.Errorf("manager row (-want +got):\n%s", diff)
			}
			if last.Phase != phaseManagers || last.Before != users.BeforeFollows || last.User != "new-2" {
				t.Errorf("manager row: phase %d, before %d, user %q", last.Phase, last.Before, last.User)
			}
			w.remember(rows)
			want(t, w.plan(people...))
		})
	}
}

// Whoever is created after their manager has them at once, in one row, and the
// next run finds nothing to do. S-109
func TestManagersWhoAreHereAreSetOnCreation(t *testing.T) {
	t.Parallel()
	boss, ada, bob := person("1", StatusActive, "Boss"), under(person("2", StatusActive, "Ada"), "1"), under(person("3", StatusActive, "Bob"), "9")
	w := newWorld(t)
	feed, waiting := w.feed(boss, ada, bob)
	feed.resolve()
	in := w.input(feed, waiting)
	in.Bosses = map[string]users.ID{"1": "new-1"}
	rows := PlanPage(in).Changes
	want(t, rows, effect{"1", users.ChangeCreate, reasonNewPerson}, effect{"2", users.ChangeCreate, reasonNewPerson}, effect{"3", users.ChangeCreate, reasonNewPerson})
	for i, c := range []struct{ manager, remembered string }{{"", ""}, {"new-1", "1"}, {"", ""}} {
		if f := rows[i].Fields[users.AttributeManager]; f.After != c.manager || rows[i].ManagerSourceID != c.remembered {
			t.Errorf("%s is created with the manager %q, remembered as %q", rows[i].SourceID, f.After, rows[i].ManagerSourceID)
		}
	}
	managers := PlanManagers(ManagersInput{PageInput: in, Managers: in.Bosses})
	want(t, managers, effect{"3", users.ChangeRecord, reasonManagerUnresolved})
	w.remember(append(rows, managers...))
	for _, c := range w.plan(boss, ada, bob) {
		if c.SourceID != "3" {
			t.Errorf("the next run wants to %s %s: %s", c.Kind, c.SourceID, c.Reason)
		}
	}
}

// S-109
func TestSelfManagementAndCirclesAreFine(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	people := []Person{
		under(person("1", StatusActive, "Ada"), "1"),
		under(person("2", StatusActive, "Bob"), "3"),
		under(person("3", StatusActive, "Cleo"), "2"),
	}
	rows := w.plan(people...)
	want(t, rows[3:],
		effect{"1", users.ChangeUpdate, "manager"},
		effect{"2", users.ChangeUpdate, "manager"},
		effect{"3", users.ChangeUpdate, "manager"})
}

// S-108, S-109
func TestAManagerWhoIsNotHereStaysBlankUntilTheyAre(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ada := under(person("2", StatusActive, "Ada"), "1")
	rows := w.plan(ada)
	want(t, rows, effect{"2", users.ChangeCreate, "new_person"}, effect{"2", users.ChangeRecord, "manager_unresolved"})
	w.remember(rows)
	want(t, w.plan(ada))

	rows = w.plan(ada, person("1", StatusActive, "Boss"))
	want(t, rows, effect{"1", users.ChangeCreate, "new_person"}, effect{"2", users.ChangeUpdate, "manager"})
	w.remember(rows)
	want(t, w.plan(ada, person("1", StatusActive, "Boss")))
}

func TestAChangedManagerIsOneRow(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.hire(person("1", StatusActive, "Boss"))
	w.hire(person("3", StatusActive, "Chief"))
	id := w.hire(under(person("2", StatusActive, "Ada"), "1"))
	w.change(id, func(u *users.User) { u.Manager = "user-1" })

	rows := w.plan(under(person("2", StatusActive, "Ada"), "3"))
	want(t, rows, effect{"2", users.ChangeUpdate, "manager"})
	if rows[0].Before != 7 {
		t.Errorf("version the plan saw: %d, want 7", rows[0].Before)
	}
	blank := w.plan(under(person("2", StatusActive, "Ada"), "99"))
	want(t, blank, effect{"2", users.ChangeUpdate, "manager_unresolved"})
	if got := blank[0].Fields["manager"]; got != (users.FieldChange{Before: "user-1"}) {
		t.Errorf("unresolved manager: %+v, want the old one removed", got)
	}
	none := w.plan(under(person("2", StatusActive, "Ada"), ""))
	want(t, none, effect{"2", users.ChangeUpdate, "manager"})
}

// invariant 4: absent is not empty
func TestAManagerWhoWasNotSentStays(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	id := w.hire(under(person("2", StatusActive, "Ada"), "1"))
	w.change(id, func(u *users.User) { u.Manager = "user-1" })
	silent := with(person("2", StatusActive, "Ada"), "department", "Ops")
	silent.HasManager = false
	rows := w.plan(silent)
	want(t, rows, effect{"2", users.ChangeUpdate, "attributes_changed"})
	if _, changed := rows[0].Fields["manager"]; changed || rows[0].ManagerSourceID != "1" {
		t.Errorf("fields %v, remembered manager %q: want both untouched", rows[0].Fields, rows[0].ManagerSourceID)
	}
}
