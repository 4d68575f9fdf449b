package sqlstore_test

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/einlass/einlass/users/sqlstore"
	"github.com/einlass/einlass/users/userstest"
)

func TestOpenWantsOnePlace(t *testing.T) {
	t.Parallel()
	for _, cfg := range []sqlstore.Config{{}, {Path: "a", URL: "postgres://b"}} {
		if _, err := sqlstore.Open(t.Context(), cfg); err == nil {
			t.Errorf("Open(%+v) succeeded, want an error", cfg)
		}
	}
}

func TestOpenNeedsTheFolder(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "missing", "einlass.db")
	if _, err := sqlstore.Open(t.Context(), sqlstore.Config{Path: path}); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("open in a missing folder: %v, want fs.ErrNotExist", err)
	}
}

// N362
func TestDamagedFileIsRefused(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "whole.db")
	s := userstest.Open(t, sqlstore.Config{Path: path})
	for i := range 100 {
		if err := add(t.Context(), s, person(fmt.Sprint("p", i))); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.Close(); err != nil { // writes everything into the one file
		t.Fatal(err)
	}
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for name, damage := range map[string]func(file []byte) []byte{
		"another kind of file":   func([]byte) []byte { return []byte(strings.Repeat("not a database ", 100)) },
		"a file cut short":       func(file []byte) []byte { return file[:len(file)/2] },
		"overwritten pages":      func(file []byte) []byte { clear(file[4096*3 : len(file)-4096]); return file },
		"an overwritten head":    func(file []byte) []byte { clear(file[:16]); return file },
		"an overwritten catalog": func(file []byte) []byte { clear(file[100:200]); return file },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			path := filepath.Join(t.TempDir(), "damaged.db")
			if err := os.WriteFile(path, damage(append([]byte(nil), whole...)), 0o600); err != nil {
				t.Fatal(err)
			}
			_, err := sqlstore.Open(t.Context(), sqlstore.Config{Path: path})
			if !errors.Is(err, sqlstore.ErrDamaged) {
				t.Fatalf("open: %v, want ErrDamaged", err)
			}
			for _, word := range []string{path, "restore a backup"} {
				if !strings.Contains(err.Error(), word) {
					t.Errorf("error %q does not say %q", err, word)
				}
			}
		})
	}
}

func TestFileIsPrivate(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	s := userstest.Open(t, sqlstore.Config{Path: filepath.Join(folder, "einlass ?#%.db")})
	if err := add(t.Context(), s, person("ada")); err != nil {
		t.Fatal(err)
	}
	files, err := os.ReadDir(folder)
	if err != nil {
		t.Fatal(err)
	}
	if len(files) != 3 {
		t.Errorf("%d files, want the database and its two companions", len(files))
	}
	for _, file := range files {
		info, err := file.Info()
		if err != nil {
			t.Fatal(err)
		}
		if info.Mode().Perm() != 0o600 || !strings.HasPrefix(file.Name(), "einlass ?#%.db") {
			t.Errorf("file %q has mode %v, want the database with 0600", file.Name(), info.Mode().Perm())
		}
	}
}

// A command beside a running server commits, and the server sees it.
func TestTwoHandlesShareOneFile(t *testing.T) {
	t.Parallel()
	cfg := sqlstore.Config{Path: filepath.Join(t.TempDir(), "einlass.db")}
	server, command := userstest.Open(t, cfg), userstest.Open(t, cfg)
	var both sync.WaitGroup
	for name, s := range map[string]*sqlstore.Store{"server": server, "command": command} {
		both.Go(func() {
			for i := range 50 {
				if err := add(t.Context(), s, person(fmt.Sprint(name, i))); err != nil {
					t.Errorf("%s: %v", name, err)
				}
			}
		})
	}
	both.Wait()
	for _, s := range []*sqlstore.Store{server, command} {
		if n := userstest.CheckLog(t, s); n != 100 {
			t.Errorf("%d events, want 100", n)
		}
	}
}
