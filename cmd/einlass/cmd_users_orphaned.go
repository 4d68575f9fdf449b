package main

import (
	"context"
	"slices"

	"github.com/einlass/einlass/importer"
	"github.com/einlass/einlass/users"
)

// orphaned returns those of some people whom no source shows as working there:
// leavers whom somebody let in again, and people who have no source at all. What
// a connection remembers that is switched off or gone says nothing about today.
func orphaned(ctx context.Context, a *app, people []users.User) ([]users.User, error) {
	applications, err := a.Directory.Read().Applications(ctx)
	if err != nil {
		return nil, err
	}
	sources := map[users.ApplicationID]bool{}
	for _, application := range applications {
		sources[application.ID] = application.Import != nil && !application.Disabled
	}
	ids := make([]users.ID, 0, len(people))
	for _, u := range people {
		ids = append(ids, u.ID)
	}
	records, err := a.Directory.Read().PeopleOf(ctx, ids)
	if err != nil {
		return nil, err
	}
	return slices.DeleteFunc(people, func(u users.User) bool {
		return slices.ContainsFunc(records[u.ID], func(p users.Person) bool { return sources[p.Connection] && importer.Employed(p.Status) })
	}), nil
}
