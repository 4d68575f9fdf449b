package sessiontest

import (
	"errors"
	"time"

	"github.com/einlass/einlass/keys"
	"github.com/einlass/einlass/provider/session"
	"github.com/einlass/einlass/users"
)

// offline returns an offline grant of s.
func (f *fixture) offline(s session.Session) session.Grant {
	g := f.code(s).Grant
	g.Offline = true
	return g
}

// putRefresh stores the first refresh token of g's family and returns its handle.
func (f *fixture) putRefresh(g session.Grant) keys.Secret {
	f.Helper()
	h := session.NewHandle(g.User)
	f.must(f.store.PutRefresh(f.Context(), h, session.RefreshToken{Grant: g, Expires: refreshEnd, Ends: offlineEnd}))
	return h
}

// rotation is the use of h by the client of every grant.
func (f *fixture) rotation(h keys.Secret, now time.Time) session.Rotation {
	return session.Rotation{Old: h, New: session.NewHandle(f.user), ClientID: "personio-client", IdleEnd: now.Add(8 * time.Hour)}
}

// rotate uses h and returns what takes its place.
func (f *fixture) rotate(h keys.Secret, now time.Time) (keys.Secret, error) {
	r := f.rotation(h, now)
	_, err := f.store.RotateRefresh(f.Context(), r, now)
	return r.New, err
}

// wantFamilies fails the test unless the user has exactly these at now.
func (f *fixture) wantFamilies(what string, now time.Time, want ...session.RefreshToken) {
	f.Helper()
	got, err := f.store.FamiliesOf(f.Context(), f.user, now)
	f.must(err)
	f.wantEqual("families "+what, got, want)
}

