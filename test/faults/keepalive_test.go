// SPDX-License-Identifier: MPL-2.0

package faults_test

import (
	"io"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestAKeptConnectionBreaks: what went out on a connection that was used before
// is not sent again unasked, and one that was closed meanwhile costs nothing.
func TestAKeptConnectionBreaks(t *testing.T) {
	t.Parallel()
	for _, f := range flows() {
		t.Run(f.name, func(t *testing.T) {
			t.Parallel()
			m := newMount(t)
			m.role("r", f, 0)
			closed := make(chan struct{})
			m.proxy.set(fault{respond: func(x *exchange) {
				x.keep = true
				x.send(x.answer())
			}})
			require.True(t, m.read("r").ok())
			m.proxy.set(fault{respond: func(x *exchange) {
				x.keep = true
				x.send(x.answer())
				_ = x.CloseWrite()
				_, _ = io.Copy(io.Discard, x) // until the client has seen it
				close(closed)
			}})
			require.Empty(t, m.renew("r").warnings)
			require.EqualValues(t, 1, m.proxy.met.Load(), "the connection was used again")
			<-closed
			m.proxy.set(fault{respond: func(x *exchange) {
				x.keep = true
				x.send(x.answer())
			}})
			require.Empty(t, m.renew("r").warnings, "nobody notices")
			require.EqualValues(t, 2, m.proxy.met.Load())

			m.proxy.set(fault{respond: func(x *exchange) { reset(x.TCPConn) }})
			require.NotEmpty(t, m.renew("r").warnings)
			again := map[string]int64{imported: 2, "password": 3}[f.name] // the refresh token twice more, then the password
			require.Equal(t, 2+again, m.proxy.met.Load(), "the connection was used again, and no other but for what is sent on purpose")
			require.Equal(t, 4+again, m.proxy.asked.Load(), "and nothing was sent twice unasked")
			require.Equal(t, 3, m.server.Requests())
		})
	}
}
