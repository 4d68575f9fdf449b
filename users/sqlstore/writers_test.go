package sqlstore_test

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"testing"

	"github.com/einlass/einlass/users"
	"github.com/einlass/einlass/users/sqlstore"
	"github.com/einlass/einlass/users/userstest"
)

// writerVariable holds the job of a process that only writes.
const writerVariable = "EINLASS_TEST_WRITER"

// job is what a writer does: it adds people, each with an event, and prints the
// id of each after the commit.
type job struct {
	Path, URL string
	People    int // 0: until killed
}

func write(text string) error {
	var j job
	if err := json.Unmarshal([]byte(text), &j); err != nil {
		return err
	}
	ctx := context.Background()
	s, err := sqlstore.Open(ctx, sqlstore.Config{Path: j.Path, URL: j.URL})
	if err != nil {
		return err
	}
	if err := s.Migrate(ctx); err != nil {
		return err
	}
	for n := 0; j.People == 0 || n < j.People; n++ {
		u := person(string(users.NewID()))
		if err := add(ctx, s, u); err != nil {
			return err
		}
		fmt.Println(u.ID)
	}
	return s.Close()
}

// startWriter starts a process and returns it with what it prints.
func startWriter(t *testing.T, j job) (*exec.Cmd, io.Reader) {
	t.Helper()
	text, err := json.Marshal(j)
	if err != nil {
		t.Fatal(err)
	}
	writer := exec.CommandContext(t.Context(), os.Args[0])
	writer.Env = append(os.Environ(), writerVariable+"="+string(text))
	writer.Stderr = os.Stderr
	out, err := writer.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := writer.Start(); err != nil {
		t.Fatal(err)
	}
	return writer, out
}

// Three processes create the schema and write at the same time.
func TestProcessesShareOneDatabase(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, cfg sqlstore.Config) {
		const people = 40
		var writers []*exec.Cmd
		for range 3 {
			writer, out := startWriter(t, job{Path: cfg.Path, URL: cfg.URL, People: people})
			go io.Copy(io.Discard, out)
			writers = append(writers, writer)
		}
		for _, writer := range writers {
			if err := writer.Wait(); err != nil {
				t.Errorf("writer: %v", err)
			}
		}
		if n := userstest.CheckLog(t, open(t, cfg)); n != 3*people {
			t.Errorf("%d events, want %d", n, 3*people)
		}
	})
}

// Invariant 6: what was reported is there after kill -9, and a person is there
// with their event or not at all.
func TestKilledProcessLeavesWholeTransactions(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, cfg sqlstore.Config) {
		var reported []users.ID
		for range 3 {
			writer, out := startWriter(t, job{Path: cfg.Path, URL: cfg.URL})
			lines := bufio.NewScanner(out)
			for n := 0; n < 10 && lines.Scan(); n++ {
				reported = append(reported, users.ID(lines.Text()))
			}
			if err := writer.Process.Kill(); err != nil {
				t.Fatal(err)
			}
			for lines.Scan() {
				reported = append(reported, users.ID(lines.Text()))
			}
			if _, killed := errors.AsType[*exec.ExitError](writer.Wait()); !killed {
				t.Fatal("the writer ended by itself")
			}
		}
		s := open(t, cfg)
		found, err := s.UsersByID(t.Context(), reported)
		if err != nil {
			t.Fatal(err)
		}
		if len(reported) < 30 || len(found) != len(reported) {
			t.Errorf("%d of %d reported people are there, want all of at least 30", len(found), len(reported))
		}
		everyone, err := s.Group(t.Context(), users.Everyone)
		if err != nil {
			t.Fatal(err)
		}
		if n := userstest.CheckLog(t, s); n != int64(everyone.Members) {
			t.Errorf("%d events for %d people, want one each", n, everyone.Members)
		}
	})
}
