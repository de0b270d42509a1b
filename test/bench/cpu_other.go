// SPDX-License-Identifier: MPL-2.0

//go:build !linux

package main

import "time"

// cpuTime is not known to the nanosecond elsewhere, and less than that would be
// worth less than the throughput beside it.
func cpuTime(int) (time.Duration, error) { return 0, nil }
