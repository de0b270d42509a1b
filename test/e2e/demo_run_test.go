// SPDX-License-Identifier: MPL-2.0

package e2e

import (
	"bufio"
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
)

// demo is a run of scripts/demo.sh, in a process group of its own as a terminal gives it one.
type demo struct {
	cmd   *exec.Cmd
	tmp   string // nothing else has this name in its environment
	out   bytes.Buffer
	lines *bufio.Reader
}

func startDemo(t *testing.T, env ...string) *demo {
	t.Helper()
	d := &demo{tmp: t.TempDir()}
	d.cmd = exec.CommandContext(t.Context(), filepath.Join(repository(t), "scripts", "demo.sh"))
	d.cmd.Env = append(os.Environ(), "NO_COLOR=", "KEEP=", "TMPDIR="+d.tmp)
	d.cmd.Env = append(d.cmd.Env, env...)
	d.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	read, write, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { read.Close() })
	d.cmd.Stdout, d.cmd.Stderr = write, write
	d.lines = bufio.NewReader(read)
	if err := d.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	write.Close()
	return d
}

// until reads what it prints, up to a line that matches.
func (d *demo) until(t *testing.T, pattern string) {
	t.Helper()
	for wanted := regexp.MustCompile(pattern); ; {
		line, err := d.lines.ReadString('\n')
		d.out.WriteString(line)
		if err != nil {
			t.Fatalf("it ended before a line matched %s\n%s", pattern, d.out.String())
		}
		if wanted.MatchString(line) {
			return
		}
	}
}

// wait reads the rest, which ends when nobody can write any more, and returns how the script ended.
func (d *demo) wait() error {
	d.lines.WriteTo(&d.out) //nolint:errcheck // reading a pipe up to its end
	return d.cmd.Wait()
}

// try does what the kept demo suggests, in a terminal of its own.
func (d *demo) try(t *testing.T) {
	t.Helper()
	found := regexp.MustCompile(`(?m)^    ((?:export|vault) .*)$`).FindAllStringSubmatch(d.out.String(), -1)
	if len(found) != 6 {
		t.Fatalf("found %d commands, want an export and five\n%s", len(found), d.out.String())
	}
	script := "set -e\n"
	for _, command := range found {
		script += command[1] + "\n"
	}
	terminal := exec.CommandContext(t.Context(), "sh", "-c", script)
	terminal.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + t.TempDir()}
	if out, err := terminal.CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}

func (d *demo) shows(t *testing.T, patterns ...string) {
	t.Helper()
	for _, pattern := range patterns {
		if !regexp.MustCompile(`(?m)` + pattern).MatchString(d.out.String()) {
			t.Errorf("nothing in the demo's output matches %s", pattern)
		}
	}
	if t.Failed() {
		t.Logf("the demo's output:\n%s", d.out.String())
	}
}

// left wants no process and no file: the script has waited for them.
func (d *demo) left(t *testing.T) {
	t.Helper()
	if running, err := processesWith(d.tmp); err != nil || len(running) > 0 {
		t.Errorf("these run still: %q, %v", running, err)
	}
	if files, err := os.ReadDir(d.tmp); err != nil || len(files) > 0 {
		t.Errorf("these files are left: %v, %v", files, err)
	}
}

// gone waits until no process is left.
func (d *demo) gone(t *testing.T) {
	t.Helper()
	err := poll(nil, func() bool {
		running, err := processesWith(d.tmp)
		return err == nil && len(running) == 0
	})
	if err != nil {
		running, _ := processesWith(d.tmp)
		t.Errorf("these run still: %q, %v", running, err)
	}
}

// processesWith returns the command lines of all processes that have a text in their environment.
func processesWith(text string) ([]string, error) {
	environments, err := filepath.Glob("/proc/[0-9]*/environ")
	if err != nil {
		return nil, err
	}
	if environments == nil { // not Linux
		return processesOfPS(text)
	}
	var found []string
	for _, file := range environments {
		environment, err := os.ReadFile(file)
		if err != nil || !bytes.Contains(environment, []byte(text)) {
			continue // somebody else's, or it has ended
		}
		line, _ := os.ReadFile(filepath.Join(filepath.Dir(file), "cmdline"))
		found = append(found, string(bytes.ReplaceAll(line, []byte{0}, []byte{' '})))
	}
	return found, nil
}

func processesOfPS(text string) ([]string, error) {
	out, err := exec.Command("ps", "-A", "-E", "-ww", "-o", "command=").Output()
	var found []string
	for line := range strings.Lines(string(out)) {
		if strings.Contains(line, text) {
			found = append(found, strings.TrimSpace(line))
		}
	}
	return found, err
}
