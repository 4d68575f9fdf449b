package sqlstore_test

import (
	"errors"
	"sync/atomic"
	"testing"
	"time"

	"github.com/einlass/einlass/users"
	"github.com/einlass/einlass/users/sqlstore"
	"github.com/einlass/einlass/users/userstest"
)

// Who does the work hears of it once it is there to be done, and only then.
func TestNotedWorkIsAnnouncedAfterItsCommit(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, cfg sqlstore.Config) {
		var announced atomic.Int32
		cfg.Noted = func() { announced.Add(1) }
		s := userstest.Open(t, cfg)
		work := []users.Work{{Kind: users.WorkDelta, Connection: "personio", Due: time.Unix(1, 0)}}
		stop := errors.New("stop")
		err := s.Update(t.Context(), func(tx users.Tx) error {
			if err := tx.PutWork(t.Context(), work); err != nil {
				return err
			}
			return stop
		})
		if !errors.Is(err, stop) || announced.Load() != 0 {
			t.Errorf("error %v and %d announcements of a transaction that failed", err, announced.Load())
		}
		for _, change := range []func(tx users.Tx) error{
			func(tx users.Tx) error { return tx.PutWork(t.Context(), nil) },
			func(tx users.Tx) error { return tx.FinishWork(t.Context(), work) },
			func(tx users.Tx) error { return tx.PutWork(t.Context(), work) },
			func(tx users.Tx) error { return tx.DelayWork(t.Context(), work) },
		} {
			if err := s.Update(t.Context(), change); err != nil {
				t.Fatal(err)
			}
		}
		if n := announced.Load(); n != 1 {
			t.Errorf("%d announcements, want one for the work that was noted", n)
		}
	})
}
