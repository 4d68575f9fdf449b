package session

import (
	"context"
	"errors"

	"github.com/einlass/einlass/users"
)

// recorder is the part of the directory that learns of the end of sessions.
type recorder interface {
	RecordSessionEnds(ctx context.Context, actor users.Actor, id users.ID, ends []users.SessionEnd) error
}

// Conclude ends sessions of one person, and is the only way a session ends
// before its time. The event comes first and is durable, then the session is
// deleted: killed in between, the applications of the session are told all the
// same. about carries reason, address and request of the events.
func (m *Manager) Conclude(ctx context.Context, directory recorder, actor users.Actor, about users.SessionEnd, sessions ...Session) error {
	if len(sessions) == 0 {
		return nil
	}
	person := sessions[0].User
	ends := make([]users.SessionEnd, len(sessions))
	for i, s := range sessions {
		ends[i] = about
		ends[i].SID, ends[i].Applications = s.SID, s.Applications
	}
	if err := directory.RecordSessionEnds(ctx, actor, person, ends); err != nil {
		return err
	}
	for _, s := range sessions {
		_, err := m.End(ctx, person, s.SID)
		if err != nil && !errors.Is(err, ErrNotFound) { // not found: ended by somebody else this moment
			return err
		}
	}
	return nil
}
