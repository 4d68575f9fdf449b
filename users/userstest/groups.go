package userstest

import (
	"testing"

	"github.com/einlass/einlass/users"
)

var groupPromises = []promise{
	{"a group that is not there is not found", unknownGroup},
	{"the built-in group cannot be written", everyoneIsBuiltIn},
	{"nobody joins a group that is not there", joinUnknownGroup},
	{"everyone has all people and no rows", everyone},
	{"a group is replaced in its next version", replaceGroup},
	{"memberships by hand and by rule come and go by themselves", handAndRule},
	{"memberships are counted when they change", countMemberships},
	{"memberships of many people say which are by rule", membershipsOfMany},
	{"rules are read of the groups that have one", readRules},
}

func unknownGroup(t *testing.T, s users.Store) {
	for _, id := range []users.GroupID{"unknown", ""} {
		_, err := s.Group(t.Context(), id)
		refused(t, "group "+string(id), err, users.ErrNotFound)
	}
}

func everyoneIsBuiltIn(t *testing.T, s users.Store) {
	ada := person("ada")
	insert(t, s, ada)
	err := s.Update(t.Context(), func(tx users.Tx) error {
		return tx.PutGroup(t.Context(), users.Group{ID: users.Everyone, Label: "Mine"})
	})
	refused(t, "PutGroup", err, users.ErrInvalid)
	err = s.Update(t.Context(), func(tx users.Tx) error {
		_, err := tx.PutMembers(t.Context(), []users.Membership{{Group: users.Everyone, User: ada.ID}})
		return err
	})
	refused(t, "PutMembers", err, users.ErrNotFound)
}

func joinUnknownGroup(t *testing.T, s users.Store) {
	ada := person("ada")
	insert(t, s, ada)
	group(t, s, "staff")
	for _, m := range []users.Membership{{Group: "unknown", User: ada.ID}, {Group: "staff", User: users.NewID()}} {
		err := s.Update(t.Context(), func(tx users.Tx) error {
			_, err := tx.PutMembers(t.Context(), []users.Membership{m})
			return err
		})
		refused(t, "PutMembers", err, users.ErrNotFound)
	}
}

func everyone(t *testing.T, s users.Store) {
	people := crowd("p", 3)
	people[1].BaseState = users.StateStaged
	insert(t, s, people...)
	group(t, s, "staff", people[0].ID)
	group(t, s, "board")
	got, err := s.Groups(t.Context())
	ok(t, "Groups", err)
	all := users.Group{ID: users.Everyone, Label: "Everyone", Origin: users.OriginLocal, Members: 3}
	same(t, "groups", got, []users.Group{
		{ID: "board", Label: "board", Origin: users.OriginLocal, Version: 1},
		all,
		{ID: "staff", Label: "staff", Origin: users.OriginLocal, Version: 1, Members: 1},
	})
	one, err := s.Group(t.Context(), users.Everyone)
	ok(t, "Group", err)
	same(t, "everyone", one, all)
	same(t, "groups of a person", read(t, s, people[0].ID).Groups, []users.GroupID{"staff"})
}

func replaceGroup(t *testing.T, s users.Store) {
	group(t, s, "staff")
	want := users.Group{ID: "staff", Label: "Staff", Rule: `department == "Sales"`, Origin: users.OriginConfig}
	update(t, s, func(tx users.Tx) error { return tx.PutGroup(t.Context(), want) })
	want.Version = 2
	got, err := s.Group(t.Context(), "staff")
	ok(t, "Group", err)
	same(t, "group", got, want)
}

// members puts or deletes memberships and returns how many that changed.
func members(t *testing.T, s users.Store, put bool, all ...users.Membership) int {
	t.Helper()
	var n int
	update(t, s, func(tx users.Tx) (err error) {
		if put {
			n, err = tx.PutMembers(t.Context(), all)
		} else {
			n, err = tx.DeleteMembers(t.Context(), all)
		}
		return err
	})
	return n
}

