package session

import (
	"context"

	"github.com/einlass/einlass/keys"
	"github.com/einlass/einlass/users"
)

// Visit returns the person whom a cookie signs in, with groups, and what the
// directory decides about application (empty: none), and notes that the session
// is in use. It returns ErrNotFound when nobody is signed in, see Live.
func (m *Manager) Visit(ctx context.Context, cookie keys.Secret, directory users.Reader, application users.ApplicationID) (users.User, users.Decision, error) {
	s, decision, err := m.Live(ctx, cookie, directory, application)
	if err != nil {
		return users.User{}, users.Decision{}, err
	}
	if err := m.Touch(ctx, cookie, s); err != nil {
		return users.User{}, users.Decision{}, err
	}
	user, err := directory.User(ctx, s.User)
	return user, decision, err
}
