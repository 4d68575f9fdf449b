package main

import (
	"context"
	"path/filepath"
	"time"

	"github.com/einlass/einlass/provider/session"
	"github.com/einlass/einlass/users"
)

// openSessions opens the store of sessions, once: Redis where configured, else a
// file beside the directory. Close closes it.
func (a *app) openSessions(ctx context.Context) (_ session.Store, err error) {
	a.opening.Lock()
	defer a.opening.Unlock()
	if a.sessions != nil {
		return a.sessions, nil
	}
	opts := session.Options{Logger: a.log}
	var store session.Store
	if a.cfg.RedisURL != "" {
		opts.Observe = a.metrics.storeObserver("redis")
		store, err = session.OpenRedis(ctx, a.cfg.RedisURL.Reveal(), opts)
	} else {
		opts.Observe = a.metrics.storeObserver("sqlite")
		store, err = session.OpenSQLite(ctx, filepath.Join(a.cfg.Data, fileSessions), opts)
	}
	if err != nil {
		return nil, err
	}
	a.sessions = store
	return store, nil
}

// sessionCounter tells the importer which sessions a suspension would end.
type sessionCounter struct{ app *app }

// CountSessions implements importer.Sessions for people who are active.
func (c sessionCounter) CountSessions(ctx context.Context, people []users.User) (map[users.ID]int, error) {
	store, err := c.app.openSessions(ctx)
	if err != nil {
		return nil, err
	}
	counts := map[users.ID]int{}
	for _, u := range people {
		sessions, err := store.SessionsOf(ctx, u.ID, time.Now())
		if err != nil {
			return nil, err
		}
		for _, s := range sessions {
			if s.Epoch == u.Epoch {
				counts[u.ID]++
			}
		}
	}
	return counts, nil
}