func handAndRule(t *testing.T, s users.Store) {
	ada := person("ada")
	insert(t, s, ada)
	group(t, s, "staff")
	byHand := users.Membership{Group: "staff", User: ada.ID}
	byRule := users.Membership{Group: "staff", User: ada.ID, ByRule: true}
	members(t, s, true, byHand, byRule)
	g, err := s.Group(t.Context(), "staff")
	ok(t, "Group", err)
	if g.Members != 1 {
		t.Errorf("%d members, want 1", g.Members)
	}
	members(t, s, false, byRule)
	same(t, "groups by hand alone", read(t, s, ada.ID).Groups, []users.GroupID{"staff"})
	members(t, s, true, byRule)
	members(t, s, false, byHand)
	same(t, "groups by rule alone", read(t, s, ada.ID).Groups, []users.GroupID{"staff"})
	members(t, s, false, byRule)
	same(t, "groups in the end", read(t, s, ada.ID).Groups, []users.GroupID{})
}

func countMemberships(t *testing.T, s users.Store) {
	people := crowd("p", 120)
	insert(t, s, people...)
	group(t, s, "staff")
	var all []users.Membership
	for _, u := range people {
		all = append(all, users.Membership{Group: "staff", User: u.ID})
	}
	if n := members(t, s, true, all[:70]...); n != 70 {
		t.Errorf("%d added, want 70", n)
	}
	if n := members(t, s, true, all...); n != 50 {
		t.Errorf("%d added, want 50", n)
	}
	if n := members(t, s, true); n != 0 {
		t.Errorf("%d added of none, want 0", n)
	}
	g, err := s.Group(t.Context(), "staff")
	ok(t, "Group", err)
	if g.Members != 120 {
		t.Errorf("%d members, want 120", g.Members)
	}
	if n := members(t, s, false, all[20:]...); n != 100 {
		t.Errorf("%d removed, want 100", n)
	}
	if n := members(t, s, false, all...); n != 20 {
		t.Errorf("%d removed, want 20", n)
	}
}

func membershipsOfMany(t *testing.T, s users.Store) {
	people := crowd("p", 120)
	insert(t, s, people...)
	group(t, s, "staff")
	group(t, s, "board")
	want := map[users.ID][]users.Membership{}
	var all []users.Membership
	for _, u := range people[:110] {
		byHand := users.Membership{Group: "staff", User: u.ID}
		byRule := users.Membership{Group: "staff", User: u.ID, ByRule: true}
		board := users.Membership{Group: "board", User: u.ID, ByRule: true}
		want[u.ID] = []users.Membership{board, byHand, byRule}
		all = append(all, byRule, byHand, board)
	}
	members(t, s, true, all...)
	got, err := s.Memberships(t.Context(), append(ids(people), "unknown"))
	ok(t, "Memberships", err)
	same(t, "memberships", got, want)
	one, err := s.Memberships(t.Context(), []users.ID{people[0].ID, people[0].ID})
	ok(t, "Memberships", err)
	same(t, "of one", one, map[users.ID][]users.Membership{people[0].ID: want[people[0].ID]})
	none, err := s.Memberships(t.Context(), nil)
	ok(t, "Memberships", err)
	same(t, "of nobody", none, map[users.ID][]users.Membership{})
}

func readRules(t *testing.T, s users.Store) {
	sales := users.Group{ID: "sales", Label: "Sales", Rule: `department == "Sales"`, Origin: users.OriginConfig}
	berlin := users.Group{ID: "berlin", Label: "Berlin", Rule: `office == "Berlin"`, Origin: users.OriginLocal}
	group(t, s, "staff")
	update(t, s, func(tx users.Tx) error {
		for _, g := range []users.Group{sales, berlin} {
			if err := tx.PutGroup(t.Context(), g); err != nil {
				return err
			}
		}
		got, err := tx.Rules(t.Context())
		sales.Version, berlin.Version = 1, 1
		same(t, "rules", got, []users.Group{berlin, sales})
		return err
	})
	got, err := s.RuledGroups(t.Context())
	ok(t, "RuledGroups", err)
	same(t, "groups with a rule", got, []users.Group{berlin, sales})
}
