package outgoing_test

import (
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/einlass/einlass/provider/outgoing"
)

// notPublic has an address of every kind that is refused.
var notPublic = []string{
	"127.0.0.1", "127.255.255.254", "::1",
	"0.0.0.0", "0.1.2.3", "::",
	"10.0.0.1", "172.16.0.1", "172.31.255.255", "192.168.1.1", "fc00::1", "fdff::1",
	"169.254.169.254", "fe80::1", "fd00:ec2::254",
	"100.64.0.1", "100.127.255.255",
	"224.0.0.1", "239.255.255.255", "240.0.0.1", "255.255.255.255", "ff02::1",
	"192.0.0.8", "192.0.2.1", "198.18.0.1", "198.51.100.1", "203.0.113.1", "2001:db8::1",
	"::ffff:127.0.0.1", "::ffff:10.0.0.1", "::ffff:a9fe:a9fe", "::127.0.0.1",
	"64:ff9b::7f00:1", "64:ff9b::a9fe:a9fe", "64:ff9b::808:808", "64:ff9b:1::1",
	"2002:7f00:1::1", "2001::1", "100::1", "fec0::1",
}

// N236
func TestAddressesThatAreNotPublicAreRefused(t *testing.T) {
	t.Parallel()
	client, clock := newClient(t, outgoing.Config{})
	hosts := []string{"localhost", "localhost.", "LOCALHOST", "fe80::1%25lo", "2130706433", "0x7f.1", "0177.0.0.1", "127.1", "0x7f000001"}
	for _, host := range append(hosts, notPublic...) {
		if strings.Contains(host, ":") {
			host = "[" + host + "]"
		}
		if _, err := get(t, client, "http://"+host+":9/"); !errors.Is(err, outgoing.ErrRefusedAddress) {
			t.Errorf("%s: %v, want ErrRefusedAddress", host, err)
		}
	}
	if len(clock.slept) > 0 {
		t.Errorf("refused calls were repeated %d times", len(clock.slept))
	}
}

// N236: what counts is the address that a name leads to.
func TestNamesThatLeadToSuchAddressesAreRefused(t *testing.T) {
	t.Parallel()
	names := map[string][]netip.Addr{}
	for i, text := range notPublic {
		names[fmt.Sprintf("host-%d.example", i)] = []netip.Addr{netip.MustParseAddr(text)}
	}
	client, clock := newClient(t, outgoing.Config{Resolver: resolver(t, names)})
	for name, addr := range names {
		for _, host := range []string{name, name + "."} {
			if _, err := get(t, client, "http://"+host+":9/"); !errors.Is(err, outgoing.ErrRefusedAddress) {
				t.Errorf("%s at %s: %v, want ErrRefusedAddress", host, addr, err)
			}
		}
	}
	if len(clock.slept) > 0 {
		t.Errorf("refused calls were repeated %d times", len(clock.slept))
	}
}

// N237
func TestNameThatChangesItsAddressIsRefusedTheSecondTime(t *testing.T) {
	t.Parallel()
	var served atomic.Int32
	server := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		served.Add(1)
		w.Header().Set("Connection", "close") // the next call asks DNS again
	})
	// 127.0.0.1 stands for an address that is permitted, 127.0.0.2 for one that is not.
	client, _ := newClient(t, outgoing.Config{
		AllowNetworks: []netip.Prefix{netip.MustParsePrefix("127.0.0.1/32")},
		Resolver: resolver(t, map[string][]netip.Addr{
			"rebind.example": {netip.MustParseAddr("127.0.0.1"), netip.MustParseAddr("127.0.0.2")},
		}),
	})
	target := "http://rebind.example:" + port(t, server.URL)
	if _, err := get(t, client, target); err != nil {
		t.Fatalf("first call: %v", err)
	}
	if _, err := get(t, client, target); !errors.Is(err, outgoing.ErrRefusedAddress) {
		t.Errorf("second call: %v, want ErrRefusedAddress", err)
	}
	if n := served.Load(); n != 1 {
		t.Errorf("the server was reached %d times, want once", n)
	}
}

func port(t testing.TB, rawURL string) string {
	t.Helper()
	u, err := url.Parse(rawURL)
	if err != nil {
		t.Fatal(err)
	}
	return u.Port()
}

