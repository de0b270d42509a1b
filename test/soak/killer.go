// SPDX-License-Identifier: MPL-2.0

package main

import (
	"context"
	"math/rand/v2"
	"time"
)

// killer kills the plugin by chance.
type killer struct {
	*options
	vault *cluster
	book  *book
	rng   *rand.Rand
	// consumed has something in it right after a refresh token was consumed.
	consumed chan struct{}
}

func newKiller(o *options, b *book, rng *rand.Rand) *killer {
	return &killer{options: o, book: b, rng: rng, consumed: make(chan struct{}, 1)}
}

// heard is told each line of the provider's log.
func (k *killer) heard(e exchange) {
	if e.Event == "consumed" {
		select {
		case k.consumed <- struct{}{}:
		default: // nobody waits for one
		}
	}
}

// run kills until ctx ends.
func (k *killer) run(ctx context.Context) error {
	if !k.killing {
		return nil
	}
	for {
		pause(ctx, exponential(k.rng, k.kill))
		aimed := k.rng.Float64() < k.aim && k.aimed(ctx, 2*k.kill)
		if ctx.Err() != nil {
			return nil
		}
		at := time.Now()
		n, err := k.vault.killPlugin()
		if err != nil {
			return err
		}
		k.book.killed(kill{At: at, Gone: time.Now(), Processes: n, Aimed: aimed})
	}
}

// aimed waits until a refresh token is consumed, and then for a moment in which the answer is made, on its way, or being
// stored. It gives up if none is consumed for long.
func (k *killer) aimed(ctx context.Context, long time.Duration) bool {
	select {
	case <-k.consumed: // an old one
	default:
	}
	ctx, cancel := context.WithTimeout(ctx, long)
	defer cancel()
	select {
	case <-k.consumed:
	case <-ctx.Done():
		return false
	}
	pause(ctx, time.Duration(k.rng.Float64()*float64(k.latency*3/2)))
	return true
}
