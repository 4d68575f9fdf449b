package session

import (
	"context"
	"database/sql"
	"errors"
	"time"

	"github.com/einlass/einlass/keys"
	"github.com/einlass/einlass/users"
)

func (s *sqliteStore) IssueCode(ctx context.Context, h keys.Secret, c Code, seen, sessionExpires time.Time) error {
	defer s.opt.observe("issue_code", time.Now())
	g := c.Grant
	tag, hash, ok := locateFor(h, g.User)
	if !ok {
		return ErrNotFound
	}
	key := handleKey(tag, hash)
	value, err := encode(key, c.Expires, c)
	if err != nil {
		return fail("issue code", err)
	}
	err = s.update(ctx, func(tx *sql.Tx) error {
		err := changed(s.useSession.in(ctx, tx).exec(ctx,
			g.User, g.SID, seen.UnixMilli(), sessionExpires.UnixMilli(), g.Application))
		if err != nil {
			return err
		}
		_, err = s.putCode.in(ctx, tx).exec(ctx,
			key, g.User, g.SID, g.Family, g.Offline,
			g.ClientID, c.RedirectURI, c.CodeChallenge, c.Expires.UnixMilli(), value)
		return err
	})
	return fail("issue code", err)
}

func (s *sqliteStore) TakeCode(ctx context.Context, h keys.Secret, check CodeCheck, now, tombstone time.Time) (Grant, error) {
	defer s.opt.observe("take_code", time.Now())
	tag, hash, ok := locate(h)
	if !ok {
		return Grant{}, ErrNotFound
	}
	key := handleKey(tag, hash)
	var grant Grant
	var refusal error // not the transaction's error: a replay must be committed
	err := s.durable(ctx, func(tx *sql.Tx) error {
		var value string
		err := s.takeCode.in(ctx, tx).row(ctx,
			key, now.UnixMilli(), check.ClientID, check.RedirectURI, check.Challenge).Scan(&value)
		if errors.Is(err, sql.ErrNoRows) {
			refusal, err = s.refuseCode(ctx, tx, key, check, now, tombstone)
			return err
		}
		if err != nil {
			return err
		}
		var code Code
		if _, err := decodeOf(key, value, &code); err != nil {
			return err
		}
		grant = code.Grant
		_, err = s.putTakenCode.in(ctx, tx).exec(ctx,
			key, grant.User, grant.Family, grant.ClientID, tombstone.UnixMilli())
		return err
	})
	if err != nil {
		return Grant{}, fail("take code", err)
	}
	return grant, refusal
}

func (s *sqliteStore) Code(ctx context.Context, h keys.Secret) (Code, error) {
	defer s.opt.observe("code", time.Now())
	tag, hash, ok := locate(h)
	if !ok {
		return Code{}, ErrNotFound
	}
	var code Code
	err := scanRecord(s.code.row(ctx, handleKey(tag, hash)), handleKey(tag, hash), &code)
	if err != nil {
		return Code{}, fail("code", err)
	}
	return code, nil
}

// refuseCode finds out why a code could not be taken, and revokes the family of
// one that comes again.
func (s *sqliteStore) refuseCode(ctx context.Context, tx *sql.Tx, key string, check CodeCheck, now, tombstone time.Time) (refusal, err error) {
	var user users.ID
	var family, client string
	err = s.takenCode.in(ctx, tx).row(ctx, key, now.UnixMilli()).Scan(&user, &family, &client)
	switch {
	case err == nil && client != check.ClientID:
		return ErrMismatch, nil
	case err == nil:
		_, err := s.revokeFamily.in(ctx, tx).exec(ctx, user, family, tombstone.UnixMilli())
		return ErrReplayed, err
	case !errors.Is(err, sql.ErrNoRows):
		return nil, err
	}

	var one int
	err = s.liveCode.in(ctx, tx).row(ctx, key, now.UnixMilli()).Scan(&one)
	switch {
	case err == nil:
		return ErrMismatch, nil
	case errors.Is(err, sql.ErrNoRows):
		return ErrNotFound, nil
	}
	return nil, err
}

func (s *sqliteStore) PutToken(ctx context.Context, h keys.Secret, t AccessToken) error {
	defer s.opt.observe("put_token", time.Now())
	g := t.Grant
	tag, hash, ok := locateFor(h, g.User)
	if !ok {
		return ErrNotFound
	}
	key := handleKey(tag, hash)
	value, err := encode(key, t.Expires, t)
	if err != nil {
		return fail("put token", err)
	}
	_, err = s.exec(ctx, s.putToken, key, g.User, g.SID, g.Family, g.Offline, t.Expires.UnixMilli(), value)
	return fail("put token", err)
}

func (s *sqliteStore) Token(ctx context.Context, h keys.Secret, now time.Time) (AccessToken, error) {
	defer s.opt.observe("token", time.Now())
	tag, hash, ok := locate(h)
	if !ok {
		return AccessToken{}, ErrNotFound
	}
	var token AccessToken
	err := scanRecord(s.token.row(ctx, handleKey(tag, hash), now.UnixMilli()), handleKey(tag, hash), &token)
	if err != nil {
		return AccessToken{}, fail("token", err)
	}
	return token, nil
}

func (s *sqliteStore) DeleteToken(ctx context.Context, h keys.Secret) error {
	defer s.opt.observe("delete_token", time.Now())
	tag, hash, ok := locate(h)
	if !ok {
		return nil
	}
	return fail("delete token", s.durable(ctx, func(tx *sql.Tx) error {
		_, err := s.deleteToken.in(ctx, tx).exec(ctx, handleKey(tag, hash))
		return err
	}))
}

func (s *sqliteStore) RevokeFamily(ctx context.Context, user users.ID, family string, until time.Time) error {
	defer s.opt.observe("revoke_family", time.Now())
	return fail("revoke family", s.durable(ctx, func(tx *sql.Tx) error {
		_, err := s.revokeFamily.in(ctx, tx).exec(ctx, user, family, until.UnixMilli())
		return err
	}))
}
