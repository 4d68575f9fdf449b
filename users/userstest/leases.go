package userstest

import (
	"testing"
	"time"

	"github.com/einlass/einlass/users"
)

var leasePromises = []promise{
	{"a lease that somebody holds is refused", leaseHeld},
	{"a lease that has ended is given to the next, with the next token", leaseEnds},
	{"a holder who has lost the lease can do nothing with it", leaseLost},
	{"a holder who gave the lease back can do nothing with it", leaseGivenBack},
	{"one's own lease is taken again under a new token", leaseAgain},
	{"leases of different names do not meet", leaseNames},
}

const life = time.Minute

func leaseHeld(t *testing.T, s users.Store) {
	lease, err := s.AcquireLease(t.Context(), "import", "a", noon, life)
	ok(t, "AcquireLease", err)
	want := users.Lease{Name: "import", Holder: "a", Token: 1, ExpiresAt: noon.Add(life)}
	same(t, "lease", lease, want)
	_, err = s.AcquireLease(t.Context(), "import", "b", noon.Add(life-time.Millisecond), life)
	refused(t, "second holder", err, users.ErrLeaseHeld)
	lease, err = s.RenewLease(t.Context(), lease, noon.Add(2*life))
	ok(t, "RenewLease", err)
	want.ExpiresAt = noon.Add(2 * life)
	same(t, "renewed lease", lease, want)
	_, err = s.AcquireLease(t.Context(), "import", "b", noon.Add(life), life)
	refused(t, "second holder after the renewal", err, users.ErrLeaseHeld)
}

func leaseEnds(t *testing.T, s users.Store) {
	first, err := s.AcquireLease(t.Context(), "import", "a", noon, life)
	ok(t, "AcquireLease", err)
	second, err := s.AcquireLease(t.Context(), "import", "b", noon.Add(life), life)
	ok(t, "AcquireLease after the end", err)
	if second.Token <= first.Token {
		t.Errorf("token %d after %d, want a higher one", second.Token, first.Token)
	}
}

// hold runs a transaction that depends on a lease and leaves a trace.
func hold(t *testing.T, s users.Store, lease users.Lease) error {
	t.Helper()
	return s.Update(t.Context(), func(tx users.Tx) error {
		if err := tx.HoldLease(t.Context(), lease, noon.Add(time.Hour)); err != nil {
			return err
		}
		tx.Append(event("held by " + lease.Holder))
		return nil
	})
}

func leaseLost(t *testing.T, s users.Store) {
	first, err := s.AcquireLease(t.Context(), "import", "a", noon, life)
	ok(t, "AcquireLease", err)
	ok(t, "HoldLease while held", hold(t, s, first))
	_, err = s.AcquireLease(t.Context(), "import", "b", noon.Add(time.Hour), life)
	ok(t, "AcquireLease by the next", err)

	refused(t, "HoldLease", hold(t, s, first), users.ErrLeaseLost)
	_, err = s.RenewLease(t.Context(), first, noon.Add(2*time.Hour))
	refused(t, "RenewLease", err, users.ErrLeaseLost)
	ok(t, "ReleaseLease", s.ReleaseLease(t.Context(), first))
	_, err = s.AcquireLease(t.Context(), "import", "c", noon.Add(time.Hour), life)
	refused(t, "AcquireLease after the former holder's release", err, users.ErrLeaseHeld)
	if n := CheckLog(t, s); n != 1 {
		t.Errorf("%d traces, want 1", n)
	}
}

func leaseGivenBack(t *testing.T, s users.Store) {
	first, err := s.AcquireLease(t.Context(), "import", "a", noon, life)
	ok(t, "AcquireLease", err)
	ok(t, "ReleaseLease", s.ReleaseLease(t.Context(), first))
	ok(t, "ReleaseLease again", s.ReleaseLease(t.Context(), first))
	refused(t, "HoldLease", hold(t, s, first), users.ErrLeaseLost)
	second, err := s.AcquireLease(t.Context(), "import", "b", noon, life)
	ok(t, "AcquireLease", err)
	if second.Token <= first.Token {
		t.Errorf("token %d after %d, want a higher one", second.Token, first.Token)
	}
	ok(t, "HoldLease by the next", hold(t, s, second))
	refused(t, "HoldLease of one never acquired", hold(t, s, users.Lease{Name: "unknown", Token: 1}), users.ErrLeaseLost)
}

func leaseAgain(t *testing.T, s users.Store) {
	first, err := s.AcquireLease(t.Context(), "import", "a", noon, life)
	ok(t, "AcquireLease", err)
	second, err := s.AcquireLease(t.Context(), "import", "a", noon, life)
	ok(t, "AcquireLease by the same holder", err)
	if second.Token <= first.Token {
		t.Errorf("token %d after %d, want a higher one", second.Token, first.Token)
	}
	refused(t, "HoldLease with the first token", hold(t, s, first), users.ErrLeaseLost)
	ok(t, "HoldLease with the second token", hold(t, s, second))
}

func leaseNames(t *testing.T, s users.Store) {
	_, err := s.AcquireLease(t.Context(), "import", "a", noon, life)
	ok(t, "AcquireLease", err)
	_, err = s.AcquireLease(t.Context(), "keys", "b", noon, life)
	ok(t, "AcquireLease of another name", err)
}
