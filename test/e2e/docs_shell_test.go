// SPDX-License-Identifier: MPL-2.0

package e2e

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// shell is one terminal: what a command sets and exports is there for the next.
type shell struct {
	cmd     *exec.Cmd
	stdin   io.WriteCloser
	answers *bufio.Reader
	dir     string // of scripts and outputs
	count   int
}

func startShell(t *testing.T, dir string, env []string) *shell {
	t.Helper()
	s := &shell{cmd: exec.CommandContext(t.Context(), "sh", "-eu"), dir: t.TempDir()}
	s.cmd.Dir, s.cmd.Env, s.cmd.Stderr = dir, env, os.Stderr
	stdin, err := s.cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	stdout, err := s.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	s.stdin, s.answers = stdin, bufio.NewReader(stdout)
	if err := s.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		stdin.Close()
		s.cmd.Wait() //nolint:errcheck // it ended with its last command, or with its input
	})
	return s
}

// run runs commands until one fails, which ends the shell.
func (s *shell) run(script string) (output string, err error) {
	output, status := s.ask(script, ". '%s' </dev/null >'%s' 2>&1; echo 0\n")
	if status != "0" {
		return output, errors.New("a command failed")
	}
	return output, nil
}

// try runs a command by itself, and returns its exit status.
func (s *shell) try(command string) (output, status string) {
	return s.ask(command, "( . '%s' ) </dev/null >'%s' 2>&1 && echo 0 || echo $?\n")
}

func (s *shell) ask(script, line string) (output, status string) {
	s.count++
	file := filepath.Join(s.dir, fmt.Sprint(s.count))
	if err := os.WriteFile(file, []byte(script), 0o600); err != nil {
		return err.Error(), ""
	}
	if _, err := fmt.Fprintf(s.stdin, line, file, file+".out"); err != nil {
		return "the shell has ended", ""
	}
	status, err := s.answers.ReadString('\n')
	if err != nil {
		status = ""
	}
	printed, err := os.ReadFile(file + ".out")
	if err != nil {
		return err.Error(), ""
	}
	return string(printed), strings.TrimSpace(status)
}

// terminal runs what stays in the foreground of a terminal of its own, until Ctrl-C.
func (r *reader) terminal(script, url string) {
	r.Helper()
	cmd := exec.Command("sh", "-eu", "-c", r.here(script))
	cmd.Dir, cmd.Env = r.dir, r.env
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	log := filepath.Join(r.TempDir(), "terminal")
	p, err := start(cmd, log, nil)
	if err != nil {
		r.Fatal(err)
	}
	r.terminals = append(r.terminals, p)
	answers := func() bool {
		res, err := http.Get(r.here(url))
		if err != nil {
			return false
		}
		res.Body.Close()
		return res.StatusCode == http.StatusOK
	}
	if err := poll(p.ended, answers); err != nil {
		printed, _ := os.ReadFile(log)
		r.Fatalf("%s: %v\n%s\n%s", r.document, err, script, printed)
	}
}

// endTerminals does what Ctrl-C does, to the shell and to what it runs.
func (r *reader) endTerminals() {
	for _, p := range r.terminals {
		syscall.Kill(-p.pid(), syscall.SIGINT) //nolint:errcheck // it may have ended
		p.stop()
		syscall.Kill(-p.pid(), syscall.SIGKILL) //nolint:errcheck // mostly nothing is left
	}
	r.terminals = nil
}
