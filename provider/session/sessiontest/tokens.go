package sessiontest

import (
	"errors"
	"sync"
	"time"

	"github.com/einlass/einlass/keys"
	"github.com/einlass/einlass/provider/session"
	"github.com/einlass/einlass/users"
)

var tokenTests = []test{
	{"an expired token is not found", func(f *fixture) {
		_, s := f.signIn()
		h := f.putToken(f.code(s).Grant)
		_, err := f.store.Token(f.Context(), h, tokenEnd.Add(-time.Millisecond))
		f.wantErr("just before its end", err, nil)
		for _, now := range []time.Time{tokenEnd, idleEnd} {
			_, err := f.store.Token(f.Context(), h, now)
			f.wantErr("at "+now.String(), err, session.ErrNotFound)
		}
	}},

	{"a token of a revoked family is not found", func(f *fixture) {
		_, s := f.signIn()
		g, other := f.code(s).Grant, f.code(s).Grant
		g.Offline = true
		token, second, otherToken := f.putToken(g), f.putToken(g), f.putToken(other)
		f.must(f.store.RevokeFamily(f.Context(), f.user, g.Family, familyEnd))
		f.wantNoToken("token of the family", token)
		f.wantNoToken("its other token", second)
		f.wantToken("token of another family", otherToken)
		f.wantNoToken("new token of the family", f.putToken(g))
		f.must(f.store.RevokeFamily(f.Context(), f.user, g.Family, familyEnd)) // again, harmless
		f.wantNoToken("token after the second revocation", token)
	}},

	{"nobody revokes another user's family", func(f *fixture) {
		_, s := f.signIn()
		g := f.code(s).Grant
		token := f.putToken(g)
		f.must(f.store.RevokeFamily(f.Context(), users.NewID(), g.Family, familyEnd))
		f.wantToken("token", token)
	}},

	{"tokens die with their session, offline ones do not", func(f *fixture) {
		_, s := f.signIn()
		g, offline := f.code(s).Grant, f.code(s).Grant
		offline.Offline = true
		token, offlineToken := f.putToken(g), f.putToken(offline)
		_, err := f.store.EndSession(f.Context(), s, start)
		f.must(err)

		f.wantNoToken("token", token)
		f.wantToken("offline token", offlineToken)
		f.wantNoToken("new token", f.putToken(g))
		f.wantToken("new offline token", f.putToken(offline))
	}},

	{"tokens die when their session expires", func(f *fixture) {
		h, s := f.signIn()
		token := f.putToken(f.code(s).Grant)
		f.must(f.store.TouchSession(f.Context(), h, start, start.Add(time.Minute)))
		_, err := f.store.Token(f.Context(), token, start.Add(time.Minute))
		f.wantErr("token", err, session.ErrNotFound)
		_, err = f.store.Token(f.Context(), f.putToken(f.code(s).Grant), start.Add(time.Minute))
		f.wantErr("new token", err, session.ErrNotFound)
	}},

	{"a session of somebody else keeps no token alive", func(f *fixture) {
		_, s := f.signIn()
		g := f.code(s).Grant
		g.User = users.NewID()
		h := session.NewHandle(g.User)
		f.must(f.store.PutToken(f.Context(), h, session.AccessToken{Grant: g, Expires: tokenEnd}))
		f.wantNoToken("token", h)
	}},

	{"no token outlives the end of its session, however close", func(f *fixture) {
		_, s := f.signIn()
		s.Applications = []users.ApplicationID{f.code(s).Grant.Application}
		var mu sync.Mutex // guards tokens
		var tokens []keys.Secret
		errs := f.race(2, func(store session.Store) error {
			c := f.code(s)
			h := session.NewHandle(f.user)
			token := session.NewHandle(f.user)
			err := store.IssueCode(f.Context(), h, c, start, idleEnd)
			if err == nil {
				_, err = store.TakeCode(f.Context(), h, checkOf(c), start, familyEnd)
			}
			if err == nil {
				err = store.PutToken(f.Context(), token, session.AccessToken{Grant: c.Grant, Expires: tokenEnd})
			}
			if err == nil {
				mu.Lock()
				tokens = append(tokens, token)
				enough := len(tokens) == racers/4
				mu.Unlock()
				if enough {
					_, err = store.EndSession(f.Context(), s, start)
				}
			}
			return err
		})
		for _, err := range errs {
			if err != nil && !errors.Is(err, session.ErrNotFound) {
				f.Errorf("one of many: %v", err)
			}
		}
		for _, token := range tokens {
			f.wantNoToken("token of the ended session", token)
		}
	}},

	{"a token comes back as it was put", func(f *fixture) {
		_, s := f.signIn()
		want := session.AccessToken{Grant: f.code(s).Grant, Expires: tokenEnd}
		got, err := f.store.Token(f.Context(), f.putToken(want.Grant), start)
		f.must(err)
		f.wantEqual("token", got, want)
	}},
}
