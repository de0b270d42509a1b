// SPDX-License-Identifier: MPL-2.0

package main

import (
	"context"
	"errors"
	"io"
	"os"
	"os/exec"
	"syscall"
	"time"
)

// grace is how long a guarded command may take to end when it is asked to.
const grace = 10 * time.Second

// guard runs a command in a process group of its own, until the command ends, ctx ends, or stdin closes, which the kernel
// does whatever becomes of the process at the other end. It returns when nothing is left of the group: Vault is asked to end,
// and its plugins end with it; what does not within grace is killed.
func guard(ctx context.Context, args []string, stdin io.Reader, stdout io.Writer) error {
	if len(args) == 0 {
		return errors.New("usage: " + name + " guard COMMAND [ARG...]")
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	cmd := exec.CommandContext(ctx, args[0], args[1:]...)
	cmd.Stdout, cmd.Stderr = stdout, os.Stderr
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	cmd.WaitDelay = grace
	if err := cmd.Start(); err != nil {
		return err
	}
	go func() {
		defer cancel()
		io.Copy(io.Discard, stdin) //nolint:errcheck // an error ends the wait as the end of file does
	}()
	err := cmd.Wait()
	syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) //nolint:errcheck // as a rule nothing is left
	if ctx.Err() != nil {
		return nil // it ended because it was asked to
	}
	return err
}
