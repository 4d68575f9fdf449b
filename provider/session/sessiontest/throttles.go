package sessiontest

import (
	"context"
	"errors"
	"sync/atomic"
	"time"

	"github.com/einlass/einlass/provider/session"
	"github.com/einlass/einlass/users"
)

const window = 15 * time.Minute

func (f *fixture) reserve(key string, limit int, now time.Time) session.Verdict {
	f.Helper()
	v, err := f.store.Reserve(f.Context(), key, limit, window, now)
	f.must(err)
	return v
}

var throttleTests = []test{
	{"a limit of 0 allows nothing", func(f *fixture) {
		key := string(users.NewID())
		f.wantEqual("verdict", f.reserve(key, 0, start), session.Verdict{RetryAfter: window})
		f.wantEqual("a later limit", f.reserve(key, 1, start), session.Verdict{Allowed: true})
	}},

	{"beyond the limit nothing is allowed until the window ends", func(f *fixture) {
		key := string(users.NewID())
		for left := 2; left >= 0; left-- {
			f.wantEqual("try", f.reserve(key, 3, start), session.Verdict{Allowed: true, Remaining: left})
		}
		now := start.Add(5 * time.Minute)
		f.wantEqual("beyond", f.reserve(key, 3, now), session.Verdict{RetryAfter: 10 * time.Minute})
		now = start.Add(window - time.Millisecond)
		f.wantEqual("just before the end", f.reserve(key, 3, now), session.Verdict{RetryAfter: time.Millisecond})
		now = start.Add(window)
		f.wantEqual("in the next window", f.reserve(key, 3, now), session.Verdict{Allowed: true, Remaining: 2})
		now = now.Add(window - time.Millisecond)
		f.wantEqual("late in the next window", f.reserve(key, 3, now), session.Verdict{Allowed: true, Remaining: 1})
	}},

	{"a lowered limit holds at once", func(f *fixture) {
		key := string(users.NewID())
		for range 3 {
			f.reserve(key, 5, start)
		}
		f.wantEqual("verdict", f.reserve(key, 2, start), session.Verdict{RetryAfter: window})
	}},

	{"keys do not share a window", func(f *fixture) {
		a, b := string(users.NewID()), string(users.NewID())
		f.reserve(a, 1, start)
		f.wantEqual("other key", f.reserve(b, 1, start), session.Verdict{Allowed: true})
		f.wantEqual("first key", f.reserve(a, 1, start), session.Verdict{RetryAfter: window})
	}},

	{"a refund gives one try back", func(f *fixture) {
		key := string(users.NewID())
		f.reserve(key, 1, start)
		f.reserve(key, 1, start) // refused, so not counted
		f.must(f.store.Refund(f.Context(), key, start))
		f.wantEqual("after the refund", f.reserve(key, 1, start), session.Verdict{Allowed: true})
		f.wantEqual("then", f.reserve(key, 1, start), session.Verdict{RetryAfter: window})
	}},

	{"a refund of the only try ends the window", func(f *fixture) {
		key := string(users.NewID())
		for range 2 {
			f.reserve(key, 2, start)
		}
		now := start.Add(5 * time.Minute)
		f.must(f.store.Refund(f.Context(), key, now))
		f.reserve(key, 2, now)
		f.wantEqual("while there was a try", f.reserve(key, 2, now), session.Verdict{RetryAfter: 10 * time.Minute})
		for range 2 {
			f.must(f.store.Refund(f.Context(), key, now))
		}
		f.reserve(key, 1, now)
		f.wantEqual("after the refund of all", f.reserve(key, 1, now), session.Verdict{RetryAfter: window})
	}},

	{"a refund of nothing makes no room", func(f *fixture) {
		key := string(users.NewID())
		f.must(f.store.Refund(f.Context(), key, start)) // no window
		f.reserve(key, 2, start)
		for range 3 {
			f.must(f.store.Refund(f.Context(), key, start))
		}
		f.wantEqual("after more refunds than tries", f.reserve(key, 2, start), session.Verdict{Allowed: true, Remaining: 1})
		f.must(f.store.Refund(f.Context(), key, start.Add(window))) // its window has ended
		f.wantEqual("after a late refund", f.reserve(key, 2, start), session.Verdict{Allowed: true})
	}},

	// N164
	{"many at once never exceed the limit", func(f *fixture) {
		key := string(users.NewID())
		var allowed atomic.Int64
		errs := f.race(2, func(store session.Store) error {
			v, err := store.Reserve(f.Context(), key, 10, window, start)
			if v.Allowed {
				allowed.Add(1)
			}
			return err
		})
		f.must(errors.Join(errs...))
		if got := allowed.Load(); got != 10 {
			f.Errorf("%d tries allowed, want 10", got)
		}
	}},
}

var storeTests = []test{
	{"a cancelled request is an error, not an absence", func(f *fixture) {
		h, _ := f.signIn()
		ctx, cancel := context.WithCancel(f.Context())
		cancel()
		for op, err := range f.lookups(ctx, h) {
			if err == nil || errors.Is(err, session.ErrNotFound) {
				f.Errorf("%s: got %v, want the error of the context", op, err)
			}
		}
	}},

	{"a sweep takes nothing that is needed", func(f *fixture) {
		ctx := f.Context()
		cookie, s := f.signIn()
		taken, revoked, live := f.code(s), f.code(s), f.code(s)
		hTaken, hLive := f.issue(taken), f.issue(live)
		_, err := f.take(hTaken, checkOf(taken), start)
		f.must(err)
		revokedToken, token := f.putToken(revoked.Grant), f.putToken(live.Grant)
		f.must(f.store.RevokeFamily(ctx, f.user, revoked.Grant.Family, familyEnd))
		r := newRequest()
		f.must(f.store.PutRequest(ctx, r))
		device := session.NewHandle(f.user)
		f.must(f.store.PutDevice(ctx, device, f.device(), idleEnd))
		f.reserve(string(f.user), 1, start)

		f.must(f.store.Sweep(ctx, start))

		f.wantSession("session", cookie)
		f.wantToken("token", token)
		f.wantNoToken("token of the revoked family", revokedToken)
		_, err = f.take(hLive, checkOf(live), start)
		f.wantErr("code", err, nil)
		_, err = f.take(hTaken, checkOf(taken), start)
		f.wantErr("taken code", err, session.ErrReplayed)
		_, err = f.store.Request(ctx, r.ID, start)
		f.wantErr("request", err, nil)
		_, err = f.store.Device(ctx, device, start)
		f.wantErr("device", err, nil)
		f.wantEqual("throttle", f.reserve(string(f.user), 1, start), session.Verdict{RetryAfter: window})
	}},

	{"the store answers", func(f *fixture) {
		f.must(f.store.Ping(f.Context()))
	}},
}
