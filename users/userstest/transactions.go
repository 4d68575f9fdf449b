package userstest

import (
	"errors"
	"testing"

	"github.com/einlass/einlass/users"
)

var transactionPromises = []promise{
	{"a change that fails leaves nothing, events included", failureLeavesNothing},
	{"a failed statement ends the transaction even if nobody looks", swallowedError},
	{"a change that panics leaves nothing", panicLeavesNothing},
	{"a transaction reads what it has written", readsItsWrites},
	{"others see nothing before the commit", isolated},
	{"a change and its event are there together", changeAndEvent},
}

func failureLeavesNothing(t *testing.T, s users.Store) {
	ada := person("ada")
	wanted := errors.New("wanted")
	err := s.Update(t.Context(), func(tx users.Tx) error {
		if err := tx.InsertUsers(t.Context(), []users.User{ada}); err != nil {
			return err
		}
		tx.Append(event("ada"))
		return wanted
	})
	refused(t, "Update", err, wanted)
	leftNothing(t, s, ada.ID)
}

func leftNothing(t *testing.T, s users.Store, id users.ID) {
	t.Helper()
	_, err := s.User(t.Context(), id)
	refused(t, "the person", err, users.ErrNotFound)
	if n := CheckLog(t, s); n != 0 {
		t.Errorf("%d events, want none", n)
	}
}

func swallowedError(t *testing.T, s users.Store) {
	ada, again := person("ada"), person("ada")
	err := s.Update(t.Context(), func(tx users.Tx) error {
		if err := tx.InsertUsers(t.Context(), []users.User{ada}); err != nil {
			return err
		}
		_ = tx.InsertUsers(t.Context(), []users.User{again}) // a careless caller
		tx.Append(event("ada"))
		return nil
	})
	refused(t, "Update", err, users.ErrConflict)
	leftNothing(t, s, ada.ID)
}

func panicLeavesNothing(t *testing.T, s users.Store) {
	ada := person("ada")
	func() {
		defer func() {
			if recover() == nil {
				t.Error("no panic, want the caller's")
			}
		}()
		_ = s.Update(t.Context(), func(tx users.Tx) error {
			if err := tx.InsertUsers(t.Context(), []users.User{ada}); err != nil {
				return err
			}
			panic("careless")
		})
	}()
	leftNothing(t, s, ada.ID)
	insert(t, s, ada) // the store goes on
}

func readsItsWrites(t *testing.T, s users.Store) {
	ada := person("ada")
	update(t, s, func(tx users.Tx) error {
		if err := tx.InsertUsers(t.Context(), []users.User{ada}); err != nil {
			return err
		}
		if err := tx.PutSuspensions(t.Context(), []users.Suspension{{User: ada.ID, By: users.ByAdmin, Since: noon}}); err != nil {
			return err
		}
		if d := decide(t, tx, ada.ID, ""); d.State != users.StateSuspended {
			t.Errorf("state %s within the transaction, want suspended", d.State)
		}
		return nil
	})
}

func isolated(t *testing.T, s users.Store) {
	ada := person("ada")
	update(t, s, func(tx users.Tx) error {
		if err := tx.InsertUsers(t.Context(), []users.User{ada}); err != nil {
			return err
		}
		_, err := s.User(t.Context(), ada.ID)
		refused(t, "reading from outside", err, users.ErrNotFound)
		return nil
	})
	read(t, s, ada.ID)
}

func changeAndEvent(t *testing.T, s users.Store) {
	ada := person("ada")
	update(t, s, func(tx users.Tx) error {
		tx.Append(event(string(ada.ID)))
		return tx.InsertUsers(t.Context(), []users.User{ada})
	})
	read(t, s, ada.ID)
	got, err := s.EventsAbout(t.Context(), string(ada.ID), 10)
	ok(t, "EventsAbout", err)
	if len(got) != 1 {
		t.Errorf("%d events about the person, want 1", len(got))
	}
}
