package e2e

import (
	"bufio"
	"bytes"
	"encoding/json"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/einlass/einlass/importer/personio/personiotest"
	"github.com/einlass/einlass/provider/providertest"
	"github.com/einlass/einlass/users"
)

// watching is a process that watches Personio.
type watching struct {
	t      *testing.T
	cmd    *exec.Cmd
	lines  *bufio.Scanner
	stderr bytes.Buffer
}

// watchLine is a line that it prints.
type watchLine struct {
	Type, Text, Email, Reason, State string
	At                               time.Time
	Endpoint                         users.Endpoint
	Outcome                          users.CallOutcome
	RequestID                        string `json:"request_id"`
}

// watch starts a process that ends with the first verdict, and waits until every server knows of it.
func (h *house) watch(t *testing.T) *watching {
	t.Helper()
	w := &watching{t: t, cmd: h.command("apps", "watch", "personio", "--once", "-o", "json")}
	w.cmd.Stderr = &w.stderr
	out, err := w.cmd.StdoutPipe()
	must(t, err)
	w.lines = bufio.NewScanner(out)
	must(t, w.cmd.Start())
	t.Cleanup(func() {
		if w.cmd.ProcessState == nil {
			_ = w.cmd.Process.Kill() // the test has failed before its end
			_ = w.cmd.Wait()
		}
	})
	if line := w.next(); line.Type != "ready" {
		t.Fatalf("first line %+v, want ready\n%s", line, w.stderr.String())
	}
	return w
}

func (w *watching) next() watchLine {
	w.t.Helper()
	var line watchLine
	if !w.lines.Scan() {
		_ = w.cmd.Wait() // its output says more
		w.t.Fatalf("no further line\n%s", w.stderr.String())
	}
	must(w.t, json.Unmarshal(w.lines.Bytes(), &line))
	return line
}

// verdict returns all lines up to the settled verdict, and how the process ended.
func (w *watching) verdict() (lines []watchLine, code int) {
	w.t.Helper()
	for {
		line := w.next()
		lines = append(lines, line)
		if line.Type == "verdict" && line.State != string(users.VerdictWaiting) {
			_ = w.cmd.Wait() // the code says how
			return lines, w.cmd.ProcessState.ExitCode()
		}
	}
}

// B-04: Personio's configuration test at one server, watched from a process of its own, on
// every pair of stores. The time from the last answer to the verdict is logged.
func TestConfigurationTestIsWatchedFromAnotherProcess(t *testing.T) {
	t.Parallel()
	for _, s := range []stores{{}, {postgres: true, redis: true}} {
		t.Run(s.String(), func(t *testing.T) {
			t.Parallel()
			h := newHouse(t, s, personiotest.Config{People: 5, Seed: 3})
			jana := h.somebody()
			h.ok("", "import", "run")
			h.ok(password+"\n", "users", "password", jana)
			h.serve(h.address)

			w, b := h.watch(t), h.browser()
			tested := b.signIn(b.get(h.hrURL+"/settings/authentication/test"), jana)
			answered := time.Now()
			if text, _ := providertest.Element(t, tested.body, "tested"); !strings.Contains(text, jana) {
				t.Fatalf("Personio says %q at %s", text, tested.url)
			}
			lines, code := w.verdict()
			t.Logf("verdict %s after the last answer", time.Since(answered).Round(time.Millisecond))
			last := lines[len(lines)-1]
			if code != 0 || last.State != string(users.VerdictWorks) || last.Reason != string(users.VerdictComplete) {
				t.Errorf("exit code %d, verdict %+v; want that it works", code, last)
			}
			var steps []users.Endpoint
			for _, line := range lines {
				if line.Type == "call" && line.Outcome == users.CallDone {
					steps = append(steps, line.Endpoint)
					if line.Email != jana || line.RequestID == "" {
						t.Errorf("call %+v, want the person and the request", line)
					}
				}
			}
			if len(steps) != 3 || steps[0] != users.EndpointAuthorize || steps[1] != users.EndpointToken || steps[2] != users.EndpointUserinfo {
				t.Errorf("steps %v, want authorize, token and userinfo", steps)
			}

			rp := h.relyingParty(personiotest.OIDC)
			rp.ClientSecret = "another-secret-than-the-one-of-the-house"
			must(t, h.hr.Connect(rp))
			w = h.watch(t)
			b.get(h.hrURL + "/settings/authentication/test")
			lines, code = w.verdict()
			if last := lines[len(lines)-1]; code != 1 || last.State != string(users.VerdictFails) || !strings.Contains(last.Text, "client secret is wrong") {
				t.Errorf("exit code %d, verdict %+v; want the wrong secret", code, last)
			}
			for _, line := range lines {
				if strings.Contains(line.Text, rp.ClientSecret.Reveal()) {
					t.Errorf("line %+v shows the secret", line)
				}
			}
		})
	}
}
