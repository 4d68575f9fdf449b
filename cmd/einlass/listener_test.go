package main

import (
	"context"
	"net"
	"net/http"
	"testing"
)

// Whoever has got a connection is answered: those in the queue of the listener
// did, although nobody has accepted them when the server is told to stop.
func TestStoppingAnswersQueuedConnections(t *testing.T) {
	t.Parallel()
	l, err := listen("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	answers := make(chan error)
	const waiting = 20
	for range waiting {
		c, err := net.Dial("tcp", l.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		transport := &http.Transport{DialContext: func(context.Context, string, string) (net.Conn, error) { return c, nil }}
		go func() {
			request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://einlass.example/", nil)
			if err == nil {
				var response *http.Response
				if response, err = transport.RoundTrip(request); err == nil {
					err = response.Body.Close()
				}
			}
			transport.CloseIdleConnections()
			answers <- err
		}()
	}
	ended, end := context.WithCancel(t.Context())
	end()
	served := make(chan error)
	go func() {
		served <- serveUntil(ended, &http.Server{Handler: http.NotFoundHandler(), ReadHeaderTimeout: readHeaderTimeout}, l)
	}()
	for range waiting {
		if err := <-answers; err != nil {
			t.Errorf("not answered: %v", err)
		}
	}
	if err := <-served; err != nil {
		t.Error(err)
	}
	if _, err := net.Dial("tcp", l.Addr().String()); err == nil {
		t.Error("still listening")
	}
}
