package admin

import (
	"context"
	"strings"

	"github.com/einlass/einlass/users"
)

// actorName is who did something, for people.
type actorName struct {
	Key  string // translation key of somebody who is no person; empty: Name
	Name string
}

// actorNames returns the names of actors: people by theirs.
func (h *Handler) actorNames(ctx context.Context, actors ...users.Actor) (map[users.Actor]actorName, error) {
	var ids []users.ID
	for _, actor := range actors {
		if id, isPerson := actor.User(); isPerson {
			ids = append(ids, id)
		}
	}
	people := map[users.ID]users.User{}
	if len(ids) > 0 {
		var err error
		if people, err = h.cfg.Users.Read().UsersByID(ctx, ids); err != nil {
			return nil, err
		}
	}
	names := map[users.Actor]actorName{}
	for _, actor := range actors {
		name := actorName{Name: string(actor)}
		id, isPerson := actor.User()
		switch u, known := people[id]; {
		case isPerson && known:
			name.Name = u.DisplayName()
		case strings.HasPrefix(string(actor), string(users.ActorImport(""))):
			name = actorName{Key: "imports.by_schedule"}
		}
		names[actor] = name
	}
	return names, nil
}
