package main

import (
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"regexp"
	"strconv"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/einlass/einlass/importer/personio/personiotest"
	"github.com/einlass/einlass/provider/outgoing/porttest"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"einlass": main})
}

// TestScripts runs the real program as an administrator does.
//
// F-87 F-89 S-043; N220 N221 N224 N225 N228
func TestScripts(t *testing.T) {
	t.Parallel()
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata/script",
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
		Setup: func(env *testscript.Env) error {
			for _, name := range []string{"SIMULATOR", "SERVER", "MANAGEMENT"} {
				address, err := porttest.Address()
				if err != nil {
					return err
				}
				env.Setenv(name, address)
			}
			return nil
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"exits":   scriptExits,
			"answers": scriptAnswers,
			"becomes": scriptBecomes,
			"capture": scriptCapture,
			"expand":  scriptExpand,
			"status":  scriptStatus,
		},
	})
}

// scriptExits is `exits CODE program args…`: the program must end with that code.
func scriptExits(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: exits CODE program args...")
	}
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	got := 0
	err = ts.Exec(args[1], args[2:]...)
	if exit, ok := errors.AsType[*exec.ExitError](err); ok {
		got = exit.ExitCode()
	} else {
		ts.Check(err)
	}
	if got != want {
		ts.Fatalf("exit code %d, want %d", got, want)
	}
}

// scriptAnswers is `answers ADDRESS`: it waits until somebody listens there, or
// with ! until nobody does.
func scriptAnswers(ts *testscript.TestScript, neg bool, args []string) {
	if len(args) != 1 {
		ts.Fatalf("usage: [!] answers ADDRESS")
	}
	for deadline := time.Now().Add(2 * time.Minute); time.Now().Before(deadline); time.Sleep(20 * time.Millisecond) {
		conn, err := net.Dial("tcp", args[0])
		if err == nil {
			ts.Check(conn.Close())
		}
		if (err != nil) == neg {
			return
		}
	}
	ts.Fatalf("%s did not come to the wanted state", args[0])
}

// scriptBecomes is `becomes REGEXP program args…`: it runs the program again and
// again until its standard output matches.
func scriptBecomes(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: becomes REGEXP program args...")
	}
	want := regexp.MustCompile(args[0])
	for deadline := time.Now().Add(2 * time.Minute); time.Now().Before(deadline); time.Sleep(20 * time.Millisecond) {
		ts.Check(ts.Exec(args[1], args[2:]...))
		if want.MatchString(ts.ReadFile("stdout")) {
			return
		}
	}
	ts.Fatalf("no match for %s", args[0])
}

// scriptCapture is `capture NAME REGEXP`: it sets a variable to the first group of
// the match in the last standard output.
func scriptCapture(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: capture NAME REGEXP")
	}
	match := regexp.MustCompile(args[1]).FindStringSubmatch(ts.ReadFile("stdout"))
	if len(match) != 2 {
		ts.Fatalf("no match for %s", args[1])
	}
	ts.Setenv(args[0], match[1])
}

// scriptExpand is `expand TEMPLATE FILE`: it writes the template with variables
// filled in, readable by nobody else.
func scriptExpand(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: expand TEMPLATE FILE")
	}
	text := os.Expand(ts.ReadFile(args[0]), ts.Getenv)
	ts.Check(os.WriteFile(ts.MkAbs(args[1]), []byte(text), 0o600))
}

// scriptStatus is `status WORD FIRST LAST`: HR gives the people with these
// numbers, counted from 1, another status in the simulated Personio.
func scriptStatus(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 3 {
		ts.Fatalf("usage: status WORD FIRST LAST")
	}
	first, err := strconv.Atoi(args[1])
	ts.Check(err)
	last, err := strconv.Atoi(args[2])
	ts.Check(err)
	for n := first; n <= last; n++ {
		address := fmt.Sprintf("http://%s/people/%d", ts.Getenv("SIMULATOR"), personiotest.FirstID+int64(n)-1)
		response, err := http.PostForm(address, url.Values{"status": {args[0]}})
		ts.Check(err)
		ts.Check(response.Body.Close())
		if response.StatusCode != http.StatusOK {
			ts.Fatalf("%s: %s", address, response.Status)
		}
	}
}
