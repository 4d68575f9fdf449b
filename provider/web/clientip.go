package web

import (
	"net/http"
	"net/netip"
	"slices"
	"strings"
)

// clientIP returns the peer's address or, if the peer is a trusted proxy, the
// right-most address of X-Forwarded-For that is not: what stands further left
// was written by the client.
func clientIP(r *http.Request, trusted []netip.Prefix) netip.Addr {
	peer, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil {
		return netip.Addr{}
	}
	addr := plain(peer.Addr())
	hops := strings.Split(strings.Join(r.Header.Values("X-Forwarded-For"), ","), ",")
	for _, hop := range slices.Backward(hops) {
		if !isTrusted(addr, trusted) {
			break
		}
		next, err := netip.ParseAddr(strings.TrimSpace(hop))
		if err != nil {
			break
		}
		addr = plain(next)
	}
	return addr
}

// plain writes an address the one way in which networks contain it.
func plain(a netip.Addr) netip.Addr { return a.Unmap().WithZone("") }

func isTrusted(addr netip.Addr, trusted []netip.Prefix) bool {
	return slices.ContainsFunc(trusted, func(p netip.Prefix) bool { return p.Contains(addr) })
}

// NetworkOf returns the network that counts as one client: what one customer
// of a provider usually has.
func NetworkOf(addr netip.Addr) netip.Prefix {
	bits := 64
	if addr.Is4() {
		bits = 24
	}
	network, err := addr.Prefix(bits)
	if err != nil {
		return netip.Prefix{} // no address, as on a Unix socket
	}
	return network
}