func TestWhatIsAllowedIsReached(t *testing.T) {
	t.Parallel()
	server := serve(t, func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) })
	localhost := "http://localhost:" + port(t, server.URL)
	network := func(text string) []netip.Prefix { return []netip.Prefix{netip.MustParsePrefix(text)} }
	for name, c := range map[string]struct {
		cfg     outgoing.Config
		url     string
		reached bool
	}{
		"loopback allowed":             {outgoing.Config{AllowLoopback: true}, server.URL, true},
		"loopback by name":             {outgoing.Config{AllowLoopback: true}, localhost, true},
		"its network allowed":          {outgoing.Config{AllowNetworks: network("127.0.0.0/8")}, server.URL, true},
		"another network allowed":      {outgoing.Config{AllowNetworks: network("10.0.0.0/8")}, server.URL, false},
		"everything of IPv6 allowed":   {outgoing.Config{AllowNetworks: network("::/0")}, server.URL, false},
		"loopback is not private":      {outgoing.Config{AllowLoopback: true}, "http://10.0.0.1:9", false},
		"loopback is not unspecified":  {outgoing.Config{AllowLoopback: true}, "http://0.0.0.0:9", false},
		"loopback is not its NAT64":    {outgoing.Config{AllowLoopback: true}, "http://[64:ff9b::7f00:1]:9", false},
		"loopback is not link-local":   {outgoing.Config{AllowLoopback: true}, "http://169.254.169.254", false},
		"nothing allowed, to loopback": {outgoing.Config{}, server.URL, false},
	} {
		client, _ := newClient(t, c.cfg)
		resp, err := get(t, client, c.url)
		if c.reached && (err != nil || resp.Status != http.StatusNoContent) {
			t.Errorf("%s: %v, want to reach it", name, err)
		}
		if !c.reached && !errors.Is(err, outgoing.ErrRefusedAddress) {
			t.Errorf("%s: %v, want ErrRefusedAddress", name, err)
		}
	}
}

func TestProxyGetsPublicTargetsOnly(t *testing.T) {
	t.Parallel()
	var asked atomic.Value
	proxy := serve(t, func(w http.ResponseWriter, r *http.Request) {
		asked.Store(r.URL.String())
		_, _ = w.Write([]byte("by the proxy"))
	})
	client, _ := newClient(t, outgoing.Config{Proxy: proxy.URL})
	resp, err := get(t, client, "http://hr.acme.example/people")
	if err != nil || string(resp.Body) != "by the proxy" {
		t.Fatalf("call by proxy: %v, %v", resp, err)
	}
	if got := asked.Load(); got != "http://hr.acme.example/people" {
		t.Errorf("the proxy was asked for %v", got)
	}
	for _, host := range []string{"8.8.8.8", "172.32.0.1", "100.128.0.1", "[2606:4700::1111]", "[2a00:1450::1]", "localhost.example"} {
		if _, err := get(t, client, "http://"+host+"/"); err != nil || asked.Load() != "http://"+host+"/" {
			t.Errorf("%s by proxy: %v, want to reach the proxy", host, err)
		}
	}
	asked.Store("")
	for _, host := range []string{
		"127.0.0.1", "[::1]", "localhost", "LOCALHOST.", "app.localhost", "169.254.169.254", "10.1.2.3",
		"[::ffff:127.0.0.1]", "[64:ff9b::7f00:1]", "2130706433", "0x7f.1", "127.1", "0177.0.0.1", "0x7f000001",
	} {
		if _, err := get(t, client, "http://"+host+"/"); !errors.Is(err, outgoing.ErrRefusedAddress) {
			t.Errorf("%s by proxy: %v, want ErrRefusedAddress", host, err)
		}
	}
	if got := asked.Load(); got != "" {
		t.Errorf("the proxy was asked for %v", got)
	}
}

func TestProxyMustBeAnAddressAndIsNotRepeatedInErrors(t *testing.T) {
	t.Parallel()
	for _, proxy := range []string{"proxy:3128", "http://", "socks5://proxy:1080", "http://user:hunter2@pro xy", "file:///etc"} {
		_, err := outgoing.New(outgoing.Config{Proxy: proxy})
		if err == nil {
			t.Errorf("proxy %q: no error", proxy)
			continue
		}
		if text := err.Error(); len(text) > 80 {
			t.Errorf("proxy %q: error %q", proxy, text)
		}
	}
}

// N236: a refusal comes before the connection, not after it.
func TestRefusedAddressesSeeNoConnection(t *testing.T) {
	t.Parallel()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var accepted atomic.Int32
	var running sync.WaitGroup
	running.Go(func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			accepted.Add(1)
			_ = conn.Close()
		}
	})
	client, _ := newClient(t, outgoing.Config{Resolver: resolver(t, map[string][]netip.Addr{
		"hr.acme.example": {netip.MustParseAddr("127.0.0.1")},
	})})
	if _, err := get(t, client, "http://hr.acme.example:"+port(t, "http://"+listener.Addr().String())); err == nil {
		t.Error("call to loopback: no error")
	}
	_ = listener.Close() // ends the goroutine
	running.Wait()
	if n := accepted.Load(); n != 0 {
		t.Errorf("connections made: %d, want none", n)
	}
}
