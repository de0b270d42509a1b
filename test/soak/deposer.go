// SPDX-License-Identifier: MPL-2.0

package main

import (
	"context"
	"fmt"
	"time"

	"github.com/seed-6323ea89/vault-plugin-secrets-oauth/test/vaulttest"
)

// deposer makes a cluster lose its leader by chance: it steps down and dies in turns. It is a killer with another victim.
type deposer struct{ *killer }

// run deposes until ctx ends. A node that it killed runs again when it returns.
func (d *deposer) run(ctx context.Context) error {
	if !d.deposing {
		return nil
	}
	for crashes := false; ; crashes = !crashes {
		pause(ctx, exponential(d.rng, d.stepdown))
		aims := d.rng.Float64() < d.aim
		leader, err := d.vault.whole(ctx) // one that is down is back first: the others are to elect
		if ctx.Err() != nil {
			return nil
		}
		if err != nil {
			return err
		}
		aimed := aims && d.aimed(ctx, 2*d.stepdown)
		if ctx.Err() != nil {
			return nil
		}
		if crashes {
			err = d.crash(ctx, leader, aimed)
		} else {
			err = d.stepDown(ctx, leader, aimed)
		}
		if err != nil {
			return fmt.Errorf("the leader %s: %w", leader.Node, err)
		}
	}
}

// stepDown has the leader give up. Vault ends the plugin with it.
func (d *deposer) stepDown(ctx context.Context, leader *vaulttest.Server, aimed bool) error {
	plugins, err := leader.PluginProcesses("")
	if err != nil {
		return err
	}
	k := kill{At: time.Now(), Leader: stepDown, Processes: 1 + len(plugins), Aimed: aimed}
	if err := leader.Client.Sys().StepDownWithContext(context.WithoutCancel(ctx)); err != nil {
		return err
	}
	for _, pid := range plugins {
		if err := vaulttest.Gone(pid); err != nil {
			return err
		}
	}
	k.Gone = time.Now()
	d.book.killed(k)
	return nil
}

// crash kills the leader and its plugin, and some seconds later starts it again, also where ctx has ended meanwhile.
func (d *deposer) crash(ctx context.Context, leader *vaulttest.Server, aimed bool) error {
	k := kill{At: time.Now(), Leader: crash, Processes: 1, Aimed: aimed}
	d.vault.crashing.Lock()
	err := leader.Process().Crash()
	d.vault.crashing.Unlock()
	if err != nil {
		return err
	}
	k.Gone = time.Now()
	d.book.killed(k)
	pause(ctx, 2*time.Second+time.Duration(d.rng.Int64N(int64(3*time.Second))))
	after := context.WithoutCancel(ctx)
	if err := leader.Run(after); err != nil {
		return err
	}
	return d.vault.unseal(after, leader)
}

// judgeLeader counts the loss of a leader.
func (v *verdict) judgeLeader(k kill) {
	switch k.Leader {
	case stepDown:
		v.StepDowns++
	case crash:
		v.Crashes++
	}
	if k.Aimed {
		v.LeaderAimed++
	}
}

// leaders are the kills that were the loss of a leader.
func (b *book) leaders() (lost []kill) {
	for _, k := range b.kills {
		if k.Leader != "" {
			lost = append(lost, k)
		}
	}
	return lost
}
