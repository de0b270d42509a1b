// SPDX-License-Identifier: MPL-2.0

package e2e

import (
	"bytes"
	"errors"
	"io"
	"os"
	"os/exec"
	"strconv"
	"syscall"
	"time"
)

// patience is how long a story waits for a process to start, to answer or to end before it gives up. It is no assertion
// about speed: a loaded machine may need most of it.
const patience = 90 * time.Second

// process is a child of the test, known by its pid and ended by it.
type process struct {
	cmd   *exec.Cmd
	stdin io.Closer     // held open: the servers end when it closes, so they cannot outlive the test
	ended chan struct{} // closed when the process has ended
}

// start runs a command with its output appended to the file log, and its standard output copied to stdout too if not nil.
func start(cmd *exec.Cmd, log string, stdout io.Writer) (*process, error) {
	file, err := os.OpenFile(log, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, err
	}
	cmd.Stdout, cmd.Stderr = file, file
	if stdout != nil {
		cmd.Stdout = stdout
	}
	stdin, err := cmd.StdinPipe()
	if err != nil {
		return nil, errors.Join(err, file.Close())
	}
	if err := cmd.Start(); err != nil {
		return nil, errors.Join(err, file.Close())
	}
	p := &process{cmd: cmd, stdin: stdin, ended: make(chan struct{})}
	go func() {
		defer close(p.ended)
		cmd.Wait() //nolint:errcheck // how it ended is in its log
		file.Close()
	}()
	return p, nil
}

func (p *process) pid() int { return p.cmd.Process.Pid }

// stop asks the process to end, waits, and insists.
func (p *process) stop() {
	p.stdin.Close()
	p.cmd.Process.Signal(syscall.SIGTERM) //nolint:errcheck // it may have ended
	select {
	case <-p.ended:
	case <-time.After(patience):
		p.cmd.Process.Kill() //nolint:errcheck // it may have ended
		<-p.ended
	}
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
		if rest := bytes.Fields(stat[bytes.LastIndexByte(stat, ')')+1:]); len(rest) > 1 {
			table.Write(pid)
			table.WriteByte(' ')
			table.Write(rest[1])
			table.WriteByte('\n')
		}
	}
	return table.Bytes(), nil
}

// poll asks again until done says so, stop closes, or patience ends.
func poll(stop <-chan struct{}, done func() bool) error {
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	deadline := time.After(patience)
	for {
		if done() {
			return nil
		}
		select {
		case <-tick.C:
		case <-stop:
			return errors.New("the process has ended")
		case <-deadline:
			return errors.New("waited " + patience.String() + " in vain")
		}
	}
}
