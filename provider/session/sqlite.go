package session

import (
	"context"
	"database/sql"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"runtime"
	"time"

	_ "modernc.org/sqlite" // the driver "sqlite"
)

// schemas are the steps from an empty file to the schema of this program, as
// queries/<name>.sql. How many of them a file has is its PRAGMA user_version;
// a step that was released is never changed.
var schemas = []string{"schema", "schema_refresh"}

// sqliteStore is the Store on an SQLite file. Several processes may have it open.
//
// All writing goes through one connection, whose transactions take the write
// lock when they begin, so that none fails half way because of another.
type sqliteStore struct {
	writer, reader *sql.DB
	writes         writes
	opt            Options
	statements
}

// statements are prepared once; each is queries/<its name>.sql.
type statements struct {
	savepoint, release, undo                                  stmt
	putSession, renewSession, touchSession, endSession        stmt
	session, sessionsOf, sessionOfSID                         stmt
	putRequest, request, takeRequest                          stmt
	useSession, putCode, takeCode, putTakenCode, takenCode    stmt
	code                                                      stmt
	liveCode, putToken, token, deleteToken, revokeFamily      stmt
	putFamily, putRefresh, refresh, rotateFamily, usedRefresh stmt
	familiesOf                                                stmt
	reserve, windowEnd, refund, refundLast                    stmt
	putDevice, device                                         stmt
	sweepSessions, sweepRequests, sweepCodes, sweepTakenCodes stmt
	sweepTokens, sweepRevoked, sweepThrottles, sweepDevices   stmt
	sweepFamilies, sweepRefresh                               stmt
}

// OpenSQLite opens the file at path, creating it readable by its owner only,
// and returns the store on it. A file of a later version is refused.
func OpenSQLite(ctx context.Context, path string, options Options) (Store, error) {
	path, err := filepath.Abs(path)
	if err != nil {
		return nil, fmt.Errorf("session: sqlite: %w", err)
	}
	if err := createFile(path); err != nil {
		return nil, fmt.Errorf("session: sqlite: %w", err)
	}

	s := &sqliteStore{opt: options.withDefaults()}
	if err := s.open(ctx, path); err != nil {
		return nil, fmt.Errorf("session: sqlite: %w", errors.Join(err, s.Close()))
	}
	return s, nil
}

// createFile makes sure that there is a file at path, and if it makes one, that
// only its owner can read it; SQLite gives its side files the same mode.
//
// The file gets its name after it was closed: a process that closes a file
// loses its locks on it, also those SQLite holds for another handle.
func createFile(path string) error {
	if _, err := os.Stat(path); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	file, err := os.CreateTemp(filepath.Dir(path), filepath.Base(path)+".*") // mode 0600
	if err != nil {
		return err
	}
	defer os.Remove(file.Name())
	if err := file.Close(); err != nil {
		return err
	}
	if err := os.Link(file.Name(), path); !errors.Is(err, fs.ErrExist) {
		return err
	}
	return nil
}

func (s *sqliteStore) open(ctx context.Context, path string) error {
	var err error
	s.writer, err = sql.Open("sqlite", dsn(path, url.Values{
		"_txlock": {"immediate"},
		"_pragma": {"busy_timeout(5000)", "journal_mode(WAL)", "synchronous(NORMAL)"},
	}))
	if err != nil {
		return err
	}
	s.writer.SetMaxOpenConns(1)
	if err := s.createSchema(ctx); err != nil {
		return err
	}

	s.reader, err = sql.Open("sqlite", dsn(path, url.Values{
		"mode":    {"ro"},
		"_pragma": {"busy_timeout(5000)", "query_only(1)"},
	}))
	if err != nil {
		return err
	}
	readers := max(4, runtime.GOMAXPROCS(0))
	s.reader.SetMaxOpenConns(readers)
	s.reader.SetMaxIdleConns(readers)
	return s.prepare(ctx)
}

func dsn(path string, values url.Values) string {
	return (&url.URL{Scheme: "file", Path: path, RawQuery: values.Encode()}).String()
}

// createSchema brings the schema of the file up to date.
func (s *sqliteStore) createSchema(ctx context.Context) error {
	return s.update(ctx, func(tx *sql.Tx) error {
		var version int
		if err := tx.QueryRowContext(ctx, "PRAGMA user_version").Scan(&version); err != nil {
			return err
		}
		if version > len(schemas) {
			return fmt.Errorf("file has version %d, this program reads %d", version, len(schemas))
		}
		for _, name := range schemas[version:] {
			if _, err := tx.ExecContext(ctx, query(name)); err != nil {
				return fmt.Errorf("%s: %w", name, err)
			}
		}
		_, err := tx.ExecContext(ctx, fmt.Sprintf("PRAGMA user_version = %d", len(schemas)))
		return err
	})
}

