package outgoing_test

import (
	"crypto/tls"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/einlass/einlass/provider/outgoing"
)

func TestRedirectsAreAnswersAndNotFollowed(t *testing.T) {
	t.Parallel()
	var calls atomic.Int32
	server := serve(t, func(w http.ResponseWriter, r *http.Request) {
		calls.Add(1)
		http.Redirect(w, r, "/elsewhere", http.StatusFound)
	})
	client, _ := newClient(t, outgoing.Config{AllowLoopback: true})
	resp, err := get(t, client, server.URL)
	if err != nil {
		t.Fatalf("get: %v", err)
	}
	if resp.Status != http.StatusFound || resp.Header.Get("Location") != "/elsewhere" || calls.Load() != 1 {
		t.Errorf("status %d to %q after %d calls, want the redirect itself", resp.Status, resp.Header.Get("Location"), calls.Load())
	}
}

func TestCookiesAreNotKept(t *testing.T) {
	t.Parallel()
	server := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if got := r.Header.Get("Cookie"); got != "" {
			t.Errorf("cookie sent back: %q", got)
		}
		http.SetCookie(w, &http.Cookie{Name: "a", Value: "b"})
	})
	client, _ := newClient(t, outgoing.Config{AllowLoopback: true})
	for range 2 {
		if _, err := get(t, client, server.URL); err != nil {
			t.Fatalf("get: %v", err)
		}
	}
}

func TestCallsNameTheirProgram(t *testing.T) {
	t.Parallel()
	server := serve(t, func(w http.ResponseWriter, r *http.Request) { _, _ = w.Write([]byte(r.UserAgent())) })
	for _, c := range []struct{ configured, requested, want string }{
		{"", "", "Einlass"},
		{"Einlass/1.0", "", "Einlass/1.0"},
		{"Einlass/1.0", "other", "other"},
	} {
		client, _ := newClient(t, outgoing.Config{AllowLoopback: true, UserAgent: c.configured})
		req := request(t, http.MethodGet, server.URL, "")
		if c.requested != "" {
			req.Header.Set("User-Agent", c.requested)
		}
		resp, err := client.Do(t.Context(), req)
		if err != nil || string(resp.Body) != c.want {
			t.Errorf("user agent %q of %q: %v", resp.Body, c.configured, err)
		}
		if got := req.Header.Get("Accept-Encoding"); got != "" {
			t.Errorf("the caller's request was changed: Accept-Encoding %q", got)
		}
	}
}

func TestEveryStatusIsAnAnswer(t *testing.T) {
	t.Parallel()
	server := serve(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("X-Reason", "closed")
		w.WriteHeader(http.StatusTeapot)
		_, _ = w.Write([]byte("short and stout"))
	})
	client, _ := newClient(t, outgoing.Config{AllowLoopback: true})
	resp, err := get(t, client, server.URL)
	if err != nil {
		t.Fatalf("get: %v", err)
	}
	if resp.Status != http.StatusTeapot || string(resp.Body) != "short and stout" || resp.Header.Get("X-Reason") != "closed" {
		t.Errorf("answer: %d %q %v", resp.Status, resp.Body, resp.Header)
	}
}

// Invariant 7: paths and queries of webhooks hold secrets.
func TestErrorsNameTheHostAlone(t *testing.T) {
	t.Parallel()
	client, _ := newClient(t, outgoing.Config{})
	_, err := get(t, client, "http://user:hunter2@127.0.0.1:9/hooks/hunter2?token=hunter2")
	if err == nil {
		t.Fatal("no error")
	}
	if text := err.Error(); strings.Contains(text, "hunter2") || !strings.Contains(text, "GET http://127.0.0.1:9") {
		t.Errorf("error: %s", text)
	}
}

func TestURLsWithoutHostAreRefusedAtOnce(t *testing.T) {
	t.Parallel()
	client, clock := newClient(t, outgoing.Config{})
	for _, url := range []string{"", "/people", "https://", "ftp://hr.acme.example", "file:///etc/passwd"} {
		if _, err := get(t, client, url); err == nil {
			t.Errorf("%q: no error", url)
		}
	}
	if len(clock.slept) > 0 {
		t.Errorf("repeated %d times", len(clock.slept))
	}
}

