package outgoing_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/einlass/einlass/provider/outgoing"
)

func compress(t testing.TB, plain []byte) []byte {
	t.Helper()
	var out bytes.Buffer
	zip := gzip.NewWriter(&out)
	if _, err := zip.Write(plain); err != nil {
		t.Fatal(err)
	}
	if err := zip.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func serveGzip(t testing.TB, compressed []byte) string {
	t.Helper()
	return serve(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Encoding", "gzip")
		_, _ = w.Write(compressed) // a client that had enough hangs up
	}).URL
}

func TestCompressedBodiesAreDecompressed(t *testing.T) {
	t.Parallel()
	var people bytes.Buffer
	for i := range 60_000 {
		fmt.Fprintf(&people, `{"id":%d,"department":"Sales","hash":"%x"},`, i, i*i*31)
	}
	if people.Len() < 2<<20 {
		t.Fatalf("only %d bytes: the ratio is not judged", people.Len())
	}
	client, _ := newClient(t, outgoing.Config{AllowLoopback: true})
	resp, err := get(t, client, serveGzip(t, compress(t, people.Bytes())))
	if err != nil {
		t.Fatalf("get: %v", err)
	}
	if !bytes.Equal(resp.Body, people.Bytes()) {
		t.Errorf("body: %d bytes, want the %d sent", len(resp.Body), people.Len())
	}
	for _, name := range []string{"Content-Encoding", "Content-Length"} {
		if got := resp.Header.Get(name); got != "" {
			t.Errorf("%s: %q, which is not that of the body", name, got)
		}
	}
}

// N239
func TestBodiesBeyondTheLimitsAreRefusedOnce(t *testing.T) {
	t.Parallel()
	endless := func(w http.ResponseWriter, _ *http.Request) {
		block := bytes.Repeat([]byte("x"), 64<<10)
		for {
			if _, err := w.Write(block); err != nil {
				return
			}
		}
	}
	gzipped := func(plain []byte) http.HandlerFunc {
		compressed := compress(t, plain)
		return func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Encoding", "gzip")
			_, _ = w.Write(compressed)
		}
	}
	for name, handler := range map[string]http.HandlerFunc{
		"endless": endless,
		"announced": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "1073741824")
		},
		"a bomb":                      gzipped(make([]byte, 20<<20)),
		"a bomb below the byte limit": gzipped(make([]byte, 4<<20)),
	} {
		var calls atomic.Int32
		server := serve(t, func(w http.ResponseWriter, r *http.Request) {
			calls.Add(1)
			handler(w, r)
		})
		client, _ := newClient(t, outgoing.Config{AllowLoopback: true})
		if _, err := get(t, client, server.URL); !errors.Is(err, outgoing.ErrTooLarge) {
			t.Errorf("%s: %v, want ErrTooLarge", name, err)
		}
		if n := calls.Load(); n != 1 {
			t.Errorf("%s: %d calls, want 1", name, n)
		}
	}
}

func TestBodyOfExactlyTheLimitIsTaken(t *testing.T) {
	t.Parallel()
	server := serve(t, func(w http.ResponseWriter, r *http.Request) {
		_, _ = w.Write(bytes.Repeat([]byte("x"), len(r.URL.Path)-1))
	})
	client, _ := newClient(t, outgoing.Config{AllowLoopback: true, MaxBytes: 100})
	if resp, err := get(t, client, server.URL+"/"+strings.Repeat("a", 100)); err != nil || len(resp.Body) != 100 {
		t.Errorf("100 bytes: %v", err)
	}
	if _, err := get(t, client, server.URL+"/"+strings.Repeat("a", 101)); !errors.Is(err, outgoing.ErrTooLarge) {
		t.Errorf("101 bytes: %v, want ErrTooLarge", err)
	}
}

// N239
func TestBodyThatComesByteByByteIsGivenUp(t *testing.T) {
	t.Parallel()
	server := serve(t, func(w http.ResponseWriter, r *http.Request) {
		for r.Context().Err() == nil {
			_, _ = w.Write([]byte("x"))
			_ = http.NewResponseController(w).Flush()
			time.Sleep(5 * time.Millisecond)
		}
	})
	client, _ := newClient(t, outgoing.Config{AllowLoopback: true, Timeout: 100 * time.Millisecond})
	start := time.Now()
	_, err := client.Do(t.Context(), request(t, http.MethodPost, server.URL, ""))
	if !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("slow body: %v, want a timeout", err)
	}
	if took := time.Since(start); took > 10*time.Second {
		t.Errorf("gave up after %s", took)
	}
}

// N239
func TestEndlessHeadersAreRefused(t *testing.T) {
	t.Parallel()
	server := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		for i := range 20_000 {
			w.Header().Set(fmt.Sprintf("X-Header-%d", i), "value value value")
		}
	})
	client, _ := newClient(t, outgoing.Config{AllowLoopback: true})
	if _, err := client.Do(t.Context(), request(t, http.MethodPost, server.URL, "")); err == nil {
		t.Error("20,000 headers: no error")
	}
}

func TestEncodingsThatWereNotAskedForAreRefused(t *testing.T) {
	t.Parallel()
	server := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if got := r.Header.Get("Accept-Encoding"); got != "gzip" {
			t.Errorf("Accept-Encoding: %q, want gzip", got)
		}
		w.Header().Set("Content-Encoding", r.URL.Path[1:])
		_, _ = w.Write([]byte("?"))
	})
	client, clock := newClient(t, outgoing.Config{AllowLoopback: true})
	for _, encoding := range []string{"br", "deflate", "gzip, gzip", "zstd"} {
		if _, err := get(t, client, server.URL+"/"+encoding); err == nil {
			t.Errorf("%s: no error", encoding)
		}
	}
	if len(clock.slept) > 0 {
		t.Errorf("repeated %d times", len(clock.slept))
	}
}

func TestWhatIsNotCompressedAsItSaysIsRefused(t *testing.T) {
	t.Parallel()
	whole := compress(t, bytes.Repeat([]byte("people "), 100))
	for name, body := range map[string][]byte{"plain text": []byte("plain text"), "cut short": whole[:len(whole)/2]} {
		client, _ := newClient(t, outgoing.Config{AllowLoopback: true})
		if resp, err := get(t, client, serveGzip(t, body)); err == nil {
			t.Errorf("%s: taken as %q", name, resp.Body)
		}
	}
}

func TestAnswersWithoutABodyMayClaimToBeCompressed(t *testing.T) {
	t.Parallel()
	url := serveGzip(t, nil)
	client, _ := newClient(t, outgoing.Config{AllowLoopback: true})
	for _, method := range []string{http.MethodHead, http.MethodGet} {
		resp, err := client.Do(t.Context(), request(t, method, url, ""))
		if err != nil || len(resp.Body) != 0 {
			t.Errorf("%s: %v", method, err)
		}
	}
}

func TestHeadOfSomethingLargeIsNoLargeAnswer(t *testing.T) {
	t.Parallel()
	server := serve(t, func(w http.ResponseWriter, _ *http.Request) { w.Header().Set("Content-Length", "1073741824") })
	client, _ := newClient(t, outgoing.Config{AllowLoopback: true})
	resp, err := client.Do(t.Context(), request(t, http.MethodHead, server.URL, ""))
	if err != nil || resp.Header.Get("Content-Length") != "1073741824" {
		t.Errorf("HEAD: %v", err)
	}
}
