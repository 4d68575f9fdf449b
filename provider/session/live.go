package session

import (
	"context"
	"errors"
	"time"

	"github.com/einlass/einlass/keys"
	"github.com/einlass/einlass/users"
)

// decider is the part of the directory that every door asks.
type decider interface {
	Decision(ctx context.Context, id users.ID, application users.ApplicationID, now time.Time) (users.Decision, error)
}

// Live returns the session of a cookie if its person may still come in: they
// are active and nothing has ended their sessions since. Otherwise it returns
// ErrNotFound. The decision is the directory's about application (empty: none);
// whether it grants access is for the caller to look at.
func (m *Manager) Live(ctx context.Context, cookie keys.Secret, directory decider, application users.ApplicationID) (Session, users.Decision, error) {
	s, err := m.Current(ctx, cookie)
	if err != nil {
		return Session{}, users.Decision{}, err
	}
	d, err := directory.Decision(ctx, s.User, application, m.now())
	switch {
	case errors.Is(err, users.ErrNotFound):
		return Session{}, users.Decision{}, ErrNotFound
	case err != nil:
		return Session{}, users.Decision{}, err
	case !d.Lives(s.Epoch):
		return Session{}, users.Decision{}, ErrNotFound
	}
	return s, d, nil
}
