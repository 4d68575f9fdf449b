package users_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/einlass/einlass/users"
)

func declareWiki(b bench) {
	b.t.Helper()
	_, err := b.Declare(b.t.Context(), users.Declaration{Applications: []users.DeclaredApplication{
		{Application: users.Application{ID: "wiki", Launch: &users.Launch{URL: "https://wiki.example/"}}},
	}})
	b.must(err)
}

func (b bench) watches() []users.Watch {
	b.t.Helper()
	all, err := b.Read().Watches(b.t.Context(), time.Now())
	b.must(err)
	return all
}

func (b bench) calls() []users.Call {
	b.t.Helper()
	all, err := b.Read().Calls(b.t.Context(), "wiki", time.Now().Add(-time.Hour), 10_000)
	b.must(err)
	return all
}

func TestNobodyWatchesWhatIsNotThere(t *testing.T) {
	onEngines(t, func(t *testing.T, b bench) {
		if _, err := b.Watch(t.Context(), admin, "nothing", "a", time.Minute); !errors.Is(err, users.ErrNotFound) {
			t.Errorf("watching an unknown application: %v, want ErrNotFound", err)
		}
		if got := b.watches(); len(got) > 0 {
			t.Errorf("watches: %v, want none", got)
		}
		if n := len(b.events(users.EventApplicationWatched)); n > 0 {
			t.Errorf("%d events, want none", n)
		}
	})
}

// B-04
func TestWatchingLeavesOneEventAndEnds(t *testing.T) {
	onEngines(t, func(t *testing.T, b bench) {
		declareWiki(b)
		w, err := b.Watch(t.Context(), admin, "wiki", "a", 24*time.Hour)
		b.must(err)
		if left := time.Until(w.Until); left > users.LongestWatch {
			t.Errorf("the watch lasts %s, want at most %s", left, users.LongestWatch)
		}
		w, err = b.RenewWatch(t.Context(), w, users.WatchLife)
		b.must(err)
		if got := b.watches(); len(got) != 1 || !got[0].Until.Equal(w.Until.Truncate(time.Millisecond)) {
			t.Errorf("watches after renewing: %v, want one until %s", got, w.Until)
		}
		if n := len(b.events(users.EventApplicationWatched)); n != 1 {
			t.Errorf("%d events, want the one of its beginning", n)
		}
		for range 2 {
			b.must(b.EndWatch(t.Context(), w))
		}
		if got := b.watches(); len(got) > 0 {
			t.Errorf("watches after the end: %v, want none", got)
		}
	})
}

// N244: a flood neither blocks nor fills the database, and what was left out is said.
func TestTooManyCallsAreCounted(t *testing.T) {
	onEngines(t, func(t *testing.T, b bench) {
		for round := range 3 {
			for i := range users.MaxCallsWaiting + 7 {
				b.RecordCall(users.Call{Application: "wiki", Reason: users.CallCodeSent, Request: fmt.Sprint(round, i)})
			}
			b.must(b.Flush(t.Context()))
		}
		calls := b.calls()
		if len(calls) > users.MaxCallsKept+users.MaxCallsWaiting { // those of one instant go together
			t.Errorf("%d calls are kept, want about %d", len(calls), users.MaxCallsKept)
		}
		at := slices.IndexFunc(calls, func(c users.Call) bool { return c.Reason == users.CallsLeftOut })
		if at < 0 || calls[at].Facts[users.FactCount] != "7" || !calls[at].Stray {
			t.Errorf("nothing says that 7 calls were left out: %v", calls[max(at, 0)])
		}
		if n := len(b.events(users.EventAccessGranted)); n != 0 {
			t.Errorf("%d events, want none: calls are no part of the log", n)
		}
	})
}

func TestCallsAreForgotten(t *testing.T) {
	onEngines(t, func(t *testing.T, b bench) {
		old := time.Now().Add(-users.CallsKept - time.Second)
		b.RecordCall(users.Call{Application: "wiki", At: old})
		b.RecordCall(users.Call{Application: "wiki", At: old.Add(time.Minute)})
		b.must(b.Flush(t.Context()))
		b.must(b.ForgetCalls(t.Context()))
		all, err := b.Read().Calls(t.Context(), "wiki", time.Time{}, 10)
		b.must(err)
		if len(all) != 1 || !all[0].At.After(old) {
			t.Errorf("calls after forgetting: %v, want the one within %s", all, users.CallsKept)
		}
	})
}

// What could not be written is not lost, and whatever strangers send can be written.
func TestCallsWaitForTheDatabase(t *testing.T) {
	onEngines(t, func(t *testing.T, b bench) {
		b.RecordCall(users.Call{Application: "wiki", Facts: map[string]string{users.FactSent: "a\x00b\xff"}})
		away, cancel := context.WithCancel(t.Context())
		cancel()
		if err := b.Flush(away); err == nil {
			t.Fatal("written although nobody waited for it")
		}
		if got := b.calls(); len(got) != 0 {
			t.Errorf("calls after the failure: %v, want none", got)
		}
		b.must(b.Flush(t.Context()))
		if got := b.calls(); len(got) != 1 {
			t.Errorf("calls when the database is back: %v, want one", got)
		}
	})
}
