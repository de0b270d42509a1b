// SPDX-License-Identifier: MPL-2.0

package e2e

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
)

// TestStories runs each testdata/*.txtar with a Vault of its own.
func TestStories(t *testing.T) {
	requireE2E(t)
	parts := build(t)
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata",
		Setup:               parts.setup,
		Cmds:                commands(),
		RequireUniqueNames:  true,
		RequireExplicitExec: true,
		TestWork:            os.Getenv("E2E_KEEP") != "",
	})
}

// TestDemo runs the demo as a visitor does, and checks what it is there to show.
func TestDemo(t *testing.T) {
	requireE2E(t)
	t.Parallel()
	demo := exec.CommandContext(t.Context(), filepath.Join(repository(t), "scripts", "demo.sh"))
	demo.Env = append(os.Environ(), "NO_COLOR=1", "TMPDIR="+t.TempDir())
	out, err := demo.CombinedOutput()
	if err != nil {
		t.Fatalf("the demo failed: %v\n%s", err, out)
	}
	for _, want := range []string{
		`(?m)^\$ vault secrets enable `,
		`(?m)^\$ vault write oauth/config/`,
		`(?m)^access_token +ory_at_`,
		`(?m)^header_value +Bearer ory_at_`,
		`"token_requests":1\b`,
	} {
		if !regexp.MustCompile(want).Match(out) {
			t.Errorf("nothing in the demo's output matches %s", want)
		}
	}
	if regexp.MustCompile(`"token_requests":[^1]`).Match(out) {
		t.Error("the second read cost an exchange")
	}
	if t.Failed() {
		t.Logf("the demo's output:\n%s", out)
	}
}

// requireE2E keeps "go test ./..." quick: these tests need a Vault binary (about ten minutes to build the first time) and npm.
func requireE2E(t *testing.T) {
	t.Helper()
	if os.Getenv("E2E") != "1" {
		t.Skip("set E2E=1, or run make test: these need a Vault binary, and npm")
	}
}
