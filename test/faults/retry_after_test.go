// SPDX-License-Identifier: MPL-2.0

package faults_test

import (
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/hashicorp/vault/sdk/logical"
	"github.com/stretchr/testify/require"
)

// TestRetryAfter: a server's wish is obeyed between the engine's own least wait
// and an hour, and what is no wish is none.
func TestRetryAfter(t *testing.T) {
	const hour = time.Hour
	ordinary := [2]time.Duration{5 * time.Second, 15 * time.Second}
	date := func(from time.Duration) string { return time.Now().Add(from).UTC().Format(http.TimeFormat) }
	for name, c := range map[string]struct {
		header string
		want   [2]time.Duration
	}{
		"none":              {"", ordinary},
		"empty":             {"Retry-After:\r\n", ordinary},
		"seconds":           {"Retry-After: 120\r\n", [2]time.Duration{2 * time.Minute, 2 * time.Minute}},
		"a float":           {"Retry-After: 30.5\r\n", [2]time.Duration{31 * time.Second, 31 * time.Second}},
		"an exponent":       {"Retry-After: 6e1\r\n", [2]time.Duration{time.Minute, time.Minute}},
		"zero":              {"Retry-After: 0\r\n", ordinary},
		"negative":          {"Retry-After: -99999999999\r\n", ordinary},
		"huge":              {"Retry-After: 99999999999999999999999999\r\n", [2]time.Duration{hour, hour}},
		"overflow":          {"Retry-After: 1e999\r\n", [2]time.Duration{hour, hour}},
		"negative overflow": {"Retry-After: -1e999\r\n", ordinary},
		"NaN":               {"Retry-After: NaN\r\n", ordinary},
		"infinity":          {"Retry-After: Infinity\r\n", ordinary},
		"a list":            {"Retry-After: 120, 240\r\n", ordinary},
		"words":             {"Retry-After: later\r\n", ordinary},
		"much":              {"Retry-After: " + strings.Repeat("9", 60_000) + "\r\n", [2]time.Duration{hour, hour}},
		"twice":             {"Retry-After: 60\r\nRetry-After: 7200\r\n", [2]time.Duration{time.Minute, hour}},
		"a date ahead":      {"Retry-After: " + date(10*time.Minute) + "\r\n", [2]time.Duration{9 * time.Minute, 10 * time.Minute}},
		"a date far ahead":  {"Retry-After: Fri, 31 Dec 9999 23:59:59 GMT\r\n", [2]time.Duration{hour, hour}},
		"a date past":       {"Retry-After: " + date(-hour) + "\r\n", ordinary},
		"the first date":    {"Retry-After: Thu, 01 Jan 1970 00:00:00 GMT\r\n", ordinary},
		"a broken date":     {"Retry-After: Fri, 99 Foo 2026 99:99:99 GMT\r\n", ordinary},
		"by a wrong clock":  {"Date: Thu, 01 Jan 1970 00:00:00 GMT\r\nRetry-After: Thu, 01 Jan 1970 00:01:00 GMT\r\n", [2]time.Duration{time.Minute, time.Minute}},
		"by a broken clock": {"Date: yesterday\r\nRetry-After: " + date(10*time.Minute) + "\r\n", [2]time.Duration{9 * time.Minute, 10 * time.Minute}},
	} {
		for _, status := range []int{429, 503} {
			t.Run(name+"/"+strconv.Itoa(status), func(t *testing.T) {
				t.Parallel()
				m := newMount(t)
				m.proxy.set(instead(status, c.header, ""))
				for _, f := range flows() {
					m.role(f.name, f, 0)
					failed := m.read(f.name)
					require.Equal(t, http.StatusBadGateway, failed.code)
					require.Contains(t, failed.failure, "answered "+strconv.Itoa(status))
					wait := m.wait(f.name)
					require.GreaterOrEqual(t, wait, c.want[0]-time.Second, f.name) // status has whole seconds
					require.LessOrEqual(t, wait, c.want[1]+time.Second, f.name)
				}
			})
		}
	}
}

// wait is how long after a role's first failure the next try will be.
func (m *mount) wait(role string) time.Duration {
	m.t.Helper()
	resp, err := m.do(logical.ReadOperation, "status/"+role, nil)
	require.NoError(m.t, err)
	instant := func(field string) time.Time {
		at, err := time.Parse(time.RFC3339, resp.Data[field].(string))
		require.NoError(m.t, err, field)
		return at
	}
	return instant("next_try").Sub(instant("failing_since"))
}
