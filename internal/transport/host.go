// SPDX-License-Identifier: MPL-2.0

package transport

import (
	"net/netip"
	"net/url"
	"strconv"
	"strings"
	"unicode/utf8"
)

// host is the host and port that net/http would dial for a URL.
type host struct {
	name string     // lower case, without trailing dot or brackets
	addr netip.Addr // valid if name is an address
	odd  bool       // name spells addr in a way that only some resolvers read
	port string     // decimal, the scheme's own if the URL has none
}

var defaultPorts = map[string]string{"http": "80", "https": "443", "socks5": "1080"}

// parseHost takes the host apart as net/http does, and refuses what resolvers
// may read differently: whoever checks must see what the dialler sees.
func parseHost(u *url.URL) (host, error) {
	// Before ToLower, which turns the Kelvin sign into a k.
	if strings.ContainsFunc(u.Host, func(r rune) bool { return r >= utf8.RuneSelf }) {
		return host{}, &GuardError{Reason: HostNotASCII}
	}
	raw := strings.ToLower(u.Hostname())
	h := host{name: strings.TrimSuffix(raw, "."), port: defaultPorts[u.Scheme]}
	if h.name == "" {
		return host{}, &GuardError{Reason: NoHost}
	}
	if port := u.Port(); port != "" || strings.HasSuffix(u.Host, ":") {
		n, err := strconv.ParseUint(port, 10, 16)
		if err != nil || n == 0 {
			return host{}, &GuardError{Reason: BadPort}
		}
		h.port = strconv.FormatUint(n, 10)
	}
	if strings.ContainsAny(u.Host, "[]") || strings.Contains(raw, ":") {
		addr, err := netip.ParseAddr(raw)
		if err != nil || addr.Is4() || addr.Zone() != "" || !strings.HasPrefix(u.Host, "[") {
			return host{}, &GuardError{Reason: BadIPv6}
		}
		h.name, h.addr = addr.Unmap().String(), addr.Unmap()
		return h, nil
	}
	return h.named()
}

// named tells IPv4 addresses from names.
func (h host) named() (host, error) {
	addr, numeric := looseIPv4(h.name)
	switch {
	case numeric && addr.IsValid():
		h.addr, h.odd = addr, h.name != addr.String()
	case numeric, !isName(h.name):
		return host{}, &GuardError{Reason: BadHost}
	}
	return h, nil
}

// isLocalhost: these names are loopback wherever they are resolved (RFC 6761
// section 6.3).
func (h host) isLocalhost() bool {
	return h.name == "localhost" || strings.HasSuffix(h.name, ".localhost")
}

// matches tells whether a pattern of Guard.Hosts fits.
func (h host) matches(pattern string) bool {
	name, port := splitPattern(strings.ToLower(strings.TrimSpace(pattern)))
	if addr, err := netip.ParseAddr(name); err == nil {
		name = addr.Unmap().String()
	}
	return glob(strings.TrimSuffix(name, "."), h.name) && glob(port, h.port)
}

func splitPattern(pattern string) (name, port string) {
	if rest, ok := strings.CutPrefix(pattern, "["); ok {
		name, port, _ = strings.Cut(rest, "]")
		if port == "" {
			return name, "*"
		}
		return name, strings.TrimPrefix(port, ":")
	}
	name, port, found := strings.Cut(pattern, ":")
	if !found || strings.Contains(port, ":") { // an IPv6 address without brackets has no port
		return pattern, "*"
	}
	return name, port
}

// glob matches s against a pattern in which '*' stands for any run of characters.
func glob(pattern, s string) bool {
	parts := strings.Split(pattern, "*")
	if len(parts) == 1 {
		return pattern == s
	}
	s, ok := strings.CutPrefix(s, parts[0])
	if !ok {
		return false
	}
	last := len(parts) - 1
	for _, part := range parts[1:last] {
		if _, s, ok = strings.Cut(s, part); !ok {
			return false
		}
	}
	return strings.HasSuffix(s, parts[last])
}

// isName tells whether s can be a DNS name. Underscores are not host names
// (RFC 952), but container networks have them.
func isName(s string) bool {
	if len(s) > 253 {
		return false
	}
	for label := range strings.SplitSeq(s, ".") {
		if label == "" || len(label) > 63 || strings.Trim(label, "abcdefghijklmnopqrstuvwxyz0123456789-_") != "" {
			return false
		}
	}
	return true
}

// looseIPv4 reads what inet_aton, and with it many resolvers, take for an IPv4
// address: one to four parts in decimal, octal or hex, the last filling what is
// left. As in the WHATWG URL standard, a host whose last label is a number is
// an address or nothing.
func looseIPv4(s string) (addr netip.Addr, numeric bool) {
	labels := strings.Split(s, ".")
	last := labels[len(labels)-1]
	if _, err := parseNumber(last); err != nil && strings.Trim(last, "0123456789") != "" {
		return netip.Addr{}, false
	}
	if len(labels) > 4 {
		return netip.Addr{}, true
	}
	var sum uint64
	for i, label := range labels {
		limit, shift := uint64(1)<<8, 8*(3-i)
		if i == len(labels)-1 {
			limit, shift = uint64(1)<<(8*(4-i)), 0
		}
		n, err := parseNumber(label)
		if err != nil || n >= limit {
			return netip.Addr{}, true
		}
		sum |= n << shift
	}
	return netip.AddrFrom4([4]byte{byte(sum >> 24), byte(sum >> 16), byte(sum >> 8), byte(sum)}), true
}

func parseNumber(s string) (uint64, error) {
	switch {
	case s == "0x":
		return 0, nil
	case strings.HasPrefix(s, "0x"):
		return strconv.ParseUint(s[2:], 16, 64)
	case len(s) > 1 && s[0] == '0':
		return strconv.ParseUint(s[1:], 8, 64)
	}
	return strconv.ParseUint(s, 10, 64)
}
