// SPDX-License-Identifier: MPL-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/hashicorp/vault/api"

	"github.com/seed-6323ea89/vault-plugin-secrets-oauth/test/vaulttest"
)

// mountPath is where the plugin is mounted.
const mountPath = "oauth"

// cluster is Vault: one node, or several with one raft storage, of which one is active and has the plugin.
type cluster struct {
	dir   string
	nodes []*vaulttest.Server
	key   string        // unseals each
	died  chan struct{} // has something in it when a node has ended by itself

	// crashing keeps the killer from waiting for plugins whose parent has just died: nobody may reap them.
	crashing sync.Mutex
}

// startCluster returns when all nodes are there, and each has a vote.
func startCluster(ctx context.Context, n int, b *built, dir string) (*cluster, error) {
	c := &cluster{dir: dir, died: make(chan struct{}, 1)}
	for i := range n {
		name, home := "soak", dir
		if n > 1 {
			name = fmt.Sprint("node-", i+1)
			home = filepath.Join(dir, name)
			if err := os.Mkdir(home, 0o700); err != nil {
				c.stop()
				return nil, err
			}
		}
		v, err := vaulttest.StartServer(ctx, vaulttest.Config{
			Binary: b.vault, Dir: home, Plugins: b.plugins, Node: name, Log: "debug", Group: true, Died: c.nodeDied,
		})
		if err == nil {
			c.nodes = append(c.nodes, v)
			err = c.join(ctx, v)
		}
		if err != nil {
			c.stop()
			return nil, fmt.Errorf("%s: %w", name, err)
		}
	}
	return c, c.voting(ctx)
}

func (c *cluster) nodeDied() {
	select {
	case c.died <- struct{}{}:
	default: // one is enough
	}
}

// join makes the first node a cluster with the audit log on and the plugin mounted, and has the others join it.
func (c *cluster) join(ctx context.Context, v *vaulttest.Server) (err error) {
	if v != c.first() {
		v.Client.SetToken(c.first().Client.Token())
		join := &api.RaftJoinRequest{LeaderAPIAddr: c.first().Client.Address()}
		if _, err := v.Client.Sys().RaftJoinWithContext(ctx, join); err != nil {
			return err
		}
		return c.unseal(ctx, v)
	}
	if c.key, err = v.Init(ctx); err != nil {
		return err
	}
	if err := v.Audit(ctx); err != nil {
		return err
	}
	if err := v.Register(ctx, vaulttest.PluginName); err != nil {
		return err
	}
	return v.Mount(ctx, mountPath, vaulttest.PluginName)
}

func (c *cluster) unseal(ctx context.Context, v *vaulttest.Server) error {
	return v.Unseal(ctx, c.key, vaulttest.Unsealed)
}

// voting waits until each node has a vote, which raft's autopilot gives it after some seconds. Nothing survives the leader before.
func (c *cluster) voting(ctx context.Context) error {
	for deadline := time.Now().Add(vaulttest.Patience); len(c.nodes) > 1; pause(ctx, 100*time.Millisecond) {
		state, err := c.first().Client.Sys().RaftAutopilotStateWithContext(ctx)
		if err == nil && state.Healthy && len(state.Voters) == len(c.nodes) {
			return nil
		}
		if ctx.Err() != nil || time.Now().After(deadline) {
			c.stop()
			return errors.Join(errors.New("vault server: the nodes do not become a cluster; their logs are in "+c.dir), err, ctx.Err())
		}
	}
	return nil
}

// first is for whoever does not care: a standby forwards.
func (c *cluster) first() *vaulttest.Server { return c.nodes[0] }

// node is one by chance.
func (c *cluster) node(rng *rand.Rand) *vaulttest.Server {
	if len(c.nodes) == 1 {
		return c.first() // and what is thrown next is what it always was
	}
	return c.nodes[rng.IntN(len(c.nodes))]
}

// whole waits until each node is unsealed and one of them active, and returns that one.
func (c *cluster) whole(ctx context.Context) (active *vaulttest.Server, err error) {
	ctx, cancel := context.WithTimeout(ctx, vaulttest.Patience)
	defer cancel()
	for ; ; pause(ctx, 50*time.Millisecond) {
		fit := 0
		active = nil
		for _, v := range c.nodes {
			health, err := v.Client.Sys().HealthWithContext(ctx)
			if err == nil && vaulttest.Unsealed(health) {
				fit++
				if !health.Standby {
					active = v
				}
			}
		}
		switch {
		case fit == len(c.nodes) && active != nil:
			return active, nil
		case ctx.Err() != nil:
			return nil, fmt.Errorf("vault: %d of %d nodes are unsealed, and there is no leader: %w", fit, len(c.nodes), ctx.Err())
		}
	}
}

// killPlugin kills the plugin, on whichever node it runs.
func (c *cluster) killPlugin() (int, error) {
	c.crashing.Lock()
	defer c.crashing.Unlock()
	sum := 0
	for _, v := range c.nodes {
		n, err := v.KillPlugins()
		if err != nil {
			return 0, err
		}
		sum += n
	}
	return sum, nil
}

func (c *cluster) logs(of func(*vaulttest.Server) string) (names []string) {
	for _, v := range c.nodes {
		names = append(names, of(v))
	}
	return names
}

// stop ends all nodes at once: the last one of a cluster has nobody to tell that it ends.
func (c *cluster) stop() {
	var wg sync.WaitGroup
	for _, v := range c.nodes {
		wg.Go(v.Stop)
	}
	wg.Wait()
}
