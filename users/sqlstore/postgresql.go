package sqlstore

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"
	"github.com/pressly/goose/v3"
)

const (
	// pgMaxParams lets every batch have maxRows rows; the protocol allows 65,535 parameters.
	pgMaxParams = 1200

	// Connections of one process, for its requests and for its imports. A server
	// allows 100 by default, to be shared by all replicas.
	pgConnections       = 16
	pgImportConnections = 2

	pgConnectTimeout = 5 * time.Second
	// No transaction of ours waits for anything but the database. One that is idle
	// belongs to a process that was stopped or cut off; it holds up every import, and every event.
	idleTransactionSetting = "idle_in_transaction_session_timeout"

	// pgIdleTime closes connections that nobody needs; pgLifeTime lets a moved server be found again.
	pgIdleTime = 5 * time.Minute
	pgLifeTime = 30 * time.Minute
)

func openPostgreSQL(ctx context.Context, cfg Config) (*Store, error) {
	settings, err := pgx.ParseConfig(cfg.URL)
	if err != nil {
		return nil, fmt.Errorf("open directory: %w", err)
	}
	if settings.ConnectTimeout == 0 {
		settings.ConnectTimeout = pgConnectTimeout
	}
	s := newPostgreSQL(cfg, settings, pgConnections)
	s.imports = newPostgreSQL(cfg, settings, pgImportConnections)
	if err := s.writer.PingContext(ctx); err != nil {
		return nil, errors.Join(fmt.Errorf("open directory: %w", err), s.Close())
	}
	return s, nil
}

func newPostgreSQL(cfg Config, settings *pgx.ConnConfig, connections int) *Store {
	pool := openPostgreSQLPool(settings, connections)
	return newStore(cfg, engine{
		dialect:   goose.DialectPostgres,
		tables:    load("tables_postgresql"),
		maxParams: pgMaxParams,
		begin:     &sql.TxOptions{Isolation: sql.LevelReadCommitted},
		holdRules: load("hold_rules_postgresql"),
		lockUsers: loadBatch("lock_users_postgresql"),
		openMigrator: func() (*sql.DB, error) {
			return openPostgreSQLPool(settings, 1), nil
		},
	}, pool, pool)
}

var limitIdleTransactions = load("limit_idle_transactions_postgresql")

func openPostgreSQLPool(settings *pgx.ConnConfig, connections int) *sql.DB {
	pool := stdlib.OpenDB(*settings, stdlib.OptionAfterConnect(func(ctx context.Context, c *pgx.Conn) error {
		if _, set := c.Config().RuntimeParams[idleTransactionSetting]; set { // in the URL
			return nil
		}
		// Not as a parameter of the start, which poolers between us refuse.
		_, err := c.Exec(ctx, limitIdleTransactions.text)
		return err
	}))
	pool.SetMaxOpenConns(connections)
	pool.SetMaxIdleConns(connections)
	pool.SetConnMaxIdleTime(pgIdleTime)
	pool.SetConnMaxLifetime(pgLifeTime)
	return pool
}
