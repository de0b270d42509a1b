// SPDX-License-Identifier: MPL-2.0

package vaulttest

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"syscall"
	"time"
)

// Children returns the processes whose parent is pid and that still run. One that has ended stays in the process table as a zombie
// until its parent asks for its exit status, and a signal to it does nothing.
func Children(pid int) ([]int, error) { return children(pid, func(int) bool { return true }) }

// Kill kills processes, as a crash or the kernel would, and returns when they are gone.
func Kill(pids []int) error {
	for _, pid := range pids {
		if err := syscall.Kill(pid, syscall.SIGKILL); err != nil && !errors.Is(err, syscall.ESRCH) {
			return err
		}
		if err := Gone(pid); err != nil {
			return err
		}
	}
	return nil
}

// Gone returns when a process is there no more, not even as a zombie: some of its threads may outlive the first one.
func Gone(pid int) error {
	for deadline := time.Now().Add(Patience); syscall.Kill(pid, 0) == nil; time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			return fmt.Errorf("process %d does not end", pid)
		}
	}
	return nil
}

// childrenOf returns the children of pid that run an executable.
func childrenOf(pid int, executable string) ([]int, error) {
	return children(pid, func(child int) bool {
		if target, err := os.Readlink(fmt.Sprintf("/proc/%d/exe", child)); err == nil {
			return target == executable
		}
		out, err := exec.Command("ps", "-p", strconv.Itoa(child), "-o", "comm=").Output() // not Linux
		return err == nil && string(bytes.TrimSpace(out)) == executable
	})
}

func children(pid int, wanted func(int) bool) ([]int, error) {
	table, err := processTable()
	if err != nil {
		return nil, err
	}
	var pids []int
	for line := range bytes.Lines(table) {
		fields := bytes.Fields(line)
		if len(fields) != 3 || string(fields[1]) != strconv.Itoa(pid) || fields[2][0] == 'Z' {
			continue
		}
		child, err := strconv.Atoi(string(fields[0]))
		if err != nil {
			return nil, err
		}
		if wanted(child) {
			pids = append(pids, child)
		}
	}
	return pids, nil
}

// processTable has a line for each process: its pid, its parent's and its state. Linux's /proc is asked first: small machines have no ps.
func processTable() ([]byte, error) {
	files, err := filepath.Glob("/proc/[0-9]*/stat")
	if err != nil {
		return nil, err
	}
	if files == nil {
		return exec.Command("ps", "-A", "-o", "pid=", "-o", "ppid=", "-o", "state=").Output()
	}
	var table bytes.Buffer
	for _, file := range files {
		stat, err := os.ReadFile(file)
		if err != nil {
			continue // it has ended
		}
		// "pid (name) state ppid ...", where the name may hold spaces and parentheses.
		pid, _, _ := bytes.Cut(stat, []byte(" "))
		if rest := bytes.Fields(stat[bytes.LastIndexByte(stat, ')')+1:]); len(rest) > 1 {
			fmt.Fprintf(&table, "%s %s %s\n", pid, rest[1], rest[0])
		}
	}
	return table.Bytes(), nil
}
