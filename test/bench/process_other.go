// SPDX-License-Identifier: MPL-2.0

//go:build !linux

package main

import (
	"bytes"
	"fmt"
	"os/exec"
	"strconv"
	"time"
)

// cpuTime is not known to the nanosecond elsewhere, and less than that would be
// worth less than the throughput beside it.
func cpuTime(int) (time.Duration, error) { return 0, nil }

// running returns the processes of an executable.
func running(executable string) ([]int, error) {
	out, err := exec.Command("ps", "-A", "-o", "pid=", "-o", "comm=").Output()
	if err != nil {
		return nil, fmt.Errorf("ps: %w", err)
	}
	var pids []int
	for line := range bytes.Lines(out) {
		pid, name, _ := bytes.Cut(bytes.TrimSpace(line), []byte(" "))
		if string(bytes.TrimSpace(name)) != executable {
			continue
		}
		number, err := strconv.Atoi(string(pid))
		if err != nil {
			return nil, err
		}
		pids = append(pids, number)
	}
	return pids, nil
}
