// SPDX-License-Identifier: MPL-2.0

package main

import (
	"syscall"
	"time"
	"unsafe"
)

// cpuClock is CPUCLOCK_SCHED of the kernel: all of a process's threads, in nanoseconds.
const cpuClock = 2

// cpuTime is what a process has used so far, in user and in kernel mode, of
// threads that have ended too. It is what clock_getcpuclockid(3) gives, since
// /proc/<pid>/stat counts in hundredths of a second.
func cpuTime(pid int) (time.Duration, error) {
	var t syscall.Timespec
	clock := uintptr(uint32(^pid<<3 | cpuClock))
	if _, _, errno := syscall.Syscall(syscall.SYS_CLOCK_GETTIME, clock, uintptr(unsafe.Pointer(&t)), 0); errno != 0 {
		return 0, errno
	}
	return time.Duration(t.Nano()), nil
}
