package sqlstore

import (
	"cmp"
	"context"
	"crypto/rand"
	"database/sql"
	"encoding/binary"
	"errors"
	"slices"
	"time"

	"github.com/einlass/einlass/users"
)

var (
	selectDueWork  = load("due_work")
	selectNextWork = load("next_work")
	selectWorkOf   = load("work_of")
	putWork        = loadBatch("put_work")
	finishWork     = loadBatch("finish_work")
	delayWork      = loadBatch("delay_work")
)

// DueWork implements users.Reader.
func (r reader) DueWork(ctx context.Context, now time.Time, limit int) ([]users.Work, error) {
	return r.work(ctx, selectDueWork, millis(now), int64(limit))
}

// NextWork implements users.Reader.
func (r reader) NextWork(ctx context.Context) (due time.Time, found bool, err error) {
	err = r.conn.queryOne(ctx, selectNextWork, func(rows *sql.Rows) error { return rows.Scan(moment{&due}) })
	if errors.Is(err, users.ErrNotFound) {
		return time.Time{}, false, nil
	}
	return due, err == nil, err
}

// WorkOf implements users.Reader.
func (r reader) WorkOf(ctx context.Context, connection users.ApplicationID) ([]users.Work, error) {
	return r.work(ctx, selectWorkOf, string(connection))
}

func (r reader) work(ctx context.Context, s statement, args ...any) ([]users.Work, error) {
	var all []users.Work
	err := r.conn.query(ctx, s, func(rows *sql.Rows) error {
		var w users.Work
		err := rows.Scan(&w.Kind, &w.Connection, &w.Subject, moment{&w.Due}, moment{&w.Noted}, &w.Generation, &w.Attempts)
		all = append(all, w)
		return err
	}, args...)
	return all, err
}

// PutWork implements users.Tx.
func (t *tx) PutWork(ctx context.Context, work []users.Work) error {
	if len(work) == 0 {
		return nil
	}
	t.noted = true
	generation := firstGeneration()
	var rows [][]any
	for _, w := range merged(work) {
		rows = append(rows, append(workKey(w), millis(w.Due), millis(w.Noted), generation, int64(w.Attempts)))
	}
	_, err := t.conn.execRows(ctx, putWork, rows)
	return err
}

// merged returns each piece of work once, with its earliest times, because no
// statement may write one row twice; and in one order, so that two who note the
// same do not wait for each other.
func merged(work []users.Work) []users.Work {
	type key struct {
		kind       users.WorkKind
		connection users.ApplicationID
		subject    string
	}
	at := make(map[key]int, len(work))
	once := make([]users.Work, 0, len(work))
	for _, w := range work {
		k := key{w.Kind, w.Connection, w.Subject}
		i, seen := at[k]
		if !seen {
			at[k] = len(once)
			once = append(once, w)
			continue
		}
		if w.Due.Before(once[i].Due) {
			once[i].Due = w.Due
		}
		if w.Noted.Before(once[i].Noted) {
			once[i].Noted = w.Noted
		}
	}
	slices.SortFunc(once, func(a, b users.Work) int {
		return cmp.Or(cmp.Compare(a.Kind, b.Kind), cmp.Compare(a.Connection, b.Connection), cmp.Compare(a.Subject, b.Subject))
	})
	return once
}

// firstGeneration returns a random number, so that work which was done and noted
// anew is never taken for the one that somebody still has in hand.
func firstGeneration() int64 {
	var b [8]byte
	_, _ = rand.Read(b[:]) // never fails since Go 1.24
	return int64(binary.BigEndian.Uint64(b[:]) >> 2)
}

// FinishWork implements users.Tx.
func (t *tx) FinishWork(ctx context.Context, work []users.Work) error {
	rows := make([][]any, len(work))
	for i, w := range work {
		rows[i] = append(workKey(w), w.Generation)
	}
	_, err := t.conn.execRows(ctx, finishWork, rows)
	return err
}

// DelayWork implements users.Tx.
func (t *tx) DelayWork(ctx context.Context, work []users.Work) error {
	rows := make([][]any, len(work))
	for i, w := range work {
		rows[i] = append(workKey(w), w.Generation, millis(w.Due), int64(w.Attempts))
	}
	_, err := t.conn.execRows(ctx, delayWork, uniqueRows(rows, 3))
	return err
}

func workKey(w users.Work) []any { return []any{string(w.Kind), string(w.Connection), w.Subject} }
