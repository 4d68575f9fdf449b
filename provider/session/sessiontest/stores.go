// Package sessiontest proves session stores ([Run]) and gives other packages'
// tests real ones: an SQLite file in a temporary folder, a private redis-server.
package sessiontest

import (
	"iter"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/einlass/einlass/provider/session"
)

// SQLite returns a store on a fresh file, closed with the test.
func SQLite(t testing.TB) session.Store {
	t.Helper()
	return OpenSQLite(t, filepath.Join(t.TempDir(), "session.db"))
}

// OpenSQLite returns a store on the file at path, closed with the test.
func OpenSQLite(t testing.TB, path string) session.Store {
	t.Helper()
	s, err := session.OpenSQLite(t.Context(), path, session.Options{})
	if err != nil {
		t.Fatal(err)
	}
	closeAfter(t, s)
	return s
}

// Redis returns a store on a redis-server of its own; see [StartRedis].
func Redis(t testing.TB) session.Store {
	t.Helper()
	return OpenRedis(t, RedisURL(t))
}

// OpenRedis returns a store on the server at url, closed with the test.
func OpenRedis(t testing.TB, url string) session.Store {
	t.Helper()
	s, err := session.OpenRedis(t.Context(), url, session.Options{})
	if err != nil {
		t.Fatal(err)
	}
	closeAfter(t, s)
	return s
}

// RedisURL returns the URL of a redis-server of its own; see [StartRedis].
func RedisURL(t testing.TB) string {
	t.Helper()
	return StartRedis(t).URL
}

// Stores yields a fresh store of each kind with its name. Where redis-server is
// missing, it runs a sub-test "redis" that is skipped, or fails if
// EINLASS_TEST_REQUIRE is "all".
func Stores(t *testing.T) iter.Seq2[string, session.Store] {
	t.Helper()
	return func(yield func(string, session.Store) bool) {
		if !yield("sqlite", SQLite(t)) {
			return
		}
		if _, err := exec.LookPath("redis-server"); err != nil && os.Getenv("EINLASS_TEST_REQUIRE") != "all" {
			t.Run("redis", func(t *testing.T) { t.Skip("redis-server is not on PATH") })
			return
		}
		yield("redis", Redis(t))
	}
}

func closeAfter(t testing.TB, s session.Store) {
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Errorf("close %s: %v", s.Name(), err)
		}
	})
}
