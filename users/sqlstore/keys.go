package sqlstore

import (
	"context"
	"database/sql"
	"fmt"

	"github.com/einlass/einlass/keys"
	"github.com/einlass/einlass/users"
)

var (
	selectSigningKeys = load("signing_keys")
	putSigningKeys    = loadBatch("put_signing_keys")
	deleteSigningKeys = loadBatch("delete_signing_keys")
)

// SigningKeys implements keys.Store.
func (s *Store) SigningKeys(ctx context.Context) ([]keys.StoredKey, error) {
	var all []keys.StoredKey
	err := s.conn.query(ctx, selectSigningKeys, func(rows *sql.Rows) error {
		var k keys.StoredKey
		err := rows.Scan(&k.ID, &k.Alg, &k.Sealed, &k.Public,
			moment{&k.CreatedAt}, moment{&k.UseAt}, moment{&k.RetireAt}, moment{&k.RemoveAt}, &k.Recorded)
		all = append(all, k)
		return err
	})
	return all, err
}

// PutSigningKeys implements keys.Store. The subject of the event is the newest of the keys.
func (s *Store) PutSigningKeys(ctx context.Context, put []keys.StoredKey, reason string) error {
	if len(put) == 0 {
		return nil
	}
	said := users.KeysRotated{Reason: reason, Thumbprints: map[string]string{}}
	newest := put[0]
	rows := make([][]any, len(put))
	for i, k := range put {
		rows[i] = []any{
			k.ID, k.Alg, k.Sealed, k.Public,
			millis(k.CreatedAt), millis(k.UseAt), millis(k.RetireAt), millis(k.RemoveAt),
		}
		said.Keys = append(said.Keys, k.ID)
		print, err := keys.Thumbprint([]byte(k.Public))
		if err != nil {
			return fmt.Errorf("signing key %s: %w", k.ID, err)
		}
		said.Thumbprints[k.ID] = print
		if k.CreatedAt.After(newest.CreatedAt) {
			newest = k
		}
	}
	event, err := users.NewEvent(users.EventKeyRotated, users.ActorSystem, newest.ID, said)
	if err != nil {
		return err
	}
	return s.update(ctx, func(t *tx) error {
		if _, err := t.conn.execRows(ctx, putSigningKeys, uniqueRows(rows, 1)); err != nil {
			return err
		}
		t.Append(event)
		return t.RaiseRevision(ctx)
	})
}

// DeleteSigningKeys implements keys.Store.
func (s *Store) DeleteSigningKeys(ctx context.Context, ids []string) error {
	if len(ids) == 0 {
		return nil
	}
	return s.update(ctx, func(t *tx) error {
		if _, err := t.conn.execRows(ctx, deleteSigningKeys, keyRows(ids)); err != nil {
			return err
		}
		return t.RaiseRevision(ctx)
	})
}
