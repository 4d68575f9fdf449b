package sqlstore

import (
	"context"
	"database/sql"
	"fmt"
	"time"

	"github.com/einlass/einlass/users"
)

var (
	selectWatches    = load("watches")
	putWatch         = load("put_watch")
	deleteWatch      = load("delete_watch")
	deleteOldWatches = load("delete_old_watches")
	selectCalls      = load("calls")
	putCalls         = loadBatch("put_calls")
	trimCalls        = load("trim_calls")
	deleteOldCalls   = load("delete_old_calls")
)

// Watches implements users.Reader.
func (r reader) Watches(ctx context.Context, now time.Time) ([]users.Watch, error) {
	var watches []users.Watch
	err := r.conn.query(ctx, selectWatches, func(rows *sql.Rows) error {
		var w users.Watch
		err := rows.Scan(&w.Application, &w.Holder, moment{&w.Until})
		watches = append(watches, w)
		return err
	}, millis(now))
	return watches, err
}

// Calls implements users.Reader.
func (r reader) Calls(ctx context.Context, application users.ApplicationID, since time.Time, limit int) ([]users.Call, error) {
	var calls []users.Call
	err := r.conn.query(ctx, selectCalls, func(rows *sql.Rows) error {
		var c users.Call
		err := rows.Scan(&c.ID, &c.Application, moment{&c.At}, &c.Endpoint, &c.Outcome, &c.Reason,
			document{&c.Facts}, &c.Stray, &c.Request, &c.User)
		calls = append(calls, c)
		return err
	}, string(application), millis(since), int64(limit))
	return calls, err
}

// PutWatch implements users.Tx.
func (t *tx) PutWatch(ctx context.Context, w users.Watch) error {
	_, err := t.conn.exec(ctx, putWatch, string(w.Application), w.Holder, millis(w.Until))
	return err
}

// DeleteWatch implements users.Tx.
func (t *tx) DeleteWatch(ctx context.Context, application users.ApplicationID, holder string) error {
	_, err := t.conn.exec(ctx, deleteWatch, string(application), holder)
	return err
}

// PutCalls implements users.Tx.
func (t *tx) PutCalls(ctx context.Context, calls []users.Call) error {
	rows := make([][]any, len(calls))
	for i, c := range calls {
		facts, err := jsonText(c.Facts)
		if err != nil {
			return fmt.Errorf("facts of call %s: %w", c.ID, err)
		}
		rows[i] = []any{
			c.ID, string(c.Application), millis(c.At), string(c.Endpoint), string(c.Outcome), string(c.Reason),
			facts, flag(c.Stray), c.Request, string(c.User),
		}
	}
	_, err := t.conn.execRows(ctx, putCalls, rows)
	return err
}

// TrimCalls implements users.Tx.
func (t *tx) TrimCalls(ctx context.Context, application users.ApplicationID, keep int) error {
	_, err := t.conn.exec(ctx, trimCalls, string(application), int64(keep))
	return err
}

// DeleteOldCalls implements users.Tx.
func (t *tx) DeleteOldCalls(ctx context.Context, before, now time.Time) error {
	if _, err := t.conn.exec(ctx, deleteOldCalls, millis(before)); err != nil {
		return err
	}
	_, err := t.conn.exec(ctx, deleteOldWatches, millis(now))
	return err
}
