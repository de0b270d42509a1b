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
		return &GuardError{Reason: NotAbsolute}
	case u.User != nil:
		return &GuardError{Reason: HasUserinfo}
	case u.Fragment != "" || u.RawFragment != "":
		return &GuardError{Reason: HasFragment}
	}
	h, err := parseHost(u)
	if err != nil {
		return err
	}
	if u.Scheme == "http" && !allowHTTP {
		if (h.isLocalhost() || h.addr.IsLoopback()) && !g.AllowLoopback { // name both refusals at once
			return &GuardError{Reason: Loopback, Host: h.name, plainHTTP: true}
		}
		return &GuardError{Reason: PlainHTTP, Host: h.name}
	}
	return g.checkHost(h)
}

// CheckAddr checks an address that is about to be dialled. IPv4 inside IPv6 is
// checked as IPv4, and zones are ignored. Errors are *GuardError.
func (g Guard) CheckAddr(a netip.Addr) error {
	if !a.IsValid() {
		return &GuardError{Reason: BadAddress}
	}
	a = a.Unmap().WithZone("")
	if reason := forbidden(a, g.AllowLoopback); reason != 0 {
		return &GuardError{Reason: reason, Host: a.String()}
	}
	in := func(p netip.Prefix) bool { return unmapPrefix(p).Contains(a) }
	if len(g.Networks) > 0 && !slices.ContainsFunc(g.Networks, in) {
		return &GuardError{Reason: NetworkNotAllowed, Host: a.String()}
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
			return &GuardError{Reason: OddSpelling, Host: h.name, Address: h.addr.String()}
		}
	}
	if h.isLocalhost() && !g.AllowLoopback {
		return &GuardError{Reason: Loopback, Host: h.name}
	}
	if len(g.Hosts) > 0 && !slices.ContainsFunc(g.Hosts, h.matches) {
		return &GuardError{Reason: HostNotAllowed, Host: h.name}
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
				return &GuardError{Reason: BadAddress}
			}
			return g.CheckAddr(ap.Addr())
		},
	}
}

// namingHosts adds the host name to a refusal: the guard saw only the address.
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
