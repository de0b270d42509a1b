// SPDX-License-Identifier: MPL-2.0

package main

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"runtime"
	"strconv"
	"strings"
)

// figuresBegin and figuresEnd are around what a run replaces in a document.
const (
	figuresBegin = "<!-- figures: written by make bench DOC=docs/benchmarks.md -->\n"
	figuresEnd   = "<!-- end of figures -->\n"
)

func replaceFigures(document []byte, figures string) ([]byte, error) {
	before, rest, began := bytes.Cut(document, []byte(figuresBegin))
	_, after, ended := bytes.Cut(rest, []byte(figuresEnd))
	if !began || !ended {
		return nil, errors.New("it has no marked place for figures")
	}
	return fmt.Appendf(nil, "%s%s\n%s\n%s%s", before, figuresBegin, figures, figuresEnd, after), nil
}

// describe says what the figures are of, without naming the machine.
func describe(vaultVersion string) string {
	parts := []string{fmt.Sprintf("%d cores", runtime.NumCPU())}
	if size, err := memory(); err == nil {
		parts = append(parts, fmt.Sprintf("%d GiB of memory", size>>20))
	}
	parts = append(parts, runtime.GOOS+"/"+runtime.GOARCH, runtime.Version(), "Vault "+vaultVersion)
	if load, err := os.ReadFile("/proc/loadavg"); err == nil {
		minute, _, _ := strings.Cut(string(load), " ")
		parts = append(parts, "load average "+minute+" at the start")
	}
	return strings.Join(parts, ", ")
}

// memory is what the machine has, in KiB, where /proc says so.
func memory() (int, error) {
	text, err := os.ReadFile("/proc/meminfo")
	if err != nil {
		return 0, err
	}
	fields := strings.Fields(string(text)) // "MemTotal: 24684544 kB" comes first
	if len(fields) < 2 {
		return 0, errors.New("unexpected /proc/meminfo")
	}
	return strconv.Atoi(fields[1])
}
