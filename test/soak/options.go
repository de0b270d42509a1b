// SPDX-License-Identifier: MPL-2.0

package main

import (
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"strings"
	"time"
)

// options is what the command line says.
type options struct {
	length  time.Duration
	lives   lives
	roles   int
	readers int
	pace    time.Duration
	check   float64

	nodes    int
	kill     time.Duration
	stepdown time.Duration
	aim      float64
	latency  time.Duration

	limits
	settle time.Duration
	seed   uint64
	plugin string
	keep   string
}

// limits decide what a kill excuses.
type limits struct {
	grace    time.Duration // in which the provider takes a consumed refresh token once more
	fence    time.Duration // from an intent to the end of its POST, which a plugin that comes after it waits for
	persist  time.Duration // from an answer of the provider to the stored token, at most
	outage   time.Duration // from a kill to reads that are answered again, at most
	recovery time.Duration // the same for a role whose exchange the kill cut off
	election time.Duration // from the loss of a leader to reads that are answered again, at most
	strict   bool
	killing  bool // a run without a kill proves nothing
	deposing bool // nor does a run of several nodes without the loss of a leader
}

func parse(args []string) (options, error) {
	o := options{lives: lives{30 * time.Second, time.Minute}}
	flags := flag.NewFlagSet("soak", flag.ContinueOnError)
	flags.DurationVar(&o.length, "for", 5*time.Minute, "how long plugins are killed")
	flags.Var(&o.lives, "life", "lives of the access tokens, as `30s,60s`: roles have them in turns. Under 45s a token is renewed by reads only")
	flags.IntVar(&o.roles, "roles", 24, "roles: a third each client_credentials, refresh_token, and with stored credentials")
	flags.IntVar(&o.readers, "readers", 8, "goroutines that read")
	flags.DurationVar(&o.pace, "pace", 100*time.Millisecond, "mean pause between two reads of one of them")
	flags.Float64Var(&o.check, "check", 0.1, "share of the tokens read that the provider is asked about")
	flags.DurationVar(&o.kill, "kill", 10*time.Second, "mean time between two kills; 0 kills nothing")
	flags.IntVar(&o.nodes, "nodes", 1, "Vault's nodes: 1, or 3 and more")
	flags.DurationVar(&o.stepdown, "stepdown", 20*time.Second, "with several nodes, mean time between two losses of their leader: a step-down and a SIGKILL in turns; 0 loses none")
	flags.DurationVar(&o.election, "election", 20*time.Second, "how long after the loss of a leader reads may fail")
	flags.Float64Var(&o.aim, "aim", 0.5, "share of the kills that wait for a refresh token to be consumed")
	flags.DurationVar(&o.latency, "latency", 100*time.Millisecond, "the longest that the provider holds back an answer")
	flags.DurationVar(&o.grace, "grace", 30*time.Second, "how long the provider takes a consumed refresh token once more; 0 is not at all")
	flags.DurationVar(&o.fence, "fence", 15*time.Second, "how long the engine waits until the POST of a plugin that was killed must be over")
	flags.DurationVar(&o.persist, "persist", 2*time.Second, "how long after an answer of the provider its token may be not stored yet")
	flags.DurationVar(&o.outage, "outage", 5*time.Second, "how long after a kill reads may fail")
	flags.DurationVar(&o.recovery, "recovery", 30*time.Second, "the same for a role whose exchange the kill cut off")
	flags.BoolVar(&o.strict, "strict", true, "refresh grants lost though the plugin was back within the grace are a violation")
	flags.DurationVar(&o.settle, "settle", 90*time.Second, "how long each role has at the end to answer a read")
	flags.Uint64Var(&o.seed, "seed", 0, "seed of all that is thrown; 0 takes a new one and prints it")
	flags.StringVar(&o.plugin, "plugin", "", "`file` with a built plugin, in place of this repository's")
	flags.StringVar(&o.keep, "keep", "", "`directory` for logs and records, which must not exist; without, they are kept only if something was wrong")
	if err := flags.Parse(args); err != nil {
		return o, err
	}
	for o.seed == 0 {
		o.seed = rand.Uint64()
	}
	o.killing = o.kill > 0
	o.deposing = o.nodes > 1 && o.stepdown > 0
	return o, o.validate(flags.Args())
}

func (o *options) validate(rest []string) error {
	switch {
	case len(rest) > 0:
		return fmt.Errorf("unexpected argument %q", rest[0])
	case o.length <= 0 || o.pace <= 0 || o.settle <= 0:
		return errors.New("-for, -pace and -settle must be more than 0")
	case o.roles < 3 || o.readers < 1:
		return errors.New("-roles must be at least 3, and -readers 1")
	case o.nodes < 1 || o.nodes == 2:
		return errors.New("-nodes must be 1, or at least 3: two cannot elect a leader when one is gone")
	case o.check < 0 || o.check > 1 || o.aim < 0 || o.aim > 1:
		return errors.New("-check and -aim must lie between 0 and 1")
	case o.kill < 0 || o.latency < 0 || o.grace < 0 || o.persist < 0 || o.outage < 0 || o.recovery < 0 || o.stepdown < 0 || o.election < 0:
		return errors.New("times must not be negative")
	}
	return nil
}

// rng is the source of one goroutine's chances: the same one for the same seed and name.
func (o *options) rng(name string) *rand.Rand {
	second := uint64(14695981039346656037) // FNV-1a
	for _, c := range []byte(name) {
		second = (second ^ uint64(c)) * 1099511628211
	}
	return rand.New(rand.NewPCG(o.seed, second))
}

// lives is a flag of durations separated by commas; the first use replaces the default.
type lives []time.Duration

func (l *lives) String() string {
	texts := make([]string, len(*l))
	for i, life := range *l {
		texts[i] = life.String()
	}
	return strings.Join(texts, ",")
}

func (l *lives) Set(s string) error {
	*l = nil
	for text := range strings.SplitSeq(s, ",") {
		life, err := time.ParseDuration(text)
		if err != nil || life < time.Second || life%time.Second != 0 {
			return errors.New("want whole seconds, as in 30s,60s")
		}
		*l = append(*l, life)
	}
	return nil
}
