package session_test

import (
	"context"
	"fmt"
	"net"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/einlass/einlass/provider/session"
	"github.com/einlass/einlass/provider/session/sessiontest"
)

func TestOpenRedisAsksTheSentinel(t *testing.T) {
	t.Parallel()
	server := sessiontest.StartRedis(t)
	u, err := url.Parse(server.URL)
	if err != nil {
		t.Fatal(err)
	}
	password, _ := u.User.Password()
	port := startSentinel(t, u.Port(), password)

	s := openEventually(t, fmt.Sprintf("redis+sentinel://:%s@127.0.0.1:%d/main/2", password, port))
	g := stored(t, s)
	if err := g.take(t.Context(), s); err != nil {
		t.Error(err)
	}
	if n, err := server.Client().DBSize(t.Context()).Result(); err != nil || n != 0 {
		t.Errorf("database 0 has %d keys, %v, want 0: the URL names database 2", n, err)
	}
	if _, err := session.OpenRedis(t.Context(), fmt.Sprintf("redis+sentinel://127.0.0.1:%d/other", port), session.Options{}); err == nil {
		t.Error("opened a master the sentinel does not know")
	}
}

// startSentinel starts a sentinel that watches the server at port as "main" and returns its port.
func startSentinel(t *testing.T, watched, password string) int {
	t.Helper()
	dir, port := t.TempDir(), sessiontest.FreePort(t)
	conf := filepath.Join(dir, "sentinel.conf") // it rewrites the file, so not from standard input
	text := fmt.Sprintf("port %d\nbind 127.0.0.1\ndir %q\nsentinel monitor main 127.0.0.1 %s 1\nsentinel auth-pass main %s\n",
		port, dir, watched, password)
	if err := os.WriteFile(conf, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	cmd := exec.CommandContext(ctx, "redis-server", conf, "--sentinel")
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		cancel()
		_ = cmd.Wait() // it was killed
	})
	for deadline := time.Now().Add(20 * time.Second); ; time.Sleep(5 * time.Millisecond) {
		conn, err := net.Dial("tcp", fmt.Sprintf("127.0.0.1:%d", port))
		if err == nil {
			_ = conn.Close() // somebody listens
			return port
		}
		if time.Now().After(deadline) {
			t.Fatal(err)
		}
	}
}

// openEventually opens the store at location as soon as its servers are ready,
// and closes it with the test.
func openEventually(t *testing.T, location string) session.Store {
	t.Helper()
	for deadline := time.Now().Add(20 * time.Second); ; {
		s, err := openAt(t.Context(), location)
		if err == nil {
			t.Cleanup(func() {
				if err := s.Close(); err != nil {
					t.Error(err)
				}
			})
			if err = newGrantCase().put(t.Context(), s); err == nil {
				return s
			}
		}
		if time.Now().After(deadline) {
			t.Fatal(err)
		}
		time.Sleep(20 * time.Millisecond)
	}
}
