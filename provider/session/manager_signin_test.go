package session_test

import (
	"context"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/einlass/einlass/keys"
	"github.com/einlass/einlass/provider/session"
	"github.com/einlass/einlass/users"
)

// OWASP ASVS 7.2.4
func TestSignInAgainKeepsTheSidAndRenewsTheCookie(t *testing.T) {
	eachManager(t, func(m *managed) {
		before, first := m.signIn(m.user, 1, "")
		if _, err := m.IssueCode(m.Context(), first, "personio", session.Params{}, ""); err != nil {
			m.Fatal(err)
		}
		m.now = start.Add(time.Hour)
		after, second := m.signIn(m.user, 1, before)
		if before.Equal(after) {
			m.Error("the cookie is the same")
		}
		if second.SID != first.SID {
			m.Errorf("sid %q, want %q as before", second.SID, first.SID)
		}
		m.wantCurrent("old cookie", before, session.ErrNotFound)
		got := m.wantCurrent("new cookie", after, nil)
		want := session.Session{
			SID: first.SID, User: m.user, Epoch: 1, AMR: []string{"pwd"},
			AuthTime: m.now, Created: m.now, Seen: m.now, Expires: m.now.Add(12 * time.Hour),
			Applications: []users.ApplicationID{"personio"},
		}
		if diff := cmp.Diff(want, got); diff != "" {
			m.Errorf("session (-want +got):\n%s", diff)
		}
	})
}

func TestSignInBeginsANewSessionUnlessTheOldOneIsTheirs(t *testing.T) {
	eachManager(t, func(m *managed) {
		_, first := m.signIn(m.user, 1, "")
		for name, again := range map[string]func(cookie keys.Secret) session.Session{
			"another person": func(cookie keys.Secret) session.Session {
				_, s := m.signIn(users.NewID(), 1, cookie)
				m.wantCurrent("the session of the person before", cookie, nil)
				return s
			},
			"a later epoch": func(cookie keys.Secret) session.Session {
				_, s := m.signIn(m.user, 2, cookie)
				return s
			},
			"no cookie": func(keys.Secret) session.Session {
				_, s := m.signIn(m.user, 1, "")
				return s
			},
			"an unknown cookie": func(keys.Secret) session.Session {
				_, s := m.signIn(m.user, 1, session.NewHandle(m.user))
				return s
			},
			"an expired session": func(cookie keys.Secret) session.Session {
				m.now = m.now.Add(12 * time.Hour)
				_, s := m.signIn(m.user, 1, cookie)
				return s
			},
			"an ended session": func(cookie keys.Secret) session.Session {
				m.end(m.wantCurrent("session to end", cookie, nil))
				_, s := m.signIn(m.user, 1, cookie)
				return s
			},
		} {
			cookie, before := m.signIn(m.user, 1, "")
			if got := again(cookie); got.SID == before.SID || got.SID == first.SID {
				m.Errorf("%s: the sid was kept", name)
			}
		}
	})
}

// A sign-out in one window must not be undone by a sign-in in another.
func TestSignInDoesNotReviveASessionThatEndsMeanwhile(t *testing.T) {
	eachManager(t, func(m *managed) {
		before, first := m.signIn(m.user, 1, "")
		m.store.afterLook = func() { m.end(first) }
		after, second := m.signIn(m.user, 1, before)
		if second.SID == first.SID {
			m.Error("the sid of the ended session lives again")
		}
		m.wantCurrent("cookie of the ended session", before, session.ErrNotFound)
		if got := m.wantCurrent("new cookie", after, nil); got.SID != second.SID {
			m.Errorf("sid of the new cookie %q, want %q", got.SID, second.SID)
		}
	})
}

// Of a form that is sent twice the browser keeps one answer: each must be good.
func TestTwoSignInsAtOnceAreBothGood(t *testing.T) {
	eachManager(t, func(m *managed) {
		before, _ := m.signIn(m.user, 1, "")
		var other keys.Secret
		m.store.afterLook = func() { other, _ = m.signIn(m.user, 1, before) }
		one, _ := m.signIn(m.user, 1, before)
		m.wantCurrent("one cookie", one, nil)
		m.wantCurrent("the other", other, nil)
		m.wantCurrent("the one before", before, session.ErrNotFound)
	})
}

// The application would not be told when the session ends.
func TestSignInKeepsAnApplicationThatComesMeanwhile(t *testing.T) {
	eachManager(t, func(m *managed) {
		before, first := m.signIn(m.user, 1, "")
		m.store.afterLook = func() {
			if _, err := m.IssueCode(m.Context(), first, "personio", session.Params{}, ""); err != nil {
				m.Error(err)
			}
		}
		after, _ := m.signIn(m.user, 1, before)
		got := m.wantCurrent("session", after, nil)
		if want := []users.ApplicationID{"personio"}; !cmp.Equal(want, got.Applications) {
			m.Errorf("applications %v, want %v", got.Applications, want)
		}
	})
}

func TestSignInFailsWhenTheStoreDoes(t *testing.T) {
	eachManager(t, func(m *managed) {
		ctx, cancel := context.WithCancel(m.Context())
		cancel()
		cookie, _ := m.signIn(m.user, 1, "")
		if _, err := m.SignIn(ctx, session.Proof{User: m.user, Epoch: 1}, cookie); err == nil {
			m.Error("signed in")
		}
		m.wantCurrent("the session before", cookie, nil)
	})
}

func TestSignInSaysWhichSessionDoesNotGoOn(t *testing.T) {
	eachManager(t, func(m *managed) {
		cookie, mine := m.signIn(m.user, 1, "")
		for name, test := range map[string]struct {
			user   users.ID
			epoch  int64
			before keys.Secret
			want   *session.Session
		}{
			"no cookie":         {m.user, 1, "", nil},
			"an unknown cookie": {m.user, 1, session.NewHandle(m.user), nil},
			"another person":    {users.NewID(), 1, cookie, &mine},
			"a later epoch":     {m.user, 2, cookie, &mine},
		} {
			in, err := m.SignIn(m.Context(), session.Proof{User: test.user, Epoch: test.epoch, AMR: []string{"pwd"}}, test.before)
			if err != nil {
				m.Fatal(err)
			}
			if diff := cmp.Diff(test.want, in.Replaced, cmpopts.EquateEmpty()); diff != "" {
				m.Errorf("%s: replaced (-want +got):\n%s", name, diff)
			}
		}
		in, err := m.SignIn(m.Context(), session.Proof{User: m.user, Epoch: 1, AMR: []string{"pwd"}}, cookie)
		if err != nil || in.Replaced != nil {
			m.Errorf("their own: replaced %v, %v, want none: it goes on", in.Replaced, err)
		}
	})
}
