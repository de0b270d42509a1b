// SPDX-License-Identifier: MPL-2.0

// Command bench measures cached reads of token/ and creds/ through a real Vault, beside an engine that does nothing (package
// noop) and beside the engine of an earlier revision. "make bench" runs it from the repository's directory; docs/benchmarks.md says how to
// read what it prints.
//
// Environment: ROUNDS, SECONDS of each measurement, CLIENTS with a connection each, BASE (the earlier revision; "none" leaves it out), OUT
// (a file for benchstat), DOC (a document whose figures are replaced), VAULT_BIN (see scripts/vault.sh).
package main

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"strconv"
	"syscall"
	"time"

	"github.com/seed-6323ea89/vault-plugin-secrets-oauth/test/vaulttest"
)

const (
	// defaultBase is what a change to the read path is compared with, unless BASE names another revision.
	defaultBase = "1162036484602c3ff8ea40003e0414e1276f08bb"
	noBase      = "none"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, os.Stdout, os.Stderr); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

// options is what the environment says.
type options struct {
	rounds, clients int
	seconds         time.Duration
	base            string // a revision, or noBase
	out, doc        string
}

func parse(getenv func(string) string) (options, error) {
	o := options{base: cmp.Or(getenv("BASE"), defaultBase), out: cmp.Or(getenv("OUT"), filepath.Join("bin", "bench.txt")), doc: getenv("DOC")}
	seconds := 0
	for _, number := range []struct {
		name  string
		to    *int
		value int
	}{{"ROUNDS", &o.rounds, 10}, {"SECONDS", &seconds, 3}, {"CLIENTS", &o.clients, 8}} {
		*number.to = number.value
		if text := getenv(number.name); text != "" {
			value, err := strconv.Atoi(text)
			if err != nil || value < 1 {
				return o, fmt.Errorf("%s must be a whole number of at least 1", number.name)
			}
			*number.to = value
		}
	}
	o.seconds = time.Duration(seconds) * time.Second
	return o, nil
}

// run measures everything. The report goes to stdout, what happens meanwhile to progress.
func run(ctx context.Context, stdout, progress io.Writer) error {
	o, err := parse(os.Getenv)
	if err != nil {
		return err
	}
	dir, err := os.MkdirTemp("", "bench")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	if dir, err = filepath.EvalSymlinks(dir); err != nil { // Vault refuses a plugin directory reached by a symbolic link
		return err
	}

	c, err := vaulttest.FindCheckout(progress)
	if err != nil {
		return err
	}
	fmt.Fprintln(progress, "The read path by itself.")
	inProcess, err := goBenchmarks(ctx, c)
	if err != nil {
		return err
	}
	b, err := build(ctx, c, o, dir)
	if err != nil {
		return err
	}
	r := &results{options: o, machine: describe(b.vaultVersion), plugins: b.plugins, revision: b.revision, inProcess: inProcess}
	if err := throughVault(ctx, b, r, progress); err != nil {
		return err
	}
	return r.write(stdout)
}

// throughVault starts what is measured, measures it, and ends it.
func throughVault(ctx context.Context, b *built, r *results, progress io.Writer) (err error) {
	tokens, err := startTokenServer()
	if err != nil {
		return err
	}
	defer tokens.stop()
	v, err := startVault(ctx, b)
	if err != nil {
		return err
	}
	defer v.Stop()
	all, err := mountAll(ctx, v, b.plugins, tokens.url)
	if err != nil {
		return err
	}
	engines := int64(0)
	for _, t := range all {
		if t.isEngine() {
			engines++
		}
		err := comparable(all[0], t)
		switch {
		case err != nil && t.name == pluginNoop:
			return fmt.Errorf("%w: bring package noop up to date", err)
		case err != nil: // a change may have changed the answer, and that has its cost
			fmt.Fprintf(progress, "The answers are not alike: %v.\n", err)
		}
	}
	if err := r.measure(ctx, v, all, progress); err != nil {
		return err
	}
	if n := tokens.exchanges.Load(); n != engines {
		return fmt.Errorf("%d engines asked for %d tokens, and cached reads need one each: the figures would be of something else", engines, n)
	}
	return nil
}
