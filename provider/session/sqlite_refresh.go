package session

import (
	"context"
	"database/sql"
	"errors"
	"time"

	"github.com/einlass/einlass/keys"
	"github.com/einlass/einlass/users"
)

// familyKey is what the record of a family repeats.
func familyKey(user users.ID, family string) string { return string(user) + "." + family }

func (s *sqliteStore) PutRefresh(ctx context.Context, h keys.Secret, t RefreshToken) error {
	defer s.opt.observe("put_refresh", time.Now())
	g := t.Grant
	tag, hash, ok := locateFor(h, g.User)
	if !ok {
		return ErrNotFound
	}
	value, err := encode(familyKey(g.User, g.Family), t.Ends, g)
	if err != nil {
		return fail("put refresh token", err)
	}
	key, ends := handleKey(tag, hash), t.Ends.UnixMilli()
	return fail("put refresh token", s.durable(ctx, func(tx *sql.Tx) error {
		_, err := s.putFamily.in(ctx, tx).exec(ctx,
			g.User, g.Family, g.ClientID, key, t.Expires.UnixMilli(), ends, value)
		if err != nil {
			return err
		}
		_, err = s.putRefresh.in(ctx, tx).exec(ctx, key, g.User, g.Family, ends)
		return err
	}))
}

func (s *sqliteStore) Refresh(ctx context.Context, h keys.Secret, now time.Time) (RefreshToken, error) {
	defer s.opt.observe("refresh", time.Now())
	tag, hash, ok := locate(h)
	if !ok {
		return RefreshToken{}, ErrNotFound
	}
	var t RefreshToken
	var user users.ID
	var family, value string
	var expires, ends int64
	err := s.refresh.row(ctx, handleKey(tag, hash), now.UnixMilli()).
		Scan(&user, &family, &expires, &ends, &t.Rotated, &value)
	if err != nil {
		return RefreshToken{}, fail("refresh token", found(err))
	}
	if _, err := decodeOf(familyKey(user, family), value, &t.Grant); err != nil {
		return RefreshToken{}, fail("refresh token", err)
	}
	t.Expires, t.Ends = fromMillis(expires), fromMillis(ends)
	return t, nil
}

func (s *sqliteStore) RotateRefresh(ctx context.Context, r Rotation, now time.Time) (Grant, error) {
	defer s.opt.observe("rotate_refresh", time.Now())
	tag, hash, ok := locate(r.Old)
	newTag, newHash, newOK := locate(r.New)
	if !ok || !newOK || tag != newTag {
		return Grant{}, ErrNotFound
	}
	key, newKey := handleKey(tag, hash), handleKey(tag, newHash)
	var grant Grant
	var refusal error // not the transaction's error: a replay must be committed
	err := s.durable(ctx, func(tx *sql.Tx) error {
		var user users.ID
		var family, value string
		var ends int64
		err := s.rotateFamily.in(ctx, tx).row(ctx,
			key, newKey, r.ClientID, now.UnixMilli(), r.IdleEnd.UnixMilli()).Scan(&user, &family, &ends, &value)
		if errors.Is(err, sql.ErrNoRows) {
			refusal, err = s.refuseRefresh(ctx, tx, key, r.ClientID, now)
			return err
		}
		if err != nil {
			return err
		}
		if _, err := decodeOf(familyKey(user, family), value, &grant); err != nil {
			return err
		}
		_, err = s.putRefresh.in(ctx, tx).exec(ctx, newKey, user, family, ends)
		return err
	})
	if err != nil {
		return Grant{}, fail("rotate refresh token", err)
	}
	return grant, refusal
}

// refuseRefresh finds out why a refresh token could not be rotated, and revokes
// the family of one that had been rotated before.
func (s *sqliteStore) refuseRefresh(ctx context.Context, tx *sql.Tx, key, clientID string, now time.Time) (refusal, err error) {
	var user users.ID
	var family, client string
	var ends int64
	var rotated bool
	err = s.usedRefresh.in(ctx, tx).row(ctx, key, now.UnixMilli()).
		Scan(&user, &family, &client, &ends, &rotated)
	switch {
	case errors.Is(err, sql.ErrNoRows):
		return ErrNotFound, nil
	case err != nil:
		return nil, err
	case client != clientID:
		return ErrMismatch, nil
	case !rotated: // so its family has been revoked
		return ErrNotFound, nil
	}
	_, err = s.revokeFamily.in(ctx, tx).exec(ctx, user, family, ends)
	return ErrReplayed, err
}

func (s *sqliteStore) FamiliesOf(ctx context.Context, user users.ID, now time.Time) ([]RefreshToken, error) {
	defer s.opt.observe("families_of", time.Now())
	rows, err := s.familiesOf.rows(ctx, user, now.UnixMilli())
	if err != nil {
		return nil, fail("families of user", err)
	}
	defer rows.Close()
	var families []RefreshToken
	for rows.Next() {
		var t RefreshToken
		var family, value string
		var expires, ends int64
		if err := rows.Scan(&family, &expires, &ends, &value); err != nil {
			return nil, fail("families of user", err)
		}
		if _, err := decodeOf(familyKey(user, family), value, &t.Grant); err != nil {
			return nil, fail("families of user", err)
		}
		t.Expires, t.Ends = fromMillis(expires), fromMillis(ends)
		families = append(families, t)
	}
	youngestFirst(families)
	return families, fail("families of user", rows.Err())
}
