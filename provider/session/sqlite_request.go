package session

import (
	"context"
	"database/sql"
	"errors"
	"time"

	"github.com/einlass/einlass/keys"
)

// scanRecord reads the record of key, the only column of row, into what value points to.
func scanRecord(row *sql.Row, key string, value any) error {
	var text string
	if err := row.Scan(&text); err != nil {
		return found(err)
	}
	_, err := decodeOf(key, text, value)
	return err
}

func (s *sqliteStore) PutRequest(ctx context.Context, r AuthRequest) error {
	defer s.opt.observe("put_request", time.Now())
	id := hashText(r.ID)
	value, err := encode(id, r.Expires, r)
	if err != nil {
		return fail("put request", err)
	}
	_, err = s.exec(ctx, s.putRequest, id, r.Expires.UnixMilli(), value)
	return fail("put request", err)
}

func (s *sqliteStore) Request(ctx context.Context, id string, now time.Time) (AuthRequest, error) {
	defer s.opt.observe("request", time.Now())
	key := hashText(id)
	var r AuthRequest
	if err := scanRecord(s.request.row(ctx, key, now.UnixMilli()), key, &r); err != nil {
		return AuthRequest{}, fail("request", err)
	}
	return r, nil
}

func (s *sqliteStore) TakeRequest(ctx context.Context, id string, now time.Time) (AuthRequest, error) {
	defer s.opt.observe("take_request", time.Now())
	key := hashText(id)
	var r AuthRequest
	err := s.update(ctx, func(tx *sql.Tx) error {
		return scanRecord(s.takeRequest.in(ctx, tx).row(ctx, key, now.UnixMilli()), key, &r)
	})
	if err != nil {
		return AuthRequest{}, fail("take request", err)
	}
	return r, nil
}

func (s *sqliteStore) PutDevice(ctx context.Context, h keys.Secret, d Device, expires time.Time) error {
	defer s.opt.observe("put_device", time.Now())
	tag, hash, ok := locateFor(h, d.User)
	if !ok {
		return ErrNotFound
	}
	key := handleKey(tag, hash)
	value, err := encode(key, expires, d)
	if err != nil {
		return fail("put device", err)
	}
	_, err = s.exec(ctx, s.putDevice, key, expires.UnixMilli(), value)
	return fail("put device", err)
}

func (s *sqliteStore) Device(ctx context.Context, h keys.Secret, now time.Time) (Device, error) {
	defer s.opt.observe("device", time.Now())
	tag, hash, ok := locate(h)
	if !ok {
		return Device{}, ErrNotFound
	}
	key := handleKey(tag, hash)
	var d Device
	if err := scanRecord(s.device.row(ctx, key, now.UnixMilli()), key, &d); err != nil {
		return Device{}, fail("device", err)
	}
	return d, nil
}

func (s *sqliteStore) Reserve(ctx context.Context, key string, limit int, window time.Duration, now time.Time) (Verdict, error) {
	defer s.opt.observe("reserve", time.Now())
	id := hashText(key)
	var verdict Verdict
	err := s.update(ctx, func(tx *sql.Tx) error {
		var count int
		err := s.reserve.in(ctx, tx).row(ctx,
			id, now.Add(window).UnixMilli(), now.UnixMilli(), limit).Scan(&count)
		if err == nil {
			verdict = Verdict{Allowed: true, Remaining: limit - count}
			return nil
		}
		if !errors.Is(err, sql.ErrNoRows) {
			return err
		}
		end := now.Add(window).UnixMilli() // a limit of 0 opens no window
		err = s.windowEnd.in(ctx, tx).row(ctx, id, now.UnixMilli()).Scan(&end)
		if err != nil && !errors.Is(err, sql.ErrNoRows) {
			return err
		}
		verdict = Verdict{RetryAfter: time.Duration(end-now.UnixMilli()) * time.Millisecond}
		return nil
	})
	if err != nil {
		return Verdict{}, fail("reserve", err)
	}
	return verdict, nil
}

func (s *sqliteStore) Refund(ctx context.Context, key string, now time.Time) error {
	defer s.opt.observe("refund", time.Now())
	id := hashText(key)
	err := s.update(ctx, func(tx *sql.Tx) error {
		ended, err := s.refundLast.in(ctx, tx).exec(ctx, id, now.UnixMilli())
		if err != nil {
			return err
		}
		if n, err := ended.RowsAffected(); n > 0 || err != nil {
			return err
		}
		_, err = s.refund.in(ctx, tx).exec(ctx, id, now.UnixMilli())
		return err
	})
	return fail("refund", err)
}
