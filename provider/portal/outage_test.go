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
