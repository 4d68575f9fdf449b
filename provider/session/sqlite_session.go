package session

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/einlass/einlass/keys"
	"github.com/einlass/einlass/users"
)

// handleKey is the form in which a handle is stored. The tag is part of it, so
// that a handle with another user's tag is not found.
func handleKey(tag Tag, hash string) string { return string(tag) + "." + hash }

// changed turns a statement that met no row into ErrNotFound.
func changed(result sql.Result, err error) error {
	if err != nil {
		return err
	}
	n, err := result.RowsAffected()
	if err == nil && n == 0 {
		return ErrNotFound
	}
	return err
}

// found turns an empty result into ErrNotFound.
func found(err error) error {
	if errors.Is(err, sql.ErrNoRows) {
		return ErrNotFound
	}
	return err
}

func (s *sqliteStore) PutSession(ctx context.Context, h keys.Secret, session Session) error {
	defer s.opt.observe("put_session", time.Now())
	tag, hash, ok := locateFor(h, session.User)
	if !ok {
		return ErrNotFound
	}
	key := handleKey(tag, hash)
	applications, errApplications := applicationsValue(session)
	value, errValue := sessionValue(key, session)
	if err := errors.Join(errApplications, errValue); err != nil {
		return fail("put session", err)
	}
	_, err := s.exec(ctx, s.putSession, session.User, session.SID, key,
		session.Seen.UnixMilli(), session.Expires.UnixMilli(), applications, value)
	return fail("put session", err)
}

func (s *sqliteStore) RenewSession(ctx context.Context, before, h keys.Secret, session Session) error {
	defer s.opt.observe("renew_session", time.Now())
	oldTag, oldHash, oldOK := locateFor(before, session.User)
	tag, hash, ok := locateFor(h, session.User)
	if !oldOK || !ok {
		return ErrNotFound
	}
	key := handleKey(tag, hash)
	value, err := sessionValue(key, session)
	if err != nil {
		return fail("renew session", err)
	}
	return fail("renew session", changed(s.exec(ctx, s.renewSession, session.User, session.SID, handleKey(oldTag, oldHash),
		key, session.Seen.UnixMilli(), session.Expires.UnixMilli(), value)))
}

// applicationsValue is the column of a session's applications: a JSON array, also of none.
func applicationsValue(session Session) (string, error) {
	text, err := json.Marshal(append([]users.ApplicationID{}, session.Applications...))
	return string(text), err
}

// sessionValue is the record of a session without its applications, which have a column.
func sessionValue(key string, session Session) (string, error) {
	session.Applications = nil
	return encode(key, session.Expires, session)
}

func (s *sqliteStore) Session(ctx context.Context, h keys.Secret, now time.Time) (Session, error) {
	defer s.opt.observe("session", time.Now())
	tag, hash, ok := locate(h)
	if !ok {
		return Session{}, ErrNotFound
	}
	session, err := scanSession(s.session.row(ctx, handleKey(tag, hash), now.UnixMilli()))
	return session, fail("session", err)
}

func (s *sqliteStore) TouchSession(ctx context.Context, h keys.Secret, seen, expires time.Time) error {
	defer s.opt.observe("touch_session", time.Now())
	tag, hash, ok := locate(h)
	if !ok {
		return ErrNotFound
	}
	return fail("touch session", changed(
		s.exec(ctx, s.touchSession, handleKey(tag, hash), seen.UnixMilli(), expires.UnixMilli())))
}

func (s *sqliteStore) EndSession(ctx context.Context, told Session, now time.Time) (Session, error) {
	defer s.opt.observe("end_session", time.Now())
	applications, err := applicationsValue(told)
	if err != nil {
		return Session{}, fail("end session", err)
	}
	var session Session
	var refusal error
	err = s.durable(ctx, func(tx *sql.Tx) error {
		var err error
		session, err = scanSession(s.endSession.in(ctx, tx).row(ctx, told.User, told.SID, applications))
		if errors.Is(err, ErrNotFound) {
			refusal = ErrUntold
			session, err = scanSession(s.sessionOfSID.in(ctx, tx).row(ctx, told.User, told.SID))
		}
		return err
	})
	if err != nil {
		return Session{}, fail("end session", err)
	}
	if !session.Expires.After(now) {
		return Session{}, ErrNotFound
	}
	return session, refusal
}

func (s *sqliteStore) SessionsOf(ctx context.Context, user users.ID, now time.Time) ([]Session, error) {
	defer s.opt.observe("sessions_of", time.Now())
	rows, err := s.sessionsOf.rows(ctx, user, now.UnixMilli())
	if err != nil {
		return nil, fail("sessions of user", err)
	}
	defer rows.Close()
	var sessions []Session
	for rows.Next() {
		session, err := scanSession(rows)
		if err != nil {
			return nil, fail("sessions of user", err)
		}
		sessions = append(sessions, session)
	}
	newestFirst(sessions)
	return sessions, fail("sessions of user", rows.Err())
}

// scanSession reads handle, seen, expires, applications and value.
func scanSession(row interface{ Scan(dest ...any) error }) (Session, error) {
	var handle, applications, value string
	var seen, expires int64
	if err := row.Scan(&handle, &seen, &expires, &applications, &value); err != nil {
		return Session{}, found(err)
	}
	var session Session
	if _, err := decodeOf(handle, value, &session); err != nil {
		return Session{}, err
	}
	if err := json.Unmarshal([]byte(applications), &session.Applications); err != nil {
		return Session{}, fmt.Errorf("stored applications: %w", err)
	}
	session.Applications = slices.Sorted(slices.Values(session.Applications))
	session.Seen, session.Expires = fromMillis(seen), fromMillis(expires)
	return session, nil
}
