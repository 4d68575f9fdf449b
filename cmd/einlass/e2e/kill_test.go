package e2e

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/einlass/einlass/importer/personio/personiotest"
)

// Invariant 6: the importing process is killed at some moment; the directory is
// whole, the next run completes, and nobody is there twice.
// N336 REL-3 (the seeded 200 moments are the importer's own suite)
func TestKillDuringImport(t *testing.T) {
	t.Parallel()
	const people, pages = 1500, 15
	var houses []*house
	for _, s := range []stores{{postgres: false}, {postgres: true}} {
		for _, page := range []int{1, pages / 2, pages} { // after the last it plans and writes
			h := newHouse(t, s, personiotest.Config{People: people, Seed: 11})
			h.ok("", "users", "list") // makes the database
			cmd := h.command("import", "run")
			must(t, cmd.Start())
			waitFor(t, fmt.Sprintf("page %d is asked for", page), func() bool { return h.pagesRead() >= page })
			must(t, cmd.Process.Signal(syscall.SIGKILL))
			_ = cmd.Wait() // reports the signal
			h.ok("", "audit", "verify")
			houses = append(houses, h)
		}
	}
	// Their leases run out together while the first is waited for.
	interrupted := 0
	for _, h := range houses {
		h.finishImport(t)
		if h.checkEverybodyOnce(t) == "interrupted" {
			interrupted++
		}
	}
	if interrupted < len(houses)/2 {
		t.Errorf("only %d of %d imports were killed before they were done", interrupted, len(houses))
	}
}

// pagesRead is how many pages of people Personio was asked for.
func (h *house) pagesRead() int {
	n := 0
	for _, r := range h.hr.Requests() {
		if r.Path == "/v1/company/employees" {
			n++
		}
	}
	return n
}

// finishImport imports until it succeeds: the dead process's lease lasts a minute.
func (h *house) finishImport(t *testing.T) {
	t.Helper()
	for deadline := time.Now().Add(2 * time.Minute); ; time.Sleep(2 * time.Second) {
		r := h.run("", "import", "run")
		if r.code == 0 {
			return
		}
		if r.code != 3 || time.Now().After(deadline) {
			t.Fatalf("import after the kill: exit code %d\n%s%s", r.code, r.stdout, r.stderr)
		}
	}
}

// checkEverybodyOnce compares the directory with HR and returns what became of the import that was killed.
func (h *house) checkEverybodyOnce(t *testing.T) string {
	t.Helper()
	want := map[string]bool{}
	for _, p := range h.hr.People() {
		if p.Status == personiotest.Active || p.Status == "onboarding" {
			want[string(p.Email)] = true
		}
	}
	var listed []struct {
		Email string `json:"email"`
		State string `json:"state"`
	}
	h.json(&listed, "users", "list")
	seen := map[string]bool{}
	for _, u := range listed {
		if seen[u.Email] || !want[u.Email] || u.State != "active" {
			t.Errorf("%+v: twice, unknown to HR or not active", u)
		}
		seen[u.Email] = true
	}
	if len(seen) != len(want) {
		t.Errorf("%d people, want %d", len(seen), len(want))
	}
	h.ok("", "audit", "verify")
	var runs []struct {
		State string `json:"state"`
	}
	h.json(&runs, "import", "list")
	if len(runs) != 2 || runs[0].State != "done" {
		t.Fatalf("runs %+v, want the killed one and the next done", runs)
	}
	var last runReport
	h.json(&last, "import", "run")
	if last.Counts["unchanged"] != len(want) || last.Counts["created"]+last.Counts["updated"] != 0 {
		t.Errorf("afterwards there was still something to do: %+v", last)
	}
	return runs[1].State
}

// The server is killed while 64 codes are redeemed, each by two clients; after the
// restart they try again. Nobody gets tokens twice for one code.
// N363 REL-1 REL-3
func TestKillDuringRedemptions(t *testing.T) {
	t.Parallel()
	for _, s := range []stores{{redis: false}, {redis: true}} {
		t.Run(s.String(), func(t *testing.T) {
			t.Parallel()
			h := newHouse(t, s, personiotest.Config{People: 20, Seed: 3})
			server, browser := h.signedIn()
			codes := make([]string, 64)
			for i := range codes {
				codes[i] = browser.code(t, h, h.issuer)
			}
			wins := make([]int, len(codes))
			var mu sync.Mutex // guards wins
			redeem := func() {
				var wg sync.WaitGroup
				for i, code := range codes {
					for range 2 {
						wg.Go(func() {
							if h.redeemed(code) {
								mu.Lock()
								wins[i]++
								mu.Unlock()
							}
						})
					}
				}
				wg.Wait()
			}
			kill := time.AfterFunc(time.Duration(20+rand.IntN(60))*time.Millisecond, func() {
				_ = server.cmd.Process.Signal(syscall.SIGKILL)
			})
			defer kill.Stop()
			redeem()
			_ = server.cmd.Wait() // reports the signal
			h.serve(h.address)
			redeem()
			total := 0
			for i, n := range wins {
				if n > 1 {
					t.Errorf("code %d was redeemed %d times", i, n)
				}
				total += n
			}
			t.Logf("%d of %d codes redeemed, %d lost in the kill", total, len(codes), len(codes)-total)
			if total == 0 {
				t.Error("not one code was redeemed")
			}
		})
	}
}

// redeemed tries to redeem a code; while the server is dead nobody can.
func (h *house) redeemed(code string) bool {
	answer, err := http.PostForm("http://"+h.address+"/token", h.redemption(code))
	if err != nil {
		return false
	}
	defer answer.Body.Close()
	var body bytes.Buffer
	if _, err := body.ReadFrom(answer.Body); err != nil || answer.StatusCode != http.StatusOK {
		return false
	}
	var tokens tokenAnswer
	return json.Unmarshal(body.Bytes(), &tokens) == nil && tokens.AccessToken != ""
}
