package sessiontest

import (
	"strings"
	"time"

	"github.com/einlass/einlass/keys"
	"github.com/einlass/einlass/provider/session"
	"github.com/einlass/einlass/users"
)

func newRequest() session.AuthRequest {
	maxAge := 0
	return session.AuthRequest{
		ID:          string(users.NewID()),
		Browser:     "5994471abb01112afcc18159f6cc74b4f511b99806da59b3caf5a9c173cacfc5",
		Application: "personio",
		Params: session.Params{
			ClientID:      "personio-client",
			RedirectURI:   redirect,
			ResponseMode:  "query",
			State:         `"<s&tate>"`,
			Nonce:         "n",
			Scopes:        []string{"openid"},
			CodeChallenge: challenge,
			Prompt:        []string{"login"},
			MaxAge:        &maxAge,
			UILocales:     []string{"de", "en"},
		},
		Created: start,
		Expires: start.Add(15 * time.Minute),
	}
}

var requestTests = []test{
	{"an unknown request is not found", func(f *fixture) {
		for _, id := range []string{"", "x", string(users.NewID()), "}:request", strings.Repeat("x", 70000)} {
			_, err := f.store.Request(f.Context(), id, start)
			f.wantErr("Request", err, session.ErrNotFound)
			_, err = f.store.TakeRequest(f.Context(), id, start)
			f.wantErr("TakeRequest", err, session.ErrNotFound)
		}
	}},

	{"an expired request is not found", func(f *fixture) {
		r := newRequest()
		f.must(f.store.PutRequest(f.Context(), r))
		_, err := f.store.Request(f.Context(), r.ID, r.Expires.Add(-time.Millisecond))
		f.wantErr("just before its end", err, nil)
		_, err = f.store.Request(f.Context(), r.ID, r.Expires)
		f.wantErr("Request", err, session.ErrNotFound)
		_, err = f.store.TakeRequest(f.Context(), r.ID, r.Expires)
		f.wantErr("TakeRequest", err, session.ErrNotFound)
	}},

	{"a request is taken by one of many", func(f *fixture) { raceForRequest(f, 1) }},
	{"a request is taken by one of many on two handles", func(f *fixture) { raceForRequest(f, 2) }},

	{"a request comes back as it was put, until it is taken", func(f *fixture) {
		r := newRequest()
		f.must(f.store.PutRequest(f.Context(), r))
		for range 2 {
			got, err := f.store.Request(f.Context(), r.ID, start)
			f.must(err)
			f.wantEqual("Request", got, r)
		}
		got, err := f.store.TakeRequest(f.Context(), r.ID, start)
		f.must(err)
		f.wantEqual("TakeRequest", got, r)
		_, err = f.store.Request(f.Context(), r.ID, start)
		f.wantErr("Request afterwards", err, session.ErrNotFound)
	}},
}

func raceForRequest(f *fixture, handles int) {
	r := newRequest()
	f.must(f.store.PutRequest(f.Context(), r))
	f.wantOnce(f.race(handles, func(store session.Store) error {
		_, err := store.TakeRequest(f.Context(), r.ID, start)
		return err
	}), session.ErrNotFound)
}

var deviceTests = []test{
	{"an expired device is not found", func(f *fixture) {
		h := session.NewHandle(f.user)
		f.must(f.store.PutDevice(f.Context(), h, f.device(), idleEnd))
		_, err := f.store.Device(f.Context(), h, idleEnd)
		f.wantErr("Device", err, session.ErrNotFound)
	}},

	{"a device is its user's and survives sign-out", func(f *fixture) {
		h := session.NewHandle(f.user)
		f.must(f.store.PutDevice(f.Context(), h, f.device(), familyEnd))
		_, s := f.signIn()
		_, err := f.store.EndSession(f.Context(), s, start)
		f.must(err)
		got, err := f.store.Device(f.Context(), h, idleEnd)
		f.must(err)
		f.wantEqual("device", got, f.device())
	}},

	{"a device keeps the epoch that it was remembered under", func(f *fixture) {
		devices := map[keys.Secret]session.Device{}
		for _, epoch := range []int64{1, 2, 1 << 40} {
			h := session.NewHandle(f.user)
			devices[h] = session.Device{User: f.user, Epoch: epoch}
			f.must(f.store.PutDevice(f.Context(), h, devices[h], idleEnd))
		}
		for h, want := range devices {
			got, err := f.store.Device(f.Context(), h, start)
			f.must(err)
			f.wantEqual("device", got, want)
		}
	}},
}
