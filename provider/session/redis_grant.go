package session

import (
	"context"
	"errors"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/einlass/einlass/keys"
	"github.com/einlass/einlass/users"
)

var (
	luaIssueCode = script("issue_code")
	luaTakeCode  = script("take_code")
	luaToken     = script("token")
)

func (s *redisStore) IssueCode(ctx context.Context, h keys.Secret, c Code, seen, sessionExpires time.Time) error {
	defer s.opt.observe("issue_code", time.Now())
	tag, hash, ok := locateFor(h, c.Grant.User)
	if !ok {
		return ErrNotFound
	}
	codeKey := userKey(tag, "code", hash)
	code, err := encode(codeKey, c.Expires, c)
	if err != nil {
		return fail("issue code", err)
	}
	_, err = s.answer(ctx, luaIssueCode,
		[]string{userKey(tag, "session", c.Grant.SID), codeKey, indexKey(tag)},
		c.Grant.SID, seen.UnixMilli(), sessionExpires.UnixMilli(), ttl(sessionExpires),
		string(c.Grant.Application), code, ttl(c.Expires))
	return fail("issue code", err)
}

func (s *redisStore) TakeCode(ctx context.Context, h keys.Secret, check CodeCheck, now, tombstone time.Time) (Grant, error) {
	defer s.opt.observe("take_code", time.Now())
	tag, hash, ok := locate(h)
	if !ok {
		return Grant{}, ErrNotFound
	}
	key := userKey(tag, "code", hash)
	text, err := s.answer(ctx, luaTakeCode, []string{key},
		now.UnixMilli(), check.ClientID, check.RedirectURI, check.Challenge, tombstone.UnixMilli(), ttl(tombstone))
	if err != nil {
		return Grant{}, fail("take code", err)
	}
	var code Code
	if _, err := decodeOf(key, text, &code); err != nil {
		return Grant{}, fail("take code", err)
	}
	return code.Grant, nil
}

func (s *redisStore) Code(ctx context.Context, h keys.Secret) (Code, error) {
	defer s.opt.observe("code", time.Now())
	tag, hash, ok := locate(h)
	if !ok {
		return Code{}, ErrNotFound
	}
	key := userKey(tag, "code", hash)
	var code Code
	text, err := s.client.Get(ctx, key).Result()
	if errors.Is(err, redis.Nil) {
		return Code{}, ErrNotFound
	}
	if err == nil {
		_, err = decodeOf(key, text, &code)
	}
	if err == nil && code.RedirectURI == "" { // its tombstone
		err = ErrNotFound
	}
	if err != nil {
		return Code{}, fail("code", err)
	}
	return code, nil
}

func (s *redisStore) PutToken(ctx context.Context, h keys.Secret, t AccessToken) error {
	defer s.opt.observe("put_token", time.Now())
	tag, hash, ok := locateFor(h, t.Grant.User)
	if !ok {
		return ErrNotFound
	}
	return s.put(ctx, "put token", userKey(tag, "token", hash), t.Expires, t)
}

func (s *redisStore) Token(ctx context.Context, h keys.Secret, now time.Time) (AccessToken, error) {
	defer s.opt.observe("token", time.Now())
	tag, hash, ok := locate(h)
	if !ok {
		return AccessToken{}, ErrNotFound
	}
	key := userKey(tag, "token", hash)
	text, err := s.answer(ctx, luaToken, []string{key}, now.UnixMilli())
	if err != nil {
		return AccessToken{}, fail("token", err)
	}
	var token AccessToken
	if _, err := decodeOf(key, text, &token); err != nil {
		return AccessToken{}, fail("token", err)
	}
	return token, nil
}

func (s *redisStore) DeleteToken(ctx context.Context, h keys.Secret) error {
	defer s.opt.observe("delete_token", time.Now())
	tag, hash, ok := locate(h)
	if !ok {
		return nil
	}
	return fail("delete token", s.client.Del(ctx, userKey(tag, "token", hash)).Err())
}

func (s *redisStore) RevokeFamily(ctx context.Context, user users.ID, family string, until time.Time) error {
	defer s.opt.observe("revoke_family", time.Now())
	return s.put(ctx, "revoke family", userKey(TagOf(user), "revoked", family), until, nil)
}
