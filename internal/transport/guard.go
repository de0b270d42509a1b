// SPDX-License-Identifier: MPL-2.0

package transport

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"syscall"
	"time"
)

// Guard says which hosts may be reached. Its zero value allows every host over
// https but loopback, link-local, unspecified, multicast and cloud metadata
// addresses. Private networks are allowed: most authorization servers that a
// Vault talks to live there.
type Guard struct {
	// AllowLoopback admits loopback addresses: the one switch that widens.
	AllowLoopback bool
	// Hosts, if any, are the only hosts allowed, a proxy included: globs over the
	// host name as the URL has it, without regard to case, where '*' stands for
	// any run of characters; "host:port" binds the port as well.
	Hosts []string
	// Networks, if any, are the only networks allowed: for every address that is
	// dialled, loopback and a proxy's included. They open nothing that is
	// forbidden otherwise.
	Networks []netip.Prefix
}

// CheckURL checks what a URL alone can show, without DNS, when it is written
// and again on each request: absolute, https (or http if allowed), no userinfo,
// no fragment (RFC 6749 section 3.2), an ASCII host that Hosts allow, a port
// from 1 to 65535. Addresses, however spelled, are held to CheckAddr. Errors
// are *GuardError and quote nothing but the host.
func (g Guard) CheckURL(u *url.URL, allowHTTP bool) error {
	switch {
	case u == nil, u.Opaque != "", u.Scheme != "https" && u.Scheme != "http":
		return &GuardError{Reason: "the URL must be absolute and begin with https://"}
	case u.User != nil:
		return &GuardError{Reason: "the URL must not hold a user name or password: they have fields of their own"}
	case u.Fragment != "" || u.RawFragment != "":
		return &GuardError{Reason: "the URL must not hold a fragment (from # on): it is never sent"}
	}
	h, err := parseHost(u)
	if err != nil {
		return err
	}
	if u.Scheme == "http" && !allowHTTP {
		if (h.isLocalhost() || h.addr.IsLoopback()) && !g.AllowLoopback { // or the next refusal would name the other half
			return &GuardError{h.name, "would be called over plain http, and " + reasonLoopback + ", together with allow_http=true in the config"}
		}
		return &GuardError{h.name, "would be called over plain http: use https, or set allow_http=true in the config"}
	}
	return g.checkHost(h)
}

// CheckAddr checks an address that is about to be dialled. IPv4 inside IPv6 is
// checked as IPv4, and zones are ignored. Errors are *GuardError.
func (g Guard) CheckAddr(a netip.Addr) error {
	if !a.IsValid() {
		return &GuardError{Reason: "the address is not valid"}
	}
	a = a.Unmap().WithZone("")
	if reason := forbidden(a, g.AllowLoopback); reason != "" {
		return &GuardError{a.String(), reason}
	}
	in := func(p netip.Prefix) bool { return unmapPrefix(p).Contains(a) }
	if len(g.Networks) > 0 && !slices.ContainsFunc(g.Networks, in) {
		return &GuardError{a.String(), "is outside the networks in allowed_networks (oauth/settings)"}
	}
	return nil
}

func (g Guard) checkHost(h host) error {
	if h.addr.IsValid() {
		if err := g.CheckAddr(h.addr); err != nil {
			if refused, ok := errors.AsType[*GuardError](err); ok {
				return refused.becauseOf(h.name, "is a spelling of")
			}
			return err
		}
		if h.odd {
			return &GuardError{h.name, "is an odd spelling of an address: write " + h.addr.String()}
		}
	}
	if h.isLocalhost() && !g.AllowLoopback {
		return &GuardError{h.name, reasonLoopback}
	}
	if len(g.Hosts) > 0 && !slices.ContainsFunc(g.Hosts, h.matches) {
		return &GuardError{h.name, "is not among the hosts in allowed_hosts (oauth/settings)"}
	}
	return nil
}

// guardedDialer looks at the address itself, after name resolution and on every
// dial, so a name that resolves to something else later gains nothing.
func guardedDialer(g Guard, timeout time.Duration) *net.Dialer {
	return &net.Dialer{
		Timeout: timeout,
		ControlContext: func(_ context.Context, _, address string, _ syscall.RawConn) error {
			ap, err := netip.ParseAddrPort(address)
			if err != nil {
				return &GuardError{Reason: "the address to dial is not an IP address"}
			}
			return g.CheckAddr(ap.Addr())
		},
	}
}

// namingHosts puts the name into a refusal, where the guard saw the address only.
func (dial dialFunc) namingHosts() dialFunc {
	return func(ctx context.Context, network, address string) (net.Conn, error) {
		conn, err := dial(ctx, network, address)
		if refused, ok := errors.AsType[*GuardError](err); ok {
			name, _, _ := net.SplitHostPort(address)
			return nil, refused.becauseOf(strings.TrimSuffix(name, "."), "resolves to")
		}
		return conn, err
	}
}
