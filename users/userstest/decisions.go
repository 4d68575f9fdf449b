package userstest

import (
	"testing"

	"github.com/einlass/einlass/users"
)

var decisionPromises = []promise{
	{"nobody gets into an application without a bound group of theirs", implicitDeny},
	{"a member of a bound group gets in", memberGetsIn},
	{"an application bound to everyone lets all people in", everyoneGetsIn},
	{"the state beside the access decides", stateBesideAccess},
	{"a change shows in the next decision", changeShowsAtOnce},
	{"a parked address is not the person's", parkedAddress},
	{"the applications of many people are those of each", applicationsOfMany},
	{"nobody gets in outside their access window", outsideTheWindow},
	{"whoever is confined uses what is left to them", confinedPeople},
}

// decide returns a decision that must be possible, and the same beside the person.
func decide(t *testing.T, s users.Reader, id users.ID, application users.ApplicationID) users.Decision {
	t.Helper()
	d, err := s.Decision(t.Context(), id, application, noon)
	ok(t, "Decision", err)
	u, beside, err := s.UserDecision(t.Context(), id, application, noon)
	ok(t, "UserDecision", err)
	same(t, "decision beside the person", beside, d)
	want, err := s.User(t.Context(), id)
	ok(t, "User", err)
	want.Suspensions, want.Groups = nil, nil
	same(t, "person of the decision", u, want)
	return d
}

// bind adds an application bound to groups.
func bind(t *testing.T, s users.Store, id users.ApplicationID, groups ...users.GroupID) {
	t.Helper()
	update(t, s, func(tx users.Tx) error {
		return tx.PutApplication(t.Context(), users.Application{ID: id, Label: string(id), Groups: groups, Origin: users.OriginLocal})
	})
}

// group adds a group of people by hand.
func group(t *testing.T, s users.Store, id users.GroupID, members ...users.ID) {
	t.Helper()
	update(t, s, func(tx users.Tx) error {
		if err := tx.PutGroup(t.Context(), users.Group{ID: id, Label: string(id), Origin: users.OriginLocal}); err != nil {
			return err
		}
		var all []users.Membership
		for _, m := range members {
			all = append(all, users.Membership{Group: id, User: m})
		}
		_, err := tx.PutMembers(t.Context(), all)
		return err
	})
}

// S-067
func implicitDeny(t *testing.T, s users.Store) {
	ada, bob := person("ada"), person("bob")
	insert(t, s, ada, bob)
	group(t, s, "staff", bob.ID)
	group(t, s, "board", ada.ID)
	bind(t, s, "unbound")
	bind(t, s, "staff-only", "staff")
	bind(t, s, "disabled", "staff", users.Everyone)
	update(t, s, func(tx users.Tx) error {
		a, err := tx.Application(t.Context(), "disabled")
		if err != nil {
			return err
		}
		a.Disabled = true
		return tx.PutApplication(t.Context(), a)
	})
	for _, application := range []users.ApplicationID{"unbound", "staff-only", "disabled", "unknown"} {
		if decide(t, s, ada.ID, application).Access {
			t.Errorf("access to %s, want none", application)
		}
	}
	if decide(t, s, bob.ID, "disabled").Access {
		t.Error("access of a member to a disabled application, want none")
	}
	for _, id := range []users.ID{ada.ID, users.NewID()} {
		got, err := s.ApplicationsOf(t.Context(), id, noon)
		ok(t, "ApplicationsOf", err)
		same(t, "applications", got, []users.ApplicationID{})
	}
}

// S-068
func memberGetsIn(t *testing.T, s users.Store) {
	ada, bob := person("ada"), person("bob")
	ada.Epoch, ada.Role = 5, users.RoleAuditor
	insert(t, s, ada, bob)
	group(t, s, "staff", ada.ID)
	group(t, s, "board", ada.ID)
	bind(t, s, "wiki", "board", "staff")
	bind(t, s, "crm", "staff")
	same(t, "decision", decide(t, s, ada.ID, "wiki"),
		users.Decision{State: users.StateActive, Epoch: 5, Access: true, Role: users.RoleAuditor, HasEmail: true})
	same(t, "decision about no application", decide(t, s, bob.ID, ""),
		users.Decision{State: users.StateActive, Epoch: 1, Access: true, Role: users.RoleNone, HasEmail: true})
	got, err := s.ApplicationsOf(t.Context(), ada.ID, noon)
	ok(t, "ApplicationsOf", err)
	same(t, "applications", got, []users.ApplicationID{"crm", "wiki"})
}

