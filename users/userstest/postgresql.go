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
)

// server is the private PostgreSQL of this test process, started by the first
// test that needs one. It ends with the process: see runUntilExit.
var server = sync.OnceValues(startPostgreSQL)

// instance is a running server. Its end of the pipe must stay reachable: once
// it is closed, also by the garbage collector, the server stops.
type instance struct {
	url  string
	pipe io.Closer
}

// errNoPostgreSQL says that the programs are not installed.
var errNoPostgreSQL = errors.New("postgres and initdb are not installed")

// PostgresURL returns the URL of an empty schema of its own on a private
// PostgreSQL. Where PostgreSQL is not installed the test is skipped, or fails
// if EINLASS_TEST_REQUIRE is "all".
func PostgresURL(t testing.TB) string {
	t.Helper()
	running, err := server()
	if errors.Is(err, errNoPostgreSQL) && os.Getenv("EINLASS_TEST_REQUIRE") != "all" {
		t.Skip("skipped: " + err.Error())
	}
	if err != nil {
		t.Fatal(err)
	}
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

// startPostgreSQL starts a new server on a free loopback port.
func startPostgreSQL() (instance, error) {
	bin, err := binaries()
	if err != nil {
		return instance{}, err
	}
	account, err := unprivileged()
	if err != nil {
		return instance{}, err
	}
	folder, err := os.MkdirTemp("", "einlass-postgresql-")
	if err != nil {
		return instance{}, err
	}
	if account != nil {
		if err := os.Chown(folder, int(account.Uid), int(account.Gid)); err != nil {
			return instance{}, err
		}
	}
	data := filepath.Join(folder, "data")
	// Texts are ordered by the rules of a language, not by bytes, as on most real servers.
	initialise := exec.Command(filepath.Join(bin, "initdb"), "--pgdata", data, "--username", "einlass", "--auth", "trust",
		"--encoding", "UTF8", "--locale", "C", "--locale-provider", "icu", "--icu-locale", "en-US", "--no-sync")
	initialise.Dir = folder
	initialise.SysProcAttr = &syscall.SysProcAttr{Credential: account}
	if output, err := initialise.CombinedOutput(); err != nil {
		return instance{}, fmt.Errorf("initdb: %w: %s", err, output)
	}
	port, err := freePort()
	if err != nil {
		return instance{}, err
	}
	pipe, err := runUntilExit(account, folder, filepath.Join(bin, "postgres"), "-D", data, "-h", "127.0.0.1", "-p", port,
		"-k", "", "-c", "max_connections=500", "-c", "deadlock_timeout=50ms", "-c", "fsync=off", "-c", "synchronous_commit=off", "-c", "shared_buffers=32MB")
	if err != nil {
		return instance{}, err
	}
	address := "postgres://einlass@" + net.JoinHostPort("127.0.0.1", port) + "/postgres?sslmode=disable"
	return instance{url: address, pipe: pipe}, awaitServer(address, folder)
}

// runUntilExit starts a program that ends when this process does, however that
// happens: a shell waits for the end of the pipe that only this process holds,
// then stops the program and removes its folder.
func runUntilExit(account *syscall.Credential, folder string, program ...string) (io.Closer, error) {
	const script = `folder=$1; shift
"$@" >"$folder/log" 2>&1 </dev/null &
pid=$!
read -r line
kill -QUIT "$pid"
wait "$pid"
rm -rf "$folder"`
	shell := exec.Command("sh", append([]string{"-c", script, "sh", folder}, program...)...)
	shell.Dir = folder
	// A group of its own, so that an interrupt of the test leaves it to the shell.
	shell.SysProcAttr = &syscall.SysProcAttr{Credential: account, Setpgid: true}
	pipe, err := shell.StdinPipe()
	if err != nil {
		return nil, err
	}
	return pipe, shell.Start()
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

func freePort() (string, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	defer listener.Close()
	_, port, err := net.SplitHostPort(listener.Addr().String())
	return port, err
}
