// SPDX-License-Identifier: MPL-2.0

package e2e

import (
	"os"
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

// requireE2E keeps "go test ./..." quick: these tests need a Vault binary (about ten minutes to build the first time) and npm.
func requireE2E(t *testing.T) {
	t.Helper()
	if os.Getenv("E2E") != "1" {
		t.Skip("set E2E=1, or run make test: these need a Vault binary, and npm")
	}
}
