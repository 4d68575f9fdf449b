package main

import (
	"testing"

	"github.com/einlass/einlass/provider/session"
	"github.com/einlass/einlass/users"
)

// N-2: what the plan says will end are the sessions that still let somebody in.
func TestOnlySessionsThatLetSomebodyInAreCounted(t *testing.T) {
	t.Parallel()
	cfg := defaultConfig()
	for _, email := range []string{"ada@acme.example", "grace@acme.example"} {
		person := defaultUser()
		person.Email = email
		cfg.Users = append(cfg.Users, person)
	}
	a := openTestApp(t, cfg)
	store, err := a.openSessions(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	sessions, err := session.NewManager(session.Config{Store: store})
	if err != nil {
		t.Fatal(err)
	}
	person := func(email string) users.User {
		t.Helper()
		u, err := findUser(t.Context(), a, email)
		if err != nil {
			t.Fatal(err)
		}
		return u
	}
	signIn := func(email string) {
		t.Helper()
		u := person(email)
		if _, err := sessions.SignIn(t.Context(), session.Proof{User: u.ID, Epoch: u.Epoch, AMR: []string{"pwd"}}, ""); err != nil {
			t.Fatal(err)
		}
	}
	expect := func(ada int) {
		t.Helper()
		u, other := person("ada@acme.example"), person("grace@acme.example")
		counts, err := sessionCounter{a}.CountSessions(t.Context(), []users.User{u, other})
		if err != nil || counts[u.ID] != ada || counts[other.ID] != 0 {
			t.Errorf("%d sessions of Ada, %d of Grace, error %v; want %d and none", counts[u.ID], counts[other.ID], err, ada)
		}
	}
	expect(0)
	signIn("ada@acme.example")
	signIn("ada@acme.example")
	expect(2)
	if err := a.Directory.EndSessions(t.Context(), "cli:test", person("ada@acme.example").ID); err != nil {
		t.Fatal(err)
	}
	expect(0)
	signIn("ada@acme.example")
	expect(1)
}
