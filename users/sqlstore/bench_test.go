package sqlstore_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/einlass/einlass/users"
	"github.com/einlass/einlass/users/sqlstore"
	"github.com/einlass/einlass/users/userstest"
)

// crowd returns n people called prefix0, prefix1, …
func crowd(prefix string, n int) []users.User {
	people := make([]users.User, n)
	for i := range people {
		people[i] = person(fmt.Sprint(prefix, i))
		people[i].Attributes = map[string]string{"department": "Sales", "job_title": "Representative", "location": "Berlin"}
	}
	return people
}

func insert(b *testing.B, s *sqlstore.Store, people []users.User) {
	b.Helper()
	err := s.Update(b.Context(), func(tx users.Tx) error { return tx.InsertUsers(b.Context(), people) })
	if err != nil {
		b.Fatal(err)
	}
}

// onEachEngine measures on both, with 10,000 people.
func onEachEngine(b *testing.B, measure func(b *testing.B, s *sqlstore.Store, people []users.User)) {
	for name, open := range map[string]func(testing.TB) *sqlstore.Store{
		"sqlite": userstest.SQLite, "postgresql": userstest.PostgreSQL,
	} {
		b.Run(name, func(b *testing.B) {
			s := open(b)
			people := crowd("p", 10_000)
			for i := 0; i < len(people); i += 1000 {
				insert(b, s, people[i:i+1000])
			}
			measure(b, s, people)
		})
	}
}

func BenchmarkDecision(b *testing.B) {
	onEachEngine(b, func(b *testing.B, s *sqlstore.Store, people []users.User) {
		err := s.Update(b.Context(), func(tx users.Tx) error {
			return tx.PutApplication(b.Context(), users.Application{ID: "wiki", Label: "Wiki", Groups: []users.GroupID{users.Everyone}})
		})
		if err != nil {
			b.Fatal(err)
		}
		i := 0
		for b.Loop() {
			if d, err := s.Decision(b.Context(), people[i%len(people)].ID, "wiki", time.Now()); err != nil || !d.Access {
				b.Fatal(d, err)
			}
			i++
		}
	})
}

func BenchmarkInsertThousandUsers(b *testing.B) {
	onEachEngine(b, func(b *testing.B, s *sqlstore.Store, _ []users.User) {
		n := 0
		for b.Loop() {
			b.StopTimer()
			people := crowd(fmt.Sprint("more", n, "-"), 1000)
			n++
			b.StartTimer()
			insert(b, s, people)
		}
	})
}

func BenchmarkLookUpThousandUsers(b *testing.B) {
	onEachEngine(b, func(b *testing.B, s *sqlstore.Store, people []users.User) {
		keys := make([]users.LoginKey, 1000)
		for i := range keys {
			keys[i] = people[i*10].EmailKey
		}
		for b.Loop() {
			if found, err := s.UsersByKey(b.Context(), keys); err != nil || len(found) != len(keys) {
				b.Fatal(len(found), err)
			}
		}
	})
}

func BenchmarkSearchWithoutHit(b *testing.B) {
	onEachEngine(b, func(b *testing.B, s *sqlstore.Store, _ []users.User) {
		for b.Loop() {
			if found, err := s.FindUsers(b.Context(), users.UserQuery{Search: "nobody"}); err != nil || len(found) != 0 {
				b.Fatal(len(found), err)
			}
		}
	})
}
