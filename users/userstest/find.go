package userstest

import (
	"slices"
	"strings"
	"testing"

	"github.com/einlass/einlass/users"
)

var findPromises = []promise{
	{"nothing that is searched for matches by accident", searchIsLiteral},
	{"pages follow each other without gap or repetition", pages},
	{"a page has at most 500 people and 100 by default", pageLimits},
	{"a search ignores case and finds names and addresses", searchIgnoresCase},
	{"a list is of one state", listOfState},
	{"a list is of one group", listOfGroup},
	{"people are counted by state", countsByState},
	{"those who have a role are found, in whatever state", findsRoles},
}

// find returns the first names on all pages of a query.
func find(t *testing.T, s users.Store, q users.UserQuery) []string {
	t.Helper()
	var names []string
	for {
		page, err := s.FindUsers(t.Context(), q)
		ok(t, "FindUsers", err)
		for _, u := range page {
			names = append(names, u.FirstName)
			q.After = u.ListKey()
		}
		if len(page) == 0 {
			slices.Sort(names)
			return names
		}
	}
}

func searchIsLiteral(t *testing.T, s users.Store) {
	insert(t, s, person("ada"), person("bob"), person("a_b"), person("a%b"), person(`a\b`))
	for search, want := range map[string][]string{
		strings.Repeat("a", 100_000): {}, "a_b": {"a_b"}, "a%b": {"a%b"}, `a\b`: {`a\b`}, "%": {"a%b"}, "_": {"a_b"}, "nobody": {}, "'": {},
	} {
		same(t, "search for "+search[:min(len(search), 20)], find(t, s, users.UserQuery{Search: search}), want)
	}
}

func pages(t *testing.T, s users.Store) {
	people := crowd("p", 23)
	for i := range 5 { // more people without a user name than fit on a page
		people[i].EmailKey, people[i].UsernameKey = "", ""
	}
	insert(t, s, people...)
	update(t, s, func(tx users.Tx) error {
		return tx.PutSuspensions(t.Context(), []users.Suspension{
			{User: people[7].ID, By: users.ByAdmin, Since: noon}, {User: people[7].ID, By: users.ByConfig, Since: noon},
		})
	})
	var want []string
	for _, u := range people {
		want = append(want, u.FirstName)
	}
	for _, limit := range []int{1, 2, 4, 23, 50} {
		same(t, "all pages", find(t, s, users.UserQuery{Limit: limit}), want)
	}
	page, err := s.FindUsers(t.Context(), users.UserQuery{After: people[6].UsernameKey, Limit: 2})
	ok(t, "FindUsers", err)
	if len(page) != 2 || page[0].ID != people[7].ID || len(page[0].Suspensions) != 2 || page[1].ID != people[8].ID {
		t.Errorf("page after the seventh is %+v, want the eighth with two suspensions and the ninth", page)
	}
}

func pageLimits(t *testing.T, s users.Store) {
	insert(t, s, crowd("p", 510)...)
	for limit, want := range map[int]int{0: 100, -1: 100, 7: 7, 500: 500, 1000: 500} {
		page, err := s.FindUsers(t.Context(), users.UserQuery{Limit: limit})
		ok(t, "FindUsers", err)
		if len(page) != want {
			t.Errorf("limit %d: %d people, want %d", limit, len(page), want)
		}
	}
}

func searchIgnoresCase(t *testing.T, s users.Store) {
	u := person("Jörg")
	u.LastName = "Strauß"
	u.SetAttribute(users.AttributeEmail, "j.STRAUSS@Example.com")
	u.SetAttribute(users.AttributeUsername, "Fuchs")
	insert(t, s, u, person("ada"))
	for _, search := range []string{"jörg", "JÖRG", "Jo\u0308rg", "örg strau", "STRAUß", "j.strauss@EXAMPLE", "fuchs", " jörg "} {
		same(t, "search for "+search, find(t, s, users.UserQuery{Search: search}), []string{"Jörg"})
	}
	u.Version = 1
	u.SetAttribute(users.AttributeUsername, "dachs")
	update(t, s, func(tx users.Tx) error {
		_, err := tx.UpdateUsers(t.Context(), []users.User{u})
		return err
	})
	same(t, "search for the old user name", find(t, s, users.UserQuery{Search: "fuchs"}), []string{})
	same(t, "search for the new user name", find(t, s, users.UserQuery{Search: "dachs"}), []string{"Jörg"})
}

