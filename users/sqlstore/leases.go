package sqlstore

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/einlass/einlass/users"
)

var (
	acquireLease = load("acquire_lease")
	renewLease   = load("renew_lease")
	releaseLease = load("release_lease")
)

// AcquireLease implements users.Store.
func (s *Store) AcquireLease(ctx context.Context, name, holder string, now time.Time, life time.Duration) (users.Lease, error) {
	// Milliseconds are what the database keeps.
	lease := users.Lease{Name: name, Holder: holder, ExpiresAt: now.Add(life).UTC().Truncate(time.Millisecond)}
	err := s.retry(ctx, func() error {
		return s.direct.queryOne(ctx, acquireLease, func(rows *sql.Rows) error {
			return rows.Scan(&lease.Token)
		}, name, holder, millis(lease.ExpiresAt), millis(now))
	})
	if errors.Is(err, users.ErrNotFound) {
		return users.Lease{}, fmt.Errorf("lease %s: %w", name, users.ErrLeaseHeld)
	}
	if err != nil {
		return users.Lease{}, err
	}
	return lease, nil
}

// RenewLease implements users.Store.
func (s *Store) RenewLease(ctx context.Context, lease users.Lease, until time.Time) (users.Lease, error) {
	lease.ExpiresAt = until.UTC().Truncate(time.Millisecond)
	err := s.retry(ctx, func() error { return holdLease(ctx, s.direct, lease, lease.ExpiresAt) })
	if err != nil {
		return users.Lease{}, err
	}
	return lease, nil
}

// holdLease moves the end of a lease whose token is current, else it returns ErrLeaseLost.
func holdLease(ctx context.Context, c *conn, lease users.Lease, until time.Time) error {
	held, err := c.exec(ctx, renewLease, lease.Name, lease.Token, millis(until))
	if err != nil {
		return err
	}
	if held == 0 {
		return fmt.Errorf("lease %s: %w", lease.Name, users.ErrLeaseLost)
	}
	return nil
}

// ReleaseLease implements users.Store.
func (s *Store) ReleaseLease(ctx context.Context, lease users.Lease) error {
	return s.retry(ctx, func() error {
		_, err := s.direct.exec(ctx, releaseLease, lease.Name, lease.Token)
		return err
	})
}
