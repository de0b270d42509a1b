// SPDX-License-Identifier: MPL-2.0

package transport

import (
	"context"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"net/netip"
	"sync/atomic"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"
)

// errNoNetwork ends a dial that the guard let pass: tests stay on loopback.
var errNoNetwork = errors.New("tests do not leave this machine")

// A name that leads to a public address when it is first looked up, and to
// loopback or metadata from then on.
func TestRebinding(t *testing.T) {
	for _, second := range []string{"127.0.0.1", "127.0.0.53", "169.254.169.254", "0.0.0.0", "100.100.100.200"} {
		var lookups atomic.Int64
		dialer := guardedDialer(Guard{}, defaultLimits.dial)
		dialer.Resolver = resolver(func(string) netip.Addr {
			if lookups.Add(1) == 1 {
				return netip.MustParseAddr("203.0.113.7")
			}
			return netip.MustParseAddr(second)
		})
		var passed atomic.Int64
		guard := dialer.ControlContext
		dialer.ControlContext = func(ctx context.Context, network, address string, c syscall.RawConn) error {
			if err := guard(ctx, network, address, c); err != nil {
				return err
			}
			passed.Add(1)
			return errNoNetwork
		}
		client, err := build(Options{}, defaultLimits, dialer.DialContext)
		require.NoError(t, err)

		_, err = fetch(t, client, "https://rebind.test./token")
		require.ErrorIs(t, err, errNoNetwork)
		for range 3 {
			_, err = fetch(t, client, "https://rebind.test./token")
			refused := errorsAs(err)
			require.NotNil(t, refused, "%v", err)
			require.Equal(t, "rebind.test", refused.Host)
			require.Contains(t, refused.Error(), "resolves to "+second+", which is ")
		}
		require.EqualValues(t, 1, passed.Load())
	}
}

// Each address of a name is checked: one that is allowed does not vouch for another.
func TestAllowedNameWithForbiddenAddress(t *testing.T) {
	dialer := guardedDialer(Guard{Hosts: []string{"idp.test"}}, defaultLimits.dial)
	dialer.Resolver = resolver(func(string) netip.Addr { return netip.MustParseAddr("169.254.169.254") })
	client, err := build(Options{Guard: Guard{Hosts: []string{"idp.test"}}}, defaultLimits, dialer.DialContext)
	require.NoError(t, err)
	_, err = fetch(t, client, "https://idp.test./")
	require.ErrorContains(t, err, "idp.test resolves to 169.254.169.254, which is a link-local address")
}

// resolver asks a name server inside the test: IPv4 answers only, never cached.
func resolver(answer func(name string) netip.Addr) *net.Resolver {
	return &net.Resolver{PreferGo: true, Dial: func(context.Context, string, string) (net.Conn, error) {
		ours, theirs := net.Pipe()
		go func() {
			defer theirs.Close()
			for answerQuery(theirs, answer) == nil {
			}
		}()
		return ours, nil
	}}
}

// answerQuery speaks DNS over a stream (RFC 1035 sections 4.1 and 4.2.2).
func answerQuery(conn net.Conn, answer func(name string) netip.Addr) error {
	var size [2]byte
	if _, err := io.ReadFull(conn, size[:]); err != nil {
		return err
	}
	query := make([]byte, binary.BigEndian.Uint16(size[:]))
	if _, err := io.ReadFull(conn, query); err != nil {
		return err
	}
	name, end := "", 12
	for query[end] != 0 {
		name += string(query[end+1:end+1+int(query[end])]) + "."
		end += 1 + int(query[end])
	}
	question := query[12 : end+5]
	isA := binary.BigEndian.Uint16(query[end+1:]) == 1
	reply := append([]byte{query[0], query[1], 0x81, 0x80, 0, 1, 0, 0, 0, 0, 0, 0}, question...)
	if isA {
		reply[7] = 1
		reply = append(reply, 0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 0, 0, 4) // the name again, A, IN, TTL 0
		v4 := answer(name).As4()
		reply = append(reply, v4[:]...)
	}
	_, err := conn.Write(append(binary.BigEndian.AppendUint16(nil, uint16(len(reply))), reply...))
	return err
}
