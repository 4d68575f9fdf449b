package outgoing_test

import (
	"context"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/net/dns/dnsmessage"

	"github.com/einlass/einlass/provider/outgoing"
)

// clock passes only while somebody sleeps, and remembers for how long.
type clock struct {
	mu    sync.Mutex // guards t and slept
	t     time.Time
	slept []time.Duration
}

func newClock() *clock { return &clock{t: time.Date(2026, 11, 2, 8, 0, 0, 0, time.UTC)} }

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.t
}

func (c *clock) Sleep(ctx context.Context, d time.Duration) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.t = c.t.Add(d)
	c.slept = append(c.slept, d)
	return ctx.Err()
}

func (c *clock) total() time.Duration {
	var sum time.Duration
	for _, d := range c.slept {
		sum += d
	}
	return sum
}

// newClient returns a client that waits on a fake clock.
func newClient(t testing.TB, cfg outgoing.Config) (*outgoing.Client, *clock) {
	t.Helper()
	clock := newClock()
	cfg.Now, cfg.Sleep = clock.Now, clock.Sleep
	client, err := outgoing.New(cfg)
	if err != nil {
		t.Fatalf("new client: %v", err)
	}
	t.Cleanup(client.Close)
	return client, clock
}

func serve(t testing.TB, handler http.HandlerFunc) *httptest.Server {
	t.Helper()
	server := httptest.NewServer(handler)
	t.Cleanup(server.Close)
	return server
}

func get(t testing.TB, client *outgoing.Client, url string) (*outgoing.Response, error) {
	t.Helper()
	return client.Do(t.Context(), request(t, http.MethodGet, url, ""))
}

func request(t testing.TB, method, url, body string) *http.Request {
	t.Helper()
	req, err := http.NewRequest(method, url, strings.NewReader(body))
	if err != nil {
		t.Fatalf("new request: %v", err)
	}
	return req
}

// nameServer answers every question with the next address of its list, and with
// the last one from then on. A zero address is answered with "no such name".
type nameServer struct {
	mu    sync.Mutex // guards hosts
	hosts map[string][]netip.Addr
}

// resolver returns a resolver that asks a new name server on loopback.
func resolver(t testing.TB, hosts map[string][]netip.Addr) *net.Resolver {
	t.Helper()
	conn, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatalf("listen: %v", err)
	}
	server := &nameServer{hosts: hosts}
	var running sync.WaitGroup
	running.Go(func() { server.run(conn) })
	t.Cleanup(func() {
		_ = conn.Close() // ends run
		running.Wait()
	})
	return &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, "udp", conn.LocalAddr().String())
	}}
}

func (s *nameServer) run(conn net.PacketConn) {
	buffer := make([]byte, 1500)
	for {
		n, from, err := conn.ReadFrom(buffer)
		if err != nil {
			return
		}
		var message dnsmessage.Message
		if message.Unpack(buffer[:n]) != nil || len(message.Questions) != 1 {
			continue
		}
		s.answer(&message)
		if packed, err := message.Pack(); err == nil {
			_, _ = conn.WriteTo(packed, from) // a lost answer is asked for again
		}
	}
}

func (s *nameServer) answer(m *dnsmessage.Message) {
	question := m.Questions[0]
	m.Response, m.Authoritative, m.Additionals = true, true, nil
	addr, found := s.next(strings.TrimSuffix(question.Name.String(), "."), question.Type)
	if !found {
		m.RCode = dnsmessage.RCodeNameError
		return
	}
	header := dnsmessage.ResourceHeader{Name: question.Name, Class: question.Class, TTL: 0}
	switch {
	case question.Type == dnsmessage.TypeA && addr.Is4():
		m.Answers = []dnsmessage.Resource{{Header: header, Body: &dnsmessage.AResource{A: addr.As4()}}}
	case question.Type == dnsmessage.TypeAAAA && addr.Is6():
		m.Answers = []dnsmessage.Resource{{Header: header, Body: &dnsmessage.AAAAResource{AAAA: addr.As16()}}}
	}
}

// next moves on with the A question of each lookup, since each asks for A and AAAA.
func (s *nameServer) next(name string, kind dnsmessage.Type) (netip.Addr, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	list := s.hosts[name]
	if len(list) == 0 {
		return netip.Addr{}, false
	}
	if kind == dnsmessage.TypeA && len(list) > 1 {
		s.hosts[name] = list[1:]
	}
	return list[0], list[0].IsValid()
}
