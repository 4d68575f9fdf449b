package e2e

import (
	"bufio"
	"errors"
	"io"
	"net"
	"net/http"
	"net/url"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"

	"github.com/einlass/einlass/importer/personio/personiotest"
)

// A server that is asked to stop answers what it has begun, and the codes it
// issued are redeemed after the restart.
// REL-10
func TestGracefulStopLosesNoCode(t *testing.T) {
	t.Parallel()
	h := newHouse(t, stores{}, personiotest.Config{People: 20, Seed: 3})
	server, browser := h.signedIn()

	var (
		mu     sync.Mutex // guards codes
		codes  []string
		broken atomic.Int32
		wg     sync.WaitGroup
	)
	const workers = 16
	client := *browser.client
	client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	// Like a proxy it keeps its connections: one that begins in the instant in
	// which the listener closes is refused by the system, sometimes with a reset.
	client.Transport = &http.Transport{MaxIdleConnsPerHost: workers}
	for range workers {
		wg.Go(func() {
			for range 1000 { // ends when the server no longer listens
				answer, err := client.Get(h.issuer + "/authorize?" + h.authorization().Encode())
				if err != nil {
					if !errors.Is(err, syscall.ECONNREFUSED) {
						broken.Add(1)
						t.Logf("a request was cut off: %v", err)
					}
					return
				}
				_ = answer.Body.Close()
				location, err := answer.Location()
				if err != nil || location.Query().Get("code") == "" {
					broken.Add(1)
					return
				}
				mu.Lock()
				codes = append(codes, location.Query().Get("code"))
				mu.Unlock()
			}
		})
	}
	waitFor(t, "codes are issued", func() bool {
		mu.Lock()
		defer mu.Unlock()
		return len(codes) > 10*workers
	})
	server.stop(syscall.SIGTERM)
	wg.Wait()
	if code := server.cmd.ProcessState.ExitCode(); code != 0 {
		t.Errorf("exit code %d\n%s", code, server.log)
	}
	if n := broken.Load(); n > 0 {
		t.Errorf("%d requests were cut off", n)
	}
	h.serve(h.address)
	last := codes[max(0, len(codes)-50):]
	for _, code := range last {
		if !h.redeemed(code) {
			t.Errorf("a code issued before the stop is lost; %d were issued", len(codes))
		}
	}
	if len(last) == 0 {
		t.Error("no code was issued")
	}
}

// Who stops a whole group of processes says so twice: to the program, and to its
// group. What is under way is answered all the same.
func TestStopSaidTwiceIsAsGraceful(t *testing.T) {
	t.Parallel()
	h := newHouse(t, stores{}, personiotest.Config{People: 20, Seed: 3})
	server := h.serve(h.address)
	connection, err := net.Dial("tcp", h.address)
	must(t, err)
	defer connection.Close()
	_, err = io.WriteString(connection, "GET /jwks HTTP/1.1\r\n")
	must(t, err)
	for range 2 {
		must(t, server.cmd.Process.Signal(syscall.SIGTERM))
		waitFor(t, "the server stops", func() bool {
			answer, err := http.Get(server.manage + "/readyz")
			must(t, err)
			return answer.Body.Close() == nil && answer.StatusCode == http.StatusServiceUnavailable
		})
	}
	_, err = io.WriteString(connection, "Host: "+h.address+"\r\n\r\n")
	must(t, err)
	answer, err := http.ReadResponse(bufio.NewReader(connection), nil)
	if err != nil || answer.StatusCode != http.StatusOK {
		t.Errorf("the request under way: %v, %v", answer, err)
	}
	must(t, server.cmd.Wait())
}

// authorization is the request that Personio makes.
func (h *house) authorization() url.Values {
	return url.Values{
		"client_id": {clientName}, "redirect_uri": {h.relyingParty(personiotest.OIDC).RedirectURIs()[0]},
		"response_type": {"code"}, "scope": {"openid"}, "state": {"s"},
	}
}

// S-011: the largest customers have 5,000 people. Time and memory are in docs/performance.md.
func TestImportOf5000People(t *testing.T) {
	t.Parallel()
	h := newHouse(t, stores{}, personiotest.Config{People: 5000, Seed: 2})
	var first, second runReport
	h.json(&first, "import", "run")
	h.json(&second, "import", "run")
	if n := first.Counts["created"] + first.Counts["skipped"]; n != 5000 {
		t.Errorf("first run %+v", first.Counts)
	}
	if second.Counts["unchanged"] != first.Counts["created"] || second.Counts["updated"] != 0 {
		t.Errorf("second run %+v", second.Counts)
	}
}