var refreshTests = []test{
	// N063
	{"another client's refresh token is refused and not used up", func(f *fixture) {
		_, s := f.signIn()
		g := f.offline(s)
		h, token := f.putRefresh(g), f.putToken(g)
		for _, client := range []string{"other", "", "PERSONIO-CLIENT"} {
			r := f.rotation(h, start)
			r.ClientID = client
			_, err := f.store.RotateRefresh(f.Context(), r, start)
			f.wantErr("rotation by "+client, err, session.ErrMismatch)
			_, err = f.store.Refresh(f.Context(), r.New, start)
			f.wantErr("what it would have got", err, session.ErrNotFound)
		}
		next, err := f.rotate(h, start)
		f.must(err)
		r := f.rotation(h, start)
		r.ClientID = "other"
		_, err = f.store.RotateRefresh(f.Context(), r, start)
		f.wantErr("replay by another client", err, session.ErrMismatch)
		f.wantToken("access token", token)
		_, err = f.rotate(next, start)
		f.wantErr("the owner's next rotation", err, nil)
	}},

	// N066
	{"a second use revokes the family", func(f *fixture) {
		_, s := f.signIn()
		g := f.offline(s)
		first, token := f.putRefresh(g), f.putToken(g)
		other := f.putRefresh(f.offline(s))
		second, err := f.rotate(first, start)
		f.must(err)
		third, err := f.rotate(second, start)
		f.must(err)
		_, err = f.rotate(first, start)
		f.wantErr("second use of the first", err, session.ErrReplayed)
		_, err = f.rotate(third, start)
		f.wantErr("the live one", err, session.ErrNotFound)
		_, err = f.store.Refresh(f.Context(), third, start)
		f.wantErr("reading the live one", err, session.ErrNotFound)
		_, err = f.rotate(second, start)
		f.wantErr("second use of the second", err, session.ErrReplayed)
		f.wantNoToken("access token of the family", token)
		f.wantNoToken("access token written afterwards", f.putToken(g))
		_, err = f.rotate(other, start)
		f.wantErr("another family", err, nil)
	}},

	{"a replay is known until the family ends", func(f *fixture) {
		_, s := f.signIn()
		first := f.putRefresh(f.offline(s))
		now, live := start, first
		for now.Before(offlineEnd.Add(-8 * time.Hour)) {
			var err error
			live, err = f.rotate(live, now)
			f.must(err)
			now = now.Add(7 * time.Hour)
		}
		_, err := f.rotate(first, now)
		f.wantErr("the first of many", err, session.ErrReplayed)
		_, err = f.rotate(live, now)
		f.wantErr("the last of many", err, session.ErrNotFound)
	}},

	// N069
	{"a refresh token dies when it idles", func(f *fixture) {
		_, s := f.signIn()
		h := f.putRefresh(f.offline(s))
		for _, now := range []time.Time{refreshEnd, refreshEnd.Add(90 * time.Second), offlineEnd} {
			_, err := f.rotate(h, now)
			f.wantErr("at "+now.String(), err, session.ErrNotFound)
			_, err = f.store.Refresh(f.Context(), h, now)
			f.wantErr("read at "+now.String(), err, session.ErrNotFound)
		}
		now := refreshEnd.Add(-time.Millisecond)
		next, err := f.rotate(h, now)
		f.must(err)
		_, err = f.rotate(next, now.Add(8*time.Hour))
		f.wantErr("the next one, idle as long", err, session.ErrNotFound)
	}},

	// N069
	{"no use moves the end of a family", func(f *fixture) {
		_, s := f.signIn()
		h := f.putRefresh(f.offline(s))
		r := f.rotation(h, start)
		r.IdleEnd = offlineEnd.Add(time.Hour)
		_, err := f.store.RotateRefresh(f.Context(), r, start)
		f.must(err)
		t, err := f.store.Refresh(f.Context(), r.New, start)
		f.must(err)
		f.wantEqual("expires", t.Expires, offlineEnd)
		_, err = f.rotate(r.New, offlineEnd)
		f.wantErr("at the end", err, session.ErrNotFound)
		_, err = f.rotate(r.New, offlineEnd.Add(-time.Millisecond))
		f.wantErr("just before", err, nil)
	}},

	{"an offline family survives its session", func(f *fixture) {
		_, s := f.signIn()
		h := f.putRefresh(f.offline(s))
		_, err := f.store.EndSession(f.Context(), s, start)
		f.must(err)
		next, err := f.rotate(h, start)
		f.must(err)
		_, err = f.store.Refresh(f.Context(), next, start)
		f.wantErr("reading the next one", err, nil)
	}},

	{"a refresh token of a revoked family is not found", func(f *fixture) {
		_, s := f.signIn()
		g := f.offline(s)
		f.must(f.store.RevokeFamily(f.Context(), f.user, g.Family, familyEnd))
		h := f.putRefresh(g)
		_, err := f.rotate(h, start)
		f.wantErr("rotation", err, session.ErrNotFound)
		_, err = f.store.Refresh(f.Context(), h, start)
		f.wantErr("reading", err, session.ErrNotFound)
	}},

	{"nothing is rotated into another user's handle", func(f *fixture) {
		_, s := f.signIn()
		h := f.putRefresh(f.offline(s))
		r := f.rotation(h, start)
		r.New = session.NewHandle(users.NewID())
		_, err := f.store.RotateRefresh(f.Context(), r, start)
		f.wantErr("rotation", err, session.ErrNotFound)
		_, err = f.store.Refresh(f.Context(), r.New, start)
		f.wantErr("the foreign handle", err, session.ErrNotFound)
		_, err = f.store.Refresh(f.Context(), withTag(h, users.NewID()), start)
		f.wantErr("the handle under another tag", err, session.ErrNotFound)
		foreign := session.RefreshToken{Grant: f.offline(s), Expires: refreshEnd, Ends: offlineEnd}
		f.wantErr("PutRefresh", f.store.PutRefresh(f.Context(), session.NewHandle(users.NewID()), foreign), session.ErrNotFound)
		_, err = f.rotate(h, start)
		f.wantErr("the owner", err, nil)
	}},

	{"a refresh token comes back as it was put", func(f *fixture) {
		_, s := f.signIn()
		g := f.offline(s)
		g.AMR, g.Epoch = nil, 1<<53+1
		h := f.putRefresh(g)
		want := session.RefreshToken{Grant: g, Expires: refreshEnd, Ends: offlineEnd}
		got, err := f.store.Refresh(f.Context(), h, start)
		f.must(err)
		f.wantEqual("first", got, want)
		r := f.rotation(h, start.Add(time.Hour))
		rotated, err := f.store.RotateRefresh(f.Context(), r, start.Add(time.Hour))
		f.must(err)
		f.wantEqual("grant", rotated, g)
		want.Expires = r.IdleEnd
		got, err = f.store.Refresh(f.Context(), r.New, start)
		f.must(err)
		f.wantEqual("second", got, want)
		want.Rotated = true
		got, err = f.store.Refresh(f.Context(), h, start)
		f.must(err)
		f.wantEqual("first, after its rotation", got, want)
	}},

	// U-02
	{"the families of a user are the live ones, youngest first", func(f *fixture) {
		f.wantFamilies("of a stranger", start)
		_, s := f.signIn()
		put := func(signedIn, expires time.Time) session.RefreshToken {
			g := f.offline(s)
			g.AuthTime, g.AMR, g.Epoch = signedIn, nil, 1<<53+1
			t := session.RefreshToken{Grant: g, Expires: expires, Ends: offlineEnd}
			f.must(f.store.PutRefresh(f.Context(), session.NewHandle(f.user), t))
			return t
		}
		old := put(start.Add(-3*time.Hour), refreshEnd)
		put(start.Add(-2*time.Hour), start) // idle too long
		youngest := put(start, refreshEnd)
		middle := put(start.Add(-time.Hour), refreshEnd.Add(time.Minute))
		revoked := put(start.Add(-time.Minute), refreshEnd)
		f.must(f.store.RevokeFamily(f.Context(), f.user, revoked.Grant.Family, familyEnd))
		other := &fixture{T: f.T, store: f.store, user: users.NewID()}
		_, theirs := other.signIn()
		other.putRefresh(other.offline(theirs))

		f.wantFamilies("of the user", start, youngest, middle, old)
		f.wantFamilies("just before the first idle end", refreshEnd.Add(-time.Millisecond), youngest, middle, old)
		f.wantFamilies("at the first idle end", refreshEnd, middle)
		f.wantFamilies("at the last", refreshEnd.Add(time.Minute))
		_, err := f.store.EndSession(f.Context(), s, start)
		f.must(err)
		f.wantFamilies("after their session", start, youngest, middle, old)
	}},

	// U-02
	{"a family that is used stays one, until it is replayed", func(f *fixture) {
		_, s := f.signIn()
		g := f.offline(s)
		first := f.putRefresh(g)
		live, now := first, start
		for range 3 {
			now = now.Add(7 * time.Hour)
			var err error
			live, err = f.rotate(live, now)
			f.must(err)
		}
		f.wantFamilies("after three uses", now, session.RefreshToken{Grant: g, Expires: now.Add(8 * time.Hour), Ends: offlineEnd})
		_, err := f.rotate(first, now)
		f.wantErr("replay", err, session.ErrReplayed)
		f.wantFamilies("after a replay", now)
	}},

	// REL-1
	{"a refresh token is rotated by one of many", func(f *fixture) { raceForRefresh(f, 1) }},
	{"a refresh token is rotated by one of many on two handles", func(f *fixture) { raceForRefresh(f, 2) }},

	{"an access token is deleted alone", func(f *fixture) {
		_, s := f.signIn()
		g := f.offline(s)
		token, other, h := f.putToken(g), f.putToken(g), f.putRefresh(g)
		f.must(f.store.DeleteToken(f.Context(), withTag(token, users.NewID())))
		f.wantToken("after a deletion under another tag", token)
		f.must(f.store.DeleteToken(f.Context(), token))
		f.wantNoToken("deleted", token)
		f.must(f.store.DeleteToken(f.Context(), token))
		f.must(f.store.DeleteToken(f.Context(), "no handle"))
		f.wantToken("the other of its family", other)
		_, err := f.rotate(h, start)
		f.wantErr("the refresh token of its family", err, nil)
	}},
}

func raceForRefresh(f *fixture, handles int) {
	_, s := f.signIn()
	g := f.offline(s)
	h := f.putRefresh(g)
	f.wantOnce(f.race(handles, func(store session.Store) error {
		rotated, err := store.RotateRefresh(f.Context(), f.rotation(h, start), start)
		if err == nil && rotated.Family != g.Family {
			return errors.New("rotated another family")
		}
		return err
	}), session.ErrReplayed)
}