func listOfState(t *testing.T, s users.Store) {
	active, staged, suspended, both := person("active"), person("staged"), person("suspended"), person("both")
	staged.BaseState, both.BaseState = users.StateStaged, users.StateStaged
	insert(t, s, active, staged, suspended, both)
	update(t, s, func(tx users.Tx) error {
		return tx.PutSuspensions(t.Context(), []users.Suspension{
			{User: suspended.ID, By: users.ByAdmin, Since: noon}, {User: both.ID, By: users.ByAdmin, Since: noon},
		})
	})
	for state, want := range map[users.State][]string{
		users.StateActive: {"active"}, users.StateStaged: {"staged"}, users.StateSuspended: {"both", "suspended"},
		"": {"active", "both", "staged", "suspended"}, "unknown": {},
	} {
		same(t, "state "+string(state), find(t, s, users.UserQuery{State: state}), want)
	}
	same(t, "state and search", find(t, s, users.UserQuery{State: users.StateSuspended, Search: "BOTH"}), []string{"both"})
}

func listOfGroup(t *testing.T, s users.Store) {
	ada, bob := person("ada"), person("bob")
	insert(t, s, ada, bob)
	update(t, s, func(tx users.Tx) error {
		if err := tx.PutGroup(t.Context(), users.Group{ID: "staff", Origin: users.OriginLocal}); err != nil {
			return err
		}
		_, err := tx.PutMembers(t.Context(), []users.Membership{{Group: "staff", User: ada.ID}, {Group: "staff", User: ada.ID, ByRule: true}})
		return err
	})
	same(t, "a group", find(t, s, users.UserQuery{Group: "staff"}), []string{"ada"})
	same(t, "everyone", find(t, s, users.UserQuery{Group: users.Everyone}), []string{"ada", "bob"})
	same(t, "a group that is not there", find(t, s, users.UserQuery{Group: "unknown"}), []string{})
}

func countsByState(t *testing.T, s users.Store) {
	counts, err := s.CountUsers(t.Context(), "", false)
	ok(t, "CountUsers of nobody", err)
	same(t, "nobody", counts, map[users.State]int{})

	people := crowd("p", 6)
	people[1].BaseState = users.StateStaged
	people[2].Role = users.RoleOwner
	insert(t, s, people...)
	update(t, s, func(tx users.Tx) error {
		if err := tx.PutSuspensions(t.Context(), []users.Suspension{
			{User: people[3].ID, By: users.ByAdmin, Since: noon},
			{User: people[3].ID, By: users.ByImport, Connection: connection, Since: noon},
		}); err != nil {
			return err
		}
		var records []users.Person
		for i, u := range people[:5] {
			records = append(records, users.Person{Connection: connection, SourceID: strings.Repeat("1", i+1), User: u.ID})
		}
		records = append(records, users.Person{Connection: connection, SourceID: "2", User: people[0].ID},
			users.Person{Connection: "other", SourceID: "1", User: people[5].ID})
		return tx.PutPeople(t.Context(), records)
	})
	for _, c := range []struct {
		connection   users.ApplicationID
		withoutRoles bool
		want         map[users.State]int
	}{
		{"", false, map[users.State]int{users.StateActive: 4, users.StateStaged: 1, users.StateSuspended: 1}},
		{"", true, map[users.State]int{users.StateActive: 3, users.StateStaged: 1, users.StateSuspended: 1}},
		{connection, false, map[users.State]int{users.StateActive: 3, users.StateStaged: 1, users.StateSuspended: 1}},
		{connection, true, map[users.State]int{users.StateActive: 2, users.StateStaged: 1, users.StateSuspended: 1}},
		{"other", true, map[users.State]int{users.StateActive: 1}},
		{"unknown", false, map[users.State]int{}},
	} {
		got, err := s.CountUsers(t.Context(), c.connection, c.withoutRoles)
		ok(t, "CountUsers", err)
		same(t, "count for "+string(c.connection), got, c.want)
	}
}

func findsRoles(t *testing.T, s users.Store) {
	owner, other, auditor, nobody := person("owner"), person("other"), person("auditor"), person("nobody")
	owner.Role, other.Role, auditor.Role = users.RoleOwner, users.RoleOwner, users.RoleAuditor
	insert(t, s, owner, other, auditor, nobody)
	suspension := users.Suspension{User: other.ID, By: users.ByAdmin, Since: noon}
	update(t, s, func(tx users.Tx) error { return tx.PutSuspensions(t.Context(), []users.Suspension{suspension}) })
	other.Suspensions = []users.Suspension{suspension}
	for role, want := range map[users.Role][]users.User{
		users.RoleOwner: {owner, other}, users.RoleAuditor: {auditor}, users.RoleHelpdesk: {},
	} {
		got, err := s.UsersWithRole(t.Context(), role)
		ok(t, "UsersWithRole", err)
		slices.SortFunc(got, func(a, b users.User) int { return -strings.Compare(a.FirstName, b.FirstName) })
		same(t, "those with role "+string(role), got, want)
	}
}
