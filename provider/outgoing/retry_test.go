package outgoing_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log"
	"log/slog"
	"net/http"
	"net/netip"
	"strings"
	"sync/atomic"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/einlass/einlass/provider/outgoing"
)

func discardLog() *log.Logger { return log.New(io.Discard, "", 0) }

// failing answers with status until it was called n times, then with 200.
func failing(t testing.TB, n int32, status int, header ...string) (url string, calls *atomic.Int32) {
	t.Helper()
	calls = &atomic.Int32{}
	server := serve(t, func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		if calls.Add(1) > n {
			_, _ = w.Write(append([]byte("good "), body...))
			return
		}
		for i := 0; i < len(header); i += 2 {
			w.Header().Set(header[i], header[i+1])
		}
		w.WriteHeader(status)
	})
	return server.URL, calls
}

func TestOnlyWhatMayPassIsRepeated(t *testing.T) {
	t.Parallel()
	client, _ := newClient(t, outgoing.Config{AllowLoopback: true})
	for status, repeated := range map[int]bool{
		429: true, 500: true, 502: true, 503: true, 504: true,
		200: false, 301: false, 400: false, 401: false, 403: false, 404: false, 409: false, 422: false, 501: false,
	} {
		url, calls := failing(t, 2, status)
		resp, err := get(t, client, url)
		if err != nil {
			t.Errorf("%d: %v", status, err)
			continue
		}
		want, wantCalls := status, int32(1)
		if repeated {
			want, wantCalls = http.StatusOK, 3
		}
		if resp.Status != want || calls.Load() != wantCalls {
			t.Errorf("%d: answer %d after %d calls, want %d after %d", status, resp.Status, calls.Load(), want, wantCalls)
		}
	}
}

func TestRequestsWithAnEffectAreSentOnce(t *testing.T) {
	t.Parallel()
	client, clock := newClient(t, outgoing.Config{AllowLoopback: true})
	for _, method := range []string{http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete} {
		url, calls := failing(t, 1, http.StatusServiceUnavailable)
		resp, err := client.Do(t.Context(), request(t, method, url, "body"))
		if err != nil || resp.Status != http.StatusServiceUnavailable || calls.Load() != 1 {
			t.Errorf("%s: %v after %d calls, want the 503 after one", method, err, calls.Load())
		}
	}
	if len(clock.slept) > 0 {
		t.Errorf("waited %v", clock.slept)
	}
}

func TestRepeatablePostIsSentAgainWithItsBody(t *testing.T) {
	t.Parallel()
	client, _ := newClient(t, outgoing.Config{AllowLoopback: true})
	url, calls := failing(t, 2, http.StatusBadGateway)
	resp, err := client.DoRepeatable(t.Context(), request(t, http.MethodPost, url, "grant_type=client_credentials"))
	if err != nil || string(resp.Body) != "good grant_type=client_credentials" || calls.Load() != 3 {
		t.Errorf("answer %v, %v after %d calls", resp, err, calls.Load())
	}

	once := request(t, http.MethodPost, url, "")
	once.Body, once.GetBody = io.NopCloser(strings.NewReader("body")), nil
	if _, err := client.DoRepeatable(t.Context(), once); err == nil {
		t.Error("a body that can be read once: no error")
	}
}

// N329
func TestBrokenConnectionsAreTriedAgain(t *testing.T) {
	t.Parallel()
	var calls atomic.Int32
	server := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		switch calls.Add(1) {
		case 1: // hangs up without a word
			panic(http.ErrAbortHandler)
		case 2: // hangs up in the middle of the body
			w.Header().Set("Content-Length", "100")
			_, _ = w.Write([]byte("half"))
			panic(http.ErrAbortHandler)
		}
		_, _ = w.Write([]byte("whole"))
	})
	client, _ := newClient(t, outgoing.Config{AllowLoopback: true})
	resp, err := get(t, client, server.URL)
	if err != nil || string(resp.Body) != "whole" {
		t.Errorf("answer %v, %v", resp, err)
	}
}

// N329
func TestNamesThatAreNotFoundAreTriedAgain(t *testing.T) {
	t.Parallel()
	server := serve(t, func(http.ResponseWriter, *http.Request) {})
	client, clock := newClient(t, outgoing.Config{
		AllowLoopback: true,
		Resolver:      resolver(t, map[string][]netip.Addr{"hr.acme.example": {{}, netip.MustParseAddr("127.0.0.1")}}),
	})
	if _, err := get(t, client, "http://hr.acme.example:"+port(t, server.URL)); err != nil {
		t.Errorf("get: %v", err)
	}
	if len(clock.slept) == 0 {
		t.Error("the name was found at once: nothing was tested")
	}
}

