// SPDX-License-Identifier: MPL-2.0

package faults_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/hashicorp/vault/sdk/logical"
	"github.com/stretchr/testify/require"
)

// TestAHealthyHostWaitsForNoOther: while reads of roles on a host that hangs have
// all the places that one host can get, and the others wait for a place, all that
// concerns a healthy one goes on. What shows it is the order: most of the hanging
// ones are still there afterwards, and none has a token.
func TestAHealthyHostWaitsForNoOther(t *testing.T) {
	const hanging = 200
	m := newMount(t)
	dead := newProxy(t, m.server.URL)
	m.configs("-dead", dead.URL)
	for i := range hanging {
		f := flows()[i%len(flows())]
		f.config += "-dead"
		m.role(fmt.Sprint("dead", i), f, i)
	}
	for i, f := range flows() {
		m.role("warm"+f.name, f, hanging+i)
		require.True(t, m.read("warm"+f.name).ok())
	}

	dead.set(fault{arrive: hang})
	ended := make(chan outcome, hanging)
	for i := range hanging {
		go func() { ended <- m.read(fmt.Sprint("dead", i)) }()
	}
	for dead.met.Load() < 16 { // a quarter of the reserve; there are some ordinary places, too
		require.Empty(t, ended)
		time.Sleep(time.Millisecond)
	}
	for i, f := range flows() {
		warm, cold := "warm"+f.name, "cold"+f.name
		require.True(t, m.read(warm).ok(), "a token that is there")
		require.True(t, m.renew(warm).ok(), "one to be replaced")
		m.role(cold, f, 2*hanging+i)
		o := m.read(cold)
		require.True(t, o.ok(), "one to be obtained: %s", o.failure)
		for _, path := range []string{"creds/" + warm, "status/" + warm, "status/dead0", "status", "config/main-dead", "roles/dead0"} {
			resp, err := m.do(logical.ReadOperation, path, nil)
			require.NoError(t, err, path)
			require.False(t, resp.IsError(), path)
		}
		_, err := m.do(logical.DeleteOperation, "token/"+warm, nil)
		require.NoError(t, err)
	}
	m.write("config/main", fields{"description": "written meanwhile"})
	require.Less(t, len(ended), hanging, "the hanging ones were no faster")

	m.b.Cleanup(context.Background()) // which answers them all
	for range hanging {
		require.False(t, (<-ended).ok())
	}
}
