package web

import (
	"context"
	"net/http"
	"net/netip"
	"slices"
	"strings"
)

// clientIP returns the peer's address or, if the peer is a trusted proxy, the
// right-most address of X-Forwarded-For that is not: what stands further left
// was written by the client. At a value that is no address the search ends, and
// unread is that value: its client counts as the proxy that sent it.
func clientIP(r *http.Request, trusted []netip.Prefix) (addr netip.Addr, unread string) {
	peer, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil {
		return netip.Addr{}, ""
	}
	addr = plain(peer.Addr())
	hops := strings.Split(strings.Join(r.Header.Values("X-Forwarded-For"), ","), ",")
	for _, hop := range slices.Backward(hops) {
		if !isTrusted(addr, trusted) {
			break
		}
		hop = strings.TrimSpace(hop)
		next, ok := parseHop(hop)
		if !ok {
			return addr, hop
		}
		addr = plain(next)
	}
	return addr, ""
}

// parseHop reads an address as proxies write it: some with the port, such as
// the gateway of Azure, and some those of IPv6 in brackets.
func parseHop(text string) (netip.Addr, bool) {
	if addr, err := netip.ParseAddr(text); err == nil {
		return addr, true
	}
	if withPort, err := netip.ParseAddrPort(text); err == nil {
		return withPort.Addr(), true
	}
	inner, opened := strings.CutPrefix(text, "[")
	inner, closed := strings.CutSuffix(inner, "]")
	addr, err := netip.ParseAddr(inner)
	return addr, opened && closed && err == nil && addr.Is6()
}

// maxUnread bounds what the log repeats of a value that is no address.
const maxUnread = 64

// warnUnread says once that people cannot be told apart behind a proxy: all of
// them share the limits of its network, and events have its address.
func (s *Site) warnUnread(ctx context.Context, proxy netip.Addr, value string) {
	s.unread.Do(func() {
		s.cfg.Logger.WarnContext(ctx, "a trusted proxy sends an X-Forwarded-For that is no address; its clients count as the proxy",
			"proxy", proxy.String(), "value", value[:min(len(value), maxUnread)])
	})
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
