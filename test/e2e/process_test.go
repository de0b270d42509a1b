// SPDX-License-Identifier: MPL-2.0

package e2e

import (
	"context"
	"io"
	"os/exec"
	"strconv"
	"strings"

	"github.com/seed-6323ea89/vault-plugin-secrets-oauth/test/vaulttest"
)

// patience is how long a story waits for a process to start, to answer or to end before it gives up.
const patience = vaulttest.Patience

// process is a child of the test. This file has package vaulttest in the stories' words.
type process struct {
	*vaulttest.Process
	ended <-chan struct{} // closed when the process has ended
}

func named(p *vaulttest.Process) *process { return &process{Process: p, ended: p.Ended()} }

// start runs a command with its output appended to the file log, and its standard output copied to stdout instead if not nil.
func start(cmd *exec.Cmd, log string, stdout io.Writer) (*process, error) {
	p, err := vaulttest.Start(cmd, log, stdout)
	if err != nil {
		return nil, err
	}
	return named(p), nil
}

// startServer starts a server that prints a line of JSON when it is ready, and decodes that.
func startServer(cmd *exec.Cmd, log string, ready any) (*process, error) {
	p, err := vaulttest.Serve(cmd, log, ready, nil)
	if err != nil {
		return nil, err
	}
	return named(p), nil
}

func (p *process) pid() int { return p.PID() }

func (p *process) stop() { p.Stop() }

// poll asks again until done says so, stop closes, or patience ends.
func poll(stop <-chan struct{}, done func() bool) error {
	return vaulttest.Poll(context.Background(), stop, func(context.Context) bool { return done() })
}

// freePort returns a port that the kernel had free a moment ago.
func freePort() (int, error) {
	address, err := vaulttest.FreeAddress()
	if err != nil {
		return 0, err
	}
	return strconv.Atoi(address[strings.LastIndexByte(address, ':')+1:])
}
