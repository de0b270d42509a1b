// SPDX-License-Identifier: MPL-2.0

package main

import (
	"context"
	"io"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// family is a command with a child of its own, as Vault has plugins. The child does not end when it is asked to, and holds
// the file $0 open as long as it lives.
const family = `sh -c 'trap "" TERM; exec sleep 1000' >"$0" & wait`

func TestGuard(t *testing.T) {
	for name, end := range map[string]func(cancel func(), stdin io.Closer){
		"told to end":   func(cancel func(), _ io.Closer) { cancel() },
		"parent is off": func(_ func(), stdin io.Closer) { stdin.Close() },
	} {
		t.Run(name, func(t *testing.T) {
			fifo := filepath.Join(t.TempDir(), "held")
			if err := syscall.Mkfifo(fifo, 0o600); err != nil {
				t.Fatal(err)
			}
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			stdin, parent := io.Pipe()
			ended := make(chan error, 1)
			go func() { ended <- guard(ctx, []string{"sh", "-c", family, fifo}, stdin, io.Discard) }()
			held, err := os.Open(fifo) // returns when the child has opened it
			if err != nil {
				t.Fatal(err)
			}
			defer held.Close()
			end(cancel, parent)
			if err := <-ended; err != nil {
				t.Errorf("it was to end, and says %v", err)
			}
			if _, err := io.ReadAll(held); err != nil { // returns when the child is gone
				t.Error(err)
			}
		})
	}
}

func TestGuardPassesOn(t *testing.T) {
	stdin, parent := io.Pipe()
	defer parent.Close()
	var out strings.Builder
	err := guard(t.Context(), []string{"sh", "-c", "echo as it was; exit 3"}, stdin, &out)
	if err == nil || err.Error() != "exit status 3" {
		t.Errorf("a command that failed: %v", err)
	}
	if out.String() != "as it was\n" {
		t.Errorf("its output is %q", out.String())
	}
	if err := guard(t.Context(), nil, stdin, io.Discard); err == nil {
		t.Error("no command is accepted")
	}
}
