package session_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/einlass/einlass/keys"
	"github.com/einlass/einlass/provider/session"
	"github.com/einlass/einlass/provider/session/sessiontest"
	"github.com/einlass/einlass/users"
)

// managed is a Manager with a clock that only the test moves.
type managed struct {
	*testing.T
	*session.Manager
	now   time.Time
	store *watched
	user  users.ID
}

// watched is a store that counts touches, and lets something happen right after
// the next look at a session.
type watched struct {
	session.Store
	touches   int
	afterLook func()
}

func (w *watched) TouchSession(ctx context.Context, h keys.Secret, seen, expires time.Time) error {
	w.touches++
	return w.Store.TouchSession(ctx, h, seen, expires)
}

func (w *watched) Session(ctx context.Context, h keys.Secret, now time.Time) (session.Session, error) {
	s, err := w.Store.Session(ctx, h, now)
	if happen := w.afterLook; happen != nil {
		w.afterLook = nil
		happen()
	}
	return s, err
}

// eachManager runs a test on each kind of store.
func eachManager(t *testing.T, test func(m *managed)) {
	t.Parallel()
	for name, store := range sessiontest.Stores(t) {
		t.Run(name, func(t *testing.T) {
			m := &managed{T: t, now: start, store: &watched{Store: store}, user: users.NewID()}
			var err error
			m.Manager, err = session.NewManager(session.Config{Store: m.store, Now: func() time.Time { return m.now }})
			if err != nil {
				t.Fatal(err)
			}
			test(m)
		})
	}
}

func (m *managed) signIn(user users.ID, epoch int64, before keys.Secret) (keys.Secret, session.Session) {
	m.Helper()
	in, err := m.SignIn(m.Context(), session.Proof{User: user, Epoch: epoch, AMR: []string{"pwd"}}, before)
	if err != nil {
		m.Fatal(err)
	}
	return in.Cookie, in.Session
}

// end ends a session.
func (m *managed) end(s session.Session) {
	m.Helper()
	if err := m.Conclude(m.Context(), &recording{m: m}, users.ActorSystem, users.SessionEnd{}, s); err != nil {
		m.Fatal(err)
	}
}

// wantCurrent fails the test unless the answer for cookie is an error like want.
func (m *managed) wantCurrent(what string, cookie keys.Secret, want error) session.Session {
	m.Helper()
	s, err := m.Current(m.Context(), cookie)
	if !errors.Is(err, want) {
		m.Errorf("%s: got error %v, want %v", what, err, want)
	}
	return s
}

func TestManagerNeedsAStore(t *testing.T) {
	t.Parallel()
	if _, err := session.NewManager(session.Config{}); err == nil {
		t.Error("no error")
	}
}

// N144
func TestSessionEndsWhenIdle(t *testing.T) {
	eachManager(t, func(m *managed) {
		m.wantCurrent("no cookie", "", session.ErrNotFound)
		cookie, s := m.signIn(m.user, 1, "")
		m.now = start.Add(12*time.Hour - time.Millisecond)
		m.wantCurrent("just before the idle end", cookie, nil)
		m.now = start.Add(12 * time.Hour)
		m.wantCurrent("at the idle end", cookie, session.ErrNotFound)
		if err := m.Touch(m.Context(), cookie, s); !errors.Is(err, session.ErrNotFound) {
			m.Errorf("touch at the idle end: got %v, want %v", err, session.ErrNotFound)
		}
	})
}

// N144
func TestSessionEndsWhenTooOldHoweverBusy(t *testing.T) {
	eachManager(t, func(m *managed) {
		cookie, _ := m.signIn(m.user, 1, "")
		end := start.Add(7 * 24 * time.Hour)
		for m.now = start; m.now.Before(end); m.now = m.now.Add(6 * time.Hour) {
			s := m.wantCurrent("a busy session", cookie, nil)
			if err := m.Touch(m.Context(), cookie, s); err != nil {
				m.Fatal(err)
			}
			if _, err := m.IssueCode(m.Context(), s, "personio", session.Params{}, ""); err != nil {
				m.Fatal(err)
			}
		}
		m.now = end.Add(-time.Millisecond)
		m.wantCurrent("just before the absolute end", cookie, nil)
		m.now = end
		m.wantCurrent("at the absolute end", cookie, session.ErrNotFound)
	})
}

