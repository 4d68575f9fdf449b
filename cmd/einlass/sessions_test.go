package main

import (
	"testing"

	"github.com/einlass/einlass/provider/session"
	"github.com/einlass/einlass/users"
)

// signIns is a directory with Ada and Grace, who can sign in.
type signIns struct {
	*app
	t        *testing.T
	sessions *session.Manager
}

func newSignIns(t *testing.T) signIns {
	t.Helper()
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
	return signIns{a, t, sessions}
}

func (s signIns) person(email string) users.User {
	s.t.Helper()
	u, err := findUser(s.t.Context(), s.app, email)
	if err != nil {
		s.t.Fatal(err)
	}
	return u
}

func (s signIns) signIn(email string) session.Session {
	s.t.Helper()
	u := s.person(email)
	in, err := s.sessions.SignIn(s.t.Context(), session.Proof{
		User: u.ID, Epoch: u.Epoch, AMR: []string{"pwd"}, Agent: session.Agent{Browser: "Firefox", System: "Linux"},
	}, "")
	if err != nil {
		s.t.Fatal(err)
	}
	return in.Session
}

// N-2: what the plan says will end are the sessions that still let somebody in.
func TestOnlySessionsThatLetSomebodyInAreCounted(t *testing.T) {
	t.Parallel()
	a := newSignIns(t)
	expect := func(ada int) {
		t.Helper()
		u, other := a.person("ada@acme.example"), a.person("grace@acme.example")
		counts, err := sessionCounter{a.app}.CountSessions(t.Context(), []users.User{u, other})
		if err != nil || counts[u.ID] != ada || counts[other.ID] != 0 {
			t.Errorf("%d sessions of Ada, %d of Grace, error %v; want %d and none", counts[u.ID], counts[other.ID], err, ada)
		}
	}
	expect(0)
	a.signIn("ada@acme.example")
	a.signIn("ada@acme.example")
	expect(2)
	if err := a.Directory.EndSessions(t.Context(), "cli:test", a.person("ada@acme.example").ID); err != nil {
		t.Fatal(err)
	}
	expect(0)
	a.signIn("ada@acme.example")
	expect(1)
}
