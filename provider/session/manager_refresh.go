package session

import (
	"context"
	"errors"

	"github.com/einlass/einlass/keys"
	"github.com/einlass/einlass/users"
)

// errNotOffline: without offline access there are no refresh tokens, because
// the session already is what an application can come back to.
var errNotOffline = errors.New("session: the grant has no offline access")

// IssueRefresh writes the first refresh token of g's family and returns it. The
// nonce stays behind: it belongs to one ID token (OpenID Connect Core section 12.2).
func (m *Manager) IssueRefresh(ctx context.Context, g Grant) (keys.Secret, error) {
	if !g.Offline {
		return "", errNotOffline
	}
	now := m.now()
	g.Nonce = ""
	t := RefreshToken{Grant: g, Expires: now.Add(m.life.RefreshIdle), Ends: now.Add(m.life.RefreshAbsolute)}
	if t.Ends.Before(t.Expires) {
		t.Expires = t.Ends
	}
	h := NewHandle(g.User)
	if err := m.store.PutRefresh(ctx, h, t); err != nil {
		return "", err
	}
	return h, nil
}

// RefreshToken returns what a refresh token stands for without using it, or ErrNotFound.
func (m *Manager) RefreshToken(ctx context.Context, token keys.Secret) (RefreshToken, error) {
	return m.store.Refresh(ctx, token, m.now())
}

// Refresh uses a refresh token of a client as Store.RotateRefresh does, and
// returns the one that takes its place with the family's grant. Whether the
// person may still come in is not known here: compare the epoch with the directory's.
func (m *Manager) Refresh(ctx context.Context, token keys.Secret, clientID string) (keys.Secret, Grant, error) {
	tag, _, ok := SplitHandle(token)
	if !ok {
		return "", Grant{}, ErrNotFound
	}
	now := m.now()
	next := newHandle(tag)
	g, err := m.store.RotateRefresh(ctx, Rotation{
		Old:      token,
		New:      next,
		ClientID: clientID,
		IdleEnd:  now.Add(m.life.RefreshIdle),
	}, now)
	if err != nil {
		return "", Grant{}, err
	}
	return next, g, nil
}

// Families returns what applications can use while a person is away, the youngest
// first. Whether the person may still come in is not known here: compare the epochs
// with the directory's.
func (m *Manager) Families(ctx context.Context, user users.ID) ([]RefreshToken, error) {
	return m.store.FamiliesOf(ctx, user, m.now())
}

// DropToken makes one access token unusable.
func (m *Manager) DropToken(ctx context.Context, token keys.Secret) error {
	return m.store.DeleteToken(ctx, token)
}
