package main

import (
	"context"
	"errors"
	"net"
	"net/http"
	"os"
	"sync"
	"time"
)

const (
	// queueQuiet without a new connection means that the queue is empty.
	queueQuiet = 2 * time.Millisecond
	// queueTimeout bounds the time for which a stopping server takes new connections.
	queueTimeout = time.Second
	busyPoll     = 5 * time.Millisecond
)

// listen opens a listener at host:port.
func listen(address string) (*net.TCPListener, error) {
	l, err := net.Listen("tcp", address)
	if err != nil {
		return nil, err
	}
	return l.(*net.TCPListener), nil // what net.Listen returns for tcp
}

// serveOn serves until the server is closed.
func serveOn(server *http.Server, l net.Listener) error {
	var err error
	if server.TLSConfig != nil {
		err = server.ServeTLS(l, "", "")
	} else {
		err = server.Serve(l)
	}
	if errors.Is(err, http.ErrServerClosed) || errors.Is(err, net.ErrClosed) {
		return nil
	}
	return err
}

// serveUntil serves until ctx ends, and then answers whoever has got a connection by then.
// http.Server.Shutdown alone does not: it drops requests that it reads while it
// shuts down, and closing a listener resets the connections in its queue. So
// the listener stops first, then the connections end, and then the server.
func serveUntil(ctx context.Context, server *http.Server, l *net.TCPListener) error {
	queue := &queueListener{TCPListener: l}
	busy := busyConnections{set: map[net.Conn]bool{}}
	server.ConnState = busy.note
	defer context.AfterFunc(ctx, queue.stop)()
	if err := serveOn(server, queue); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), drainTimeout)
	defer cancel()
	server.SetKeepAlivesEnabled(false)
	busy.wait(ctx)
	return server.Shutdown(ctx)
}

// busyConnections are those with a request under way, or with none yet.
type busyConnections struct {
	mu  sync.Mutex
	set map[net.Conn]bool
}

func (b *busyConnections) note(c net.Conn, state http.ConnState) {
	b.mu.Lock()
	defer b.mu.Unlock()
	switch state {
	case http.StateNew, http.StateActive:
		b.set[c] = true
	default:
		delete(b.set, c)
	}
}

func (b *busyConnections) none() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return len(b.set) == 0
}

// wait returns when no connection is busy, or ctx ends. A connection without a
// request is over after readHeaderTimeout.
func (b *busyConnections) wait(ctx context.Context) {
	ticker := time.NewTicker(busyPoll)
	defer ticker.Stop()
	for !b.none() {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
	}
}

// queueListener hands out what the system has queued before it closes.
type queueListener struct {
	*net.TCPListener
	closesAt time.Time // zero while open; for Accept only, which one goroutine calls
}

// stop makes Accept empty the queue and then return net.ErrClosed.
func (q *queueListener) stop() {
	_ = q.SetDeadline(time.Now()) // one that is closed has nothing more to give
}

func (q *queueListener) Accept() (net.Conn, error) {
	if q.closesAt.IsZero() {
		c, err := q.TCPListener.Accept()
		if !errors.Is(err, os.ErrDeadlineExceeded) {
			return c, err
		}
		q.closesAt = time.Now().Add(queueTimeout)
	}
	deadline := time.Now().Add(queueQuiet)
	if deadline.After(q.closesAt) {
		deadline = q.closesAt
	}
	if err := q.SetDeadline(deadline); err != nil {
		return nil, err
	}
	c, err := q.TCPListener.Accept()
	if errors.Is(err, os.ErrDeadlineExceeded) {
		return nil, net.ErrClosed
	}
	return c, err
}
