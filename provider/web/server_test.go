package web_test

import (
	"io"
	"net"
	"net/http/httptest"
	"strings"
	"testing"
)

// A request that hides in the body of another is not answered (RFC 9112 sections 6.1 and 11.2).
func TestNothingIsSmuggledBehindARequest(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(nothing(newSite(t, nil)))
	t.Cleanup(server.Close)
	const hidden = "GET /hidden HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
	for name, c := range map[string]struct {
		request string
		answers int
	}{
		"two lengths":            {"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + hidden, 1},
		"two different lengths":  {"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\nContent-Length: 70\r\n\r\n" + hidden, 0},
		"unknown coding":         {"POST / HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: xchunked\r\n\r\n0\r\n\r\n" + hidden, 0},
		"chunks in HTTP/1.0":     {"POST / HTTP/1.0\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\nConnection: keep-alive\r\n\r\n0\r\n\r\n" + hidden, 1},
		"one after another":      {"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n" + hidden, 2},
		"after a body of length": {"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1\r\n\r\nx" + hidden, 2},
	} {
		conn, err := net.Dial("tcp", server.Listener.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		if _, err := io.WriteString(conn, c.request); err != nil {
			t.Fatal(err)
		}
		answers, err := io.ReadAll(conn)
		if got := strings.Count(string(answers), "204 No Content"); got != c.answers {
			t.Errorf("%s: %d answers (%v), want %d", name, got, err, c.answers)
		}
		_ = conn.Close() // nothing more is asked
	}
}
