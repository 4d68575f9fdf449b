package userstest

import (
	"testing"
	"time"

	"github.com/einlass/einlass/users"
)

var suspensionPromises = []promise{
	{"nobody can be suspended who is not there", suspendNobody},
	{"a suspension that exists is left as it is", suspendTwice},
	{"whoever suspended lifts only their own", liftOwn},
	{"an administrator lifts all", liftAll},
	{"a waiver is replaced and removed for its connection", waivers},
}

func suspendNobody(t *testing.T, s users.Store) {
	err := s.Update(t.Context(), func(tx users.Tx) error {
		return tx.PutSuspensions(t.Context(), []users.Suspension{{User: users.NewID(), By: users.ByAdmin, Since: noon}})
	})
	refused(t, "suspension of nobody", err, users.ErrNotFound)
	err = s.Update(t.Context(), func(tx users.Tx) error {
		return tx.PutWaiver(t.Context(), users.Waiver{User: users.NewID(), Connection: connection, Since: noon})
	})
	refused(t, "waiver of nobody", err, users.ErrNotFound)
}

func suspendTwice(t *testing.T, s users.Store) {
	ada := person("ada")
	insert(t, s, ada)
	first := users.Suspension{User: ada.ID, By: users.ByAdmin, Reason: "first", Since: noon}
	second := users.Suspension{User: ada.ID, By: users.ByAdmin, Reason: "second", Since: noon.Add(time.Hour)}
	update(t, s, func(tx users.Tx) error { return tx.PutSuspensions(t.Context(), []users.Suspension{first}) })
	update(t, s, func(tx users.Tx) error { return tx.PutSuspensions(t.Context(), []users.Suspension{second, second}) })
	got := read(t, s, ada.ID)
	same(t, "suspensions", got.Suspensions, []users.Suspension{first})
	if got.State() != users.StateSuspended {
		t.Errorf("state %s, want suspended", got.State())
	}
}

// suspended adds a person whom everybody has suspended.
func suspended(t *testing.T, s users.Store, name string) users.User {
	t.Helper()
	u := person(name)
	insert(t, s, u)
	update(t, s, func(tx users.Tx) error {
		return tx.PutSuspensions(t.Context(), []users.Suspension{
			{User: u.ID, By: users.ByAdmin, Reason: "a", Since: noon},
			{User: u.ID, By: users.ByImport, Connection: connection, Reason: "b", Since: noon.Add(time.Second)},
			{User: u.ID, By: users.ByImport, Connection: "other", Reason: "c", Since: noon.Add(2 * time.Second)},
		})
	})
	return u
}

// S-052
func liftOwn(t *testing.T, s users.Store) {
	ada, bob := suspended(t, s, "ada"), suspended(t, s, "bob")
	update(t, s, func(tx users.Tx) error {
		return tx.DeleteSuspensions(t.Context(), []users.ID{ada.ID}, users.ByImport, connection)
	})
	same(t, "what is left", read(t, s, ada.ID).Suspensions, []users.Suspension{
		{User: ada.ID, By: users.ByAdmin, Reason: "a", Since: noon},
		{User: ada.ID, By: users.ByImport, Connection: "other", Reason: "c", Since: noon.Add(2 * time.Second)},
	})
	if n := len(read(t, s, bob.ID).Suspensions); n != 3 {
		t.Errorf("somebody else has %d suspensions, want 3", n)
	}
}

func liftAll(t *testing.T, s users.Store) {
	ada, bob := suspended(t, s, "ada"), suspended(t, s, "bob")
	update(t, s, func(tx users.Tx) error {
		return tx.DeleteSuspensions(t.Context(), []users.ID{ada.ID}, "", "")
	})
	if u := read(t, s, ada.ID); u.State() != users.StateActive {
		t.Errorf("state %s with %v, want active", u.State(), u.Suspensions)
	}
	if n := len(read(t, s, bob.ID).Suspensions); n != 3 {
		t.Errorf("somebody else has %d suspensions, want 3", n)
	}
}

func waivers(t *testing.T, s users.Store) {
	ada, bob := person("ada"), person("bob")
	insert(t, s, ada, bob)
	ctx := t.Context()
	put := func(u users.User, connection users.ApplicationID, status string) users.Waiver {
		w := users.Waiver{User: u.ID, Connection: connection, Status: status, Since: noon}
		update(t, s, func(tx users.Tx) error { return tx.PutWaiver(ctx, w) })
		return w
	}
	put(ada, connection, "leave")
	ofAda := put(ada, connection, "inactive")
	ofAda.AccessFrom, ofAda.AccessUntil = noon, noon.Add(time.Hour)
	update(t, s, func(tx users.Tx) error { return tx.PutWaiver(ctx, ofAda) })
	elsewhere := put(ada, "other", "leave")
	ofBob := put(bob, connection, "leave")

	everybody := []users.ID{ada.ID, bob.ID, users.NewID()}
	got, err := s.Waivers(ctx, connection, everybody)
	ok(t, "Waivers", err)
	same(t, "waivers", got, map[users.ID]users.Waiver{ada.ID: ofAda, bob.ID: ofBob})

	update(t, s, func(tx users.Tx) error { return tx.DeleteWaivers(ctx, connection, []users.ID{ada.ID}) })
	got, err = s.Waivers(ctx, connection, everybody)
	ok(t, "Waivers", err)
	same(t, "waivers after removal", got, map[users.ID]users.Waiver{bob.ID: ofBob})
	got, err = s.Waivers(ctx, "other", everybody)
	ok(t, "Waivers", err)
	same(t, "waivers of the other connection", got, map[users.ID]users.Waiver{ada.ID: elsewhere})
}
