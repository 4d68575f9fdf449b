package session

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/einlass/einlass/users"
)

// A held is a store one of whose writes has begun and does not end yet.
type held struct {
	*sqliteStore
	let  func() // ends it
	done sync.WaitGroup
}

func hold(t *testing.T) *held {
	t.Helper()
	s, _ := openFile(t)
	begun, end := make(chan struct{}), make(chan struct{})
	h := &held{sqliteStore: s, let: sync.OnceFunc(func() { close(end) })}
	t.Cleanup(func() { h.let(); h.done.Wait() })
	h.done.Go(func() {
		err := s.update(context.Background(), func(*sql.Tx) error { close(begun); <-end; return nil })
		if err != nil {
			t.Errorf("the write that was held: %v", err)
		}
	})
	<-begun
	return h
}

// waits returns when n writes wait.
func (h *held) waits(n int) {
	for waiting := -1; waiting != n; time.Sleep(time.Millisecond) {
		h.writes.mu.Lock()
		waiting = len(h.writes.waiting)
		h.writes.mu.Unlock()
	}
}

// together runs writes in one transaction, in their order, and returns their errors.
func (h *held) together(dos ...func(tx *sql.Tx) error) []error {
	errs := make([]error, len(dos))
	for i, do := range dos {
		h.done.Go(func() { errs[i] = h.update(context.Background(), do) })
		h.waits(i + 1)
	}
	h.let()
	h.done.Wait()
	return errs
}

// add returns a write of a throttle of that name.
func (h *held) add(name string) func(tx *sql.Tx) error {
	return func(tx *sql.Tx) error {
		_, err := tx.Exec("INSERT INTO throttles (id, count, expires) VALUES ($1, 1, 4102444800000)", name)
		return err
	}
}

// names returns which of them the file holds.
func (h *held) names(t *testing.T) (names []string) {
	t.Helper()
	rows, err := h.reader.Query("SELECT id FROM throttles ORDER BY id")
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	for rows.Next() {
		var name string
		if err := rows.Scan(&name); err != nil {
			t.Fatal(err)
		}
		names = append(names, name)
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return names
}

func (h *held) want(t *testing.T, names ...string) {
	t.Helper()
	if got := h.names(t); !slices.Equal(got, names) {
		t.Errorf("the file holds %q, want %q", got, names)
	}
}

func TestSQLiteWritesThatWaitShareATransaction(t *testing.T) {
	t.Parallel()
	h := hold(t)
	first := h.add("first")
	errs := h.together(
		func(tx *sql.Tx) error {
			err := first(tx)
			if outside := h.names(t); len(outside) != 0 {
				err = errors.Join(err, fmt.Errorf("committed already: %q", outside))
			}
			return err
		},
		func(tx *sql.Tx) error {
			var inside, outside int
			err := tx.QueryRow("SELECT count(*) FROM throttles").Scan(&inside)
			if outside = len(h.names(t)); inside != 1 || outside != 0 {
				err = errors.Join(err, fmt.Errorf("%d rows inside, %d outside, want 1 and 0", inside, outside))
			}
			return err
		},
		h.add("third"),
	)
	if err := errors.Join(errs...); err != nil {
		t.Error(err)
	}
	h.want(t, "first", "third")
}

func TestSQLiteWriteThatFailsLeavesNoTraceAndTheOthersStay(t *testing.T) {
	t.Parallel()
	h := hold(t)
	broken := errors.New("broken")
	errs := h.together(
		h.add("a"),
		func(tx *sql.Tx) error { return errors.Join(h.add("b")(tx), broken) },
		h.add("c"),
		h.add("a"), // a second row with this key
		h.add("d"),
	)
	for i, wantError := range []bool{false, true, false, true, false} {
		if (errs[i] != nil) != wantError {
			t.Errorf("write %d: %v", i, errs[i])
		}
	}
	if !errors.Is(errs[1], broken) {
		t.Errorf("got %v, want the error of the write itself", errs[1])
	}
	h.want(t, "a", "c", "d")
}

// Nobody may think that a write stays whose transaction came to nothing.
func TestSQLiteWritesOfATransactionThatFailsAllFail(t *testing.T) {
	t.Parallel()
	for name, breaks := range map[string]func(tx *sql.Tx) error{
		"rolled back": func(tx *sql.Tx) error { _, err := tx.Exec("ROLLBACK"); return err },
		"committed":   func(tx *sql.Tx) error { _, err := tx.Exec("COMMIT"); return err },
		"rolled back and failed": func(tx *sql.Tx) error {
			_, err := tx.Exec("ROLLBACK")
			return errors.Join(err, ErrNotFound)
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := hold(t)
			for i, err := range h.together(h.add("a"), breaks, h.add("c")) {
				if err == nil {
					t.Errorf("write %d succeeded", i)
				}
			}
			if err := h.update(t.Context(), h.add("later")); err != nil {
				t.Errorf("a later write: %v", err)
			}
			if !slices.Contains(h.names(t), "later") {
				t.Error("a later write is not in the file")
			}
		})
	}
}

