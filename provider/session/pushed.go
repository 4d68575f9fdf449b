package session

import (
	"context"
	"fmt"
	"time"

	"github.com/einlass/einlass/keys"
	"github.com/einlass/einlass/users"
)

// Push keeps an authorization request that its client has sent itself, and
// returns the reference to it: 256 random bits. No browser is bound to it, so none can
// take it for a request that waits for its sign-in.
func (m *Manager) Push(ctx context.Context, application users.ApplicationID, p Params) (keys.Secret, time.Time, error) {
	now, reference := m.now(), keys.NewSecret()
	r := AuthRequest{
		ID:          pushedID(p.ClientID, reference.Reveal()),
		Application: application,
		Params:      p,
		Created:     now,
		Expires:     now.Add(m.life.Pushed),
	}
	return reference, r.Expires, m.store.PutRequest(ctx, r)
}

// TakePushed returns and removes what a client has pushed: of concurrent calls
// one succeeds, the others get ErrNotFound. So does another client, without
// harm to the request, because the client is part of its key.
func (m *Manager) TakePushed(ctx context.Context, client, reference string) (Params, error) {
	r, err := m.store.TakeRequest(ctx, pushedID(client, reference), m.now())
	return r.Params, err
}

// pushedID is the id of a pushed request. Quoted, no two pairs read alike.
func pushedID(client, reference string) string { return fmt.Sprintf("pushed %q %q", client, reference) }
