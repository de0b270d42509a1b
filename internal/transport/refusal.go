// SPDX-License-Identifier: MPL-2.0

package transport

// Reason is why the guard refused a URL or an address.
type Reason int

// The reasons. Settings can lift Loopback, HostNotAllowed and NetworkNotAllowed,
// see GuardError.Setting.
const (
	NotAbsolute Reason = iota + 1
	HasUserinfo
	HasFragment
	HostNotASCII
	NoHost
	BadPort
	BadIPv6
	BadHost
	BadAddress
	PlainHTTP
	Loopback
	Unspecified
	LinkLocal
	Multicast
	Metadata
	Embedded
	OddSpelling
	HostNotAllowed
	NetworkNotAllowed
)

// String returns the reason in words: a sentence where the refusal has no host,
// else what continues the sentence that the host begins.
func (r Reason) String() string {
	switch r {
	case NotAbsolute:
		return "the URL must be absolute and begin with https://"
	case HasUserinfo:
		return "the URL must not hold a user name or password: they have fields of their own"
	case HasFragment:
		return "the URL must not hold a fragment (from # on): it is never sent"
	case HostNotASCII:
		return "the URL's host must be ASCII: write an international name in its xn-- form"
	case NoHost:
		return "the URL has no host"
	case BadPort:
		return "the URL's port must be a number from 1 to 65535"
	case BadIPv6:
		return "the URL's host is not valid: an IPv6 address stands in brackets, without a zone"
	case BadHost:
		return "the URL's host is neither a host name nor an IP address"
	case BadAddress:
		return "the address to connect to is not a valid IP address"
	}
	return r.ofHost()
}

func (r Reason) ofHost() string {
	switch r {
	case PlainHTTP:
		return "would be called over plain http: use https, or set allow_http=true in the config"
	case Loopback:
		return "is a loopback address"
	case Unspecified:
		return "is an unspecified address, which is never allowed"
	case LinkLocal:
		return "is a link-local address (cloud metadata is served there), which is never allowed"
	case Multicast:
		return "is a multicast or broadcast address, which is never allowed"
	case Metadata:
		return "is a cloud metadata address, which is never allowed"
	case Embedded:
		return "carries an IPv4 address inside that is not allowed"
	case OddSpelling:
		return "is an odd spelling of an address"
	case HostNotAllowed:
		return "is not among the hosts in allowed_hosts"
	case NetworkNotAllowed:
		return "is outside the networks in allowed_networks"
	}
	return "is not allowed"
}

// GuardError says that the guard refused a URL or an address: nothing was sent
// there. It is found through *url.Error and *net.OpError with errors.AsType.
type GuardError struct {
	Reason Reason
	// Host is the host or address that was asked for, without port; empty if the
	// URL has none that could be read.
	Host string
	// Address is the address that was refused, where Host is not that itself.
	Address string

	verb      string // between Host and Address: how the one led to the other
	plainHTTP bool   // the call would also be over plain http, which is not allowed either
}

// Error says what was refused and why. It names no command: the layer above
// knows the mount, and Setting tells what to change there.
func (e *GuardError) Error() string {
	if e.Host == "" {
		return e.Reason.String()
	}
	text := e.Host
	if e.plainHTTP {
		text += " would be called over plain http, which needs allow_http=true in the config, and"
	}
	if e.Reason == OddSpelling {
		return text + " " + e.Reason.String() + ": write " + e.Address
	}
	if e.Address != "" {
		text += " " + e.verb + " " + e.Address + ", which"
	}
	return text + " " + e.Reason.String()
}

// GuardReason marks the error for those who do not import this package, and
// returns its text.
func (e *GuardError) GuardReason() string { return e.Error() }

// Setting names the setting that can allow what was refused: "allow_loopback",
// "allowed_hosts" or "allowed_networks"; "" if none can.
func (e *GuardError) Setting() string {
	switch e.Reason {
	case Loopback:
		return "allow_loopback"
	case HostNotAllowed:
		return "allowed_hosts"
	case NetworkNotAllowed:
		return "allowed_networks"
	}
	return ""
}

// becauseOf puts the host that led to a refused address into the refusal. verb
// says how: "resolves to", for instance.
func (e *GuardError) becauseOf(host, verb string) *GuardError {
	if host == e.Host {
		return e
	}
	return &GuardError{Reason: e.Reason, Host: host, verb: verb, Address: e.Host}
}
