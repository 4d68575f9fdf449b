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
	a := newSignIns(t)
	signIn := func(email string) session.Session {
		t.Helper()
		u, in := a.person(email), a.signIn(email)
		_, err := a.sessions.IssueRefresh(t.Context(), session.Grant{
			Family: in.SID, User: u.ID, Application: "wiki", ClientID: "wiki", Epoch: u.Epoch, AuthTime: in.AuthTime,
			AMR: []string{"pwd"}, Offline: true,
		})
		if err != nil {
			t.Fatal(err)
		}
		return in
	}
	expect := func(what string, want ...sessionJSON) {
		t.Helper()
		got, err := a.underWay(t.Context(), a.person("ada@acme.example"))
		if diff := cmp.Diff(want, got, cmpopts.EquateEmpty(), cmpopts.EquateApproxTime(time.Minute)); err != nil || diff != "" {
			t.Errorf("%s: %v (-want +got):\n%s", what, err, diff)
		}
	}
	expect("nothing yet")
	signIn("grace@acme.example")
	expect("another person's")
	signIn("ada@acme.example")
	if err := a.Directory.EndSessions(t.Context(), "cli:test", a.person("ada@acme.example").ID); err != nil {
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
