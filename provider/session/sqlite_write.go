package session

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"sync"
)

// A write waits for its place in a transaction. Those that wait at the same
// time share one: its begin, its commit and, for durable ones, the disk cost
// more than what most of them do in between.
type write struct {
	ctx     context.Context
	durable bool
	do      func(tx *sql.Tx) error
	err     error

	leads bool
	turn  chan struct{} // closed when it leads or was done
}

// writes are those that wait. The first of them leads: it runs all that wait by
// then, and leaves what came meanwhile to the first of those.
type writes struct {
	mu      sync.Mutex
	waiting []*write
	led     bool
}

// join adds w and reports whether it leads.
func (q *writes) join(w *write) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.waiting = append(q.waiting, w)
	if q.led {
		return false
	}
	q.led, w.leads = true, true
	return true
}

// leave removes w if nobody has begun with it and it does not lead.
func (q *writes) leave(w *write) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	i := slices.Index(q.waiting, w)
	if i < 0 || w.leads {
		return false
	}
	q.waiting = slices.Delete(q.waiting, i, i+1)
	return true
}

// maxTogether bounds how long a transaction keeps other processes from writing.
const maxTogether = 100

// take returns the writes to run now, the one that leads among them.
func (q *writes) take() []*write {
	q.mu.Lock()
	defer q.mu.Unlock()
	n := min(len(q.waiting), maxTogether)
	batch := slices.Clone(q.waiting[:n])
	q.waiting = slices.Delete(q.waiting, 0, n)
	return batch
}

// done wakes those of a batch, and the next to lead.
func (q *writes) done(batch []*write) {
	q.mu.Lock()
	defer q.mu.Unlock()
	for _, w := range batch {
		if !w.leads {
			close(w.turn)
		}
	}
	q.led = len(q.waiting) > 0
	if q.led {
		next := q.waiting[0]
		next.leads = true
		close(next.turn)
	}
}

// update runs do in a transaction that survives a killed process, but perhaps
// not a power loss. An error of do leaves no trace of it.
func (s *sqliteStore) update(ctx context.Context, do func(tx *sql.Tx) error) error {
	return s.write(&write{ctx: ctx, do: do, turn: make(chan struct{})})
}

// durable is update that also survives a power loss, which must not bring a
// taken code, a revoked family or an ended session back to life. The log is
// synchronised as a whole, so what was committed before is safe then, too.
func (s *sqliteStore) durable(ctx context.Context, do func(tx *sql.Tx) error) error {
	return s.write(&write{ctx: ctx, durable: true, do: do, turn: make(chan struct{})})
}

// exec is update for a single statement.
func (s *sqliteStore) exec(ctx context.Context, st stmt, args ...any) (result sql.Result, err error) {
	err = s.update(ctx, func(tx *sql.Tx) error {
		var err error
		result, err = st.in(ctx, tx).exec(ctx, args...)
		return err
	})
	return result, err
}

func (s *sqliteStore) write(w *write) error {
	if !s.writes.join(w) {
		select {
		case <-w.turn:
		case <-w.ctx.Done():
			if s.writes.leave(w) {
				return w.ctx.Err()
			}
			<-w.turn
		}
		if !w.leads {
			return w.err
		}
	}
	batch := s.writes.take()
	defer s.writes.done(batch)
	s.run(batch)
	return w.err
}

// errNotRun is the error of a write whose batch came to no end.
var errNotRun = errors.New("the transaction that it was part of failed")

// run runs writes in one transaction and sets the error of each.
func (s *sqliteStore) run(batch []*write) {
	live := make([]*write, 0, len(batch))
	durable := false
	for _, w := range batch {
		if w.err = w.ctx.Err(); w.err == nil {
			w.err = errNotRun
			live = append(live, w)
			durable = durable || w.durable
		}
	}
	if len(live) == 0 {
		return
	}
	// Nobody's giving up ends what others wait for.
	err := s.onWriter(context.WithoutCancel(live[0].ctx), durable, func(ctx context.Context, conn *sql.Conn) error {
		return s.inTx(ctx, conn, live)
	})
	if err != nil {
		for _, w := range live {
			w.err = err
		}
	}
}

// onWriter runs f on the connection that writes.
func (s *sqliteStore) onWriter(ctx context.Context, durable bool, f func(context.Context, *sql.Conn) error) error {
	conn, err := s.writer.Conn(ctx)
	if err != nil {
		return err
	}
	defer conn.Close()
	if durable {
		if _, err := conn.ExecContext(ctx, "PRAGMA synchronous = FULL"); err != nil {
			return err
		}
		defer func() {
			// Should this fail, the connection stays at FULL: slower, and no less safe.
			_, _ = conn.ExecContext(ctx, "PRAGMA synchronous = NORMAL")
		}()
	}
	return f(ctx, conn)
}

// inTx runs writes in a transaction, and sets the error of each that failed alone.
// Its own error is one of all.
func (s *sqliteStore) inTx(ctx context.Context, conn *sql.Conn, batch []*write) (err error) {
	tx, err := conn.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	committed := false
	defer func() {
		if !committed {
			_ = tx.Rollback() // err says why; a connection that cannot roll back is dropped
		}
	}()
	if len(batch) == 1 {
		if batch[0].err = batch[0].do(tx); batch[0].err != nil {
			return batch[0].err
		}
	} else if err := s.apart(ctx, tx, batch); err != nil {
		return err
	}
	committed = true
	if err := tx.Commit(); err != nil {
		_, _ = conn.ExecContext(ctx, "ROLLBACK") // most failed commits have rolled back
		return err
	}
	return nil
}

// apart runs writes so that one that fails leaves no trace, and the others stay.
func (s *sqliteStore) apart(ctx context.Context, tx *sql.Tx, batch []*write) error {
	savepoint, release, undo := s.savepoint.in(ctx, tx), s.release.in(ctx, tx), s.undo.in(ctx, tx)
	errs := make([]error, len(batch))
	for i, w := range batch {
		if _, err := savepoint.exec(ctx); err != nil {
			return err
		}
		if errs[i] = w.do(tx); errs[i] != nil {
			if _, err := undo.exec(ctx); err != nil {
				return fmt.Errorf("%w, after %w", err, errs[i])
			}
		}
		if _, err := release.exec(ctx); err != nil {
			return err
		}
	}
	for i, w := range batch {
		w.err = errs[i]
	}
	return nil
}
