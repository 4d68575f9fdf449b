package session_test

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/einlass/einlass/keys"
	"github.com/einlass/einlass/provider/session"
	"github.com/einlass/einlass/provider/session/sessiontest"
)

// locationVariable turns this test program into another process that takes
// codes from the store at the location it holds.
const locationVariable = "EINLASS_SESSION_TEST_LOCATION"

func TestMain(m *testing.M) {
	if location := os.Getenv(locationVariable); location != "" {
		if err := takeCodes(location); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	m.Run()
}

// A task is a code to take.
type task struct {
	Handle string
	Check  session.CodeCheck
}

// takeCodes reads tasks from standard input and writes the number of each that it took.
func takeCodes(location string) error {
	var tasks []task
	if err := json.NewDecoder(os.Stdin).Decode(&tasks); err != nil {
		return err
	}
	s, err := openAt(context.Background(), location)
	if err != nil {
		return err
	}
	defer s.Close()
	var takers sync.WaitGroup
	numbers := make(chan int)
	for range 8 {
		takers.Go(func() {
			for i := range numbers {
				_, err := s.TakeCode(context.Background(), keys.Secret(tasks[i].Handle), tasks[i].Check, start, familyEnd)
				if err == nil {
					fmt.Println(i) // at once, because this process may be killed
				}
			}
		})
	}
	for i := range tasks {
		numbers <- i
	}
	close(numbers)
	takers.Wait()
	return nil
}

// taker is a process that runs takeCodes.
type taker struct {
	process *os.Process
	lines   *bufio.Scanner
	wait    func() error
}

func startTaker(t *testing.T, location string, cases []grantCase, env ...string) *taker {
	t.Helper()
	var tasks []task
	for _, g := range cases {
		tasks = append(tasks, task{g.handle.Reveal(), g.check})
	}
	input, err := json.Marshal(tasks)
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), os.Args[0])
	cmd.Env = append(append(os.Environ(), locationVariable+"="+location), env...)
	cmd.Stdin = strings.NewReader(string(input))
	cmd.Stderr = os.Stderr
	output, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	return &taker{process: cmd.Process, lines: bufio.NewScanner(output), wait: cmd.Wait}
}

// took returns the numbers of the codes that the process says it took, at most limit.
func (p *taker) took(t *testing.T, limit int) []int {
	t.Helper()
	var numbers []int
	for len(numbers) < limit && p.lines.Scan() {
		var i int
		if _, err := fmt.Sscan(p.lines.Text(), &i); err != nil {
			t.Fatal(err)
		}
		numbers = append(numbers, i)
	}
	return numbers
}

func manyStored(t *testing.T, s session.Store, n int) []grantCase {
	t.Helper()
	cases := make([]grantCase, n)
	for i := range cases {
		cases[i] = stored(t, s)
	}
	return cases
}

// REL-1
func TestTwoProcessesTakeEachCodeOnce(t *testing.T) {
	eachBackend(t, func(t *testing.T, b backend) {
		cases := manyStored(t, b.open(t), 200)
		first, second := startTaker(t, b.location, cases), startTaker(t, b.location, cases)
		times := make(map[int]int)
		for _, p := range []*taker{first, second} {
			for _, i := range p.took(t, len(cases)) {
				times[i]++
			}
			if err := p.wait(); err != nil {
				t.Error(err)
			}
		}
		for i := range cases {
			if times[i] != 1 {
				t.Errorf("code %d was taken %d times, want once", i, times[i])
			}
		}
	})
}

// N363
func TestWhatAKilledProcessTookStaysTaken(t *testing.T) {
	eachBackend(t, func(t *testing.T, b backend) {
		s := b.open(t)
		cases := manyStored(t, s, 400)
		p := startTaker(t, b.location, cases)
		taken := p.took(t, 20)
		if err := p.process.Kill(); err != nil {
			t.Fatal(err)
		}
		taken = append(taken, p.took(t, len(cases))...)
		_ = p.wait() // a killed process has no good exit status

		if len(taken) < 20 {
			t.Fatalf("the process took %d codes before it was killed, want at least 20", len(taken))
		}
		for _, i := range taken {
			if err := cases[i].take(t.Context(), s); err == nil {
				t.Errorf("code %d was taken twice", i)
			}
		}
	})
}

// A process that opens and closes the file tidies the log away unless the locks
// of every other one still stand.
func TestAnotherProcessThatClosesTheFileLosesNothing(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "session.db")
	s := sessiontest.OpenSQLite(t, path)
	sessiontest.OpenSQLite(t, path) // a second handle in this process
	for range 2 {
		cases := manyStored(t, s, 1)
		p := startTaker(t, path, cases)
		if got := p.took(t, 1); len(got) != 1 {
			t.Error("the other process did not find a code of this one")
		}
		if err := p.wait(); err != nil {
			t.Error(err)
		}
		if err := cases[0].take(t.Context(), s); !errors.Is(err, session.ErrReplayed) {
			t.Errorf("code the other process took: got %v, want %v", err, session.ErrReplayed)
		}
	}
}
