// SPDX-License-Identifier: MPL-2.0

package vaulttest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
)

// Checkout is a directory with the files of this repository, of one revision or another.
type Checkout struct {
	Dir      string    // of the module's go.mod
	Progress io.Writer // what commands complain of goes there
}

// FindCheckout returns the checkout that the working directory is in.
func FindCheckout(progress io.Writer) (Checkout, error) {
	start, err := os.Getwd()
	if err != nil {
		return Checkout{}, err
	}
	for dir := start; ; dir = filepath.Dir(dir) {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			return Checkout{Dir: dir, Progress: progress}, nil
		}
		if dir == filepath.Dir(dir) {
			return Checkout{}, errors.New("no go.mod in " + start + " or above it")
		}
	}
}

// BuildPlugin builds the plugin into a file. Without a version it has none, as one that "go build" makes.
func (c Checkout) BuildPlugin(ctx context.Context, file, version string) error {
	var flags []string
	if version != "" {
		flags = []string{"-ldflags", "-X main.version=" + version}
	}
	return c.Build(ctx, file, "cmd/"+PluginName, flags...)
}

// Build builds a command of the checkout into a file, as a release is built (see Makefile). The command may be in a module of its own.
func (c Checkout) Build(ctx context.Context, file, command string, flags ...string) error {
	file, err := filepath.Abs(file) // go build runs elsewhere
	if err != nil {
		return err
	}
	args := append([]string{"build", "-C", filepath.FromSlash(command), "-trimpath", "-buildvcs=false", "-o", file}, flags...)
	_, err = c.Output(ctx, "go", append(args, ".")...)
	return err
}

// Vault returns the vault binary that scripts/vault.sh finds, or builds.
func (c Checkout) Vault(ctx context.Context) (string, error) {
	out, err := c.Output(ctx, filepath.Join(c.Dir, "scripts", "vault.sh"))
	if err != nil {
		return "", err
	}
	binary := strings.TrimSpace(out)
	if !filepath.IsAbs(binary) { // a server runs in a directory of its own
		binary = filepath.Join(c.Dir, binary)
	}
	return binary, nil
}

// InstallNPM installs the packages of a directory of the checkout, unless they are there.
func (c Checkout) InstallNPM(ctx context.Context, dir string) error {
	_, err := c.Output(ctx, filepath.Join(c.Dir, "scripts", "npm-ci.sh"), filepath.FromSlash(dir))
	return err
}

// Output runs a command in the checkout's directory and returns what it printed. When ctx ends the command is told so and waited for.
func (c Checkout) Output(ctx context.Context, name string, args ...string) (string, error) {
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Dir = c.Dir
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, c.Progress
	if err := cmd.Run(); err != nil {
		return "", fmt.Errorf("%s: %w\n%s", cmd, err, out.String())
	}
	return out.String(), nil
}