func (s *sqliteStore) prepare(ctx context.Context) error {
	var errs []error
	compile := func(db *sql.DB, name string) stmt {
		compiled, err := db.PrepareContext(ctx, query(name))
		if err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", name, err))
		}
		return stmt{compiled}
	}
	s.statements = statements{
		session:    compile(s.reader, "session"),
		sessionsOf: compile(s.reader, "sessions_of"),
		request:    compile(s.reader, "request"),
		code:       compile(s.reader, "code"),
		token:      compile(s.reader, "token"),
		refresh:    compile(s.reader, "refresh"),
		familiesOf: compile(s.reader, "families_of"),
		device:     compile(s.reader, "device"),

		savepoint:    compile(s.writer, "savepoint"),
		release:      compile(s.writer, "release"),
		undo:         compile(s.writer, "undo"),
		putSession:   compile(s.writer, "put_session"),
		renewSession: compile(s.writer, "renew_session"),
		touchSession: compile(s.writer, "touch_session"),
		endSession:   compile(s.writer, "end_session"),
		sessionOfSID: compile(s.writer, "session_of_sid"),
		putRequest:   compile(s.writer, "put_request"),
		takeRequest:  compile(s.writer, "take_request"),
		useSession:   compile(s.writer, "use_session"),
		putCode:      compile(s.writer, "put_code"),
		takeCode:     compile(s.writer, "take_code"),
		putTakenCode: compile(s.writer, "put_taken_code"),
		takenCode:    compile(s.writer, "taken_code"),
		liveCode:     compile(s.writer, "live_code"),
		putToken:     compile(s.writer, "put_token"),
		deleteToken:  compile(s.writer, "delete_token"),
		putFamily:    compile(s.writer, "put_family"),
		putRefresh:   compile(s.writer, "put_refresh"),
		rotateFamily: compile(s.writer, "rotate_family"),
		usedRefresh:  compile(s.writer, "used_refresh"),
		revokeFamily: compile(s.writer, "revoke_family"),
		reserve:      compile(s.writer, "reserve"),
		windowEnd:    compile(s.writer, "window_end"),
		refund:       compile(s.writer, "refund"),
		refundLast:   compile(s.writer, "refund_last"),
		putDevice:    compile(s.writer, "put_device"),

		sweepSessions:   compile(s.writer, "sweep_sessions"),
		sweepRequests:   compile(s.writer, "sweep_requests"),
		sweepCodes:      compile(s.writer, "sweep_codes"),
		sweepTakenCodes: compile(s.writer, "sweep_taken_codes"),
		sweepTokens:     compile(s.writer, "sweep_tokens"),
		sweepRevoked:    compile(s.writer, "sweep_revoked"),
		sweepThrottles:  compile(s.writer, "sweep_throttles"),
		sweepDevices:    compile(s.writer, "sweep_devices"),
		sweepFamilies:   compile(s.writer, "sweep_families"),
		sweepRefresh:    compile(s.writer, "sweep_refresh"),
	}
	return errors.Join(errs...)
}

//go:embed queries/*.sql
var sqlFiles embed.FS

// query returns queries/<name>.sql.
func query(name string) string {
	text, err := sqlFiles.ReadFile("queries/" + name + ".sql")
	if err != nil {
		panic(err)
	}
	return string(text)
}

func (s *sqliteStore) Ping(ctx context.Context) error {
	defer s.opt.observe("ping", time.Now())
	var version int
	return fail("sqlite", s.reader.QueryRowContext(ctx, "PRAGMA user_version").Scan(&version))
}

// sweepRows bounds how many rows one statement of Sweep deletes, and so how
// long it keeps others from writing.
const sweepRows = 1000

func (s *sqliteStore) Sweep(ctx context.Context, now time.Time) error {
	defer s.opt.observe("sweep", time.Now())
	for _, sweep := range []stmt{
		s.sweepSessions, s.sweepRequests, s.sweepCodes, s.sweepTakenCodes,
		s.sweepTokens, s.sweepRevoked, s.sweepThrottles, s.sweepDevices,
		s.sweepFamilies, s.sweepRefresh,
	} {
		for deleted := int64(sweepRows); deleted == sweepRows; {
			result, err := sweep.exec(ctx, now.UnixMilli(), sweepRows)
			if err != nil {
				return fail("sweep", err)
			}
			if deleted, err = result.RowsAffected(); err != nil {
				return fail("sweep", err)
			}
		}
	}
	return nil
}

func (s *sqliteStore) Name() string { return "sqlite" }

// Close closes the readers first, so that the writer, as the last connection,
// can tidy the log into the file.
func (s *sqliteStore) Close() error {
	var errs []error
	for _, db := range []*sql.DB{s.reader, s.writer} {
		if db != nil {
			errs = append(errs, db.Close())
		}
	}
	return errors.Join(errs...)
}