func TestSQLiteWriteThatPanicsLetsTheOthersGoOn(t *testing.T) {
	t.Parallel()
	h := hold(t)
	var before, after error
	h.done.Go(func() { // leads the next transaction
		defer func() {
			if recover() == nil {
				t.Error("the panic of a write was swallowed")
			}
		}()
		before = h.update(context.Background(), func(*sql.Tx) error { panic("a fault") })
	})
	h.waits(1)
	h.done.Go(func() { after = h.update(context.Background(), h.add("after")) })
	h.waits(2)
	h.let()
	h.done.Wait()
	if before != nil || after == nil {
		t.Errorf("got %v and %v, want no error of what panicked and one of what came with it", before, after)
	}
	if err := h.update(t.Context(), h.add("later")); err != nil {
		t.Errorf("a later write: %v", err)
	}
	h.want(t, "later")
}

func TestSQLiteWriteWhoseCallerGivesUpWhileItWaitsIsNotRun(t *testing.T) {
	t.Parallel()
	h := hold(t)
	for range 2 { // the one that would lead next, and one behind it
		h.done.Go(func() {
			if err := h.update(context.Background(), func(*sql.Tx) error { return nil }); err != nil {
				t.Error(err)
			}
		})
	}
	h.waits(2)
	ctx, cancel := context.WithCancel(t.Context())
	given := make(chan error)
	go func() { given <- h.durable(ctx, h.add("given up")) }()
	h.waits(3)
	cancel()
	if err := <-given; !errors.Is(err, context.Canceled) { // while the writer is held
		t.Errorf("got %v, want that it was cancelled", err)
	}
	h.waits(2)

	expired, cancel := context.WithCancel(t.Context())
	cancel()
	h.let()
	h.done.Wait()
	if err := h.update(expired, h.add("too late")); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want that it was cancelled", err)
	}
	h.want(t)
}

// What one of them must have on the disk, all of them wait for.
func TestSQLiteWritesTogetherWithADurableOneAreDurable(t *testing.T) {
	t.Parallel()
	const full = 2
	h := hold(t)
	level := func(want int) func(tx *sql.Tx) error {
		return func(tx *sql.Tx) error {
			var got int
			if err := tx.QueryRow("PRAGMA synchronous").Scan(&got); err != nil || got != want {
				return fmt.Errorf("synchronous is %d (%v), want %d", got, err, want)
			}
			return nil
		}
	}
	var plain, durable error
	h.done.Go(func() { plain = h.update(context.Background(), level(full)) })
	h.waits(1)
	h.done.Go(func() { durable = h.durable(context.Background(), level(full)) })
	h.waits(2)
	h.let()
	h.done.Wait()
	const normal = 1
	if err := errors.Join(plain, durable, h.update(t.Context(), level(normal))); err != nil {
		t.Error(err)
	}
}

// More than fit into one transaction, from many goroutines that give up now and then.
func TestSQLiteEveryWriteHasOneOutcome(t *testing.T) {
	t.Parallel()
	h := hold(t)
	var mu sync.Mutex
	var written []string
	for i := range 4 * maxTogether {
		h.done.Go(func() {
			ctx, cancel := context.WithCancel(context.Background())
			defer cancel()
			name := string(users.NewID())
			if i%7 == 0 {
				go cancel()
			}
			do := h.add(name)
			if i%5 == 0 {
				do = func(tx *sql.Tx) error { return errors.Join(h.add(name)(tx), ErrMismatch) }
			}
			err := h.update(ctx, do)
			switch {
			case err == nil:
				mu.Lock()
				defer mu.Unlock()
				written = append(written, name)
			case i%5 == 0 && errors.Is(err, ErrMismatch), i%7 == 0 && errors.Is(err, context.Canceled):
			default:
				t.Errorf("write %d: %v", i, err)
			}
		})
	}
	h.let()
	h.done.Wait()
	slices.Sort(written)
	h.want(t, written...)
}
