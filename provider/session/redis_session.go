package session

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/einlass/einlass/keys"
	"github.com/einlass/einlass/users"
)

var (
	luaPutSession   = script("put_session")
	luaRenewSession = script("renew_session")
	luaSession      = script("session")
	luaTouchSession = script("touch_session")
	luaEndSession   = script("end_session")
	luaSessionsOf   = script("sessions_of")
)

func (s *redisStore) PutSession(ctx context.Context, h keys.Secret, session Session) error {
	defer s.opt.observe("put_session", time.Now())
	tag, hash, ok := locateFor(h, session.User)
	if !ok {
		return ErrNotFound
	}
	keyNames, args, err := sessionArgs(tag, hash, session)
	if err != nil {
		return fail("put session", err)
	}
	args = append(args, session.Seen.Add(-slack).UnixMilli())
	for _, a := range session.Applications {
		args = append(args, string(a))
	}
	_, err = s.answer(ctx, luaPutSession, keyNames, args...)
	return fail("put session", err)
}

func (s *redisStore) RenewSession(ctx context.Context, before, h keys.Secret, session Session) error {
	defer s.opt.observe("renew_session", time.Now())
	_, oldHash, oldOK := locateFor(before, session.User)
	tag, hash, ok := locateFor(h, session.User)
	if !oldOK || !ok {
		return ErrNotFound
	}
	keyNames, args, err := sessionArgs(tag, hash, session)
	if err != nil {
		return fail("renew session", err)
	}
	_, err = s.answer(ctx, luaRenewSession, keyNames, append(args, oldHash)...)
	return fail("renew session", err)
}

// sessionArgs is what a script needs to write a session under the handle with
// hash. Applications are not part of the record: they are fields of their own.
func sessionArgs(tag Tag, hash string, session Session) (keyNames []string, args []any, err error) {
	sessionKey, cookieKey := userKey(tag, "session", session.SID), userKey(tag, "cookie", hash)
	session.Applications = nil
	value, errValue := encode(sessionKey, session.Expires, session)
	cookie, errCookie := encode(cookieKey, session.Expires, session.SID)
	return []string{sessionKey, cookieKey, indexKey(tag)}, []any{
		session.SID, hash, session.Seen.UnixMilli(), session.Expires.UnixMilli(), ttl(session.Expires), value, cookie,
	}, errors.Join(errValue, errCookie)
}

func (s *redisStore) Session(ctx context.Context, h keys.Secret, now time.Time) (Session, error) {
	defer s.opt.observe("session", time.Now())
	tag, hash, ok := locate(h)
	if !ok {
		return Session{}, ErrNotFound
	}
	fields, err := luaSession.Run(ctx, s.client, []string{userKey(tag, "cookie", hash)}).StringSlice()
	if err != nil {
		return Session{}, fail("session", err)
	}
	session, handle, err := sessionOf(tag, fields)
	if err != nil {
		return Session{}, fail("session", err)
	}
	if handle != hash || !session.Expires.After(now) {
		return Session{}, ErrNotFound
	}
	return session, nil
}

func (s *redisStore) TouchSession(ctx context.Context, h keys.Secret, seen, expires time.Time) error {
	defer s.opt.observe("touch_session", time.Now())
	tag, hash, ok := locate(h)
	if !ok {
		return ErrNotFound
	}
	_, err := s.answer(ctx, luaTouchSession, []string{userKey(tag, "cookie", hash), indexKey(tag)},
		seen.UnixMilli(), expires.UnixMilli(), ttl(expires))
	return fail("touch session", err)
}

func (s *redisStore) EndSession(ctx context.Context, told Session, now time.Time) (Session, error) {
	defer s.opt.observe("end_session", time.Now())
	tag := TagOf(told.User)
	args := []any{told.SID}
	for _, a := range told.Applications {
		args = append(args, string(a))
	}
	fields, err := s.answers(ctx, luaEndSession, []string{userKey(tag, "session", told.SID), indexKey(tag)}, args...)
	if err != nil && !errors.Is(err, ErrUntold) {
		return Session{}, fail("end session", err)
	}
	session, _, errFields := sessionOf(tag, fields)
	if errFields != nil {
		return Session{}, fail("end session", errFields)
	}
	if session.User != told.User || !session.Expires.After(now) {
		return Session{}, ErrNotFound
	}
	return session, err
}

func (s *redisStore) SessionsOf(ctx context.Context, user users.ID, now time.Time) ([]Session, error) {
	defer s.opt.observe("sessions_of", time.Now())
	tag := TagOf(user)
	replies, err := luaSessionsOf.Run(ctx, s.client, []string{indexKey(tag)}, now.UnixMilli()).Slice()
	if err != nil {
		return nil, fail("sessions of user", err)
	}
	var sessions []Session
	for _, reply := range replies {
		fields, err := texts(reply)
		if err != nil {
			return nil, fail("sessions of user", err)
		}
		session, _, err := sessionOf(tag, fields)
		if err != nil {
			return nil, fail("sessions of user", err)
		}
		if session.User == user && session.Expires.After(now) {
			sessions = append(sessions, session)
		}
	}
	newestFirst(sessions)
	return sessions, nil
}

// texts returns the elements of a nested reply.
func texts(reply any) ([]string, error) {
	elements, ok := reply.([]any)
	if !ok {
		return nil, fmt.Errorf("reply of type %T", reply)
	}
	list := make([]string, 0, len(elements))
	for _, e := range elements {
		text, ok := e.(string)
		if !ok {
			return nil, fmt.Errorf("reply with an element of type %T", e)
		}
		list = append(list, text)
	}
	return list, nil
}

// sessionOf reads the fields of a session of the user with tag, and the hash of
// its cookie's secret. Without fields it returns ErrNotFound.
func sessionOf(tag Tag, fields []string) (session Session, handle string, err error) {
	if len(fields) == 0 {
		return Session{}, "", ErrNotFound
	}
	field := make(map[string]string)
	for pair := range slices.Chunk(fields, 2) {
		field[pair[0]] = pair[len(pair)-1]
	}
	key, _, err := decode(field["value"], &session)
	if err != nil {
		return Session{}, "", err
	}
	if key != userKey(tag, "session", session.SID) {
		return Session{}, "", errForeignRecord
	}
	seen, errSeen := strconv.ParseInt(field["seen"], 10, 64)
	expires, errExpires := strconv.ParseInt(field["expires"], 10, 64)
	if err := errors.Join(errSeen, errExpires); err != nil {
		return Session{}, "", fmt.Errorf("stored session: %w", err)
	}
	session.Seen, session.Expires = fromMillis(seen), fromMillis(expires)
	for name := range field {
		if id, ok := strings.CutPrefix(name, "application:"); ok {
			session.Applications = append(session.Applications, users.ApplicationID(id))
		}
	}
	slices.Sort(session.Applications)
	return session, field["handle"], nil
}
