package session

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/einlass/einlass/users"
)

func openFile(t *testing.T) (s *sqliteStore, path string) {
	t.Helper()
	path = filepath.Join(t.TempDir(), "with space & ü?#", "session.db")
	if err := os.Mkdir(filepath.Dir(path), 0o700); err != nil {
		t.Fatal(err)
	}
	store, err := OpenSQLite(t.Context(), path, Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := store.Close(); err != nil {
			t.Error(err)
		}
	})
	return store.(*sqliteStore), path
}

func TestSQLiteFilesAreForTheirOwnerOnly(t *testing.T) {
	t.Parallel()
	s, path := openFile(t)
	if err := s.Refund(t.Context(), "k", time.Now()); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{path, path + "-wal", path + "-shm"} {
		info, err := os.Stat(name)
		if err != nil {
			t.Fatal(err)
		}
		if mode := info.Mode().Perm(); mode != 0o600 {
			t.Errorf("%s has mode %o, want 600", filepath.Base(name), mode)
		}
	}
}

func TestARefundedTryLeavesNoRow(t *testing.T) {
	t.Parallel()
	s, _ := openFile(t)
	now := time.Now()
	rows := func() (n int) {
		if err := s.reader.QueryRowContext(t.Context(), "SELECT count(*) FROM throttles").Scan(&n); err != nil {
			t.Fatal(err)
		}
		return n
	}
	for range 2 {
		if _, err := s.Reserve(t.Context(), "k", 2, time.Minute, now); err != nil {
			t.Fatal(err)
		}
		if got := rows(); got != 1 {
			t.Errorf("%d rows after a try, want 1", got)
		}
	}
	if v, err := s.Reserve(t.Context(), "refused", 0, time.Minute, now); err != nil || v.Allowed || rows() != 1 {
		t.Errorf("a refused try: %+v, %v and %d rows, want no further one", v, err, rows())
	}
	for _, want := range []int{1, 0} {
		if err := s.Refund(t.Context(), "k", now); err != nil {
			t.Fatal(err)
		}
		if got := rows(); got != want {
			t.Errorf("%d rows after a refund, want %d", got, want)
		}
	}
}

func TestSQLiteOfALaterVersionIsRefused(t *testing.T) {
	t.Parallel()
	s, path := openFile(t)
	if _, err := s.writer.ExecContext(t.Context(), "PRAGMA user_version = 1000"); err != nil {
		t.Fatal(err)
	}
	if store, err := OpenSQLite(t.Context(), path, Options{}); err == nil {
		_ = store.Close()
		t.Error("opened a file of version 1000")
	}
}

// A file of any earlier version is brought up to date, with what it holds.
func TestSQLiteOfAnEarlierVersionIsBroughtUpToDate(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	for version := 1; version < len(schemas); version++ {
		path := filepath.Join(t.TempDir(), "session.db")
		db, err := sql.Open("sqlite", path)
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range schemas[:version] {
			if _, err := db.ExecContext(ctx, query(name)); err != nil {
				t.Fatal(err)
			}
		}
		_, errThrottle := db.ExecContext(ctx, "INSERT INTO throttles (id, count, expires) VALUES ($1, 1, 4102444800000)", hashText("k"))
		_, errVersion := db.ExecContext(ctx, fmt.Sprintf("PRAGMA user_version = %d", version))
		if err := errors.Join(errThrottle, errVersion, db.Close()); err != nil {
			t.Fatal(err)
		}
		s, err := OpenSQLite(ctx, path, Options{})
		if err != nil {
			t.Fatalf("version %d: %v", version, err)
		}
		verdict, errReserve := s.Reserve(ctx, "k", 1, time.Hour, time.Now())
		if verdict.Allowed {
			t.Errorf("version %d: the throttle was forgotten", version)
		}
		_, errRefresh := s.Refresh(ctx, NewHandle("u"), time.Now())
		if !errors.Is(errRefresh, ErrNotFound) {
			t.Errorf("version %d: %v", version, errRefresh)
		}
		if err := errors.Join(errReserve, s.Close()); err != nil {
			t.Error(err)
		}
	}
}

