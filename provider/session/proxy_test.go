package session_test

import (
	"crypto/tls"
	"errors"
	"net"
	"sync"
	"sync/atomic"
	"testing"
)

// proxy stands between a store and its redis-server.
type proxy struct {
	addr      string
	target    atomic.Pointer[string]
	dropReply atomic.Bool  // the next reply is lost and its connection closed
	commands  atomic.Int64 // that clients have sent
}

// startProxy starts a proxy that speaks TLS with clients if there is a config.
func startProxy(t *testing.T, config *tls.Config) *proxy {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	if config != nil {
		l = tls.NewListener(l, config)
	}
	p := &proxy{addr: l.Addr().String()}
	var running sync.WaitGroup
	t.Cleanup(func() {
		_ = l.Close() // ends the accept loop
		running.Wait()
	})
	running.Go(func() {
		for {
			client, err := l.Accept()
			if errors.Is(err, net.ErrClosed) {
				return
			}
			if err != nil {
				t.Errorf("proxy: %v", err)
				return
			}
			running.Go(func() { p.serve(client) })
		}
	})
	return p
}

func (p *proxy) serve(client net.Conn) {
	defer client.Close()
	server, err := net.Dial("tcp", *p.target.Load())
	if err != nil {
		return // as if the server were gone
	}
	var copying sync.WaitGroup
	copying.Go(func() {
		defer server.Close()
		forward(server, client, func(chunk []byte) bool {
			if chunk[0] == '*' { // go-redis sends a command with one write
				p.commands.Add(1)
			}
			return true
		})
	})
	forward(client, server, func([]byte) bool { return !p.dropReply.CompareAndSwap(true, false) })
	_ = client.Close() // ends the other direction
	copying.Wait()
}

// forward copies until one side ends or see says no.
func forward(to, from net.Conn, see func(chunk []byte) bool) {
	buf := make([]byte, 64<<10)
	for {
		n, err := from.Read(buf)
		if n > 0 && !see(buf[:n]) {
			return
		}
		if _, errWrite := to.Write(buf[:n]); err != nil || errWrite != nil {
			return
		}
	}
}
