package outgoing

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"strings"
	"syscall"
)

// addresses decides which addresses may be dialled.
type addresses struct {
	loopback bool
	networks []netip.Prefix
}

// special are the IPv4 networks that are not the public internet (IANA IPv4
// Special-Purpose Address Registry), multicast and what is reserved.
var special = prefixes(
	"0.0.0.0/8",       // this host
	"10.0.0.0/8",      // private
	"100.64.0.0/10",   // carrier-grade NAT
	"127.0.0.0/8",     // loopback
	"169.254.0.0/16",  // link-local: metadata of cloud machines
	"172.16.0.0/12",   // private
	"192.0.0.0/24",    // protocol assignments
	"192.0.2.0/24",    // documentation
	"192.88.99.0/24",  // 6to4 relays
	"192.168.0.0/16",  // private
	"198.18.0.0/15",   // benchmarks
	"198.51.100.0/24", // documentation
	"203.0.113.0/24",  // documentation
	"224.0.0.0/3",     // multicast, reserved, broadcast
)

// global is all of IPv6 that is assigned to the internet. What lies outside
// (loopback, link-local, unique local, multicast, NAT64 with 64:ff9b::/96) is
// refused, and so is the part inside that is special or carries an IPv4
// address in itself.
var (
	global        = netip.MustParsePrefix("2000::/3")
	globalSpecial = prefixes(
		"2001::/23",     // protocol assignments: Teredo, benchmarks, ORCHID
		"2001:db8::/32", // documentation
		"2002::/16",     // 6to4
		"3fff::/20",     // documentation
	)
)

func prefixes(texts ...string) []netip.Prefix {
	var list []netip.Prefix
	for _, text := range texts {
		list = append(list, netip.MustParsePrefix(text))
	}
	return list
}

func within(addr netip.Addr, list []netip.Prefix) bool {
	for _, prefix := range list {
		if prefix.Contains(addr) {
			return true
		}
	}
	return false
}

// permits reports whether addr may be dialled.
func (a addresses) permits(addr netip.Addr) bool {
	addr = addr.Unmap().WithZone("") // ::ffff:127.0.0.1 is 127.0.0.1
	switch {
	case a.loopback && addr.IsLoopback(), within(addr, a.networks):
		return true
	case addr.Is4():
		return !within(addr, special)
	default:
		return global.Contains(addr) && !within(addr, globalSpecial)
	}
}

// checkHost judges what a URL says, before any resolver or proxy sees it; the
// dialer judges what a name leads to. Forms of an address that only some
// resolvers understand (0x7f.1, 2130706433) are refused altogether.
func (a addresses) checkHost(host string) error {
	host = strings.TrimSuffix(strings.ToLower(host), ".")
	addr, err := netip.ParseAddr(host)
	if err != nil && (host == "localhost" || strings.HasSuffix(host, ".localhost")) {
		addr, err = netip.AddrFrom4([4]byte{127, 0, 0, 1}), nil
	}
	if err != nil && !numeric(host) {
		return nil // a name
	}
	if err != nil || !a.permits(addr) {
		return fmt.Errorf("%w: %s", ErrRefusedAddress, host)
	}
	return nil
}

// numeric reports whether the last label of a host is a number, which no
// top-level domain is; the URL standard then takes the host for an IPv4 address.
func numeric(host string) bool {
	last := host[strings.LastIndexByte(host, '.')+1:]
	if rest, ok := strings.CutPrefix(last, "0x"); ok {
		return strings.Trim(rest, "0123456789abcdef") == ""
	}
	return strings.Trim(last, "0123456789") == ""
}

// dialer checks the very address that is about to be connected to, after DNS,
// so that a name cannot lead somewhere else the second time it is asked for.
func (c *Client) dialer() *net.Dialer {
	return &net.Dialer{
		Timeout:  dialTimeout,
		Resolver: c.cfg.Resolver,
		ControlContext: func(_ context.Context, _, address string, _ syscall.RawConn) error {
			dialled, err := netip.ParseAddrPort(address)
			if err != nil {
				return fmt.Errorf("%w: %s", ErrRefusedAddress, address)
			}
			if !c.allowed.permits(dialled.Addr()) {
				return fmt.Errorf("%w: %s", ErrRefusedAddress, dialled.Addr())
			}
			return nil
		},
	}
}
