package session

import (
	"context"

	"github.com/einlass/einlass/keys"
	"github.com/einlass/einlass/users"
)

// Visitor is somebody who is signed in.
type Visitor struct {
	Session  Session // as it was before this visit
	User     users.User
	Decision users.Decision
}

// Visit returns the person whom a cookie signs in, with groups, and what the
// directory decides about application (empty: none), and notes that the session
// is in use. It returns ErrNotFound when nobody is signed in, see Live.
func (m *Manager) Visit(ctx context.Context, cookie keys.Secret, directory users.Reader, application users.ApplicationID) (Visitor, error) {
	s, decision, err := m.Live(ctx, cookie, directory, application)
	if err != nil {
		return Visitor{}, err
	}
	if err := m.Touch(ctx, cookie, s); err != nil {
		return Visitor{}, err
	}
	user, err := directory.User(ctx, s.User)
	return Visitor{Session: s, User: user, Decision: decision}, err
}
