// SPDX-License-Identifier: MPL-2.0

package oauthsecrets

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// A client authentication is one file and one line. The test adds one to a copy of
// the tree, so that production code has no door for it.
func TestAClientAuthIsOneFileAndOneLine(t *testing.T) {
	runOverlaid(t, "TestAddedClientAuth", map[string]string{
		"internal/oauth/auth_added.go": "testdata/overlay/auth_added.go.txt",
		"auth_added_test.go":           "testdata/overlay/auth_added_test.go.txt",
	}, "internal/oauth/auth.go", "noAuth{}}", "noAuth{}, addedAuth{}}")
}

// So is a grant, with fields of its own and a secret.
func TestAGrantIsOneFileAndOneLine(t *testing.T) {
	runOverlaid(t, "TestAddedGrant", map[string]string{
		"flows/added.go":     "testdata/overlay/flow_added.go.txt",
		"flow_added_test.go": "testdata/overlay/flow_added_test.go.txt",
	}, "flows/flow.go", "documentLogin{}}\n", "documentLogin{}, addedGrant{}}\n")
}

// runOverlaid runs one test of this package in the tree with files added, and
// with one line of another changed.
func runOverlaid(t *testing.T, test string, added map[string]string, file, line, changed string) {
	t.Helper()
	if testing.Short() {
		t.Skip("builds the package anew")
	}
	text, err := os.ReadFile(file)
	require.NoError(t, err)
	require.Equal(t, 1, strings.Count(string(text), line), "%s has the line once", file)
	edited := filepath.Join(t.TempDir(), filepath.Base(file))
	require.NoError(t, os.WriteFile(edited, []byte(strings.Replace(string(text), line, changed, 1)), 0o600))

	here, err := os.Getwd()
	require.NoError(t, err)
	replace := map[string]string{filepath.Join(here, file): edited}
	for name, source := range added {
		replace[filepath.Join(here, name)] = filepath.Join(here, source)
	}
	overlay, err := json.Marshal(map[string]any{"Replace": replace})
	require.NoError(t, err)
	list := filepath.Join(t.TempDir(), "overlay.json")
	require.NoError(t, os.WriteFile(list, overlay, 0o600))

	command := exec.CommandContext(t.Context(), "go", "test", "-count=1", "-overlay="+list, "-run=^"+test+"$", "-v", ".")
	output, err := command.CombinedOutput()
	require.NoError(t, err, "%s", output)
	require.Contains(t, string(output), "--- PASS: "+test)
}
