package sqlstore

import (
	"context"
	"database/sql"

	"github.com/einlass/einlass/users"
)

var (
	selectLogo = load("logo")
	putLogo    = load("put_logo")
	deleteLogo = load("delete_logo")
)

// Logo implements users.Reader.
func (r reader) Logo(ctx context.Context, id users.ApplicationID) (users.Logo, error) {
	var logo users.Logo
	err := r.conn.queryOne(ctx, selectLogo, func(rows *sql.Rows) error {
		return rows.Scan(&logo.Digest, &logo.MediaType, &logo.Content)
	}, string(id))
	logo.Size = len(logo.Content)
	return logo, err
}

// putLogo writes, keeps or removes the content of an application's logo.
func (t *tx) putLogo(ctx context.Context, id users.ApplicationID, logo *users.Logo) error {
	switch {
	case logo == nil:
		_, err := t.conn.exec(ctx, deleteLogo, string(id))
		return err
	case logo.Content == nil:
		return nil
	}
	_, err := t.conn.exec(ctx, putLogo, string(id), logo.Digest, logo.MediaType, logo.Content)
	return err
}
