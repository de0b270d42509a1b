// SPDX-License-Identifier: MPL-2.0

package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"strconv"
	"sync/atomic"
	"syscall"
	"time"
)

// patience is how long a process may take to start, to answer or to end.
const patience = 90 * time.Second

// process is a child of the soak, known by its pid and ended by it.
type process struct {
	cmd   *exec.Cmd
	stdin io.Closer     // held open: the servers end when it closes, so they cannot outlive the soak
	ended chan struct{} // closed when the process has ended
	meant atomic.Bool   // the soak ends it, or has
}

// start runs a command with its complaints appended to the file log, and with its standard output too if stdout is nil.
func start(cmd *exec.Cmd, log string, stdout io.Writer) (*process, error) {
	file, err := os.OpenFile(log, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, err
	}
	defer file.Close() // the child has its own
	cmd.Stdout, cmd.Stderr = file, file
	if stdout != nil {
		cmd.Stdout = stdout
	}
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // Ctrl-C is for the soak, which ends its children in order
	stdin, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	p := &process{cmd: cmd, stdin: stdin, ended: make(chan struct{})}
	go func() {
		defer close(p.ended)
		cmd.Wait() //nolint:errcheck // how it ended is in its log
	}()
	return p, nil
}

func (p *process) pid() int { return p.cmd.Process.Pid }

// stop asks the process to end, waits, and insists.
func (p *process) stop() {
	p.meant.Store(true)
	p.stdin.Close()
	p.cmd.Process.Signal(syscall.SIGTERM) //nolint:errcheck // it may have ended
	select {
	case <-p.ended:
	case <-time.After(patience):
		p.cmd.Process.Kill() //nolint:errcheck // it may have ended
		<-p.ended
	}
}

// crash kills the process and its children at once, as a power cut does, and returns when it is gone.
func (p *process) crash() error {
	p.meant.Store(true)
	if err := syscall.Kill(-p.pid(), syscall.SIGKILL); err != nil { // start made it a group
		return err
	}
	<-p.ended
	p.stdin.Close()
	return nil
}

// output runs a command to its end. Its complaints go to progress.
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

// children returns the processes whose parent is pid.
func children(pid int) ([]int, error) {
	out, err := processTable()
	if errors.Is(err, os.ErrNotExist) { // not Linux
		out, err = exec.Command("ps", "-A", "-o", "pid=", "-o", "ppid=").Output()
	}
	if err != nil {
		return nil, err
	}
	var pids []int
	for line := range bytes.Lines(out) {
		fields := bytes.Fields(line)
		if len(fields) == 2 && string(fields[1]) == strconv.Itoa(pid) {
			child, err := strconv.Atoi(string(fields[0]))
			if err != nil {
				return nil, err
			}
			pids = append(pids, child)
		}
	}
	return pids, nil
}

// processTable reads Linux's /proc in ps's form: small machines have no ps.
func processTable() ([]byte, error) {
	entries, err := os.ReadDir("/proc")
	if err != nil {
		return nil, err
	}
	var table bytes.Buffer
	for _, entry := range entries {
		stat, err := os.ReadFile("/proc/" + entry.Name() + "/stat")
		if err != nil {
			continue // no process, or one that has ended
		}
		// "pid (name) state ppid ...", where the name may hold spaces and parentheses.
		pid, _, _ := bytes.Cut(stat, []byte(" "))
		if rest := bytes.Fields(stat[bytes.LastIndexByte(stat, ')')+1:]); len(rest) > 1 && rest[0][0] != 'Z' {
			fmt.Fprintf(&table, "%s %s\n", pid, rest[1])
		}
	}
	return table.Bytes(), nil
}

// freeAddress returns an address whose port the kernel had free a moment ago.
func freeAddress() (string, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	defer listener.Close()
	return listener.Addr().String(), nil
}
