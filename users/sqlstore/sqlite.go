package sqlstore

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"runtime"

	"github.com/pressly/goose/v3"
	_ "modernc.org/sqlite" // registers the driver "sqlite"
)

const (
	// sqliteMaxParams bounds the parameters of a statement. The driver looks up
	// each by name in a list, so time grows with their square: from about 50 on
	// that costs more than the statements it saves.
	sqliteMaxParams = 50

	// maxCheckedBytes is the largest file that is checked at every start, so
	// that a start takes less than a tenth of a second.
	maxCheckedBytes = 16 << 20
)

// Settings of each connection. FULL makes a commit survive a power cut.
const (
	sqliteWriter = "_txlock=immediate&_pragma=busy_timeout(5000)&_pragma=journal_mode(WAL)" +
		"&_pragma=synchronous(FULL)&_pragma=foreign_keys(1)"
	sqliteReader = "mode=ro&_pragma=busy_timeout(5000)"
)

func openSQLite(ctx context.Context, cfg Config) (*Store, error) {
	path, err := filepath.Abs(cfg.Path)
	if err != nil {
		return nil, fmt.Errorf("open directory: %w", err)
	}
	if err := createPrivate(path); err != nil {
		return nil, fmt.Errorf("open directory: %w", err)
	}
	openWriter := func() (*sql.DB, error) { return openSQLitePool(path, sqliteWriter, 1) }
	writer, err := openWriter()
	if err != nil {
		return nil, fmt.Errorf("open directory: %w", err)
	}
	readers, err := openSQLitePool(path, sqliteReader, max(4, runtime.GOMAXPROCS(0)))
	if err != nil {
		return nil, errors.Join(fmt.Errorf("open directory: %w", err), writer.Close())
	}
	s := newStore(cfg, engine{
		dialect:      goose.DialectSQLite3,
		tables:       load("tables_sqlite"),
		lockUsers:    loadBatch("lock_users_sqlite"),
		maxParams:    sqliteMaxParams,
		compile:      true,
		openMigrator: openWriter,
	}, readers, writer)
	if err := s.retry(ctx, func() error { return checkSQLite(ctx, path, writer) }); err != nil {
		return nil, errors.Join(fmt.Errorf("open %s: %w", path, translate(err)), s.Close())
	}
	return s, nil
}

func openSQLitePool(path, settings string, connections int) (*sql.DB, error) {
	name := url.URL{Scheme: "file", Path: filepath.ToSlash(path), RawQuery: settings}
	db, err := sql.Open("sqlite", name.String())
	if err != nil {
		return nil, err
	}
	db.SetMaxOpenConns(connections)
	db.SetMaxIdleConns(connections)
	return db, nil
}

// createPrivate creates a file that only its owner reads; SQLite gives its
// companions the same mode. A file that exists is not opened, because closing
// it would take away the locks that SQLite holds on it in this process.
func createPrivate(path string) error {
	file, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_RDWR, 0o600)
	if errors.Is(err, fs.ErrExist) {
		return nil
	}
	if err != nil {
		return err
	}
	return file.Close()
}

// checkSQLite makes the first connection, which creates the write-ahead log
// that readers need, and looks for damage: always in the schema, in the rest while the file is small.
func checkSQLite(ctx context.Context, path string, writer *sql.DB) error {
	file, err := os.Stat(path)
	if err != nil {
		return err
	}
	check := "PRAGMA schema_version"
	if file.Size() <= maxCheckedBytes {
		check = "PRAGMA quick_check(1)"
	}
	var answer string
	if err := writer.QueryRowContext(ctx, check).Scan(&answer); err != nil {
		return err
	}
	if file.Size() <= maxCheckedBytes && answer != "ok" {
		return fmt.Errorf("%w: %s", ErrDamaged, answer)
	}
	return nil
}
