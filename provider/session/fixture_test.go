package session_test

import (
	"context"
	"errors"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/einlass/einlass/keys"
	"github.com/einlass/einlass/provider/session"
	"github.com/einlass/einlass/provider/session/sessiontest"
	"github.com/einlass/einlass/users"
)

// start is the time of tests that need no clock.
var start = time.Date(2026, 3, 2, 8, 0, 0, 0, time.UTC)

var (
	idleEnd   = start.Add(12 * time.Hour)
	familyEnd = start.Add(8 * 24 * time.Hour)
)

// A grantCase is a session with a code in it.
type grantCase struct {
	cookie, handle keys.Secret
	session        session.Session
	code           session.Code
	check          session.CodeCheck
}

func newGrantCase() grantCase {
	user := users.NewID()
	s := session.Session{
		SID: string(users.NewID()), User: user, AMR: []string{"pwd"},
		AuthTime: start, Created: start, Seen: start, Expires: idleEnd,
	}
	c := session.Code{
		Grant: session.Grant{
			Family: string(users.NewID()), SID: s.SID, User: user, Application: "personio", ClientID: "personio-client",
			Scopes: []string{"openid"}, AuthTime: start, AMR: s.AMR,
		},
		RedirectURI: "https://acme.example/callback",
		Expires:     start.Add(time.Minute),
	}
	return grantCase{
		cookie: session.NewHandle(user), handle: session.NewHandle(user), session: s, code: c,
		check: session.CodeCheck{ClientID: c.Grant.ClientID, RedirectURI: c.RedirectURI},
	}
}

func (g grantCase) token() session.AccessToken {
	return session.AccessToken{Grant: g.code.Grant, Expires: start.Add(15 * time.Minute)}
}

func (g grantCase) refreshToken() session.RefreshToken {
	grant := g.code.Grant
	grant.Offline = true
	return session.RefreshToken{Grant: grant, Expires: start.Add(8 * time.Hour), Ends: start.Add(30 * 24 * time.Hour)}
}

// putRefresh stores a refresh token and returns its handle.
func (g grantCase) putRefresh(ctx context.Context, s session.Store) (keys.Secret, error) {
	h := session.NewHandle(g.session.User)
	return h, s.PutRefresh(ctx, h, g.refreshToken())
}

// rotate uses a refresh token.
func rotate(ctx context.Context, s session.Store, h keys.Secret) error {
	tag, _, _ := strings.Cut(h.Reveal(), ".")
	_, err := s.RotateRefresh(ctx, session.Rotation{
		Old: h, New: keys.Secret(tag + "." + keys.NewSecret().Reveal()), ClientID: "personio-client", IdleEnd: start.Add(8 * time.Hour),
	}, start)
	return err
}

// put stores the session and the code.
func (g grantCase) put(ctx context.Context, s session.Store) error {
	if err := s.PutSession(ctx, g.cookie, g.session); err != nil {
		return err
	}
	return g.issue(ctx, s)
}

func (g grantCase) issue(ctx context.Context, s session.Store) error {
	return s.IssueCode(ctx, g.handle, g.code, start, idleEnd)
}

func (g grantCase) take(ctx context.Context, s session.Store) error {
	_, err := s.TakeCode(ctx, g.handle, g.check, start, familyEnd)
	return err
}

// stored returns a grantCase that is in s.
func stored(t *testing.T, s session.Store) grantCase {
	t.Helper()
	g := newGrantCase()
	if err := g.put(t.Context(), s); err != nil {
		t.Fatal(err)
	}
	return g
}

// operations is every operation of a store, by its name in Options.Observe.
func operations(ctx context.Context, s session.Store, g grantCase) map[string]func() error {
	user, token := g.session.User, session.NewHandle(g.session.User)
	request := session.AuthRequest{ID: "r", Expires: idleEnd}
	return map[string]func() error{
		"put_session":    func() error { return s.PutSession(ctx, g.cookie, g.session) },
		"renew_session":  func() error { return s.RenewSession(ctx, g.cookie, session.NewHandle(user), g.session) },
		"session":        func() error { _, err := s.Session(ctx, g.cookie, start); return err },
		"touch_session":  func() error { return s.TouchSession(ctx, g.cookie, start, idleEnd) },
		"end_session":    func() error { _, err := s.EndSession(ctx, g.session, start); return err },
		"sessions_of":    func() error { _, err := s.SessionsOf(ctx, user, start); return err },
		"put_request":    func() error { return s.PutRequest(ctx, request) },
		"request":        func() error { _, err := s.Request(ctx, request.ID, start); return err },
		"take_request":   func() error { _, err := s.TakeRequest(ctx, request.ID, start); return err },
		"issue_code":     func() error { return s.IssueCode(ctx, session.NewHandle(user), g.code, start, idleEnd) },
		"take_code":      func() error { return g.take(ctx, s) },
		"put_token":      func() error { return s.PutToken(ctx, token, g.token()) },
		"token":          func() error { _, err := s.Token(ctx, token, start); return err },
		"delete_token":   func() error { return s.DeleteToken(ctx, token) },
		"put_refresh":    func() error { return s.PutRefresh(ctx, session.NewHandle(user), g.refreshToken()) },
		"refresh":        func() error { _, err := s.Refresh(ctx, token, start); return err },
		"rotate_refresh": func() error { return rotate(ctx, s, token) },
		"families_of":    func() error { _, err := s.FamiliesOf(ctx, user, start); return err },
		"revoke_family":  func() error { return s.RevokeFamily(ctx, user, g.code.Grant.Family, familyEnd) },
		"reserve":        func() error { _, err := s.Reserve(ctx, "k", 1, time.Minute, start); return err },
		"refund":         func() error { return s.Refund(ctx, "k", start) },
		"put_device": func() error {
			return s.PutDevice(ctx, session.NewHandle(user), session.Device{User: user, Epoch: 1}, idleEnd)
		},
		"device": func() error { _, err := s.Device(ctx, g.cookie, start); return err },
		"ping":   func() error { return s.Ping(ctx) },
	}
}

// isAnswer reports whether err is what a store says that has looked.
func isAnswer(err error) bool {
	for _, answer := range []error{nil, session.ErrNotFound, session.ErrMismatch, session.ErrReplayed, session.ErrUntold} {
		if errors.Is(err, answer) {
			return true
		}
	}
	return false
}

// backend is where a store keeps its data.
type backend struct {
	location string // a path or a URL
	dir      string // of its files
	crash    func() // kills the server behind the store and starts it again
}

// eachBackend runs a test on an SQLite file and on a redis-server.
func eachBackend(t *testing.T, test func(t *testing.T, b backend)) {
	t.Parallel()
	t.Run("sqlite", func(t *testing.T) {
		t.Parallel()
		dir := t.TempDir()
		test(t, backend{location: filepath.Join(dir, "session.db"), dir: dir, crash: func() {}})
	})
	t.Run("redis", func(t *testing.T) {
		t.Parallel()
		// Written every second only, the file may lack what was acknowledged before a crash.
		server := sessiontest.StartRedis(t, "appendfsync always")
		test(t, backend{location: server.URL, dir: server.Dir, crash: server.Restart})
	})
}

// openAt opens the store at a path or URL.
func openAt(ctx context.Context, location string) (session.Store, error) {
	if strings.Contains(location, "://") {
		return session.OpenRedis(ctx, location, session.Options{})
	}
	return session.OpenSQLite(ctx, location, session.Options{})
}

// open opens the store and closes it with the test.
func (b backend) open(t *testing.T) session.Store {
	t.Helper()
	s, err := openAt(t.Context(), b.location)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() }) // some tests close it themselves
	return s
}
