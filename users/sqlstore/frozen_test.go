package sqlstore_test

import (
	"testing"
	"time"

	"github.com/einlass/einlass/users"
	"github.com/einlass/einlass/users/sqlstore"
	"github.com/einlass/einlass/users/userstest"
)

// Whoever stops in the middle of a transaction, with the lease and the head of
// the log locked, neither keeps others from both nor gets to commit. REL-4
func TestATransactionThatStoppedHoldsNobodyUp(t *testing.T) {
	t.Parallel()
	url := userstest.PostgresURL(t)
	s := userstest.Open(t, sqlstore.Config{URL: url})
	frozen := open(t, sqlstore.Config{URL: url + "&idle_in_transaction_session_timeout=100"})
	now := time.Date(2026, 11, 2, 8, 0, 0, 0, time.UTC)
	lease, err := frozen.AcquireLease(t.Context(), "import:personio", "frozen", now, time.Minute)
	if err != nil {
		t.Fatal(err)
	}
	err = frozen.Update(t.Context(), func(tx users.Tx) error {
		if err := tx.HoldLease(t.Context(), lease, now.Add(time.Minute)); err != nil {
			return err
		}
		// The other one waits here until the database has given up on this one.
		if _, err := s.AcquireLease(t.Context(), lease.Name, "other", now.Add(2*time.Minute), time.Minute); err != nil {
			t.Errorf("lease of a process that stopped: %v", err)
		}
		if err := add(t.Context(), s, person("other")); err != nil {
			t.Errorf("somebody else's change: %v", err)
		}
		return tx.InsertUsers(t.Context(), []users.User{person("frozen")})
	})
	if err == nil {
		t.Error("the transaction that stopped was committed")
	}
	if n := userstest.CheckLog(t, s); n != 1 {
		t.Errorf("%d events, want the other's alone", n)
	}
}

func TestTransactionsMayNotBeIdleForLong(t *testing.T) {
	t.Parallel()
	url := userstest.PostgresURL(t)
	for address, want := range map[string]string{url: "30s", url + "&idle_in_transaction_session_timeout=7s": "7s"} {
		s := open(t, sqlstore.Config{URL: address})
		for _, pool := range []*sqlstore.Store{s, s.ForImports()} {
			if got, err := pool.IdleTransactionLimit(t.Context()); err != nil || got != want {
				t.Errorf("limit %q, error %v; want %q", got, err, want)
			}
		}
	}
}
