package main

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/einlass/einlass/provider/session"
	"github.com/einlass/einlass/users"
)

// Only what lets somebody in is listed: neither another person's, nor what an end of
// all sessions has killed and nobody has cleaned up yet.
// U-02
func TestSessionsOfAPersonAreThoseThatLetThemIn(t *testing.T) {
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
	signIn := func(email string) session.Session {
		t.Helper()
		u := person(email)
		in, err := sessions.SignIn(t.Context(), session.Proof{
			User: u.ID, Epoch: u.Epoch, AMR: []string{"pwd"}, Agent: session.Agent{Browser: "Firefox", System: "Linux"},
		}, "")
		if err != nil {
			t.Fatal(err)
		}
		_, err = sessions.IssueRefresh(t.Context(), session.Grant{
			Family: in.Session.SID, User: u.ID, Application: "wiki", ClientID: "wiki", Epoch: u.Epoch, AuthTime: in.Session.AuthTime,
			AMR: []string{"pwd"}, Offline: true,
		})
		if err != nil {
			t.Fatal(err)
		}
		return in.Session
	}
	expect := func(what string, want ...sessionJSON) {
		t.Helper()
		got, err := a.underWay(t.Context(), person("ada@acme.example"))
		if diff := cmp.Diff(want, got, cmpopts.EquateEmpty(), cmpopts.EquateApproxTime(time.Minute)); err != nil || diff != "" {
			t.Errorf("%s: %v (-want +got):\n%s", what, err, diff)
		}
	}
	expect("nothing yet")
	signIn("grace@acme.example")
	expect("another person's")
	signIn("ada@acme.example")
	if err := a.Directory.EndSessions(t.Context(), "cli:test", person("ada@acme.example").ID); err != nil {
		t.Fatal(err)
	}
	expect("all ended")
	s := signIn("ada@acme.example")
	expect("one more",
		sessionJSON{
			Kind: "session", ID: s.SID, SignedIn: s.AuthTime, Seen: s.Seen, Expires: s.AuthTime.Add(12 * time.Hour),
			Methods: []string{"pwd"}, Browser: "Firefox", System: "Linux",
		},
		sessionJSON{
			Kind: "offline", ID: s.SID, SignedIn: s.AuthTime, Expires: s.AuthTime.Add(8 * time.Hour),
			Methods: []string{"pwd"}, Applications: []users.ApplicationID{"wiki"},
		})
	if _, err := a.Directory.Suspend(t.Context(), "cli:test", s.User, "left"); err != nil {
		t.Fatal(err)
	}
	expect("suspended")
}
