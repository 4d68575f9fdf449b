package sqlstore

import (
	"context"
	"crypto/rand"
	"database/sql"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"time"

	"github.com/pressly/goose/v3"

	"github.com/einlass/einlass/users"
)

//go:embed migrations/*.sql
var migrations embed.FS

// versionTable is where goose notes which migrations were applied.
const versionTable = "schema_versions"

// Migrations are applied by who holds this lease. Its life bounds how long a
// start waits after a process was killed while migrating.
const (
	migrationLease      = "migrations"
	migrationLeaseLife  = 30 * time.Second
	migrationLeaseRenew = 10 * time.Second
	migrationLeaseRetry = 100 * time.Millisecond
)

var (
	createLeases  = load("create_leases")
	schemaVersion = load("schema_version")
)

// CheckSchema returns nil if the schema is the one of this program, else
// ErrSchemaMissing, ErrSchemaOlder or ErrSchemaNewer. It writes nothing.
func (s *Store) CheckSchema(ctx context.Context) error {
	want, err := newestMigration()
	if err != nil {
		return err
	}
	var have int64
	err = s.conn.queryOne(ctx, schemaVersion, func(rows *sql.Rows) error { return rows.Scan(&have) })
	switch {
	case err != nil && isMissingTable(err):
		return ErrSchemaMissing
	case err != nil:
		return err
	}
	return compareSchema(have, want)
}

func compareSchema(have, want int64) error {
	switch {
	case have == 0:
		return ErrSchemaMissing
	case have < want:
		return fmt.Errorf("%w (it has version %d, this program needs %d)", ErrSchemaOlder, have, want)
	case have > want:
		return fmt.Errorf("%w (it has version %d, this program knows %d)", ErrSchemaNewer, have, want)
	}
	return nil
}

// Migrate creates the schema or brings it up to date. Of several processes one
// does it and the others wait. It refuses a newer schema with ErrSchemaNewer.
func (s *Store) Migrate(ctx context.Context) error {
	if err := s.CheckSchema(ctx); err == nil || errors.Is(err, ErrSchemaNewer) {
		return err
	}
	if err := s.createLeases(ctx); err != nil {
		return fmt.Errorf("migrate: %w", err)
	}
	lease, err := s.awaitMigrationLease(ctx)
	if err != nil {
		return fmt.Errorf("migrate: %w", err)
	}
	ctx, lost := context.WithCancelCause(ctx)
	renewed := make(chan struct{})
	go func() {
		defer close(renewed)
		s.keepLease(ctx, lease, lost)
	}()
	err = s.applyMigrations(ctx)
	if cause := context.Cause(ctx); err != nil && cause != nil {
		err = cause
	}
	lost(nil)
	<-renewed
	if err != nil {
		return errors.Join(fmt.Errorf("migrate: %w", err), s.ReleaseLease(context.WithoutCancel(ctx), lease))
	}
	return s.ReleaseLease(context.WithoutCancel(ctx), lease)
}

// createLeases creates the table that migrating needs. On PostgreSQL those who
// come at the same moment collide, and find the table when they ask again.
func (s *Store) createLeases(ctx context.Context) error {
	return s.retry(ctx, func() error {
		_, err := s.direct.exec(ctx, createLeases)
		if err != nil && isExistingTable(err) {
			_, err = s.direct.exec(ctx, createLeases)
		}
		return err
	})
}

func (s *Store) awaitMigrationLease(ctx context.Context) (users.Lease, error) {
	holder := rand.Text()
	for {
		lease, err := s.AcquireLease(ctx, migrationLease, holder, s.cfg.Now(), migrationLeaseLife)
		if !errors.Is(err, users.ErrLeaseHeld) {
			return lease, err
		}
		s.cfg.Logger.InfoContext(ctx, "waiting for another process to migrate the database")
		if err := sleep(ctx, migrationLeaseRetry); err != nil {
			return users.Lease{}, err
		}
	}
}

// keepLease renews until ctx ends, and ends ctx itself when the lease is lost.
// Other errors are left to the next try: on SQLite a running migration keeps
// everybody from writing, us and who would take the lease.
func (s *Store) keepLease(ctx context.Context, lease users.Lease, lost context.CancelCauseFunc) {
	for sleep(ctx, migrationLeaseRenew) == nil {
		if _, err := s.RenewLease(ctx, lease, s.cfg.Now().Add(migrationLeaseLife)); errors.Is(err, users.ErrLeaseLost) {
			lost(err)
			return
		}
	}
}

// applyMigrations runs on connections of its own: on SQLite the only one that
// writes is needed to renew the lease.
func (s *Store) applyMigrations(ctx context.Context) error {
	if err := s.CheckSchema(ctx); errors.Is(err, ErrSchemaNewer) {
		return err // while we waited
	}
	db, err := s.engine.openMigrator()
	if err != nil {
		return err
	}
	defer db.Close()
	folder, err := fs.Sub(migrations, "migrations")
	if err != nil {
		return err
	}
	provider, err := goose.NewProvider(s.engine.dialect, db, folder,
		goose.WithTableName(versionTable), goose.WithDisableGlobalRegistry(true))
	if err != nil {
		return err
	}
	applied, err := provider.Up(ctx)
	for _, m := range applied {
		s.cfg.Logger.InfoContext(ctx, "migration applied", "version", m.Source.Version, "took", m.Duration)
	}
	return err
}

// newestMigration returns the number of the last file of the folder migrations.
func newestMigration() (int64, error) {
	files, err := fs.ReadDir(migrations, "migrations")
	if err != nil {
		return 0, err
	}
	return goose.NumericComponent(files[len(files)-1].Name()) // the folder is in order of names
}
