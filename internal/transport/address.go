// SPDX-License-Identifier: MPL-2.0

package transport

import (
	"net/netip"
	"slices"
)

// metadata are the addresses where clouds serve credentials to whoever asks,
// apart from those that are link-local.
var metadata = []netip.Prefix{
	netip.MustParsePrefix("100.100.100.200/32"),     // Alibaba Cloud
	netip.MustParsePrefix("192.0.0.192/32"),         // Oracle Cloud
	netip.MustParsePrefix("168.63.129.16/32"),       // Azure WireServer
	netip.MustParsePrefix("fd00:ec2::/32"),          // AWS: metadata, EKS pod identity, DNS, NTP
	netip.MustParsePrefix("fd20:ce::254/128"),       // Google Cloud
	netip.MustParsePrefix("fd00:c1::a9fe:a9fe/128"), // Oracle Cloud
	netip.MustParsePrefix("fd00:42::42/128"),        // Scaleway
	netip.MustParsePrefix("fd00:a9fe:a9fe::1/128"),  // Akamai (Linode)
	netip.MustParsePrefix("fd00:100::100:200/128"),  // Alibaba Cloud
}

// embedding are the IPv6 prefixes behind which a gateway, or the kernel, may
// reach the IPv4 address that stands at offset at.
var embedding = []struct {
	prefix   netip.Prefix
	at       int
	inverted bool
}{
	{netip.MustParsePrefix("::/96"), 12, false},           // IPv4-compatible, RFC 4291 section 2.5.5.1
	{netip.MustParsePrefix("::ffff:0:0:0/96"), 12, false}, // IPv4-translated, RFC 2765
	{netip.MustParsePrefix("64:ff9b::/96"), 12, false},    // NAT64, RFC 6052
	{netip.MustParsePrefix("64:ff9b:1::/48"), 12, false},  // NAT64 in one's own network, RFC 8215
	{netip.MustParsePrefix("2002::/16"), 2, false},        // 6to4, RFC 3056
	{netip.MustParsePrefix("2001::/32"), 4, false},        // Teredo's server, RFC 4380 section 4
	{netip.MustParsePrefix("2001::/32"), 12, true},        // Teredo's client
}

var (
	thisNetwork = netip.MustParsePrefix("0.0.0.0/8") // Linux takes 0.0.0.0 for loopback
	broadcast   = netip.MustParseAddr("255.255.255.255")
)

// forbidden gives the reason why nobody may dial a, which is unmapped and has
// no zone; 0 if there is none.
func forbidden(a netip.Addr, allowLoopback bool) Reason {
	in := func(p netip.Prefix) bool { return p.Contains(a) }
	switch {
	case a.IsLoopback() && allowLoopback:
		return 0
	case a.IsLoopback():
		return Loopback
	case a.IsUnspecified(), thisNetwork.Contains(a):
		return Unspecified
	case a.IsLinkLocalUnicast():
		return LinkLocal
	case a.IsMulticast(), a == broadcast:
		return Multicast
	case slices.ContainsFunc(metadata, in):
		return Metadata
	case embedsForbidden(a):
		return Embedded
	}
	return 0
}

// embedsForbidden: loopback counts even where AllowLoopback is set, since no
// honest server is reached in this way.
func embedsForbidden(a netip.Addr) bool {
	raw := a.As16()
	for _, e := range embedding {
		if !e.prefix.Contains(a) {
			continue
		}
		v4 := [4]byte(raw[e.at:])
		if e.inverted {
			for i := range v4 {
				v4[i] ^= 0xff
			}
		}
		if forbidden(netip.AddrFrom4(v4), false) != 0 {
			return true
		}
	}
	return false
}

// unmapPrefix lets ::ffff:10.0.0.0/104 mean 10.0.0.0/8: addresses are unmapped.
func unmapPrefix(p netip.Prefix) netip.Prefix {
	if p.Addr().Is4In6() && p.Bits() >= 96 {
		return netip.PrefixFrom(p.Addr().Unmap(), p.Bits()-96)
	}
	return p
}
