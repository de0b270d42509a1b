// SPDX-License-Identifier: MPL-2.0

package faults_test

import (
	"context"
	"fmt"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// TestCleanupEndsWhatIsUnderWay: readers are answered, connections closed and
// goroutines ended, although the server still hangs. It must not run beside others.
func TestCleanupEndsWhatIsUnderWay(t *testing.T) {
	require.Empty(t, waitForEnd(), "what the tests before have left")
	for name, f := range map[string]fault{"before reading": {arrive: hang}, "before answering": {respond: func(x *exchange) { hang(x.TCPConn) }}} {
		t.Run(name, func(t *testing.T) {
			m := newMount(t)
			const roles = 16 // all of them have a place at once
			for i := range roles {
				m.role(fmt.Sprint("r", i), flows()[i%len(flows())], i)
			}
			m.proxy.set(fault{respond: func(x *exchange) {
				x.keep = true
				x.send(x.answer())
			}})
			m.configs("-idle", m.proxy.URL)
			idle := flows()[0]
			idle.config += "-idle"
			m.role("idle", idle, roles)
			require.True(t, m.read("idle").ok(), "which leaves a connection")
			met := m.proxy.met.Load()
			m.proxy.set(f)
			ended := make(chan outcome, roles)
			for i := range roles {
				go func() { ended <- m.renew(fmt.Sprint("r", i)) }()
			}
			for m.proxy.met.Load() < met+roles {
				time.Sleep(time.Millisecond)
			}
			m.b.Cleanup(context.Background())
			for range roles {
				o := <-ended
				require.False(t, o.ok())
				require.NotContains(t, o.failure, "no answer within", "it was not the server's time that ran out")
			}
			require.Eventually(t, func() bool {
				m.proxy.mu.Lock()
				defer m.proxy.mu.Unlock()
				return len(m.proxy.conns) == 0
			}, 10*time.Second, 5*time.Millisecond)
			m.proxy.direct.CloseIdleConnections()
			require.Empty(t, waitForEnd())
		})
	}
}

// engineGoroutines returns the stacks of the goroutines in which the engine, or a
// connection of its, is at work.
func engineGoroutines() string {
	stacks := make([]byte, 16<<20)
	stacks = stacks[:runtime.Stack(stacks, true)]
	var found []string
	for stack := range strings.SplitSeq(string(stacks), "\n\n") {
		ours := strings.Contains(stack, "net/http.(*persistConn)") ||
			strings.Contains(stack, "vault-plugin-secrets-oauth.") ||
			strings.Contains(stack, "vault-plugin-secrets-oauth/flows.") ||
			strings.Contains(stack, "vault-plugin-secrets-oauth/internal/") && !strings.Contains(stack, "internal/oauthtest.")
		if ours {
			found = append(found, stack)
		}
	}
	return strings.Join(found, "\n\n")
}

// waitForEnd gives them the time to end, and returns those that do not.
func waitForEnd() (left string) {
	for range 500 {
		if left = engineGoroutines(); left == "" {
			return ""
		}
		time.Sleep(20 * time.Millisecond)
	}
	return left
}
