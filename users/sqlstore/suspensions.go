package sqlstore

import (
	"context"
	"database/sql"

	"github.com/einlass/einlass/users"
)

var (
	putSuspensions    = loadBatch("put_suspensions")
	deleteSuspensions = loadBatch("delete_suspensions")
	selectWaivers     = loadBatch("waivers")
	putWaiver         = load("put_waiver")
	deleteWaivers     = loadBatch("delete_waivers")
)

// PutSuspensions implements users.Tx.
func (t *tx) PutSuspensions(ctx context.Context, suspensions []users.Suspension) error {
	rows := make([][]any, len(suspensions))
	for i, s := range suspensions {
		rows[i] = []any{string(s.User), string(s.By), string(s.Connection), s.Reason, millis(s.Since)}
	}
	_, err := t.conn.execRows(ctx, putSuspensions, rows)
	return err
}

// DeleteSuspensions implements users.Tx.
func (t *tx) DeleteSuspensions(ctx context.Context, ids []users.ID, by users.SuspendedBy, connection users.ApplicationID) error {
	_, err := t.conn.execRows(ctx, deleteSuspensions, keyRows(texts(ids)), string(by), string(connection))
	return err
}

// Waivers implements users.Reader.
func (r reader) Waivers(ctx context.Context, connection users.ApplicationID, ids []users.ID) (map[users.ID]users.Waiver, error) {
	waivers := map[users.ID]users.Waiver{}
	err := r.conn.lookUp(ctx, selectWaivers, func(rows *sql.Rows) error {
		var w users.Waiver
		err := rows.Scan(&w.User, &w.Connection, &w.Status, moment{&w.Since}, moment{&w.AccessFrom}, moment{&w.AccessUntil})
		waivers[w.User] = w
		return err
	}, texts(ids), string(connection))
	return waivers, err
}

// PutWaiver implements users.Tx.
func (t *tx) PutWaiver(ctx context.Context, w users.Waiver) error {
	_, err := t.conn.exec(ctx, putWaiver, string(w.User), string(w.Connection), w.Status, millis(w.Since),
		millis(w.AccessFrom), millis(w.AccessUntil))
	return err
}

// DeleteWaivers implements users.Tx.
func (t *tx) DeleteWaivers(ctx context.Context, connection users.ApplicationID, ids []users.ID) error {
	_, err := t.conn.execRows(ctx, deleteWaivers, keyRows(texts(ids)), string(connection))
	return err
}
