package main

import (
	"net/netip"
	"strings"
	"testing"
)

// A network contains the addresses that are looked for in it, however it is
// written: those of IPv4 come without the IPv6 around them.
func TestNetworksContainWhatTheySay(t *testing.T) {
	t.Parallel()
	for text, c := range map[string]struct{ shown, contains string }{
		"::ffff:10.0.0.0/104": {"10.0.0.0/8", "10.1.2.3"},
		"::ffff:0.0.0.0/96":   {"0.0.0.0/0", "192.0.2.1"},
		"::ffff:192.0.2.1":    {"192.0.2.1/32", "192.0.2.1"},
		"::ffff:a01:203/128":  {"10.1.2.3/32", "10.1.2.3"},
		"10.1.2.3/8":          {"10.0.0.0/8", "10.255.255.255"},
		"2001:db8::1/32":      {"2001:db8::/32", "2001:db8:ffff::1"},
		"2001:db8::1":         {"2001:db8::1/128", "2001:db8::1"},
		"::/0":                {"::/0", "2001:db8::1"},
	} {
		for _, key := range []string{"trusted_proxies: ['%']", "outgoing: { allow_networks: ['%'] }"} {
			cfg, problems := loadText(t, base+strings.ReplaceAll(key, "%", text)+"\n")
			networks := append(cfg.TrustedProxies, cfg.Outgoing.AllowNetworks...)
			if problems != "" || len(networks) != 1 || networks[0].String() != c.shown || !networks[0].Contains(netip.MustParseAddr(c.contains)) {
				t.Errorf("%s: %v, %s; want %s, which contains %s", strings.ReplaceAll(key, "%", text), networks, problems, c.shown, c.contains)
			}
		}
	}
	for _, text := range []string{"::ffff:10.0.0.0/95", "::ffff:10.0.0.0/0", "10.0.0.0/33", "10.0.0.0/-1", "fe80::1%eth0", "fe80::%eth0/64", "10.0.0", "", "10.0.0.0/8/8"} {
		cfg, problems := loadText(t, base+"trusted_proxies: ['"+text+"']\n")
		if want := `want addresses or networks such as 10.0.0.0/8, found "` + text + `"`; !strings.Contains(problems, want) || len(cfg.TrustedProxies) > 0 {
			t.Errorf("%q: %v, problems %q; want it refused", text, cfg.TrustedProxies, problems)
		}
	}
}
