package session

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/einlass/einlass/keys"
)

var (
	luaPutRefresh    = script("put_refresh")
	luaRefresh       = script("refresh")
	luaRotateRefresh = script("rotate_refresh")
)

func (s *redisStore) PutRefresh(ctx context.Context, h keys.Secret, t RefreshToken) error {
	defer s.opt.observe("put_refresh", time.Now())
	tag, hash, ok := locateFor(h, t.Grant.User)
	if !ok {
		return ErrNotFound
	}
	family, refresh := userKey(tag, "family", t.Grant.Family), userKey(tag, "refresh", hash)
	value, err := encode(family, t.Ends, t.Grant)
	if err != nil {
		return fail("put refresh token", err)
	}
	token, err := encode(refresh, t.Ends, t.Grant.Family)
	if err != nil {
		return fail("put refresh token", err)
	}
	_, err = s.answer(ctx, luaPutRefresh, []string{family, refresh},
		value, hash, t.Expires.UnixMilli(), t.Ends.UnixMilli(), ttl(t.Expires), token, ttl(t.Ends))
	return fail("put refresh token", err)
}

func (s *redisStore) Refresh(ctx context.Context, h keys.Secret, now time.Time) (RefreshToken, error) {
	defer s.opt.observe("refresh", time.Now())
	tag, hash, ok := locate(h)
	if !ok {
		return RefreshToken{}, ErrNotFound
	}
	texts, err := s.answers(ctx, luaRefresh, []string{userKey(tag, "refresh", hash)}, now.UnixMilli())
	if err != nil {
		return RefreshToken{}, fail("refresh token", err)
	}
	if len(texts) != 4 {
		return RefreshToken{}, fail("refresh token", fmt.Errorf("answer of %d texts", len(texts)))
	}
	var t RefreshToken
	if t.Grant, err = decodeFamily(tag, texts[0]); err != nil {
		return RefreshToken{}, fail("refresh token", err)
	}
	expires, errExpires := strconv.ParseInt(texts[2], 10, 64)
	ends, errEnds := strconv.ParseInt(texts[3], 10, 64)
	if err := errors.Join(errExpires, errEnds); err != nil {
		return RefreshToken{}, fail("refresh token", err)
	}
	t.Rotated, t.Expires, t.Ends = texts[1] != hash, fromMillis(expires), fromMillis(ends)
	return t, nil
}

func (s *redisStore) RotateRefresh(ctx context.Context, r Rotation, now time.Time) (Grant, error) {
	defer s.opt.observe("rotate_refresh", time.Now())
	tag, hash, ok := locate(r.Old)
	newTag, newHash, newOK := locate(r.New)
	if !ok || !newOK || tag != newTag {
		return Grant{}, ErrNotFound
	}
	text, err := s.answer(ctx, luaRotateRefresh, []string{userKey(tag, "refresh", hash), userKey(tag, "refresh", newHash)},
		now.UnixMilli(), r.ClientID, hash, newHash, r.IdleEnd.UnixMilli(), slack.Milliseconds())
	if err != nil {
		return Grant{}, fail("rotate refresh token", err)
	}
	g, err := decodeFamily(tag, text)
	return g, fail("rotate refresh token", err)
}

// decodeFamily reads the record of a family of the user with tag.
func decodeFamily(tag Tag, text string) (Grant, error) {
	var g Grant
	key, _, err := decode(text, &g)
	if err == nil && key != userKey(tag, "family", g.Family) {
		err = errForeignRecord
	}
	return g, err
}