func TestTimeoutsAreTriedAgain(t *testing.T) {
	t.Parallel()
	var calls atomic.Int32
	server := serve(t, func(_ http.ResponseWriter, r *http.Request) {
		if calls.Add(1) == 1 {
			<-r.Context().Done()
		}
	})
	client, _ := newClient(t, outgoing.Config{AllowLoopback: true, Timeout: 200 * time.Millisecond})
	if _, err := get(t, client, server.URL); err != nil || calls.Load() != 2 {
		t.Errorf("get: %v after %d calls", err, calls.Load())
	}
}

func TestWaitsGrowAndTheLastAnswerIsReturnedWhenTimeIsUp(t *testing.T) {
	t.Parallel()
	client, clock := newClient(t, outgoing.Config{AllowLoopback: true})
	url, calls := failing(t, 1_000, http.StatusServiceUnavailable)
	resp, err := get(t, client, url)
	if err != nil || resp.Status != http.StatusServiceUnavailable {
		t.Fatalf("answer %v, %v; want the last 503", resp, err)
	}
	if total := clock.total(); total >= 2*time.Minute || total < 30*time.Second {
		t.Errorf("waited %s in all, want nearly 2m", total)
	}
	for i, d := range clock.slept {
		if span := min(30*time.Second, time.Second<<i); d < time.Second || d > time.Second+span {
			t.Errorf("wait %d: %s, want at most %s", i, d, span)
		}
	}
	if n := int(calls.Load()); n != len(clock.slept)+1 {
		t.Errorf("%d calls with %d waits between them", n, len(clock.slept))
	}
}

func TestWaitsAreSpread(t *testing.T) {
	t.Parallel()
	seen := map[time.Duration]bool{}
	for range 10 {
		client, clock := newClient(t, outgoing.Config{AllowLoopback: true})
		url, _ := failing(t, 1, http.StatusServiceUnavailable)
		if _, err := get(t, client, url); err != nil {
			t.Fatalf("get: %v", err)
		}
		seen[clock.slept[0]] = true
	}
	if len(seen) < 2 {
		t.Errorf("ten callers waited the same %v", seen)
	}
}

func TestTheLastErrorIsReturnedWhenTimeIsUp(t *testing.T) {
	t.Parallel()
	server := serve(t, func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) })
	client, clock := newClient(t, outgoing.Config{AllowLoopback: true, GiveUpAfter: 5 * time.Second})
	if _, err := get(t, client, server.URL); !errors.Is(err, io.EOF) {
		t.Errorf("get: %v, want the EOF", err)
	}
	if total := clock.total(); total >= 5*time.Second {
		t.Errorf("waited %s, want less than 5s", total)
	}
}

// N330
func TestRetryAfterIsRespected(t *testing.T) {
	t.Parallel()
	now := newClock().Now()
	for name, c := range map[string]struct {
		value    string
		min, max time.Duration
	}{
		"seconds":           {"7", 7 * time.Second, 7 * time.Second},
		"date":              {now.Add(90 * time.Second).Format(http.TimeFormat), 90 * time.Second, 90 * time.Second},
		"beyond the cap":    {"3600", 15 * time.Minute, 15 * time.Minute},
		"date beyond cap":   {now.Add(2 * time.Hour).Format(http.TimeFormat), 15 * time.Minute, 15 * time.Minute},
		"missing":           {"", time.Second, 2 * time.Second},
		"zero":              {"0", time.Second, 2 * time.Second},
		"negative":          {"-60", time.Second, 2 * time.Second},
		"absurd":            {"1000000000", time.Second, 2 * time.Second},
		"overflowing":       {"99999999999999999999", time.Second, 2 * time.Second},
		"date in the past":  {now.Add(-time.Hour).Format(http.TimeFormat), time.Second, 2 * time.Second},
		"date in far years": {"Fri, 31 Dec 9999 23:59:59 GMT", time.Second, 2 * time.Second},
		"garbage":           {"soon", time.Second, 2 * time.Second},
	} {
		client, clock := newClient(t, outgoing.Config{AllowLoopback: true, GiveUpAfter: time.Hour})
		url, _ := failing(t, 1, http.StatusTooManyRequests, "Retry-After", c.value)
		if _, err := get(t, client, url); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if len(clock.slept) != 1 || clock.slept[0] < c.min || clock.slept[0] > c.max {
			t.Errorf("%s: waited %v, want %s to %s", name, clock.slept, c.min, c.max)
		}
	}
}

