// SPDX-License-Identifier: MPL-2.0

package vaulttest

import (
	"bufio"
	"context"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"
)

// A zombie can neither be killed nor waited for by us: whoever kills plugins must not find one.
func TestChildrenAreNoZombies(t *testing.T) {
	cmd := exec.Command("sh", "-c", "exit 0")
	require.NoError(t, cmd.Start())
	zombie := func(context.Context) bool {
		pids, err := Children(os.Getpid())
		require.NoError(t, err)
		for _, pid := range pids {
			if pid == cmd.Process.Pid {
				return false // it runs still
			}
		}
		return true
	}
	require.NoError(t, Poll(t.Context(), nil, zombie))
	require.NoError(t, syscall.Kill(cmd.Process.Pid, 0), "it is in the process table until somebody waits for it")
	require.NoError(t, cmd.Wait())
	require.NoError(t, Gone(cmd.Process.Pid))
}

func TestProcess(t *testing.T) {
	log := filepath.Join(t.TempDir(), "log")
	cat, err := exec.LookPath("cat")
	require.NoError(t, err)
	if cat, err = filepath.EvalSymlinks(cat); err != nil {
		t.Fatal(err)
	}
	p, err := Start(exec.Command(cat), log, nil)
	require.NoError(t, err)
	pids, err := Children(os.Getpid())
	require.NoError(t, err)
	require.Contains(t, pids, p.PID())
	pids, err = childrenOf(os.Getpid(), cat)
	require.NoError(t, err)
	require.Equal(t, []int{p.PID()}, pids)
	pids, err = childrenOf(os.Getpid(), cat+"-other")
	require.NoError(t, err)
	require.Empty(t, pids)
	require.NoError(t, Kill([]int{p.PID()}))
	<-p.Ended()
	p.Stop() // again, and nothing comes of it
}

func TestCrashTakesTheChildrenAlong(t *testing.T) {
	cmd := exec.Command("sh", "-c", "cat <&3 & echo $!; wait")
	read, write, err := os.Pipe()
	require.NoError(t, err)
	defer write.Close()
	cmd.ExtraFiles = []*os.File{read}
	OwnGroup(cmd)
	var child int
	p, err := Serve(cmd, filepath.Join(t.TempDir(), "log"), &child, nil)
	require.NoError(t, err)
	require.NoError(t, read.Close())
	require.NoError(t, p.Crash())
	unread := func(context.Context) bool {
		_, err := write.Write([]byte("x"))
		return errors.Is(err, syscall.EPIPE)
	}
	require.NoError(t, Poll(t.Context(), nil, unread))
}

func TestServe(t *testing.T) {
	log := filepath.Join(t.TempDir(), "log")
	var ready struct{ URL string }
	lines := make(chan string, 1)
	p, err := Serve(exec.Command("sh", "-c", `echo '{"url": "x"}'; echo more; cat`), log, &ready, func(rest io.Reader) {
		line, _ := bufio.NewReader(rest).ReadString('\n')
		lines <- line
	})
	require.NoError(t, err)
	require.Equal(t, "x", ready.URL)
	require.Equal(t, "more\n", <-lines)
	p.Stop()

	_, err = Serve(exec.Command("sh", "-c", "echo complaint >&2"), log, &ready, nil)
	require.ErrorContains(t, err, "complaint")
}

func TestPoll(t *testing.T) {
	ended := make(chan struct{})
	close(ended)
	never := func(context.Context) bool { return false }
	require.ErrorContains(t, Poll(t.Context(), ended, never), "has ended")
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(errors.New("a signal"))
	require.ErrorIs(t, Poll(ctx, nil, never), context.Canceled)
	require.NoError(t, Poll(ctx, nil, func(context.Context) bool { return true }))
}

func TestCheckout(t *testing.T) {
	var progress strings.Builder
	c, err := FindCheckout(&progress)
	require.NoError(t, err)
	require.FileExists(t, filepath.Join(c.Dir, "scripts", "vault.sh"))
	out, err := c.Output(t.Context(), "sh", "-c", "echo complaint >&2; pwd; echo $CGO_ENABLED")
	require.NoError(t, err)
	require.Equal(t, c.Dir+"\n0\n", out)
	require.Equal(t, "complaint\n", progress.String())
	_, err = c.Output(t.Context(), "sh", "-c", "echo no; exit 3")
	require.ErrorContains(t, err, "exit status 3\nno")
}

func TestTail(t *testing.T) {
	log := filepath.Join(t.TempDir(), "log")
	require.Empty(t, tail(log))
	require.NoError(t, os.WriteFile(log, []byte("first\n"+strings.Repeat("x\n", 18)+"last\n"), 0o600))
	require.Equal(t, strings.Repeat("x\n", 18)+"last\n", tail(log))
}
