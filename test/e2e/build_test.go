// SPDX-License-Identifier: MPL-2.0

package e2e

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

const (
	pluginName    = "vault-plugin-secrets-oauth"
	pluginVersion = "v0.0.0-e2e" // given at build time; a story looks for it in Vault
)

// parts is what the stories are made of, built once for all of them.
type parts struct {
	vault      string // the vault binary
	bin        string // directory with vault in it, for PATH
	pluginDir  string // directory with the plugin in it and nothing else
	authserver string // the binary of tools/demo
	pocketbase string // the binary of tools/pocketbase
	oidc       string // directory with oidc-provider installed
}

func build(t *testing.T) *parts {
	t.Helper()
	p, root := buildVault(t), repository(t)
	run(t, root, "go", "build", "-C", filepath.Join("tools", "demo"), "-trimpath", "-o", p.authserver, ".")
	run(t, root, "go", "build", "-C", filepath.Join("tools", "pocketbase"), "-trimpath", "-o", p.pocketbase, ".")
	run(t, root, filepath.Join("scripts", "npm-ci.sh"), p.oidc)
	return p
}

// buildVault makes what a Vault with the plugin needs, and none of the servers.
func buildVault(t *testing.T) *parts {
	t.Helper()
	root := repository(t)
	dir, err := filepath.EvalSymlinks(t.TempDir()) // Vault refuses a plugin directory reached by a symbolic link
	if err != nil {
		t.Fatal(err)
	}
	p := &parts{
		bin:        filepath.Join(dir, "bin"),
		pluginDir:  filepath.Join(dir, "plugins"),
		authserver: filepath.Join(dir, "authserver"),
		pocketbase: filepath.Join(dir, "pocketbase"),
		oidc:       filepath.Join(root, "test", "e2e", "oidc"),
	}
	for _, dir := range []string{p.bin, p.pluginDir} {
		if err := os.Mkdir(dir, 0o700); err != nil {
			t.Fatal(err)
		}
	}
	plugin := filepath.Join(p.pluginDir, pluginName)
	run(t, root, "go", "build", "-trimpath", "-ldflags", "-X main.version="+pluginVersion, "-o", plugin, "./cmd/"+pluginName)

	p.vault = strings.TrimSpace(run(t, root, filepath.Join("scripts", "vault.sh")))
	if err := os.Symlink(p.vault, filepath.Join(p.bin, "vault")); err != nil {
		t.Fatal(err)
	}
	return p
}

// run returns what the command printed; its complaints go to the terminal, where building Vault shows that it lives.
func run(t *testing.T, dir, name string, args ...string) string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), name, args...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%s: %v", cmd, err)
	}
	return string(out)
}

// repository returns the directory of the module's go.mod.
func repository(t *testing.T) string {
	t.Helper()
	dir, err := filepath.Abs(filepath.Join("..", ".."))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Join(dir, "go.mod")); err != nil {
		t.Fatal(err)
	}
	return dir
}