// N330
func TestWaitBeyondTheBudgetIsNotBegun(t *testing.T) {
	t.Parallel()
	url, calls := failing(t, 1, http.StatusTooManyRequests, "Retry-After", "600")
	client, clock := newClient(t, outgoing.Config{AllowLoopback: true})
	resp, err := get(t, client, url)
	if err != nil || resp.Status != http.StatusTooManyRequests || calls.Load() != 1 || len(clock.slept) > 0 {
		t.Errorf("answer %v, %v after %d calls and waits %v; want the 429 at once", resp, err, calls.Load(), clock.slept)
	}

	url, calls = failing(t, 1, http.StatusTooManyRequests, "Retry-After", "60")
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	resp, err = client.Do(ctx, request(t, http.MethodGet, url, ""))
	if err != nil || resp.Status != http.StatusTooManyRequests || calls.Load() != 1 || len(clock.slept) > 0 {
		t.Errorf("with a deadline: answer %v, %v after %d calls and waits %v; want the 429 at once", resp, err, calls.Load(), clock.slept)
	}
}

func TestCallerMayStopAtAnyTime(t *testing.T) {
	t.Parallel()
	arrived := make(chan struct{})
	server := serve(t, func(_ http.ResponseWriter, r *http.Request) {
		close(arrived)
		<-r.Context().Done()
	})
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		<-arrived
		cancel()
	}()
	client, clock := newClient(t, outgoing.Config{AllowLoopback: true})
	if _, err := client.Do(ctx, request(t, http.MethodGet, server.URL, "")); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled call: %v, want context.Canceled", err)
	}
	if len(clock.slept) > 0 {
		t.Errorf("repeated %d times", len(clock.slept))
	}
}

func TestCallerMayStopARealWait(t *testing.T) {
	t.Parallel()
	url, calls := failing(t, 1_000, http.StatusServiceUnavailable, "Retry-After", "60")
	client, err := outgoing.New(outgoing.Config{AllowLoopback: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.Close)
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		for calls.Load() == 0 {
			time.Sleep(time.Millisecond)
		}
		cancel()
	}()
	start := time.Now()
	_, _ = client.Do(ctx, request(t, http.MethodGet, url, "")) // an answer or an error, as it happens
	if took := time.Since(start); took > 20*time.Second {
		t.Errorf("stopped after %s", took)
	}
}

func TestRetriesAreLoggedWithoutTheURL(t *testing.T) {
	t.Parallel()
	var text bytes.Buffer
	client, _ := newClient(t, outgoing.Config{AllowLoopback: true, Logger: slog.New(slog.NewTextHandler(&text, nil))})
	url, _ := failing(t, 1, http.StatusServiceUnavailable)
	if _, err := get(t, client, url+"/hooks/hunter2?token=hunter2"); err != nil {
		t.Fatalf("get: %v", err)
	}
	if got := text.String(); strings.Contains(got, "hunter2") || !strings.Contains(got, "status=503") {
		t.Errorf("log: %s", got)
	}
}

func FuzzRetryAfter(f *testing.F) {
	for _, value := range []string{"", "0", "1", "120", "-1", "1e9", "1000000000", "4294967296", " 7 ", "+7",
		"Fri, 31 Dec 9999 23:59:59 GMT", "Mon, 02 Nov 2026 08:01:00 GMT", "Monday, 02-Nov-26 08:01:00 GMT", "soon"} {
		f.Add(value)
	}
	f.Fuzz(func(t *testing.T, value string) {
		now := newClock().Now()
		wait := outgoing.RetryAfter(value, now)
		if wait < 0 || wait > 15*time.Minute {
			t.Errorf("Retry-After %q: %s", value, wait)
		}
	})
}

// What a server sends instead of an answer fills no log.
func TestErrorsAreBriefWhateverAServerSays(t *testing.T) {
	t.Parallel()
	server := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		conn, _, err := http.NewResponseController(w).Hijack()
		if err != nil {
			t.Errorf("hijack: %v", err)
			return
		}
		_, _ = conn.Write([]byte("HTTP/1.1 " + strings.Repeat("ü", 50_000) + "\r\n\r\n"))
		_ = conn.Close()
	})
	client, _ := newClient(t, outgoing.Config{AllowLoopback: true})
	_, err := get(t, client, server.URL)
	if err == nil || !strings.Contains(err.Error(), "malformed HTTP") || len(err.Error()) > 700 || !utf8.ValidString(err.Error()) {
		t.Errorf("error %.1000v, want a brief one", err)
	}
}