// N145
func TestAClockSetBackGivesASessionNoLife(t *testing.T) {
	eachManager(t, func(m *managed) {
		cookie, s := m.signIn(m.user, 1, "")
		m.now = start.Add(-time.Hour)
		if err := m.Touch(m.Context(), cookie, s); err != nil {
			m.Fatal(err)
		}
		if _, err := m.IssueCode(m.Context(), s, "personio", session.Params{}, ""); err != nil {
			m.Fatal(err)
		}
		if got := m.wantCurrent("session", cookie, nil); got.Expires.After(s.Expires) {
			m.Errorf("the session ends at %v, want no later than %v", got.Expires, s.Expires)
		}
	})
}

func TestTouchWritesAtMostOnceAMinute(t *testing.T) {
	eachManager(t, func(m *managed) {
		cookie, s := m.signIn(m.user, 1, "")
		for m.now.Before(start.Add(3 * time.Minute)) {
			if err := m.Touch(m.Context(), cookie, s); err != nil {
				m.Fatal(err)
			}
			s = m.wantCurrent("session", cookie, nil)
			m.now = m.now.Add(10 * time.Second)
		}
		if m.store.touches != 2 {
			m.Errorf("%d writes in three minutes, want 2", m.store.touches)
		}
		if want := start.Add(2 * time.Minute); !s.Seen.Equal(want) {
			m.Errorf("seen %v, want %v", s.Seen, want)
		}
	})
}

// N002
func TestARequestBelongsToItsBrowser(t *testing.T) {
	eachManager(t, func(m *managed) {
		mine, theirs := keys.NewSecret(), keys.NewSecret()
		r, err := m.Start(m.Context(), "personio", session.Params{ClientID: "c"}, mine)
		if err != nil {
			m.Fatal(err)
		}
		for name, browser := range map[string]keys.Secret{"another browser": theirs, "no browser": ""} {
			if _, err := m.Pending(m.Context(), r.ID, browser); !errors.Is(err, session.ErrMismatch) {
				m.Errorf("Pending in %s: got %v, want %v", name, err, session.ErrMismatch)
			}
			if _, err := m.Take(m.Context(), r.ID, browser); !errors.Is(err, session.ErrMismatch) {
				m.Errorf("Take in %s: got %v, want %v", name, err, session.ErrMismatch)
			}
		}
		if got, err := m.Take(m.Context(), r.ID, mine); err != nil || cmp.Diff(r, got) != "" {
			m.Errorf("Take in its browser: %v\n%s", err, cmp.Diff(r, got))
		}
		if _, err := m.Take(m.Context(), r.ID, mine); !errors.Is(err, session.ErrNotFound) {
			m.Errorf("second Take: got %v, want %v", err, session.ErrNotFound)
		}
	})
}

func TestARequestExpires(t *testing.T) {
	eachManager(t, func(m *managed) {
		browser := keys.NewSecret()
		r, err := m.Start(m.Context(), "personio", session.Params{}, browser)
		if err != nil {
			m.Fatal(err)
		}
		m.now = start.Add(15 * time.Minute)
		if _, err := m.Pending(m.Context(), r.ID, browser); !errors.Is(err, session.ErrNotFound) {
			m.Errorf("Pending: got %v, want %v", err, session.ErrNotFound)
		}
	})
}

// N060 N068
func TestGrantFromCodeToRevocation(t *testing.T) {
	eachManager(t, func(m *managed) {
		ctx, check := m.Context(), session.CodeCheck{ClientID: "c", RedirectURI: "https://acme.example"}
		p := session.Params{ClientID: "c", RedirectURI: check.RedirectURI, Scopes: []string{"openid"}, Nonce: "n", Claims: "{}"}
		_, s := m.signIn(m.user, 4, "")
		code, errCode := m.IssueCode(ctx, s, "personio", p, "acr")
		late, errLate := m.IssueCode(ctx, s, "personio", p, "")
		g, errRedeem := m.Redeem(ctx, code, check)
		token, expires, errToken := m.IssueToken(ctx, g)
		if err := errors.Join(errCode, errLate, errRedeem, errToken); err != nil {
			m.Fatal(err)
		}
		want := session.Grant{
			Family: g.Family, SID: s.SID, User: m.user, Application: "personio", ClientID: "c", Scopes: p.Scopes,
			Epoch: 4, AuthTime: start, AMR: []string{"pwd"}, Nonce: "n", ACR: "acr", Claims: "{}",
		}
		if diff := cmp.Diff(want, g); diff != "" {
			m.Errorf("grant (-want +got):\n%s", diff)
		}
		if want := start.Add(15 * time.Minute); !expires.Equal(want) {
			m.Errorf("token expires at %v, want %v", expires, want)
		}
		m.now = start.Add(time.Minute)
		if _, err := m.Redeem(ctx, late, check); !errors.Is(err, session.ErrNotFound) {
			m.Errorf("code after a minute: got %v, want %v", err, session.ErrNotFound)
		}
		if _, err := m.Token(ctx, token); err != nil {
			m.Errorf("token: %v", err)
		}
		if err := m.Revoke(ctx, g); err != nil {
			m.Fatal(err)
		}
		if _, err := m.Token(ctx, token); !errors.Is(err, session.ErrNotFound) {
			m.Errorf("token after its revocation: got %v, want %v", err, session.ErrNotFound)
		}
		dead, _, err := m.IssueToken(ctx, g)
		if err != nil {
			m.Fatal(err)
		}
		if _, err := m.Token(ctx, dead); !errors.Is(err, session.ErrNotFound) {
			m.Errorf("token issued after the revocation: got %v, want %v", err, session.ErrNotFound)
		}
	})
}

