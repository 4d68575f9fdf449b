package sqlstore

import (
	"context"
	"database/sql"

	"github.com/einlass/einlass/users"
)

var (
	selectConsents = load("consents")
	putConsent     = load("put_consent")
	deleteConsent  = load("delete_consent")
)

// Consents implements users.Reader.
func (r reader) Consents(ctx context.Context, id users.ID) ([]users.Consent, error) {
	var found []users.Consent
	err := r.conn.query(ctx, selectConsents, func(rows *sql.Rows) error {
		var c users.Consent
		err := rows.Scan(&c.User, &c.Application, document{&c.Scopes}, moment{&c.GrantedAt})
		found = append(found, c)
		return err
	}, string(id))
	return found, err
}

// PutConsent implements users.Tx.
func (t *tx) PutConsent(ctx context.Context, c users.Consent) error {
	scopes, err := jsonText(c.Scopes)
	if err != nil {
		return err
	}
	_, err = t.conn.exec(ctx, putConsent, string(c.User), string(c.Application), scopes, millis(c.GrantedAt))
	return err
}

// DeleteConsent implements users.Tx.
func (t *tx) DeleteConsent(ctx context.Context, id users.ID, application users.ApplicationID) error {
	deleted, err := t.conn.exec(ctx, deleteConsent, string(id), string(application))
	if err == nil && deleted == 0 {
		err = users.ErrNotFound
	}
	return err
}
