package sessiontest

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/einlass/einlass/provider/outgoing/porttest"
)

// RedisServer is a redis-server of one test, on a free loopback port, with an
// append-only file in a temporary folder and a random password, so that a port
// somebody else was faster to take is noticed.
type RedisServer struct {
	Dir string // holds its append-only file
	URL string // redis://…

	t        testing.TB
	program  string
	mode     []string // further arguments of the program
	settings []string
	port     int
	password string // empty: none
	process  *os.Process
	exited   chan struct{}
}

// StartRedis starts a redis-server with further lines of configuration, and
// ends it with the test. Without the program the test is skipped, or fails if
// EINLASS_TEST_REQUIRE is "all".
func StartRedis(t testing.TB, settings ...string) *RedisServer {
	t.Helper()
	return startRedis(t, rand.Text(), settings...)
}

func startRedis(t testing.TB, password string, settings ...string) *RedisServer {
	t.Helper()
	settings = append([]string{"requirepass " + password, "appendonly yes", `save ""`}, settings...)
	return startServer(t, &RedisServer{settings: settings, password: password})
}

// startSentinel starts a sentinel, which has no password.
func startSentinel(t testing.TB, settings ...string) *RedisServer {
	t.Helper()
	return startServer(t, &RedisServer{settings: settings, mode: []string{"--sentinel"}})
}

// startServer starts s on a free port.
func startServer(t testing.TB, s *RedisServer) *RedisServer {
	t.Helper()
	program, err := exec.LookPath("redis-server")
	if err != nil {
		if os.Getenv("EINLASS_TEST_REQUIRE") == "all" {
			t.Fatal("redis-server is not on PATH")
		}
		t.Skip("redis-server is not on PATH")
	}
	s.Dir, s.t, s.program = t.TempDir(), t, program
	t.Cleanup(s.Kill)
	for range 5 { // another process may take the free port first
		s.port = FreePort(t)
		s.URL = fmt.Sprintf("redis://:%s@127.0.0.1:%d", s.password, s.port)
		if err = s.start(); err == nil {
			return s
		}
		s.Kill()
	}
	t.Fatalf("redis-server: %v", err)
	return nil
}

// FreePort returns a loopback port that was free a moment ago.
func FreePort(t testing.TB) int {
	t.Helper()
	port, err := porttest.Port()
	if err != nil {
		t.Fatal(err)
	}
	return port
}

// Addr returns the server's host:port.
func (s *RedisServer) Addr() string { return net.JoinHostPort("127.0.0.1", strconv.Itoa(s.port)) }

// Client returns a client of the server that is no store.
func (s *RedisServer) Client() *redis.Client {
	c := s.client()
	s.t.Cleanup(func() { _ = c.Close() }) // nothing of the test depends on it
	return c
}

func (s *RedisServer) client() *redis.Client {
	return redis.NewClient(&redis.Options{Addr: s.Addr(), Password: s.password, DialerRetries: 1, MaxRetries: -1})
}

// Restart kills the server as a crash would and starts it on the same data.
func (s *RedisServer) Restart() {
	s.t.Helper()
	s.Kill()
	if err := s.start(); err != nil {
		s.t.Fatalf("redis-server: restart: %v", err)
	}
}

// Kill ends the server without a chance to tidy up.
func (s *RedisServer) Kill() {
	if s.process != nil {
		_ = s.process.Kill() // it may have ended already
		<-s.exited
		s.process = nil
	}
}

// Freeze makes the server silent while its connections stay open.
func (s *RedisServer) Freeze() {
	s.t.Helper()
	if err := s.process.Signal(syscall.SIGSTOP); err != nil {
		s.t.Fatalf("redis-server: freeze: %v", err)
	}
}

func (s *RedisServer) start() error {
	lines := append([]string{
		"port " + strconv.Itoa(s.port),
		"bind 127.0.0.1",
		"dir " + strconv.Quote(s.Dir),
	}, s.settings...)
	conf := filepath.Join(s.Dir, "redis.conf") // a sentinel rewrites it
	if err := os.WriteFile(conf, []byte(strings.Join(lines, "\n")+"\n"), 0o600); err != nil {
		return err
	}
	log, err := os.Create(filepath.Join(s.Dir, "log"))
	if err != nil {
		return err
	}
	defer log.Close()
	cmd := exec.Command(s.program, append([]string{conf}, s.mode...)...)
	cmd.Stdout, cmd.Stderr = log, log
	if err := cmd.Start(); err != nil {
		return err
	}
	s.process, s.exited = cmd.Process, make(chan struct{})
	go func(exited chan struct{}) {
		_ = cmd.Wait() // a killed server has no good exit status
		close(exited)
	}(s.exited)
	return s.ready()
}

// ready waits until the server has read its data and answers to its password.
func (s *RedisServer) ready() error {
	deadline := time.Now().Add(20 * time.Second)
	for {
		err := s.ping()
		if err == nil {
			return nil
		}
		select {
		case <-s.exited:
			text, _ := os.ReadFile(filepath.Join(s.Dir, "log")) // err is told anyway
			return fmt.Errorf("%w; it ended, saying: %s", err, text)
		case <-time.After(5 * time.Millisecond):
		}
		if time.Now().After(deadline) {
			return err
		}
	}
}

// ping knocks first, because go-redis prints a line when nobody listens.
func (s *RedisServer) ping() error {
	conn, err := net.Dial("tcp", s.Addr())
	if err != nil {
		return err
	}
	client := s.client()
	return errors.Join(client.Ping(context.Background()).Err(), client.Close(), conn.Close())
}
