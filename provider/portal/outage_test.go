package portal_test

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/einlass/einlass/provider/providertest"
	"github.com/einlass/einlass/provider/session"
	"github.com/einlass/einlass/provider/session/sessiontest"
	"github.com/einlass/einlass/users"
	"github.com/einlass/einlass/users/sqlstore"
	"github.com/einlass/einlass/users/userstest"
)

var errDown = errors.New("connection refused")

// switchedStore is a session store of which parts can fail.
type switchedStore struct {
	session.Store
	down string
}

func (s *switchedStore) SessionsOf(ctx context.Context, user users.ID, now time.Time) ([]session.Session, error) {
	if s.down == "sessions" {
		return nil, errDown
	}
	return s.Store.SessionsOf(ctx, user, now)
}

func (s *switchedStore) FamiliesOf(ctx context.Context, user users.ID, now time.Time) ([]session.RefreshToken, error) {
	if s.down == "families" {
		return nil, errDown
	}
	return s.Store.FamiliesOf(ctx, user, now)
}

func (s *switchedStore) EndSession(ctx context.Context, told session.Session, now time.Time) (session.Session, error) {
	if s.down == "end" {
		return session.Session{}, errDown
	}
	return s.Store.EndSession(ctx, told, now)
}

func (s *switchedStore) RevokeFamily(ctx context.Context, user users.ID, family string, until time.Time) error {
	if s.down == "revoke" {
		return errDown
	}
	return s.Store.RevokeFamily(ctx, user, family, until)
}

// switchedDirectory is a directory that can refuse to be written.
type switchedDirectory struct {
	*sqlstore.Store
	down bool
}

func (s *switchedDirectory) Update(ctx context.Context, change func(users.Tx) error) error {
	if s.down {
		return errDown
	}
	return s.Store.Update(ctx, change)
}

// What ends an access is in the log before it ends, under the id that administrators see: neither a
// kill in between nor a directory that is away leaves an end without a trace.
// U-02
func TestNoAccessEndsWithoutATrace(t *testing.T) {
	t.Parallel()
	directory, store := &switchedDirectory{Store: userstest.SQLite(t)}, &switchedStore{Store: sessiontest.SQLite(t)}
	b := providertest.NewOn(t, providertest.Stores{Users: directory, Sessions: store})
	browser := signedIn(t, b, providertest.Ada)
	token := offlineToken(t, b, browser)
	ada := b.User(providertest.Ada).ID
	families, err := store.FamiliesOf(t.Context(), ada, b.Clock.Now())
	if err != nil || len(families) != 1 {
		t.Fatalf("%d accesses, %v; want one", len(families), err)
	}
	family := families[0].Grant.Family
	end := formsOf(t, browser)["/account/access/"+family]
	if err := b.Directory.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}

	directory.down = true
	wantStatus(t, "while the directory is away", browser.Post(end.action, end.fields), http.StatusServiceUnavailable)
	directory.down = false
	if used := refresh(t, b, token); used.Refresh == "" {
		t.Fatalf("an access ended whose end could not be written: %+v", used)
	}
	store.down = "revoke"
	wantStatus(t, "killed in between", browser.Post(end.action, end.fields), http.StatusServiceUnavailable)
	events, err := b.Directory.Read().Events(t.Context(), 0, 500)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, e := range events { // without those that are queued
		if e.Kind == users.EventGrantRevoked {
			got = append(got, string(e.Actor)+" "+e.Subject+" "+e.Payload)
		}
	}
	if len(got) != 1 || !strings.HasPrefix(got[0], string(users.ActorUser(ada))+" "+string(ada)+" ") ||
		!strings.Contains(got[0], `"family":"`+family+`"`) || !strings.Contains(got[0], `"application":"wiki"`) || !strings.Contains(got[0], `"request_id":`) {
		t.Errorf("events %q, want one of the end of %s", got, family)
	}
}

// Nobody is told that they are signed in nowhere else, or that something has ended,
// while the store does not say so.
// U-02
func TestWithoutTheStoreNothingIsSaidOfSessions(t *testing.T) {
	t.Parallel()
	store := &switchedStore{Store: sessiontest.SQLite(t)}
	b := providertest.NewOn(t, providertest.Stores{Users: userstest.SQLite(t), Sessions: store})
	offlineToken(t, b, signedIn(t, b, providertest.Ada))
	browser := signedIn(t, b, providertest.Ada)
	var access form
	forms, before := formsOf(t, browser), browser.Get(sessionsPath).Body
	for path, f := range forms {
		if strings.HasPrefix(path, "/account/access/") {
			access = f
		}
	}
	sids, others := sidsOf(t, b, providertest.Ada), forms[sessionsPath+"/others"]
	for _, c := range []struct {
		down string
		end  form
	}{{"sessions", others}, {"end", others}, {"families", access}} {
		store.down = c.down
		answer := browser.Post(c.end.action, c.end.fields)
		if wantStatus(t, "end without "+c.down, answer, http.StatusServiceUnavailable); answer.Header.Get("Retry-After") == "" {
			t.Errorf("end without %s: no Retry-After", c.down)
		}
		if c.down != "end" {
			wantStatus(t, "page without "+c.down, browser.Get(sessionsPath), http.StatusServiceUnavailable)
		}
		store.down = ""
	}
	wantSids(t, "afterwards", b, sids...)
	if diff := cmp.Diff(panelsOf(t, before, "access"), panelsOf(t, browser.Get(sessionsPath).Body, "access")); diff != "" {
		t.Errorf("accesses (-before +after):\n%s", diff)
	}
}
