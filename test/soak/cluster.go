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
)

// cluster is Vault: one node, or several with one raft storage, of which one is active and has the plugin.
type cluster struct {
	dir   string
	nodes []*vaultServer
	key   string        // unseals each
	died  chan struct{} // has something in it when a node has ended by itself

	// crashing keeps the killer from waiting for plugins whose parent has just died: nobody may reap them.
	crashing sync.Mutex
}

// startCluster returns when all nodes are there, and each has a vote.
func startCluster(ctx context.Context, n int, b *built, dir string) (*cluster, error) {
	c := &cluster{dir: dir, died: make(chan struct{}, 1)}
	binary, err := filepath.Abs(b.vault) // each runs in a directory of its own
	if err != nil {
		return nil, err
	}
	for i := range n {
		name, home := "soak", dir
		if n > 1 {
			name = fmt.Sprint("node-", i+1)
			home = filepath.Join(dir, name)
			if err := os.Mkdir(home, 0o700); err != nil {
				return nil, err
			}
		}
		v, err := newVault(name, binary, home, b.plugins, c.died)
		if err != nil {
			return nil, err
		}
		c.nodes = append(c.nodes, v)
	}
	for _, v := range c.nodes {
		if err := c.start(ctx, v); err != nil {
			c.stop()
			return nil, fmt.Errorf("vault server: %w; its log is %s", err, v.serverLog())
		}
	}
	return c, c.voting(ctx)
}

// start makes the first node a cluster, and has the others join it.
func (c *cluster) start(ctx context.Context, v *vaultServer) (err error) {
	if err := v.run(ctx); err != nil {
		return err
	}
	if v == c.first() {
		c.key, err = v.initialize(ctx)
		return err
	}
	v.client.SetToken(c.first().client.Token())
	join := &api.RaftJoinRequest{LeaderAPIAddr: c.first().client.Address()}
	if _, err := v.client.Sys().RaftJoinWithContext(ctx, join); err != nil {
		return err
	}
	return c.unseal(ctx, v)
}

func (c *cluster) unseal(ctx context.Context, v *vaultServer) error {
	if _, err := v.client.Sys().UnsealWithContext(ctx, c.key); err != nil {
		return err
	}
	return v.until(ctx, func(h *api.HealthResponse) bool { return h.Initialized && !h.Sealed })
}

// voting waits until each node has a vote, which raft's autopilot gives it after some seconds. Nothing survives the leader before.
func (c *cluster) voting(ctx context.Context) error {
	for deadline := time.Now().Add(patience); len(c.nodes) > 1; pause(ctx, 100*time.Millisecond) {
		state, err := c.first().client.Sys().RaftAutopilotStateWithContext(ctx)
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
func (c *cluster) first() *vaultServer { return c.nodes[0] }

// node is one by chance.
func (c *cluster) node(rng *rand.Rand) *vaultServer {
	if len(c.nodes) == 1 {
		return c.first() // and what is thrown next is what it always was
	}
	return c.nodes[rng.IntN(len(c.nodes))]
}

// whole waits until each node is unsealed and one of them active, and returns that one.
func (c *cluster) whole(ctx context.Context) (active *vaultServer, err error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	for ; ; pause(ctx, 50*time.Millisecond) {
		fit := 0
		active = nil
		for _, v := range c.nodes {
			health, err := v.client.Sys().HealthWithContext(ctx)
			if err == nil && health.Initialized && !health.Sealed {
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
		n, err := v.killPlugin()
		if err != nil {
			return 0, err
		}
		sum += n
	}
	return sum, nil
}

func (c *cluster) logs(of func(*vaultServer) string) (names []string) {
	for _, v := range c.nodes {
		names = append(names, of(v))
	}
	return names
}

// stop ends all nodes at once: the last one of a cluster has nobody to tell that it ends.
func (c *cluster) stop() {
	var wg sync.WaitGroup
	for _, v := range c.nodes {
		wg.Go(v.stop)
	}
	wg.Wait()
}
