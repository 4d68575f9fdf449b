package session_test

import (
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/einlass/einlass/provider/session"
	"github.com/einlass/einlass/provider/session/sessiontest"
	"github.com/einlass/einlass/users"
)

func TestOpenRedisAsksTheSentinel(t *testing.T) {
	t.Parallel()
	group := sessiontest.StartRedisGroup(t)
	s := openEventually(t, group.URL+"/2")
	g := stored(t, s)
	if err := g.take(t.Context(), s); err != nil {
		t.Error(err)
	}
	if n, err := group.Master.Client().DBSize(t.Context()).Result(); err != nil || n != 0 {
		t.Errorf("database 0 has %d keys, %v, want 0: the URL names database 2", n, err)
	}
	other := strings.TrimSuffix(group.URL, "main") + "other"
	if s, err := session.OpenRedis(t.Context(), other, session.Options{}); err == nil {
		_ = s.Close()
		t.Error("opened a master the sentinels do not know")
	}
}

// While there is no master, nobody is told that they are signed in or that they
// are not; the next one knows what was replicated, and what is used up.
func TestAFailoverForgetsNothingThatWasReplicated(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	group := sessiontest.StartRedisGroup(t)
	s := openEventually(t, group.URL)
	live, taken, ended, probe := stored(t, s), stored(t, s), stored(t, s), stored(t, s)
	ended.session.Applications = []users.ApplicationID{ended.code.Grant.Application}
	_, errEnd := s.EndSession(ctx, ended.session, start)
	rotated, errRefresh := live.putRefresh(ctx, s)
	if err := errors.Join(taken.take(ctx, s), errEnd, errRefresh, rotate(ctx, s, rotated)); err != nil {
		t.Fatal(err)
	}
	before, err := s.Session(ctx, live.cookie, start)
	if err != nil {
		t.Fatal(err)
	}
	group.Replicate()

	group.Master.Kill()
	wantNoAnswers(t, tryAll(t, s, probe))
	group.FailOver()
	sessiontest.Eventually(t, "a new master", func() error {
		errs := tryAll(t, s, probe)
		if group.Promoted() {
			return nil
		}
		wantNoAnswers(t, errs)
		return errors.New("the replica is still one")
	})
	sessiontest.Eventually(t, "the store finds the new master", func() error {
		got, err := s.Session(ctx, live.cookie, start)
		if errors.Is(err, session.ErrNotFound) {
			t.Fatal("the session that was replicated is not found")
		}
		if err == nil && !cmp.Equal(before, got) {
			t.Errorf("session (-before +after):\n%s", cmp.Diff(before, got))
		}
		return err
	})
	_, errEnded := s.Session(ctx, ended.cookie, start)
	for what, err := range map[string][2]error{
		"code":                  {live.take(ctx, s), nil},
		"taken code":            {taken.take(ctx, s), session.ErrReplayed},
		"ended session":         {errEnded, session.ErrNotFound},
		"rotated refresh token": {rotate(ctx, s, rotated), session.ErrReplayed},
		"new sign-in":           {newGrantCase().put(ctx, s), nil},
	} {
		if !errors.Is(err[0], err[1]) {
			t.Errorf("%s after the failover: got error %v, want %v", what, err[0], err[1])
		}
	}
}

// tryAll runs every operation at once and returns the errors by its name.
func tryAll(t *testing.T, s session.Store, g grantCase) map[string]error {
	var mu sync.Mutex // guards errs
	errs := make(map[string]error)
	var running sync.WaitGroup
	for name, op := range operations(t.Context(), s, g) {
		running.Go(func() {
			err := op()
			mu.Lock()
			defer mu.Unlock()
			errs[name] = err
		})
	}
	running.Wait()
	return errs
}

// wantNoAnswers fails the test unless each error is of the server's absence.
func wantNoAnswers(t *testing.T, errs map[string]error) {
	t.Helper()
	for name, err := range errs {
		if isAnswer(err) {
			t.Errorf("%s without a master: got %v, want its absence as an error", name, err)
		}
	}
}

// openEventually opens the store at location as soon as its servers are ready,
// and closes it with the test.
func openEventually(t *testing.T, location string) session.Store {
	t.Helper()
	var s session.Store
	sessiontest.Eventually(t, "the store opens", func() error {
		opened, err := openAt(t.Context(), location)
		if err != nil {
			return err
		}
		if err := newGrantCase().put(t.Context(), opened); err != nil {
			return fmt.Errorf("%w, then %w", err, opened.Close())
		}
		s = opened
		return nil
	})
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}
