package sessiontest

import (
	"strings"

	"github.com/einlass/einlass/keys"
	"github.com/einlass/einlass/provider/session"
	"github.com/einlass/einlass/users"
)

var handleTests = []test{
	// N068
	{"a malformed handle is found nowhere", func(f *fixture) {
		good := session.NewHandle(f.user).Reveal()
		tag, secret, _ := strings.Cut(good, ".")
		for _, bad := range []string{
			"", ".", "x", tag, secret, tag + secret, tag + ".", "." + secret,
			tag + "." + secret[1:], tag + "." + secret + "A", tag[1:] + "." + secret,
			strings.ToUpper(tag) + "." + secret,
			"}}}}}}}}}}}}." + secret, "{}:session:0." + secret, "::::::::::::." + secret,
			strings.Repeat("\x00", 12) + "." + secret,
		} {
			for op, err := range f.lookups(f.Context(), keys.Secret(bad)) {
				f.wantErr(op+" of a malformed handle", err, session.ErrNotFound)
			}
		}
	}},

	{"an unknown handle is found nowhere", func(f *fixture) {
		f.signIn()
		for op, err := range f.lookups(f.Context(), session.NewHandle(f.user)) {
			f.wantErr(op+" of an unknown handle", err, session.ErrNotFound)
		}
	}},

	// N068
	{"a handle with letters of another case is found nowhere", func(f *fixture) {
		h, s := f.signIn()
		c := f.code(s)
		code := f.issue(c)
		flip := func(h keys.Secret) keys.Secret {
			tag, secret, _ := strings.Cut(h.Reveal(), ".")
			flipped := strings.ToUpper(secret)
			if flipped == secret {
				flipped = strings.ToLower(secret)
			}
			return keys.Secret(tag + "." + flipped)
		}
		_, err := f.store.Session(f.Context(), flip(h), start)
		f.wantErr("session", err, session.ErrNotFound)
		_, err = f.take(flip(code), checkOf(c), start)
		f.wantErr("code", err, session.ErrNotFound)
	}},

	{"a handle of one kind is none of another", func(f *fixture) {
		h, s := f.signIn()
		token := f.putToken(f.code(s).Grant)
		_, err := f.store.Token(f.Context(), h, start)
		f.wantErr("cookie as token", err, session.ErrNotFound)
		_, err = f.store.Session(f.Context(), token, start)
		f.wantErr("token as cookie", err, session.ErrNotFound)
		_, err = f.take(token, checkOf(f.code(s)), start)
		f.wantErr("token as code", err, session.ErrNotFound)
		_, err = f.store.Device(f.Context(), h, start)
		f.wantErr("cookie as device", err, session.ErrNotFound)
	}},

	{"a handle with another user's tag is refused", func(f *fixture) {
		other := users.NewID()
		cookie, s := f.signIn()
		c := f.code(s)
		code := f.issue(c)
		token := f.putToken(c.Grant)
		device := session.NewHandle(f.user)
		f.must(f.store.PutDevice(f.Context(), device, f.device(), idleEnd))

		_, err := f.store.Session(f.Context(), withTag(cookie, other), start)
		f.wantErr("Session", err, session.ErrNotFound)
		err = f.store.RenewSession(f.Context(), withTag(cookie, other), session.NewHandle(f.user), s)
		f.wantErr("RenewSession", err, session.ErrNotFound)
		err = f.store.TouchSession(f.Context(), withTag(cookie, other), start, familyEnd)
		f.wantErr("TouchSession", err, session.ErrNotFound)
		_, err = f.take(withTag(code, other), checkOf(c), start)
		f.wantErr("TakeCode", err, session.ErrNotFound)
		_, err = f.store.Token(f.Context(), withTag(token, other), start)
		f.wantErr("Token", err, session.ErrNotFound)
		_, err = f.store.Device(f.Context(), withTag(device, other), start)
		f.wantErr("Device", err, session.ErrNotFound)

		f.wantSession("the session under its own tag", cookie)
		f.wantToken("the token under its own tag", token)
		_, err = f.take(code, checkOf(c), start)
		f.wantErr("the code under its own tag", err, nil)
	}},

	{"nothing is written under another user's tag", func(f *fixture) {
		cookie, s := f.signIn()
		c := f.code(s)
		foreign := session.NewHandle(users.NewID())
		ctx := f.Context()
		f.wantErr("PutSession", f.store.PutSession(ctx, foreign, f.session()), session.ErrNotFound)
		f.wantErr("RenewSession", f.store.RenewSession(ctx, cookie, foreign, s), session.ErrNotFound)
		f.wantErr("IssueCode", f.store.IssueCode(ctx, foreign, c, start, idleEnd), session.ErrNotFound)
		token := session.AccessToken{Grant: c.Grant, Expires: tokenEnd}
		f.wantErr("PutToken", f.store.PutToken(ctx, foreign, token), session.ErrNotFound)
		f.wantErr("PutDevice", f.store.PutDevice(ctx, foreign, f.device(), idleEnd), session.ErrNotFound)

		for _, h := range []keys.Secret{foreign, withTag(foreign, f.user)} {
			for op, err := range f.lookups(ctx, h) {
				f.wantErr(op+" of what was refused", err, session.ErrNotFound)
			}
		}
		sessions, err := f.store.SessionsOf(ctx, f.user, start)
		f.must(err)
		f.wantEqual("sessions", sessions, []session.Session{s})
	}},
}
