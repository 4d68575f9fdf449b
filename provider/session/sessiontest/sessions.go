package sessiontest

import (
	"sync/atomic"
	"time"

	"github.com/einlass/einlass/keys"
	"github.com/einlass/einlass/provider/session"
	"github.com/einlass/einlass/users"
)

var sessionTests = []test{
	{"an expired session is not found", func(f *fixture) {
		h, _ := f.signIn()
		_, err := f.store.Session(f.Context(), h, idleEnd.Add(-time.Millisecond))
		f.wantErr("just before its end", err, nil)
		for _, now := range []time.Time{idleEnd, idleEnd.Add(90 * time.Second), idleEnd.Add(999 * time.Hour)} {
			_, err := f.store.Session(f.Context(), h, now)
			f.wantErr("at "+now.String(), err, session.ErrNotFound)
		}
	}},

	{"a touch does not revive an expired session", func(f *fixture) {
		h, _ := f.signIn()
		f.wantErr("touch", f.store.TouchSession(f.Context(), h, idleEnd, familyEnd), session.ErrNotFound)
		_, err := f.store.Session(f.Context(), h, idleEnd)
		f.wantErr("session", err, session.ErrNotFound)
	}},

	{"a touch does not revive an ended session", func(f *fixture) {
		h, s := f.signIn()
		_, err := f.store.EndSession(f.Context(), s, start)
		f.must(err)
		f.wantErr("touch", f.store.TouchSession(f.Context(), h, start, familyEnd), session.ErrNotFound)
		_, err = f.store.Session(f.Context(), h, start)
		f.wantErr("session", err, session.ErrNotFound)
	}},

	// N147
	{"nobody ends another user's session", func(f *fixture) {
		h, s := f.signIn()
		_, err := f.store.EndSession(f.Context(), session.Session{User: users.NewID(), SID: s.SID}, start)
		f.wantErr("end", err, session.ErrNotFound)
		f.wantSession("afterwards", h)
	}},

	{"a session ends once", func(f *fixture) {
		_, err := f.store.EndSession(f.Context(), f.session(), start)
		f.wantErr("unknown session", err, session.ErrNotFound)

		h, s := f.signIn()
		ended, err := f.store.EndSession(f.Context(), s, start)
		f.must(err)
		f.wantEqual("what it was", ended, s)
		_, err = f.store.Session(f.Context(), h, start)
		f.wantErr("cookie afterwards", err, session.ErrNotFound)
		_, err = f.store.EndSession(f.Context(), s, start)
		f.wantErr("second end", err, session.ErrNotFound)
	}},

	{"ending an expired session finds nothing", func(f *fixture) {
		_, s := f.signIn()
		_, err := f.store.EndSession(f.Context(), s, idleEnd)
		f.wantErr("end", err, session.ErrNotFound)
	}},

	{"a session does not end while an application is not reckoned with", func(f *fixture) {
		h, told := f.signIn()
		f.issue(f.code(told)) // after told was read
		before := f.wantSession("before", h)
		for _, untold := range [][]users.ApplicationID{nil, {"person"}, {"personio2", "application:personio"}} {
			told.Applications = untold
			got, err := f.store.EndSession(f.Context(), told, start)
			f.wantErr("end", err, session.ErrUntold)
			f.wantEqual("what it is", got, before)
			f.wantEqual("session", f.wantSession("session", h), before)
		}
		told.Applications = []users.ApplicationID{"another", "personio"}
		got, err := f.store.EndSession(f.Context(), told, start)
		f.must(err)
		f.wantEqual("what it was", got, before)
		f.wantNoSession("afterwards", h)
	}},

	{"a session is ended by one of many", func(f *fixture) {
		_, s := f.signIn()
		errs := f.race(2, func(store session.Store) error {
			_, err := store.EndSession(f.Context(), s, start)
			return err
		})
		f.wantOnce(errs, session.ErrNotFound)
	}},

	// OWASP ASVS 7.2.4
	{"re-authentication keeps the sid and kills the handle before", func(f *fixture) {
		before, s := f.signIn()
		c := f.code(s)
		f.issue(c)
		token := f.putToken(c.Grant)

		after := session.NewHandle(f.user)
		s.AuthTime, s.AMR, s.Seen, s.Expires = start.Add(time.Hour), []string{"swk"}, start.Add(time.Hour), start.Add(13*time.Hour)
		f.must(f.store.RenewSession(f.Context(), before, after, s))
		s.Applications = []users.ApplicationID{"personio"}

		_, err := f.store.Session(f.Context(), before, start)
		f.wantErr("old handle", err, session.ErrNotFound)
		f.wantErr("renewal of the old handle", f.store.RenewSession(f.Context(), before, session.NewHandle(f.user), s), session.ErrNotFound)
		f.wantErr("touch of the old handle", f.store.TouchSession(f.Context(), before, start, idleEnd), session.ErrNotFound)
		f.wantEqual("session of the new handle", f.wantSession("new handle", after), s)
		f.wantToken("token of the session", token)
		all, err := f.store.SessionsOf(f.Context(), f.user, start)
		f.must(err)
		f.wantEqual("sessions", all, []session.Session{s})
	}},

	{"a renewal does not revive an ended session", func(f *fixture) {
		before, s := f.signIn()
		_, err := f.store.EndSession(f.Context(), s, start)
		f.must(err)
		after := session.NewHandle(f.user)
		f.wantErr("renewal", f.store.RenewSession(f.Context(), before, after, s), session.ErrNotFound)
		f.wantNoSession("afterwards", before, after)
	}},

	{"a renewal does not revive an expired session", func(f *fixture) {
		before, s := f.signIn()
		after := session.NewHandle(f.user)
		s.Seen, s.Expires = idleEnd, familyEnd
		f.wantErr("renewal", f.store.RenewSession(f.Context(), before, after, s), session.ErrNotFound)
		_, err := f.store.Session(f.Context(), after, idleEnd)
		f.wantErr("session", err, session.ErrNotFound)
	}},

	{"a renewal needs the handle of that very session", func(f *fixture) {
		mine, s := f.signIn()
		other, _ := f.signIn()
		for what, before := range map[string]keys.Secret{"another session": other, "none": session.NewHandle(f.user)} {
			after := session.NewHandle(f.user)
			f.wantErr("renewal with the handle of "+what, f.store.RenewSession(f.Context(), before, after, s), session.ErrNotFound)
			f.wantNoSession(what, after)
		}
		f.wantEqual("the session", f.wantSession("its handle", mine), s)
	}},

	{"a renewal keeps an application noted meanwhile", func(f *fixture) {
		before, s := f.signIn()
		f.issue(f.code(s)) // after s was read
		after := session.NewHandle(f.user)
		f.must(f.store.RenewSession(f.Context(), before, after, s))
		s.Applications = []users.ApplicationID{"personio"}
		f.wantEqual("session", f.wantSession("new handle", after), s)
	}},

	{"a session is renewed by one of many", func(f *fixture) {
		before, s := f.signIn()
		f.wantOnce(f.race(2, func(store session.Store) error {
			return store.RenewSession(f.Context(), before, session.NewHandle(f.user), s)
		}), session.ErrNotFound)
	}},

	{"a session that is renewed and ended at once has ended", func(f *fixture) {
		before, s := f.signIn()
		var turn atomic.Int64
		var renewed atomic.Pointer[keys.Secret]
		f.race(2, func(store session.Store) error {
			if turn.Add(1)%2 == 0 {
				_, err := store.EndSession(f.Context(), s, start)
				return err
			}
			h := session.NewHandle(f.user)
			err := store.RenewSession(f.Context(), before, h, s)
			if err == nil {
				renewed.Store(&h)
			}
			return err
		})
		f.wantNoSession("afterwards", before)
		if h := renewed.Load(); h != nil {
			f.wantNoSession("what was renewed first", *h)
		}
		all, err := f.store.SessionsOf(f.Context(), f.user, start)
		f.must(err)
		f.wantEqual("sessions", all, []session.Session{})
	}},

	{"two sessions of one user live apart", func(f *fixture) {
		h1, s1 := f.signIn()
		h2, s2 := f.signIn()
		token2 := f.putToken(f.code(s2).Grant)
		_, err := f.store.EndSession(f.Context(), s1, start)
		f.must(err)
		_, err = f.store.Session(f.Context(), h1, start)
		f.wantErr("the ended one", err, session.ErrNotFound)
		f.wantEqual("the other", f.wantSession("the other", h2), s2)
		f.wantToken("token of the other", token2)
	}},

	{"a touch moves seen and expires", func(f *fixture) {
		h, s := f.signIn()
		s.Seen, s.Expires = start.Add(time.Hour), start.Add(13*time.Hour)
		f.must(f.store.TouchSession(f.Context(), h, s.Seen, s.Expires))
		got, err := f.store.Session(f.Context(), h, idleEnd)
		f.must(err)
		f.wantEqual("session past its first end", got, s)
		all, err := f.store.SessionsOf(f.Context(), f.user, idleEnd)
		f.must(err)
		f.wantEqual("sessions past its first end", all, []session.Session{s})
	}},

	{"the sessions of a user are the live ones, newest first", func(f *fixture) {
		ctx := f.Context()
		none, err := f.store.SessionsOf(ctx, f.user, start)
		f.must(err)
		f.wantEqual("sessions of a stranger", none, []session.Session{})

		put := func(created, expires time.Time) session.Session {
			s := f.session()
			s.Created, s.Expires = created, expires
			f.must(f.store.PutSession(ctx, session.NewHandle(f.user), s))
			return s
		}
		old := put(start.Add(-3*time.Hour), idleEnd)
		put(start.Add(-2*time.Hour), start) // expired
		newest := put(start, idleEnd)
		middle := put(start.Add(-time.Hour), idleEnd)
		ended := put(start.Add(-time.Minute), idleEnd)
		_, err = f.store.EndSession(ctx, ended, start)
		f.must(err)

		got, err := f.store.SessionsOf(ctx, f.user, start)
		f.must(err)
		f.wantEqual("sessions", got, []session.Session{newest, middle, old})
	}},

	{"a session comes back as it was put", func(f *fixture) {
		full := f.session()
		full.Epoch = 1<<53 + 1 // more than a JSON number of Lua can hold
		full.Applications = []users.ApplicationID{"a", "b-2"}
		bare := session.Session{SID: string(users.NewID()), User: f.user, Expires: idleEnd, AMR: []string{}}
		for _, want := range []session.Session{full, bare} {
			h := session.NewHandle(f.user)
			f.must(f.store.PutSession(f.Context(), h, want))
			f.wantEqual("session", f.wantSession("session", h), want)
		}
	}},
}