func TestAKnownDeviceIsOnePersonsForHalfAYear(t *testing.T) {
	eachManager(t, func(m *managed) {
		ada := session.Device{User: m.user, Epoch: 2}
		device, err := m.RememberDevice(m.Context(), ada)
		if err != nil {
			m.Fatal(err)
		}
		known := func(what string, h keys.Secret, d session.Device, want bool) {
			m.Helper()
			if got, err := m.KnownDevice(m.Context(), h, d); err != nil || got != want {
				m.Errorf("%s: got %v, %v, want %v", what, got, err, want)
			}
		}
		known("no cookie", "", ada, false)
		known("an unknown cookie", session.NewHandle(m.user), ada, false)
		known("another person", device, session.Device{User: users.NewID(), Epoch: 2}, false)
		known("nobody", device, session.Device{}, false)
		known("an earlier epoch", device, session.Device{User: m.user, Epoch: 1}, false)
		known("a later epoch", device, session.Device{User: m.user, Epoch: 3}, false)
		known("its person", device, ada, true)
		m.now = start.Add(180*24*time.Hour - time.Millisecond)
		known("on the last day", device, ada, true)
		m.now = start.Add(180 * 24 * time.Hour)
		known("after it", device, ada, false)
	})
}

func TestOfListsLiveSessions(t *testing.T) {
	eachManager(t, func(m *managed) {
		m.signIn(m.user, 1, "")
		m.now = start.Add(time.Hour)
		_, second := m.signIn(m.user, 1, "")
		m.now = start.Add(12 * time.Hour) // the first has idled out
		got, err := m.Of(m.Context(), m.user)
		if err != nil || len(got) != 1 || got[0].SID != second.SID {
			m.Errorf("sessions: got %+v, %v, want only %s", got, err, second.SID)
		}
	})
}

// directory answers every question with one decision.
type directory struct {
	decision users.Decision
	err      error
}

func (d directory) Decision(context.Context, users.ID, users.ApplicationID, time.Time) (users.Decision, error) {
	return d.decision, d.err
}

func TestLiveAsksTheDirectory(t *testing.T) {
	eachManager(t, func(m *managed) {
		cookie, s := m.signIn(m.user, 3, "")
		down := errors.New("directory is down")
		for name, test := range map[string]struct {
			directory directory
			want      error
		}{
			"suspended":      {directory{users.Decision{State: users.StateSuspended, Epoch: 3}, nil}, session.ErrNotFound},
			"staged":         {directory{users.Decision{State: users.StateStaged, Epoch: 3}, nil}, session.ErrNotFound},
			"a later epoch":  {directory{users.Decision{State: users.StateActive, Epoch: 4}, nil}, session.ErrNotFound},
			"unknown":        {directory{users.Decision{}, users.ErrNotFound}, session.ErrNotFound},
			"directory down": {directory{users.Decision{}, down}, down},
		} {
			if _, _, err := m.Live(m.Context(), cookie, test.directory, ""); !errors.Is(err, test.want) {
				m.Errorf("%s: got error %v, want %v", name, err, test.want)
			}
		}
		active := directory{users.Decision{State: users.StateActive, Epoch: 3}, nil}
		if got, d, err := m.Live(m.Context(), cookie, active, ""); err != nil || got.SID != s.SID || d != active.decision {
			m.Errorf("active: got %+v, %+v, %v", got, d, err)
		}
		if _, _, err := m.Live(m.Context(), "", active, ""); !errors.Is(err, session.ErrNotFound) {
			m.Errorf("no cookie: got %v, want %v", err, session.ErrNotFound)
		}
	})
}
