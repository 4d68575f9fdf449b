package sqlstore

import (
	"context"
	"database/sql"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/einlass/einlass/users"
)

var (
	insertUsers       = loadBatch("insert_users")
	updateUsers       = loadBatch("update_users")
	releaseKeys       = loadBatch("release_keys")
	touchSignIns      = loadBatch("touch_sign_ins")
	putCredential     = load("put_credential")
	deleteCredentials = loadBatch("delete_credentials")
)

// InsertUsers implements users.Tx.
func (t *tx) InsertUsers(ctx context.Context, people []users.User) error {
	rows := make([][]any, len(people))
	for i, u := range people {
		attributes, err := attributesText(u)
		if err != nil {
			return err
		}
		rows[i] = []any{
			string(u.ID), string(u.BaseState), u.Epoch, int64(1),
			u.Email, nullable(string(u.EmailKey)), u.Username, nullable(string(u.UsernameKey)),
			string(u.ListKey()), searchText(u), u.FirstName, u.LastName, string(u.Manager),
			string(u.Role), flag(u.Sealed), string(u.Origin), attributes,
			millis(u.AccessFrom), millis(u.AccessUntil), string(u.ConfinedTo), millis(u.LastSignIn), millis(u.CreatedAt), millis(u.UpdatedAt),
		}
	}
	_, err := t.conn.execRows(ctx, insertUsers, rows)
	return err
}

// UpdateUsers implements users.Tx.
func (t *tx) UpdateUsers(ctx context.Context, people []users.User) ([]users.ID, error) {
	rows := make([][]any, len(people))
	stale := make(map[users.ID]bool, len(people))
	for i, u := range people {
		attributes, err := attributesText(u)
		if err != nil {
			return nil, err
		}
		rows[i] = []any{
			string(u.ID), u.Version, string(u.BaseState), u.Epoch,
			u.Email, nullable(string(u.EmailKey)), u.Username, nullable(string(u.UsernameKey)),
			string(u.ListKey()), searchText(u), u.FirstName, u.LastName, string(u.Manager),
			string(u.Role), flag(u.Sealed), string(u.Origin), attributes,
			millis(u.AccessFrom), millis(u.AccessUntil), string(u.ConfinedTo), millis(u.UpdatedAt),
		}
		stale[u.ID] = true
	}
	err := t.conn.returning(ctx, updateUsers, func(rows *sql.Rows) error {
		var id users.ID
		err := rows.Scan(&id)
		delete(stale, id)
		return err
	}, uniqueRows(rows, 1))
	if err != nil {
		return nil, err
	}
	return slices.Sorted(maps.Keys(stale)), nil
}

// LockUsers implements users.Tx. It locks in the order of ids, so that those who
// lock the same people do not wait for each other in a circle.
func (t *tx) LockUsers(ctx context.Context, ids []users.ID) (map[users.ID]int64, error) {
	versions := make(map[users.ID]int64, len(ids))
	err := t.conn.returning(ctx, t.lockUsers, func(rows *sql.Rows) error {
		var id users.ID
		var version int64
		err := rows.Scan(&id, &version)
		versions[id] = version
		return err
	}, keyRows(slices.Sorted(slices.Values(texts(ids)))))
	return versions, err
}

// attributesText stores no attributes as an empty object, never as null.
func attributesText(u users.User) (string, error) {
	if u.Attributes == nil {
		return "{}", nil
	}
	text, err := jsonText(u.Attributes)
	if err != nil {
		return "", fmt.Errorf("attributes of %s: %w", u.ID, err)
	}
	return text, nil
}

// ReleaseKeys implements users.Tx.
func (t *tx) ReleaseKeys(ctx context.Context, ids []users.ID) error {
	_, err := t.conn.execRows(ctx, releaseKeys, keyRows(texts(ids)))
	return err
}

// TouchSignIns implements users.Tx. It locks people before it writes them, so
// that replicas that do so at the same moment do not wait for each other in a circle.
func (t *tx) TouchSignIns(ctx context.Context, at map[users.ID]time.Time) error {
	if _, err := t.LockUsers(ctx, slices.Collect(maps.Keys(at))); err != nil {
		return err
	}
	rows := make([][]any, 0, len(at))
	for id, at := range at {
		rows = append(rows, []any{string(id), millis(at)})
	}
	_, err := t.conn.execRows(ctx, touchSignIns, rows)
	return err
}

// PutCredential implements users.Tx.
func (t *tx) PutCredential(ctx context.Context, c users.Credential) error {
	_, err := t.conn.exec(ctx, putCredential, string(c.User), string(c.Kind), c.Data, millis(c.UpdatedAt))
	return err
}

// DeleteCredentials implements users.Tx.
func (t *tx) DeleteCredentials(ctx context.Context, ids []users.ID) error {
	_, err := t.conn.execRows(ctx, deleteCredentials, keyRows(texts(ids)))
	return err
}
