package sessiontest

import (
	"errors"
	"time"

	"github.com/einlass/einlass/provider/session"
	"github.com/einlass/einlass/users"
)

var codeTests = []test{
	{"no code is issued in a session that has ended", func(f *fixture) {
		_, ended := f.signIn()
		_, err := f.store.EndSession(f.Context(), ended, start)
		f.must(err)
		for name, s := range map[string]session.Session{"ended": ended, "never begun": f.session()} {
			c := f.code(s)
			h := session.NewHandle(f.user)
			f.wantErr(name, f.store.IssueCode(f.Context(), h, c, start, idleEnd), session.ErrNotFound)
			_, err = f.take(h, checkOf(c), start)
			f.wantErr("code of a session "+name, err, session.ErrNotFound)
		}
		all, err := f.store.SessionsOf(f.Context(), f.user, start)
		f.must(err)
		f.wantEqual("sessions", all, []session.Session{})
	}},

	{"no code is issued in an expired session", func(f *fixture) {
		h, s := f.signIn()
		c := f.code(s)
		err := f.store.IssueCode(f.Context(), session.NewHandle(f.user), c, idleEnd, familyEnd)
		f.wantErr("IssueCode", err, session.ErrNotFound)
		f.wantEqual("session", f.wantSession("session", h), s)
	}},

	// N062 N065
	{"a mismatch does not consume the code", func(f *fixture) {
		_, s := f.signIn()
		c := f.code(s)
		h := f.issue(c)
		for name, change := range map[string]func(*session.CodeCheck){
			"another client":       func(k *session.CodeCheck) { k.ClientID = "other" },
			"no client":            func(k *session.CodeCheck) { k.ClientID = "" },
			"another redirect URI": func(k *session.CodeCheck) { k.RedirectURI += "/" },
			"encoded redirect URI": func(k *session.CodeCheck) { k.RedirectURI = "https%3A%2F%2Facme.example" },
			"no redirect URI":      func(k *session.CodeCheck) { k.RedirectURI = "" },
			"another verifier":     func(k *session.CodeCheck) { k.Challenge = challenge[1:] + "A" },
			"no verifier":          func(k *session.CodeCheck) { k.Challenge = "" },
		} {
			check := checkOf(c)
			change(&check)
			_, err := f.take(h, check, start)
			f.wantErr(name, err, session.ErrMismatch)
		}
		g, err := f.take(h, checkOf(c), start)
		f.must(err)
		f.wantEqual("grant", g, c.Grant)
	}},

	// RFC 9700 section 2.1.1: no downgrade, in either direction
	{"a verifier without a challenge is a mismatch", func(f *fixture) {
		_, s := f.signIn()
		c := f.code(s)
		c.CodeChallenge = ""
		h := f.issue(c)
		check := checkOf(c)
		check.Challenge = challenge
		_, err := f.take(h, check, start)
		f.wantErr("with a verifier", err, session.ErrMismatch)
		_, err = f.take(h, checkOf(c), start)
		f.wantErr("without", err, nil)
	}},

	{"a code can be looked at until it is redeemed, also past its end", func(f *fixture) {
		_, s := f.signIn()
		c := f.code(s)
		h := f.issue(c)
		_, err := f.store.Code(f.Context(), session.NewHandle(f.user))
		f.wantErr("a code that never was", err, session.ErrNotFound)
		_, err = f.store.Code(f.Context(), "no handle")
		f.wantErr("no handle", err, session.ErrNotFound)
		_, err = f.take(h, checkOf(c), codeEnd)
		f.wantErr("past its end", err, session.ErrNotFound)
		for range 2 {
			got, err := f.store.Code(f.Context(), h)
			f.must(err)
			f.wantEqual("code past its end", got, c)
		}
		_, err = f.take(h, checkOf(c), start)
		f.wantErr("having been looked at", err, nil)
		_, err = f.store.Code(f.Context(), h)
		f.wantErr("redeemed", err, session.ErrNotFound)
	}},

	// N068
	{"an expired code is not found", func(f *fixture) {
		_, s := f.signIn()
		c := f.code(s)
		late, inTime := f.issue(c), f.issue(f.code(s))
		for _, now := range []time.Time{codeEnd, codeEnd.Add(90 * time.Second), idleEnd} {
			_, err := f.take(late, checkOf(c), now)
			f.wantErr("at "+now.String(), err, session.ErrNotFound)
		}
		_, err := f.take(inTime, checkOf(c), codeEnd.Add(-time.Millisecond))
		f.wantErr("just before its end", err, nil)
	}},

	{"a code of a revoked family is not found", func(f *fixture) {
		_, s := f.signIn()
		c := f.code(s)
		h := f.issue(c)
		f.must(f.store.RevokeFamily(f.Context(), f.user, c.Grant.Family, familyEnd))
		_, err := f.take(h, checkOf(c), start)
		f.wantErr("take", err, session.ErrNotFound)
	}},

	{"a code of an ended session is not found, an offline one is", func(f *fixture) {
		_, s := f.signIn()
		c, offline := f.code(s), f.code(s)
		offline.Grant.Offline = true
		h, hOffline := f.issue(c), f.issue(offline)
		s.Applications = []users.ApplicationID{c.Grant.Application}
		_, err := f.store.EndSession(f.Context(), s, start)
		f.must(err)
		_, err = f.take(h, checkOf(c), start)
		f.wantErr("online", err, session.ErrNotFound)
		g, err := f.take(hOffline, checkOf(offline), start)
		f.must(err)
		f.wantEqual("offline grant", g, offline.Grant)
	}},

	{"a code of an expired session is not found", func(f *fixture) {
		_, s := f.signIn()
		c := f.code(s)
		h := session.NewHandle(f.user)
		f.must(f.store.IssueCode(f.Context(), h, c, start, start.Add(time.Second)))
		_, err := f.take(h, checkOf(c), start.Add(time.Second))
		f.wantErr("take", err, session.ErrNotFound)
	}},

	// N060
	{"a replay revokes the family", func(f *fixture) {
		_, s := f.signIn()
		c, other := f.code(s), f.code(s)
		h := f.issue(c)
		g, err := f.take(h, checkOf(c), start)
		f.must(err)
		token, otherToken := f.putToken(g), f.putToken(other.Grant)

		_, err = f.take(h, checkOf(c), start)
		f.wantErr("second take", err, session.ErrReplayed)
		f.wantNoToken("token of the first", token)
		f.wantNoToken("token written after the replay", f.putToken(g))
		f.wantToken("token of another family", otherToken)
		_, err = f.take(h, checkOf(c), start)
		f.wantErr("third take", err, session.ErrReplayed)
	}},

	{"a replay is known until the tombstone ends", func(f *fixture) {
		_, s := f.signIn()
		c := f.code(s)
		h := f.issue(c)
		_, err := f.take(h, checkOf(c), start)
		f.must(err)
		_, err = f.take(h, checkOf(c), familyEnd.Add(-time.Millisecond))
		f.wantErr("before", err, session.ErrReplayed)
		_, err = f.take(h, checkOf(c), familyEnd)
		f.wantErr("after", err, session.ErrNotFound)
	}},

	{"a replay with another redirect URI or verifier is a replay", func(f *fixture) {
		_, s := f.signIn()
		c := f.code(s)
		h := f.issue(c)
		g, err := f.take(h, checkOf(c), start)
		f.must(err)
		token := f.putToken(g)
		_, err = f.take(h, session.CodeCheck{ClientID: c.Grant.ClientID}, start)
		f.wantErr("second take", err, session.ErrReplayed)
		f.wantNoToken("token of the first", token)
	}},

	// N062
	{"a replay by another client revokes nothing", func(f *fixture) {
		_, s := f.signIn()
		c := f.code(s)
		h := f.issue(c)
		g, err := f.take(h, checkOf(c), start)
		f.must(err)
		token := f.putToken(g)
		check := checkOf(c)
		check.ClientID = "other"
		_, err = f.take(h, check, start)
		f.wantErr("take by another client", err, session.ErrMismatch)
		f.wantToken("token", token)
	}},

	// REL-1
	{"a code is taken by one of many", func(f *fixture) { raceForCode(f, 1) }},
	{"a code is taken by one of many on two handles", func(f *fixture) { raceForCode(f, 2) }},

	{"a code notes its application in the session and moves it", func(f *fixture) {
		h, s := f.signIn()
		seen := start.Add(time.Hour)
		for _, application := range []users.ApplicationID{"wiki", "personio", "wiki"} {
			c := f.code(s)
			c.Grant.Application = application
			f.must(f.store.IssueCode(f.Context(), session.NewHandle(f.user), c, seen, familyEnd))
		}
		s.Seen, s.Expires = seen, familyEnd
		s.Applications = []users.ApplicationID{"personio", "wiki"}
		got, err := f.store.Session(f.Context(), h, idleEnd)
		f.must(err)
		f.wantEqual("session past its first end", got, s)
	}},

	{"a grant comes back as it was issued", func(f *fixture) {
		_, s := f.signIn()
		full, bare := f.code(s), f.code(s)
		full.Grant.Epoch = 1<<53 + 1
		full.Grant.Scopes = []string{"openid", "ünï\"cödé\\", "<&>\u2028"}
		full.Grant.ACR = "urn:mace:incommon:iap:silver"
		full.Grant.Offline = true
		bare.Grant = session.Grant{Family: bare.Grant.Family, SID: s.SID, User: f.user, Scopes: []string{}, ClientID: "c"}
		for _, c := range []session.Code{full, bare} {
			g, err := f.take(f.issue(c), checkOf(c), start)
			f.must(err)
			f.wantEqual("grant", g, c.Grant)
		}
	}},
}

func raceForCode(f *fixture, handles int) {
	_, s := f.signIn()
	c := f.code(s)
	h := f.issue(c)
	f.wantOnce(f.race(handles, func(store session.Store) error {
		g, err := store.TakeCode(f.Context(), h, checkOf(c), start, familyEnd)
		if err == nil && g.Family != c.Grant.Family {
			return errors.New("took another grant")
		}
		return err
	}), session.ErrReplayed)
}
