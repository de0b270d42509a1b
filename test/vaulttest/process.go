// SPDX-License-Identifier: MPL-2.0

package vaulttest

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"sync/atomic"
	"syscall"
	"time"
)

// Process is a child of this process, known by its pid and ended by it.
type Process struct {
	cmd   *exec.Cmd
	stdin io.Closer     // held open: the servers end when it closes, so they cannot outlive their parent
	ended chan struct{} // closed when the process has ended
	meant atomic.Bool   // Stop or Crash was called
}

// Start runs a command with its complaints appended to the file log, and with its standard output too if stdout is nil.
func Start(cmd *exec.Cmd, log string, stdout io.Writer) (*Process, error) {
	file, err := os.OpenFile(log, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, err
	}
	defer file.Close() // the child has its own
	cmd.Stdout, cmd.Stderr = file, file
	if stdout != nil {
		cmd.Stdout = stdout
	}
	stdin, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	p := &Process{cmd: cmd, stdin: stdin, ended: make(chan struct{})}
	go func() {
		defer close(p.ended)
		cmd.Wait() //nolint:errcheck // how it ended is in its log
	}()
	return p, nil
}

// Serve starts a server, decodes the line of JSON that it prints when it is ready, and leaves all that follows to rest, which may be nil.
func Serve(cmd *exec.Cmd, log string, ready any, rest func(io.Reader)) (*Process, error) {
	read, write := io.Pipe()
	p, err := Start(cmd, log, write)
	if err != nil {
		return nil, err
	}
	first := make(chan []byte, 1)
	go func() {
		out := bufio.NewReader(read)
		line, _ := out.ReadBytes('\n')
		first <- line
		if rest != nil {
			rest(out)
		}
		io.Copy(io.Discard, out) //nolint:errcheck // nobody wants it, and the server must not wait for a reader
	}()
	go func() {
		<-p.ended
		write.Close()
	}()
	select {
	case line := <-first:
		if err = json.Unmarshal(line, ready); err != nil {
			err = fmt.Errorf("it printed %q: %w", line, err)
		}
	case <-time.After(Patience):
		err = errors.New("it did not start")
	}
	if err != nil {
		p.Stop()
		text, _ := os.ReadFile(log)
		return nil, fmt.Errorf("%s: %w\n%s", filepath.Base(cmd.Path), err, text)
	}
	return p, nil
}

// PID is the process's id.
func (p *Process) PID() int { return p.cmd.Process.Pid }

// Ended is closed when the process has ended.
func (p *Process) Ended() <-chan struct{} { return p.ended }

// Stop asks the process to end, waits, and insists.
func (p *Process) Stop() {
	p.meant.Store(true)
	p.stdin.Close()
	p.cmd.Process.Signal(syscall.SIGTERM) //nolint:errcheck // it may have ended
	select {
	case <-p.ended:
	case <-time.After(Patience):
		p.cmd.Process.Kill() //nolint:errcheck // it may have ended
		<-p.ended
	}
}

// Crash kills the process and its children at once, as a power cut does, and returns when it is gone. OwnGroup was called before its start.
func (p *Process) Crash() error {
	p.meant.Store(true)
	if err := syscall.Kill(-p.PID(), syscall.SIGKILL); err != nil {
		return err
	}
	<-p.ended
	p.stdin.Close()
	return nil
}

// OwnGroup makes a command the leader of a process group: Ctrl-C is then for its parent, which ends its children in order.
func OwnGroup(cmd *exec.Cmd) { cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} }

// Poll asks again until done says so, ended closes, ctx ends, or Patience does.
func Poll(ctx context.Context, ended <-chan struct{}, done func(context.Context) bool) error {
	patient, cancel := context.WithTimeout(ctx, Patience)
	defer cancel()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		if done(patient) {
			return nil
		}
		select {
		case <-tick.C:
		case <-ended:
			return errors.New("the process has ended")
		case <-patient.Done():
			if err := ctx.Err(); err != nil {
				return err
			}
			return errors.New("waited " + Patience.String() + " in vain")
		}
	}
}
