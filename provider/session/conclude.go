package session

import (
	"context"
	"errors"
	"slices"

	"github.com/einlass/einlass/users"
)

// recorder is the part of the directory that learns of the end of sessions.
type recorder interface {
	RecordSessionEnds(ctx context.Context, actor users.Actor, id users.ID, ends []users.SessionEnd) error
}

// maxEnds bounds the events of one transaction.
const maxEnds = 100

// Conclude ends sessions of one person with their codes and access tokens, and
// is the only way a session ends before its time. The event comes first and is durable,
// then the session is deleted: killed in between, the applications of the session
// are told all the same. about carries reason, address and request of the events. A
// session that somebody else ended first is no error.
func (m *Manager) Conclude(ctx context.Context, directory recorder, actor users.Actor, about users.SessionEnd, sessions ...Session) error {
	for part := range slices.Chunk(sessions, maxEnds) {
		ends := make([]users.SessionEnd, len(part))
		for i, s := range part {
			ends[i] = endOf(s, about)
		}
		if err := directory.RecordSessionEnds(ctx, actor, part[0].User, ends); err != nil {
			return err
		}
		for _, s := range part {
			if err := m.end(ctx, directory, actor, about, s); err != nil {
				return err
			}
		}
	}
	return nil
}

// end deletes a session whose end is written. Applications that have come to it
// since it was read get an event of their own first.
func (m *Manager) end(ctx context.Context, directory recorder, actor users.Actor, about users.SessionEnd, told Session) error {
	for {
		late, err := m.store.EndSession(ctx, told, m.now())
		if errors.Is(err, ErrNotFound) {
			return nil
		}
		if !errors.Is(err, ErrUntold) {
			return err
		}
		late.Applications = slices.DeleteFunc(late.Applications, func(a users.ApplicationID) bool {
			return slices.Contains(told.Applications, a)
		})
		if err := directory.RecordSessionEnds(ctx, actor, told.User, []users.SessionEnd{endOf(late, about)}); err != nil {
			return err
		}
		told.Applications = slices.Concat(told.Applications, late.Applications)
	}
}

// endOf is the event of the end of s.
func endOf(s Session, about users.SessionEnd) users.SessionEnd {
	about.SID, about.Applications = s.SID, s.Applications
	return about
}
