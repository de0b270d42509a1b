// SPDX-License-Identifier: MPL-2.0

package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/seed-6323ea89/vault-plugin-secrets-oauth/test/vaulttest"
)

// The plugins that are measured in turns. Their names are of one length, and so are the paths of their reads.
const (
	pluginOurs = "ours"
	pluginNoop = "noop" // the limit
	pluginBase = "base" // ours of an earlier revision
)

// built is what a run needs, in a directory of its own.
type built struct {
	dir, vault, vaultVersion string
	directory                string   // with the plugins in it and nothing else
	plugins                  []string // their names: ours, noop, and base if there is one
	revision                 string   // of base
}

func build(ctx context.Context, c vaulttest.Checkout, o options, dir string) (*built, error) {
	b := &built{dir: dir, directory: filepath.Join(dir, "plugins"), plugins: []string{pluginOurs, pluginNoop}}
	if err := os.Mkdir(b.directory, 0o700); err != nil {
		return nil, err
	}
	if err := c.BuildPlugin(ctx, filepath.Join(b.directory, pluginOurs), ""); err != nil {
		return nil, err
	}
	if err := c.Build(ctx, filepath.Join(b.directory, pluginNoop), "test/bench/noop/plugin"); err != nil {
		return nil, err
	}
	if err := b.buildBase(ctx, c, o.base); err != nil {
		return nil, err
	}
	var err error
	if b.vault, err = c.Vault(ctx); err != nil {
		return nil, err
	}
	version, err := c.Output(ctx, b.vault, "version")
	if err != nil {
		return nil, err
	}
	if fields := strings.Fields(version); len(fields) > 1 { // "Vault v1.21.2 (commit), built ...", or a comma where there is no commit
		b.vaultVersion = strings.TrimRight(fields[1], ",")
	}
	return b, nil
}

// buildBase builds the plugin of an earlier revision from the history. Where the history does not have the revision, as in a shallow
// clone or a release's archive, the run goes on without it.
func (b *built) buildBase(ctx context.Context, c vaulttest.Checkout, revision string) error {
	if revision == noBase {
		return nil
	}
	quiet := vaulttest.Checkout{Dir: c.Dir, Progress: io.Discard}
	found, err := quiet.Output(ctx, "git", "rev-parse", "--verify", "--quiet", revision+"^{commit}")
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if err != nil {
		fmt.Fprintf(c.Progress, "Revision %s is not in the history here: no plugin of it is measured.\n", revision)
		return nil
	}
	b.revision = strings.TrimSpace(found)
	fmt.Fprintf(c.Progress, "The plugin of revision %s is measured too.\n", b.revision)
	source, archive := filepath.Join(b.dir, "base"), filepath.Join(b.dir, "base.tar")
	if err := os.Mkdir(source, 0o700); err != nil {
		return err
	}
	if _, err := c.Output(ctx, "git", "archive", "--format=tar", "--output="+archive, b.revision); err != nil {
		return err
	}
	if _, err := c.Output(ctx, "tar", "-x", "-f", archive, "-C", source); err != nil {
		return err
	}
	earlier := vaulttest.Checkout{Dir: source, Progress: c.Progress}
	if err := earlier.BuildPlugin(ctx, filepath.Join(b.directory, pluginBase), ""); err != nil {
		return fmt.Errorf("the plugin of revision %s (BASE=%s goes without it): %w", revision, noBase, err)
	}
	b.plugins = append(b.plugins, pluginBase)
	return nil
}

// goBenchmarks runs the module's Go benchmarks, shortly, and returns what they print.
func goBenchmarks(ctx context.Context, c vaulttest.Checkout) (string, error) {
	return c.Output(ctx, "go", "test", "-run=^$", "-bench=.", "-benchmem", "-benchtime=200ms", "./internal/...", "./test/bench")
}
