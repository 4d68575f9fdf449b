package session

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/einlass/einlass/keys"
)

var (
	luaReserve = script("reserve")
	luaRefund  = script("refund")
)

// put writes value under key until expires.
func (s *redisStore) put(ctx context.Context, op, key string, expires time.Time, value any) error {
	text, err := encode(key, expires, value)
	if err != nil {
		return fail(op, err)
	}
	return fail(op, s.client.Set(ctx, key, text, time.Duration(ttl(expires))*time.Millisecond).Err())
}

// read decodes the reply to a GET or GETDEL of key into what value points to.
func read(op, key string, reply *redis.StringCmd, now time.Time, value any) error {
	text, err := reply.Result()
	if errors.Is(err, redis.Nil) {
		return ErrNotFound
	}
	if err != nil {
		return fail(op, err)
	}
	expires, err := decodeOf(key, text, value)
	if err != nil {
		return fail(op, err)
	}
	if !expires.After(now) {
		return ErrNotFound
	}
	return nil
}

func (s *redisStore) PutRequest(ctx context.Context, r AuthRequest) error {
	defer s.opt.observe("put_request", time.Now())
	return s.put(ctx, "put request", ownKey("request", r.ID), r.Expires, r)
}

func (s *redisStore) Request(ctx context.Context, id string, now time.Time) (AuthRequest, error) {
	defer s.opt.observe("request", time.Now())
	key := ownKey("request", id)
	var r AuthRequest
	if err := read("request", key, s.client.Get(ctx, key), now, &r); err != nil {
		return AuthRequest{}, err
	}
	return r, nil
}

func (s *redisStore) TakeRequest(ctx context.Context, id string, now time.Time) (AuthRequest, error) {
	defer s.opt.observe("take_request", time.Now())
	key := ownKey("request", id)
	var r AuthRequest
	if err := read("take request", key, s.client.GetDel(ctx, key), now, &r); err != nil {
		return AuthRequest{}, err
	}
	return r, nil
}

func (s *redisStore) PutDevice(ctx context.Context, h keys.Secret, d Device, expires time.Time) error {
	defer s.opt.observe("put_device", time.Now())
	tag, hash, ok := locateFor(h, d.User)
	if !ok {
		return ErrNotFound
	}
	return s.put(ctx, "put device", userKey(tag, "device", hash), expires, d)
}

func (s *redisStore) Device(ctx context.Context, h keys.Secret, now time.Time) (Device, error) {
	defer s.opt.observe("device", time.Now())
	tag, hash, ok := locate(h)
	if !ok {
		return Device{}, ErrNotFound
	}
	key := userKey(tag, "device", hash)
	var d Device
	if err := read("device", key, s.client.Get(ctx, key), now, &d); err != nil {
		return Device{}, err
	}
	return d, nil
}

func (s *redisStore) Reserve(ctx context.Context, key string, limit int, window time.Duration, now time.Time) (Verdict, error) {
	defer s.opt.observe("reserve", time.Now())
	reply, err := luaReserve.Run(ctx, s.client, []string{ownKey("throttle", key)},
		now.UnixMilli(), limit, window.Milliseconds(), slack.Milliseconds()).Int64Slice()
	if err != nil {
		return Verdict{}, fail("reserve", err)
	}
	if len(reply) != 3 {
		return Verdict{}, fail("reserve", fmt.Errorf("answer of %d numbers", len(reply)))
	}
	if allowed := reply[0] == 1; !allowed {
		return Verdict{RetryAfter: time.Duration(reply[2]) * time.Millisecond}, nil
	}
	return Verdict{Allowed: true, Remaining: int(reply[1])}, nil
}

func (s *redisStore) Refund(ctx context.Context, key string, now time.Time) error {
	defer s.opt.observe("refund", time.Now())
	_, err := s.answer(ctx, luaRefund, []string{ownKey("throttle", key)}, now.UnixMilli())
	return fail("refund", err)
}
