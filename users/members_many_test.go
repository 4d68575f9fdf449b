package users_test

import (
	"errors"
	"testing"

	"github.com/einlass/einlass/users"
)

// S-100
func TestManyPeopleArePutIntoAGroupOnceEach(t *testing.T) {
	onEngines(t, func(t *testing.T, b bench) {
		ctx := t.Context()
		if _, err := b.Declare(ctx, users.Declaration{
			Groups: []users.Group{{ID: "staff", Label: "Staff"}, {ID: "sales", Label: "Sales", Rule: `department == "Sales"`}},
			Users:  []users.DeclaredUser{{Email: "declared@acme.example", State: users.StateActive}},
		}); err != nil {
			t.Fatal(err)
		}
		var people []users.User
		var ids []users.ID
		for range 250 { // more than one transaction's
			u := users.User{ID: users.NewID(), BaseState: users.StateActive, Version: 1, Origin: users.OriginImport, Role: users.RoleNone}
			people, ids = append(people, u), append(ids, u.ID)
		}
		if err := b.store.Update(ctx, func(tx users.Tx) error { return tx.InsertUsers(ctx, people) }); err != nil {
			t.Fatal(err)
		}
		for group, want := range map[users.GroupID]error{
			"sales": users.ErrInvalid, users.Everyone: users.ErrInvalid, "nothing": users.ErrNotFound,
		} {
			if added, err := b.AddMembers(ctx, admin, group, ids); added > 0 || !errors.Is(err, want) {
				t.Errorf("into %s: %d added, error %v; want %v", group, added, err, want)
			}
		}
		if err := b.AddMember(ctx, admin, "staff", ids[7]); err != nil {
			t.Fatal(err)
		}
		declared, err := b.Read().UserByLogin(ctx, users.KeyOf("declared@acme.example"))
		if err != nil {
			t.Fatal(err)
		}
		all := append([]users.ID{"nobody", declared.ID}, ids...)
		for _, want := range []int{249, 0} {
			if added, err := b.AddMembers(ctx, admin, "staff", all); added != want || err != nil {
				t.Errorf("%d added, error %v; want %d", added, err, want)
			}
		}
		members, err := b.Read().Memberships(ctx, all)
		if err != nil || len(members) != 250 || len(members[declared.ID]) > 0 {
			t.Errorf("%d members, error %v; want all but who is declared", len(members), err)
		}
		events, err := b.Read().EventsAbout(ctx, "staff", 1000)
		n := 0
		for _, e := range events {
			if e.Kind == users.EventMemberAdded && e.Actor == admin {
				n++
			}
		}
		if err != nil || n != 250 {
			t.Errorf("%d events, error %v; want one for each", n, err)
		}
	})
}