// What forbids a second use must be on disk before it is answered; nothing else waits for the disk.
func TestSQLiteSynchronisesWhatForbidsASecondUse(t *testing.T) {
	t.Parallel()
	const normal, full = 1, 2
	s, _ := openFile(t)
	level := func(tx *sql.Tx) (synchronous int) {
		if err := tx.QueryRowContext(t.Context(), "PRAGMA synchronous").Scan(&synchronous); err != nil {
			t.Error(err)
		}
		return synchronous
	}
	for _, step := range []struct {
		name string
		run  func(context.Context, func(*sql.Tx) error) error
		want int
	}{
		{"update", s.update, normal},
		{"durable", s.durable, full},
		{"update after durable", s.update, normal},
	} {
		err := step.run(t.Context(), func(tx *sql.Tx) error {
			if got := level(tx); got != step.want {
				t.Errorf("%s: synchronous is %d, want %d", step.name, got, step.want)
			}
			return nil
		})
		if err != nil {
			t.Errorf("%s: %v", step.name, err)
		}
	}

	cancelled, cancel := context.WithCancel(t.Context())
	err := s.durable(cancelled, func(*sql.Tx) error { cancel(); return context.Canceled })
	if !errors.Is(err, context.Canceled) {
		t.Errorf("durable that was cancelled: %v", err)
	}
	if err := s.update(t.Context(), func(tx *sql.Tx) error {
		if got := level(tx); got != normal {
			t.Errorf("update after a cancelled durable: synchronous is %d, want %d", got, normal)
		}
		return nil
	}); err != nil {
		t.Error(err)
	}
}

func TestSQLiteSweepDeletesWhatHasExpired(t *testing.T) {
	t.Parallel()
	s, _ := openFile(t)
	ctx, now := t.Context(), time.Now()
	end := now.Add(time.Minute)
	for range sweepRows + 1 { // more than one statement deletes
		if err := s.PutRequest(ctx, AuthRequest{ID: string(users.NewID()), Expires: end}); err != nil {
			t.Fatal(err)
		}
	}
	user := users.NewID()
	code := Code{Grant: Grant{User: user, SID: "s", Family: "f"}, Expires: end}
	h := NewHandle(user)
	_, errReserve := s.Reserve(ctx, "k", 1, time.Minute, now)
	err := errors.Join(
		errReserve,
		s.PutSession(ctx, NewHandle(user), Session{SID: "s", User: user, Expires: end}),
		s.IssueCode(ctx, h, code, now, end),
		s.IssueCode(ctx, NewHandle(user), code, now, end),
		s.PutToken(ctx, NewHandle(user), AccessToken{Grant: code.Grant, Expires: end}),
		s.PutRefresh(ctx, NewHandle(user), RefreshToken{Grant: code.Grant, Expires: end, Ends: end}),
		s.PutDevice(ctx, NewHandle(user), Device{User: user, Epoch: 1}, end),
	)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.TakeCode(ctx, h, CodeCheck{}, now, end); err != nil {
		t.Fatal(err)
	}
	if err := s.RevokeFamily(ctx, user, "f", end); err != nil {
		t.Fatal(err)
	}

	tables := []string{"sessions", "requests", "codes", "taken_codes", "tokens", "revoked", "throttles", "devices", "families", "refresh_tokens"}
	count := func(table string) (n int) {
		if err := s.reader.QueryRowContext(ctx, "SELECT count(*) FROM "+table).Scan(&n); err != nil {
			t.Fatal(err)
		}
		return n
	}
	for _, table := range tables {
		if count(table) == 0 {
			t.Errorf("%s is empty before the sweep", table)
		}
	}
	if err := s.Sweep(ctx, end); err != nil {
		t.Fatal(err)
	}
	for _, table := range tables {
		if n := count(table); n != 0 {
			t.Errorf("%s has %d rows after the sweep, want 0", table, n)
		}
	}
}

func TestSQLiteOpensOneNewFileManyTimesAtOnce(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "session.db")
	var opening sync.WaitGroup
	for range 16 {
		opening.Go(func() {
			s, err := OpenSQLite(t.Context(), path, Options{})
			if err != nil {
				t.Error(err)
				return
			}
			if _, err := s.Reserve(t.Context(), "k", 16, time.Hour, time.Now()); err != nil {
				t.Error(err)
			}
			if err := s.Close(); err != nil {
				t.Error(err)
			}
		})
	}
	opening.Wait()
}

func TestSQLiteThatIsClosedIsAnErrorNotAnAbsence(t *testing.T) {
	t.Parallel()
	store, err := OpenSQLite(t.Context(), filepath.Join(t.TempDir(), "session.db"), Options{})
	if err != nil {
		t.Fatal(err)
	}
	if err := store.Close(); err != nil {
		t.Fatal(err)
	}
	h := NewHandle("u")
	_, errSession := store.Session(t.Context(), h, time.Now())
	_, errTake := store.TakeCode(t.Context(), h, CodeCheck{}, time.Now(), time.Now())
	for what, err := range map[string]error{"Session": errSession, "TakeCode": errTake, "Ping": store.Ping(t.Context())} {
		if err == nil || errors.Is(err, ErrNotFound) {
			t.Errorf("%s: got %v, want an error of the file", what, err)
		}
	}
}
