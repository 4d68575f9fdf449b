package sqlstore

import (
	"context"
	"crypto/rand"
	"database/sql"
	"encoding/binary"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/pressly/goose/v3"

	"github.com/einlass/einlass/keys"
	"github.com/einlass/einlass/users"
)

var (
	_ users.Store = (*Store)(nil)
	_ keys.Store  = (*Store)(nil)
)

// Config says where the directory is. Exactly one of Path and URL is set.
type Config struct {
	Path string // SQLite: the file, created when missing
	URL  string // PostgreSQL: postgres://user:password@host/database

	Now     func() time.Time                           // stamps events; nil means time.Now
	Logger  *slog.Logger                               // nil discards
	Observe func(operation string, took time.Duration) // is told of each statement and transaction; nil: nobody
	// Committed is called after each commit that appended events, so that who
	// follows the log need not wait for the next look at it. It must not block; nil: nobody.
	Committed func()
	// Noted is called after each commit that noted work, so that who does it need
	// not wait for the next look at it. It must not block; nil: nobody.
	Noted func()
}

// Store is a directory in one database. It is safe for concurrent use.
type Store struct {
	reader
	cfg     Config
	engine  engine
	readers *sql.DB
	writer  *sql.DB // the same as readers on PostgreSQL
	direct  *conn   // on writer, for single statements
	imports *Store  // see ForImports; nil if it is this one
}

// engine is how a database differs from the others.
type engine struct {
	dialect   goose.Dialect
	tables    statement // names of all tables
	maxParams int       // parameters that the rows of one statement may have
	compile   bool      // the driver does not keep compiled statements
	begin     *sql.TxOptions
	holdRules statement // lets no group be written until the transaction ends; no text: nobody else can write
	lockUsers batch     // lets no person be written until the transaction ends, one after the other by id

	// openMigrator returns a pool for migrations alone.
	openMigrator func() (*sql.DB, error)
}

// Open connects to a directory, whatever its schema: see CheckSchema and
// Migrate. It returns ErrDamaged for a file that is no usable database.
func Open(ctx context.Context, cfg Config) (*Store, error) {
	if (cfg.Path == "") == (cfg.URL == "") {
		return nil, errors.New("open directory: want either a file or a database URL")
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	if cfg.Observe == nil {
		cfg.Observe = func(string, time.Duration) {}
	}
	if cfg.Committed == nil {
		cfg.Committed = func() {}
	}
	if cfg.Noted == nil {
		cfg.Noted = func() {}
	}
	if cfg.URL != "" {
		return openPostgreSQL(ctx, cfg)
	}
	return openSQLite(ctx, cfg)
}

func newStore(cfg Config, e engine, readers, writer *sql.DB) *Store {
	s := &Store{cfg: cfg, engine: e, readers: readers, writer: writer}
	s.reader.conn = s.connOn(readers)
	s.direct = s.connOn(writer)
	return s
}

// connOn returns what runs statements on a pool or transaction.
func (s *Store) connOn(db database) *conn {
	c := &conn{db: db, maxParams: s.engine.maxParams, observe: s.cfg.Observe}
	if s.engine.compile {
		c.prepared = newPrepared()
	}
	return c
}

// Close gives back all connections, those of ForImports too.
func (s *Store) Close() error {
	var err error
	if s.imports != nil {
		err = s.imports.Close()
	}
	return errors.Join(err, s.readers.Close(), s.writer.Close())
}

// ForImports returns the same directory for imports. On PostgreSQL it has
// connections of its own, so that a sign-in never waits for an import to give
// one back. It is closed with s.
func (s *Store) ForImports() *Store {
	if s.imports == nil {
		return s
	}
	return s.imports
}

// Update implements users.Store. An error of any statement ends the transaction
// without effect, even if change returns nil: PostgreSQL could not go on after it.
func (s *Store) Update(ctx context.Context, change func(users.Tx) error) error {
	return s.update(ctx, func(t *tx) error { return change(t) })
}

func (s *Store) update(ctx context.Context, change func(*tx) error) error {
	start := time.Now()
	err := s.retry(ctx, func() error { return s.transact(ctx, change) })
	s.cfg.Observe("update", time.Since(start))
	return err
}

func (s *Store) transact(ctx context.Context, change func(*tx) error) error {
	began, err := s.writer.BeginTx(ctx, s.engine.begin)
	if err != nil {
		return fmt.Errorf("begin: %w", translate(err))
	}
	defer began.Rollback() // does nothing after a commit

	t := &tx{holdRules: s.engine.holdRules, lockUsers: s.engine.lockUsers}
	t.conn = s.connOn(began)
	t.conn.failed = t.fail
	if err := change(t); err != nil {
		return err
	}
	if t.err != nil {
		return t.err
	}
	if err := t.appendEvents(ctx, s.cfg.Now()); err != nil {
		return fmt.Errorf("append events: %w", err)
	}
	if err := began.Commit(); err != nil {
		return fmt.Errorf("commit: %w", translate(err))
	}
	if len(t.events) > 0 {
		s.cfg.Committed()
	}
	if t.noted {
		s.cfg.Noted()
	}
	return nil
}

// maxRetries is how often something is tried again after a transient error.
const maxRetries = 3

// retry runs do until it succeeds, fails for good, or has failed maxRetries times more.
func (s *Store) retry(ctx context.Context, do func() error) error {
	pause := 10 * time.Millisecond
	for range maxRetries {
		err := do()
		if err == nil || !isTransient(err) {
			return err
		}
		s.cfg.Logger.DebugContext(ctx, "transaction retried", "error", err)
		if err := sleep(ctx, pause+jitter(pause)); err != nil {
			return err
		}
		pause *= 4
	}
	return do()
}

// jitter returns a random part of d, so that those who collided do not meet again.
func jitter(d time.Duration) time.Duration {
	var b [8]byte
	_, _ = rand.Read(b[:]) // never fails since Go 1.24
	return time.Duration(binary.BigEndian.Uint64(b[:]) % uint64(d))
}

func sleep(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-timer.C:
		return nil
	}
}
