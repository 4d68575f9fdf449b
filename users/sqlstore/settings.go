package sqlstore

import (
	"context"
	"database/sql"
	"fmt"

	"github.com/einlass/einlass/users"
)

var (
	selectSecret   = load("sealed_secret")
	putSecret      = load("put_sealed_secret")
	selectSetting  = load("setting")
	insertSetting  = load("insert_setting")
	updateSetting  = load("update_setting")
	selectRevision = load("revision")
	raiseRevision  = load("raise_revision")
)

// SealedSecret implements users.Reader.
func (r reader) SealedSecret(ctx context.Context, owner, name string) (string, error) {
	var sealed string
	err := r.conn.queryOne(ctx, selectSecret, func(rows *sql.Rows) error { return rows.Scan(&sealed) }, owner, name)
	return sealed, err
}

// PutSealedSecret implements users.Tx.
func (t *tx) PutSealedSecret(ctx context.Context, owner, name, sealed string) error {
	_, err := t.conn.exec(ctx, putSecret, owner, name, sealed)
	return err
}

// Setting implements users.Reader.
func (r reader) Setting(ctx context.Context, name string) (text string, version int64, err error) {
	err = r.conn.queryOne(ctx, selectSetting, func(rows *sql.Rows) error { return rows.Scan(&text, &version) }, name)
	return text, version, err
}

// PutSetting implements users.Tx.
func (t *tx) PutSetting(ctx context.Context, name, text string, version int64) error {
	var written int64
	var err error
	if version == 0 {
		written, err = t.conn.exec(ctx, insertSetting, name, text)
	} else {
		written, err = t.conn.exec(ctx, updateSetting, name, text, version)
	}
	if err != nil {
		return err
	}
	if written == 0 {
		return fmt.Errorf("setting %s: %w", name, users.ErrStale)
	}
	return nil
}

// Revision implements users.Reader.
func (r reader) Revision(ctx context.Context) (int64, error) {
	var number int64
	err := r.conn.queryOne(ctx, selectRevision, func(rows *sql.Rows) error { return rows.Scan(&number) })
	return number, err
}

// RaiseRevision implements users.Tx.
func (t *tx) RaiseRevision(ctx context.Context) error {
	_, err := t.conn.exec(ctx, raiseRevision)
	return err
}