func everyoneGetsIn(t *testing.T, s users.Store) {
	ada := person("ada")
	insert(t, s, ada)
	bind(t, s, "wiki", users.Everyone)
	if !decide(t, s, ada.ID, "wiki").Access {
		t.Error("no access, want access")
	}
	got, err := s.ApplicationsOf(t.Context(), ada.ID, noon)
	ok(t, "ApplicationsOf", err)
	same(t, "applications", got, []users.ApplicationID{"wiki"})
	got, err = s.ApplicationsOf(t.Context(), users.NewID(), noon)
	ok(t, "ApplicationsOf nobody", err)
	same(t, "applications of nobody", got, []users.ApplicationID{})
}

func stateBesideAccess(t *testing.T, s users.Store) {
	ada, staged := suspended(t, s, "ada"), person("staged")
	staged.BaseState = users.StateStaged
	insert(t, s, staged)
	bind(t, s, "wiki", users.Everyone)
	for u, want := range map[users.ID]users.State{ada.ID: users.StateSuspended, staged.ID: users.StateStaged} {
		d := decide(t, s, u, "wiki")
		if d.State != want || !d.Access || d.MayEnter(1) {
			t.Errorf("decision %+v, want %s with access, who may not enter", d, want)
		}
	}
}

// N107
func parkedAddress(t *testing.T, s users.Store) {
	ada := person("ada")
	insert(t, s, ada)
	ada.EmailKey = ""
	update(t, s, func(tx users.Tx) error {
		_, err := tx.UpdateUsers(t.Context(), []users.User{ada})
		return err
	})
	if decide(t, s, ada.ID, "").HasEmail {
		t.Error("a person whose address is parked has one, want none")
	}
}

func applicationsOfMany(t *testing.T, s users.Store) {
	people := crowd("p", 120) // more than one statement looks up
	insert(t, s, people...)
	insert(t, s, person("nobody"))
	group(t, s, "staff", people[0].ID, people[60].ID, people[119].ID)
	group(t, s, "board", people[0].ID)
	bind(t, s, "wiki", "board", "staff")
	bind(t, s, "crm", "staff")
	ids := []users.ID{users.NewID(), "", people[0].ID}
	for _, u := range people {
		ids = append(ids, u.ID)
	}
	got, err := s.ApplicationsByUser(t.Context(), ids)
	ok(t, "ApplicationsByUser", err)
	both := []users.ApplicationID{"crm", "wiki"}
	same(t, "applications", got, map[users.ID][]users.ApplicationID{people[0].ID: both, people[60].ID: both, people[119].ID: both})

	bind(t, s, "portal", users.Everyone)
	got, err = s.ApplicationsByUser(t.Context(), ids)
	ok(t, "ApplicationsByUser with one for everyone", err)
	same(t, "people with applications", len(got), len(people))
	same(t, "applications of a member", got[people[60].ID], []users.ApplicationID{"crm", "portal", "wiki"})
	same(t, "applications of another", got[people[1].ID], []users.ApplicationID{"portal"})

	got, err = s.ApplicationsByUser(t.Context(), nil)
	ok(t, "ApplicationsByUser of nobody", err)
	same(t, "applications of nobody", got, map[users.ID][]users.ApplicationID{})
}

// S-045
func changeShowsAtOnce(t *testing.T, s users.Store) {
	ada := person("ada")
	insert(t, s, ada)
	group(t, s, "staff", ada.ID)
	bind(t, s, "wiki", "staff")
	if !decide(t, s, ada.ID, "wiki").MayEnter(1) {
		t.Error("may not enter before, want may")
	}
	update(t, s, func(tx users.Tx) error {
		ada.Epoch++
		if _, err := tx.UpdateUsers(t.Context(), []users.User{ada}); err != nil {
			return err
		}
		return tx.PutSuspensions(t.Context(), []users.Suspension{{User: ada.ID, By: users.ByAdmin, Since: noon}})
	})
	same(t, "decision after the suspension", decide(t, s, ada.ID, "wiki"),
		users.Decision{State: users.StateSuspended, Epoch: 2, Access: true, Role: users.RoleNone, HasEmail: true})
	update(t, s, func(tx users.Tx) error {
		_, err := tx.DeleteMembers(t.Context(), []users.Membership{{Group: "staff", User: ada.ID}})
		return err
	})
	if decide(t, s, ada.ID, "wiki").Access {
		t.Error("access after leaving the group, want none")
	}
}
