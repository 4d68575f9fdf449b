package userstest

import (
	"bytes"
	"crypto/rand"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	_ "github.com/jackc/pgx/v5/stdlib" // registers the driver "pgx"

	"github.com/einlass/einlass/provider/outgoing/porttest"
)

// server is the private PostgreSQL of this test process, started by the first
// test that needs one. It ends with the process: see runUntilExit.
var server = sync.OnceValues(func() (*instance, error) { return startPostgreSQL("-c", "synchronous_commit=off") })

// instance is a running server. Its end of the pipe must stay reachable: once
// it is closed, also by the garbage collector, the server stops.
type instance struct {
	url     string
	account *syscall.Credential
	folder  string
	program []string

	shell *exec.Cmd
	pipe  io.WriteCloser
}

// PostgreSQLServer is a PostgreSQL of one test, which can be restarted.
type PostgreSQLServer struct {
	URL string // of an empty database

	t        testing.TB
	instance *instance
}

// StartPostgreSQL starts a server and ends it with the test. Where PostgreSQL is
// not installed it does as PostgresURL does.
func StartPostgreSQL(t testing.TB) *PostgreSQLServer {
	t.Helper()
	// A crash of the server alone loses nothing that was committed.
	running, err := startPostgreSQL("-c", "synchronous_commit=on")
	require(t, err)
	t.Cleanup(func() {
		_ = running.pipe.Close() // it may have ended already
		_ = running.shell.Wait() // says how the server ended
	})
	return &PostgreSQLServer{URL: running.url, t: t, instance: running}
}

// Restart ends the server as a crash would and starts it on the same data.
func (s *PostgreSQLServer) Restart() {
	s.t.Helper()
	if _, err := s.instance.pipe.Write([]byte("keep\n")); err != nil {
		s.t.Fatalf("postgres: restart: %v", err)
	}
	_ = s.instance.shell.Wait() // says how the server ended
	if err := s.instance.run(); err != nil {
		s.t.Fatalf("postgres: restart: %v", err)
	}
}

// require skips or fails the test if there is no server.
func require(t testing.TB, err error) {
	t.Helper()
	if errors.Is(err, errNoPostgreSQL) && os.Getenv("EINLASS_TEST_REQUIRE") != "all" {
		t.Skip("skipped: " + err.Error())
	}
	if err != nil {
		t.Fatal(err)
	}
}

// errNoPostgreSQL says that the programs are not installed.
var errNoPostgreSQL = errors.New("postgres and initdb are not installed")

// PostgresURL returns the URL of an empty schema of its own on a private
// PostgreSQL. Where PostgreSQL is not installed the test is skipped, or fails
// if EINLASS_TEST_REQUIRE is "all".
func PostgresURL(t testing.TB) string {
	t.Helper()
	running, err := server()
	require(t, err)
	schema := "test_" + strings.ToLower(rand.Text())
	db, err := sql.Open("pgx", running.url)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if _, err := db.ExecContext(t.Context(), "CREATE SCHEMA "+schema); err != nil {
		t.Fatal(err)
	}
	return running.url + "&search_path=" + schema
}

// startPostgreSQL starts a new server with further arguments on a free loopback port.
func startPostgreSQL(arguments ...string) (*instance, error) {
	bin, err := binaries()
	if err != nil {
		return nil, err
	}
	account, err := unprivileged()
	if err != nil {
		return nil, err
	}
	folder, err := os.MkdirTemp("", "einlass-postgresql-")
	if err != nil {
		return nil, err
	}
	if account != nil {
		if err := os.Chown(folder, int(account.Uid), int(account.Gid)); err != nil {
			return nil, err
		}
	}
	data := filepath.Join(folder, "data")
	// Texts are ordered by the rules of a language, not by bytes, as on most real servers.
	initialise := exec.Command(filepath.Join(bin, "initdb"), "--pgdata", data, "--username", "einlass", "--auth", "trust",
		"--encoding", "UTF8", "--locale", "C", "--locale-provider", "icu", "--icu-locale", "en-US", "--no-sync")
	initialise.Dir = folder
	initialise.SysProcAttr = &syscall.SysProcAttr{Credential: account}
	if output, err := initialise.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("initdb: %w: %s", err, output)
	}
	free, err := porttest.Port()
	if err != nil {
		return nil, err
	}
	port := strconv.Itoa(free)
	in := &instance{
		url:     "postgres://einlass@" + net.JoinHostPort("127.0.0.1", port) + "/postgres?sslmode=disable",
		account: account, folder: folder,
		program: append([]string{filepath.Join(bin, "postgres"), "-D", data, "-h", "127.0.0.1", "-p", port,
			"-k", "", "-c", "max_connections=500", "-c", "deadlock_timeout=50ms", "-c", "fsync=off", "-c", "shared_buffers=32MB"}, arguments...),
	}
	return in, in.run()
}

// run starts the server, which ends when this process does, however that
// happens: a shell waits for the end of the pipe that only this process holds,
// then stops the server and, unless it is told to keep it, removes its folder.
func (in *instance) run() error {
	const script = `folder=$1; shift
"$@" >>"$folder/log" 2>&1 </dev/null &
pid=$!
read -r line
kill -QUIT "$pid"
wait "$pid"
[ "$line" = keep ] || rm -rf "$folder"`
	in.shell = exec.Command("sh", append([]string{"-c", script, "sh", in.folder}, in.program...)...)
	in.shell.Dir = in.folder
	// A group of its own, so that an interrupt of the test leaves it to the shell.
	in.shell.SysProcAttr = &syscall.SysProcAttr{Credential: in.account, Setpgid: true}
	var err error
	if in.pipe, err = in.shell.StdinPipe(); err != nil {
		return err
	}
	if err := in.shell.Start(); err != nil {
		return err
	}
	return awaitServer(in.url, in.folder)
}

func awaitServer(address, folder string) error {
	db, err := sql.Open("pgx", address)
	if err != nil {
		return err
	}
	defer db.Close()
	for range 300 {
		if err = db.Ping(); err == nil {
			return nil
		}
		time.Sleep(50 * time.Millisecond)
	}
	log, _ := os.ReadFile(filepath.Join(folder, "log")) // only to explain err
	return fmt.Errorf("postgres does not answer: %w: %s", err, bytes.TrimSpace(log))
}

// binaries returns the folder of PostgreSQL's programs.
func binaries() (string, error) {
	if path, err := exec.LookPath("initdb"); err == nil {
		return filepath.Dir(path), nil
	}
	candidates, err := filepath.Glob("/usr/lib/postgresql/*/bin")
	if err != nil {
		return "", err
	}
	if output, err := exec.Command("pg_config", "--bindir").Output(); err == nil {
		candidates = append(candidates, string(bytes.TrimSpace(output)))
	}
	for _, folder := range candidates {
		if _, err := os.Stat(filepath.Join(folder, "initdb")); err == nil {
			return folder, nil
		}
	}
	return "", errNoPostgreSQL
}

// unprivileged returns the account to run PostgreSQL under when we are root,
// which it refuses; else nil.
func unprivileged() (*syscall.Credential, error) {
	if os.Geteuid() != 0 {
		return nil, nil
	}
	account, err := user.Lookup("nobody")
	if err != nil {
		return nil, err
	}
	uid, err := strconv.ParseUint(account.Uid, 10, 32)
	if err != nil {
		return nil, err
	}
	gid, err := strconv.ParseUint(account.Gid, 10, 32)
	if err != nil {
		return nil, err
	}
	return &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}, nil
}
