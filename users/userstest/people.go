package userstest

import (
	"fmt"
	"slices"
	"testing"

	"github.com/einlass/einlass/users"
)

var peoplePromises = []promise{
	{"the days of a status are counted from its first", statusSince},
	{"a person whom no source has shown is not found", unknownSourceID},
	{"what is remembered is replaced under connection and source id", replacePeople},
	{"of two records of one person in a batch the last stays", lastRecordStays},
	{"pages follow each other in one connection", pagesOfPeople},
	{"source records are found by user, in all connections", peopleOf},
	{"whom several connections know is found from each of them", sharedUsers},
}

// record returns what a connection remembers of one person.
func record(connection users.ApplicationID, id string, user users.ID) users.Person {
	return users.Person{
		Connection: connection, SourceID: id, User: user, Status: "active", ContentHash: "hash " + id,
		ManagerSourceID: "1", SeenRun: users.NewRunID(),
	}
}

func putPeople(t *testing.T, s users.Store, people ...users.Person) {
	t.Helper()
	update(t, s, func(tx users.Tx) error { return tx.PutPeople(t.Context(), people) })
}

func unknownSourceID(t *testing.T, s users.Store) {
	putPeople(t, s, record(connection, "1", ""))
	got, err := s.People(t.Context(), "other", []string{"1"})
	ok(t, "People", err)
	same(t, "people of another connection", got, map[string]users.Person{})
	got, err = s.People(t.Context(), connection, []string{"2", ""})
	ok(t, "People", err)
	same(t, "people with other ids", got, map[string]users.Person{})
	of, err := s.PeopleOf(t.Context(), []users.ID{users.NewID(), ""})
	ok(t, "PeopleOf", err)
	same(t, "records of nobody", of, map[users.ID][]users.Person{})
}

// S-036
func replacePeople(t *testing.T, s users.Store) {
	first, elsewhere := record(connection, "1", users.NewID()), record("other", "1", users.NewID())
	putPeople(t, s, first, elsewhere)
	changed := record(connection, "1", users.NewID())
	changed.Status, changed.ContentHash, changed.ManagerSourceID = "leave", "new", ""
	putPeople(t, s, changed)
	got, err := s.People(t.Context(), connection, []string{"1", "1", "3"})
	ok(t, "People", err)
	same(t, "people", got, map[string]users.Person{"1": changed})
	got, err = s.People(t.Context(), "other", []string{"1"})
	ok(t, "People", err)
	same(t, "people of the other connection", got, map[string]users.Person{"1": elsewhere})
}

func lastRecordStays(t *testing.T, s users.Store) {
	first, last := record(connection, "1", ""), record(connection, "1", users.NewID())
	putPeople(t, s, first, record(connection, "2", ""), last)
	got, err := s.People(t.Context(), connection, []string{"1"})
	ok(t, "People", err)
	same(t, "people", got, map[string]users.Person{"1": last})
}

func pagesOfPeople(t *testing.T, s users.Store) {
	var all []users.Person
	for i := range 130 {
		all = append(all, record(connection, fmt.Sprintf("%04d", i), ""), record("other", fmt.Sprintf("%04d", i), ""))
	}
	putPeople(t, s, all...)
	var got []string
	after := ""
	for {
		page, err := s.PeopleAfter(t.Context(), connection, after, 50)
		ok(t, "PeopleAfter", err)
		if len(page) == 0 {
			break
		}
		if len(page) > 50 {
			t.Fatalf("page of %d people, want at most 50", len(page))
		}
		for _, p := range page {
			if p.Connection != connection {
				t.Errorf("person of %s on a page of %s", p.Connection, connection)
			}
			got = append(got, p.SourceID)
		}
		after = page[len(page)-1].SourceID
	}
	var want []string
	for i := range 130 {
		want = append(want, fmt.Sprintf("%04d", i))
	}
	same(t, "source ids", got, want)
}

func peopleOf(t *testing.T, s users.Store) {
	ada, bob := users.NewID(), users.NewID()
	first, second, ofBob := record(connection, "1", ada), record("other", "2", ada), record(connection, "2", bob)
	putPeople(t, s, second, ofBob, first, record(connection, "3", users.NewID()), record(connection, "4", ""))
	got, err := s.PeopleOf(t.Context(), []users.ID{ada, bob, ada})
	ok(t, "PeopleOf", err)
	if len(got[ada]) != 2 {
		t.Fatalf("%d records of ada, want 2", len(got[ada]))
	}
	byConnection := map[users.ApplicationID]users.Person{got[ada][0].Connection: got[ada][0], got[ada][1].Connection: got[ada][1]}
	same(t, "records of ada", byConnection, map[users.ApplicationID]users.Person{connection: first, "other": second})
	same(t, "records of bob", got[bob], []users.Person{ofBob})
}

// S-036
func sharedUsers(t *testing.T, s users.Store) {
	shared, err := s.SharedUsers(t.Context(), connection)
	ok(t, "SharedUsers", err)
	same(t, "shared users of nobody", shared, []users.ID{})
	ada, bob, cleo := users.NewID(), users.NewID(), users.NewID()
	putPeople(t, s,
		record(connection, "1", ada), record("other", "1", ada), record("third", "1", ada),
		record(connection, "2", bob), record(connection, "3", bob), // twice, but here alone
		record("other", "4", cleo), record("third", "4", cleo), // elsewhere alone
		record(connection, "5", ""), record("other", "5", ""), // nobody's
	)
	for _, c := range []struct {
		connection users.ApplicationID
		want       []users.ID
	}{{connection, []users.ID{ada}}, {"other", slices.Sorted(slices.Values([]users.ID{ada, cleo}))}, {"unknown", nil}} {
		got, err := s.SharedUsers(t.Context(), c.connection)
		ok(t, "SharedUsers", err)
		same(t, "shared users of "+string(c.connection), got, c.want)
	}
}
