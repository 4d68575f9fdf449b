package session

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/einlass/einlass/keys"
	"github.com/einlass/einlass/users"
)

var (
	luaPutRefresh    = script("put_refresh")
	luaRefresh       = script("refresh")
	luaRotateRefresh = script("rotate_refresh")
	luaFamiliesOf    = script("families_of")
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
		value, hash, t.Expires.UnixMilli(), t.Ends.UnixMilli(), ttl(t.Expires), token, ttl(t.Ends), t.Grant.Family)
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
	t.Rotated = texts[1] != hash
	t.Expires, t.Ends, err = parseEnds(texts[2], texts[3])
	return t, fail("refresh token", err)
}

// parseEnds reads the two ends of a family.
func parseEnds(expires, ends string) (idle, absolute time.Time, err error) {
	first, errExpires := strconv.ParseInt(expires, 10, 64)
	last, errEnds := strconv.ParseInt(ends, 10, 64)
	return fromMillis(first), fromMillis(last), errors.Join(errExpires, errEnds)
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

func (s *redisStore) FamiliesOf(ctx context.Context, user users.ID, now time.Time) ([]RefreshToken, error) {
	defer s.opt.observe("families_of", time.Now())
	tag := TagOf(user)
	replies, err := luaFamiliesOf.Run(ctx, s.client, []string{familiesKey(tag)}, now.UnixMilli()).Slice()
	if err != nil {
		return nil, fail("families of user", err)
	}
	var families []RefreshToken
	for _, reply := range replies {
		t, err := familyOf(tag, reply)
		if err != nil {
			return nil, fail("families of user", err)
		}
		if t.Grant.User == user {
			families = append(families, t)
		}
	}
	youngestFirst(families)
	return families, nil
}

// familyOf reads the record of a family of the user with tag, its idle end and its end.
func familyOf(tag Tag, reply any) (t RefreshToken, err error) {
	fields, err := texts(reply)
	if err != nil {
		return RefreshToken{}, err
	}
	if len(fields) != 3 {
		return RefreshToken{}, fmt.Errorf("family of %d texts", len(fields))
	}
	if t.Grant, err = decodeFamily(tag, fields[0]); err != nil {
		return RefreshToken{}, err
	}
	t.Expires, t.Ends, err = parseEnds(fields[1], fields[2])
	return t, err
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
