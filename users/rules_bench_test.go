package users_test

import (
	"fmt"
	"testing"

	"github.com/einlass/einlass/keys"
	"github.com/einlass/einlass/users"
	"github.com/einlass/einlass/users/sqlstore"
	"github.com/einlass/einlass/users/userstest"
)

// regrouped is a directory of n people in which each measured change of the
// rules concerns every second one.
func regrouped(b *testing.B, store *sqlstore.Store, n int) func(rule string) {
	b.Helper()
	sealer, err := keys.CreateMasterKey(b.TempDir() + "/master.key")
	if err != nil {
		b.Fatal(err)
	}
	d, err := users.New(users.Config{Store: store, Sealer: sealer})
	if err != nil {
		b.Fatal(err)
	}
	for from := 0; from < n; from += 1000 {
		var people []users.User
		for i := from; i < from+1000; i++ {
			u := users.User{ID: users.NewID(), BaseState: users.StateActive, Role: users.RoleNone, Origin: users.OriginImport}
			u.SetAttribute(users.AttributeUsername, fmt.Sprintf("p%d", i))
			u.SetAttribute(users.AttributeDepartment, []string{"IT", "Sales"}[i%2])
			people = append(people, u)
		}
		err := store.Update(b.Context(), func(tx users.Tx) error { return tx.InsertUsers(b.Context(), people) })
		if err != nil {
			b.Fatal(err)
		}
	}
	return func(rule string) {
		if _, err := d.Declare(b.Context(), users.Declaration{Groups: []users.Group{ruled("team", rule)}}); err != nil {
			b.Fatal(err)
		}
		if err := d.Regroup(b.Context()); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkRegroup measures a changed rule for 50,000 people: one that moves
// half of them in or out, and one that comes to the same.
func BenchmarkRegroup(b *testing.B) {
	for name, open := range map[string]func(testing.TB) *sqlstore.Store{
		"sqlite": userstest.SQLite, "postgresql": userstest.PostgreSQL,
	} {
		regroup := regrouped(b, open(b), 50_000)
		n := 0
		b.Run(name+"/half move", func(b *testing.B) {
			for b.Loop() {
				n++
				regroup([]string{`department == ""`, `department == "IT"`}[n%2])
			}
		})
		regroup(`department == "nothing"`)
		b.Run(name+"/nobody moves", func(b *testing.B) {
			for b.Loop() {
				n++
				regroup(fmt.Sprintf(`department == "nothing %d"`, n))
			}
		})
	}
}