func TestServersNobodyVouchesForAreRefusedAtOnce(t *testing.T) {
	t.Parallel()
	server := httptest.NewTLSServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { t.Error("reached") }))
	server.Config.ErrorLog = discardLog()
	t.Cleanup(server.Close)
	client, clock := newClient(t, outgoing.Config{AllowLoopback: true})
	if _, err := get(t, client, server.URL); err == nil {
		t.Error("untrusted certificate: no error")
	}
	if len(clock.slept) > 0 {
		t.Errorf("repeated %d times", len(clock.slept))
	}
}

func TestOldTLSIsRefused(t *testing.T) {
	t.Parallel()
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { t.Error("reached") }))
	server.TLS = &tls.Config{MinVersion: tls.VersionTLS10, MaxVersion: tls.VersionTLS11}
	server.Config.ErrorLog = discardLog()
	server.StartTLS()
	t.Cleanup(server.Close)
	client, _ := newClient(t, outgoing.Config{AllowLoopback: true})
	_, err := client.Do(t.Context(), request(t, http.MethodPost, server.URL, ""))
	if err == nil || !strings.Contains(err.Error(), "protocol version") {
		t.Errorf("TLS 1.1: %v, want a protocol version error", err)
	}
}

// Whoever is called may choose the newest TLS; the conformance suite warns of others with weak ciphers.
func TestTheNewestTLSIsOffered(t *testing.T) {
	t.Parallel()
	offered := make(chan []uint16, 1)
	server := httptest.NewUnstartedServer(http.NotFoundHandler())
	server.TLS = &tls.Config{GetConfigForClient: func(hello *tls.ClientHelloInfo) (*tls.Config, error) {
		offered <- hello.SupportedVersions
		return nil, nil
	}}
	server.Config.ErrorLog = discardLog()
	server.StartTLS()
	t.Cleanup(server.Close)
	client, _ := newClient(t, outgoing.Config{AllowLoopback: true})
	_, err := client.Do(t.Context(), request(t, http.MethodPost, server.URL, ""))
	if err == nil {
		t.Error("untrusted certificate: no error")
	}
	if versions := <-offered; !slices.Equal(versions, []uint16{tls.VersionTLS13, tls.VersionTLS12}) {
		t.Errorf("versions %x, want TLS 1.3 and 1.2", versions)
	}
}

func TestLimitsAreNotNegative(t *testing.T) {
	t.Parallel()
	for _, cfg := range []outgoing.Config{{Timeout: -time.Second}, {GiveUpAfter: -time.Second}, {MaxBytes: -1}} {
		if _, err := outgoing.New(cfg); err == nil {
			t.Errorf("%+v: no error", cfg)
		}
	}
}

// Every attempt costs somebody time, also one that is repeated or not answered.
func TestEachAttemptIsObserved(t *testing.T) {
	t.Parallel()
	type attempt struct {
		status int
		took   time.Duration
	}
	var seen []attempt
	client, clock := newClient(t, outgoing.Config{AllowLoopback: true, Observe: func(status int, took time.Duration) {
		seen = append(seen, attempt{status, took})
	}})
	statuses := []int{http.StatusServiceUnavailable, http.StatusTooManyRequests, http.StatusNotFound}
	server := serve(t, func(w http.ResponseWriter, r *http.Request) {
		_ = clock.Sleep(r.Context(), 250*time.Millisecond) // the answer takes this long
		w.WriteHeader(statuses[0])
		statuses = statuses[1:]
	})
	if _, err := get(t, client, server.URL); err != nil {
		t.Fatal(err)
	}
	server.Close()
	if _, err := client.Do(t.Context(), request(t, http.MethodPost, server.URL, "")); err == nil {
		t.Fatal("a server that is gone has answered")
	}
	if _, err := get(t, client, "https://10.0.0.1/"); err == nil {
		t.Fatal("a private address was called")
	}
	want := []attempt{{503, 250 * time.Millisecond}, {429, 250 * time.Millisecond}, {404, 250 * time.Millisecond}, {0, 0}}
	if diff := cmp.Diff(want, seen, cmp.AllowUnexported(attempt{})); diff != "" {
		t.Errorf("observed attempts (-want +got):\n%s", diff)
	}
}
