package sqlstore

import (
	"context"
	"database/sql"
	"errors"
	"time"

	"github.com/einlass/einlass/users"
)

var (
	selectCursor       = load("cursor")
	moveCursor         = load("move_cursor")
	selectDue          = load("due_deliveries")
	selectDeliveriesOf = load("deliveries_of")
	countDeliveries    = load("count_deliveries")
	putDeliveries      = loadBatch("put_deliveries")
	deleteDeliveries   = loadBatch("delete_deliveries")
)

// Cursor implements users.Reader.
func (r reader) Cursor(ctx context.Context, follower string) (seq int64, err error) {
	err = r.conn.queryOne(ctx, selectCursor, func(rows *sql.Rows) error { return rows.Scan(&seq) }, follower)
	if errors.Is(err, users.ErrNotFound) {
		return 0, nil
	}
	return seq, err
}

// DueDeliveries implements users.Reader.
func (r reader) DueDeliveries(ctx context.Context, follower string, now time.Time, perTarget, limit int) ([]users.Delivery, error) {
	return r.deliveries(ctx, selectDue, follower, millis(now), int64(perTarget), int64(limit))
}

// DeliveriesOf implements users.Reader.
func (r reader) DeliveriesOf(ctx context.Context, follower string, event int64) ([]users.Delivery, error) {
	return r.deliveries(ctx, selectDeliveriesOf, follower, event)
}

func (r reader) deliveries(ctx context.Context, s statement, args ...any) ([]users.Delivery, error) {
	var all []users.Delivery
	err := r.conn.query(ctx, s, func(rows *sql.Rows) error {
		var d users.Delivery
		err := rows.Scan(&d.Follower, &d.Event, &d.Target, &d.Attempt, moment{&d.NextAt}, &d.State, &d.LastError)
		all = append(all, d)
		return err
	}, args...)
	return all, err
}

// CountDeliveries implements users.Reader.
func (r reader) CountDeliveries(ctx context.Context, follower string) (map[users.DeliveryState]int, error) {
	counts := map[users.DeliveryState]int{}
	err := r.conn.query(ctx, countDeliveries, func(rows *sql.Rows) error {
		var state users.DeliveryState
		var n int
		err := rows.Scan(&state, &n)
		counts[state] = n
		return err
	}, follower)
	return counts, err
}

// MoveCursor implements users.Tx.
func (t *tx) MoveCursor(ctx context.Context, follower string, seq int64) error {
	_, err := t.conn.exec(ctx, moveCursor, follower, seq)
	return err
}

// PutDeliveries implements users.Tx.
func (t *tx) PutDeliveries(ctx context.Context, deliveries []users.Delivery) error {
	rows := make([][]any, len(deliveries))
	for i, d := range deliveries {
		rows[i] = append(deliveryKey(d), int64(d.Attempt), millis(d.NextAt), string(d.State), d.LastError)
	}
	_, err := t.conn.execRows(ctx, putDeliveries, uniqueRows(rows, 3))
	return err
}

// DeleteDeliveries implements users.Tx.
func (t *tx) DeleteDeliveries(ctx context.Context, deliveries []users.Delivery) error {
	rows := make([][]any, len(deliveries))
	for i, d := range deliveries {
		rows[i] = deliveryKey(d)
	}
	_, err := t.conn.execRows(ctx, deleteDeliveries, rows)
	return err
}

func deliveryKey(d users.Delivery) []any { return []any{d.Follower, d.Event, d.Target} }
