package session_test

import (
	"path/filepath"
	"testing"

	"github.com/einlass/einlass/provider/session"
	"github.com/einlass/einlass/provider/session/sessiontest"
)

func TestSessionStore(t *testing.T) {
	t.Parallel()
	t.Run("sqlite", func(t *testing.T) {
		t.Parallel()
		path := filepath.Join(t.TempDir(), "session.db")
		sessiontest.Run(t, func(t *testing.T) session.Store { return sessiontest.OpenSQLite(t, path) })
	})
	t.Run("redis", func(t *testing.T) {
		t.Parallel()
		url := sessiontest.RedisURL(t)
		sessiontest.Run(t, func(t *testing.T) session.Store { return sessiontest.OpenRedis(t, url) })
	})
	t.Run("redis-cluster", func(t *testing.T) {
		t.Parallel()
		url := sessiontest.RedisClusterURL(t)
		sessiontest.Run(t, func(t *testing.T) session.Store { return sessiontest.OpenRedis(t, url) })
	})
}
