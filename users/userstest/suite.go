package userstest

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/einlass/einlass/users"
)

// promise is one thing that a store must do.
type promise struct {
	name string
	keep func(t *testing.T, s users.Store)
}

// Run proves that what open returns keeps every promise of users.Store. open
// returns an empty store.
func Run(t *testing.T, open func(t *testing.T) users.Store) {
	subjects := []struct {
		name     string
		promises []promise
	}{
		{"users", userPromises},
		{"finding users", findPromises},
		{"suspensions", suspensionPromises},
		{"decisions", decisionPromises},
		{"groups", groupPromises},
		{"applications", applicationPromises},
		{"consents", consentPromises},
		{"settings", settingPromises},
		{"calls", callPromises},
		{"people", peoplePromises},
		{"runs", runPromises},
		{"events", eventPromises},
		{"leases", leasePromises},
		{"followers", followerPromises},
		{"work", workPromises},
		{"transactions", transactionPromises},
		{"races", racePromises},
	}
	for _, subject := range subjects {
		for _, p := range subject.promises {
			t.Run(subject.name+"/"+p.name, func(t *testing.T) {
				t.Parallel()
				p.keep(t, open(t))
			})
		}
	}
}

// noon is a time with milliseconds, which is what stores keep.
var noon = time.Date(2026, time.March, 2, 12, 0, 0, 345_000_000, time.UTC)

// connection is the connection of people in this suite.
const connection users.ApplicationID = "personio"

// person returns an active user whose address starts with name.
func person(name string) users.User {
	email := name + "@example.com"
	return users.User{
		ID:          users.NewID(),
		BaseState:   users.StateActive,
		Epoch:       1,
		Version:     1,
		Email:       email,
		EmailKey:    users.KeyOf(email),
		Username:    email,
		UsernameKey: users.KeyOf(email),
		FirstName:   name,
		LastName:    "Example",
		Role:        users.RoleNone,
		Origin:      users.OriginImport,
		Attributes:  map[string]string{},
		CreatedAt:   noon,
		UpdatedAt:   noon,
	}
}

// crowd returns n users called prefix0000, prefix0001, …
func crowd(prefix string, n int) []users.User {
	people := make([]users.User, n)
	for i := range people {
		people[i] = person(fmt.Sprintf("%s%04d", prefix, i))
	}
	return people
}

func ids(people []users.User) []users.ID {
	all := make([]users.ID, len(people))
	for i, u := range people {
		all[i] = u.ID
	}
	return all
}

// update runs a transaction that must succeed.
func update(t *testing.T, s users.Store, change func(tx users.Tx) error) {
	t.Helper()
	if err := s.Update(t.Context(), change); err != nil {
		t.Fatalf("update: %v", err)
	}
}

// insert adds people.
func insert(t *testing.T, s users.Store, people ...users.User) {
	t.Helper()
	update(t, s, func(tx users.Tx) error { return tx.InsertUsers(t.Context(), people) })
}

// read returns a user that must exist.
func read(t *testing.T, s users.Store, id users.ID) users.User {
	t.Helper()
	u, err := s.User(t.Context(), id)
	if err != nil {
		t.Fatalf("user %s: %v", id, err)
	}
	return u
}

// same fails unless got is want. Empty and missing lists are the same.
func same(t *testing.T, what string, got, want any) {
	t.Helper()
	if diff := cmp.Diff(want, got, cmpopts.EquateEmpty()); diff != "" {
		t.Errorf("%s (-want +got):\n%s", what, diff)
	}
}

// refused fails unless err is want.
func refused(t *testing.T, what string, err, want error) {
	t.Helper()
	if !errors.Is(err, want) {
		t.Errorf("%s: error %v, want %v", what, err, want)
	}
}

// ok ends the test if err is one.
func ok(t *testing.T, what string, err error) {
	t.Helper()
	if err != nil {
		t.Fatalf("%s: %v", what, err)
	}
}
