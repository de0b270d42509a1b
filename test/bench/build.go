// SPDX-License-Identifier: MPL-2.0

package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
)

// built is what a run needs, in a directory of its own.
type built struct {
	dir, vault, vaultVersion string
	plugins                  string // directory with the two plugins, named as plugins says
}

// plugins are measured in turns: ours, and the limit.
var plugins = []struct{ name, source string }{
	{"ours", "./cmd/vault-plugin-secrets-oauth"},
	{"noop", "./test/bench/noop/plugin"},
}

func build(ctx context.Context, dir string, progress io.Writer) (*built, error) {
	b := &built{dir: dir, plugins: filepath.Join(dir, "plugins")}
	if err := os.Mkdir(b.plugins, 0o700); err != nil {
		return nil, err
	}
	for _, p := range plugins {
		// As a release is built (see Makefile), and both alike.
		args := []string{"build", "-trimpath", "-o", filepath.Join(b.plugins, p.name), p.source}
		if _, err := output(ctx, progress, "go", args...); err != nil {
			return nil, err
		}
	}
	vault, err := output(ctx, progress, filepath.Join("scripts", "vault.sh"))
	if err != nil {
		return nil, err
	}
	b.vault = strings.TrimSpace(vault)
	version, err := output(ctx, progress, b.vault, "version")
	if err != nil {
		return nil, err
	}
	if fields := strings.Fields(version); len(fields) > 1 { // "Vault v1.21.2 (commit), built ...", or a comma where there is no commit
		b.vaultVersion = strings.TrimRight(fields[1], ",")
	}
	return b, nil
}

// goBenchmarks runs the module's Go benchmarks, shortly, and returns what they print.
func goBenchmarks(ctx context.Context, progress io.Writer) (string, error) {
	return output(ctx, progress, "go", "test", "-run=^$", "-bench=.", "-benchmem", "-benchtime=200ms", "./internal/...", "./test/bench")
}

// output runs a command to its end. Its complaints go to progress; when ctx ends it is told so and waited for.
func output(ctx context.Context, progress io.Writer, name string, args ...string) (string, error) {
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, progress
	if err := cmd.Run(); err != nil {
		return "", fmt.Errorf("%s: %w\n%s", cmd, err, out.String())
	}
	return out.String(), nil
}
