// SPDX-License-Identifier: MPL-2.0

package faults_test

import (
	"runtime"
	"strings"
	"time"
)

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
