// SPDX-License-Identifier: MPL-2.0

package e2e

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/seed-6323ea89/vault-plugin-secrets-oauth/test/vaulttest"
)

const (
	pluginName    = vaulttest.PluginName
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
	p := buildVault(t)
	buildTool(t, p.authserver, "tools/demo")
	buildTool(t, p.pocketbase, "tools/pocketbase")
	require.NoError(t, checkout(t).InstallNPM(t.Context(), p.oidc))
	return p
}

// buildVault makes what a Vault with the plugin needs, and none of the servers.
func buildVault(t *testing.T) *parts {
	t.Helper()
	c := checkout(t)
	dir, err := filepath.EvalSymlinks(t.TempDir()) // Vault refuses a plugin directory reached by a symbolic link
	require.NoError(t, err)
	p := &parts{
		bin:        filepath.Join(dir, "bin"),
		pluginDir:  filepath.Join(dir, "plugins"),
		authserver: filepath.Join(dir, "authserver"),
		pocketbase: filepath.Join(dir, "pocketbase"),
		oidc:       filepath.Join(c.Dir, "test", "e2e", "oidc"),
	}
	for _, dir := range []string{p.bin, p.pluginDir} {
		require.NoError(t, os.Mkdir(dir, 0o700))
	}
	buildPlugin(t, filepath.Join(p.pluginDir, pluginName), pluginVersion)
	p.vault, err = c.Vault(t.Context())
	require.NoError(t, err)
	require.NoError(t, os.Symlink(p.vault, filepath.Join(p.bin, "vault")))
	return p
}

func buildPlugin(t *testing.T, file, version string) {
	t.Helper()
	require.NoError(t, checkout(t).BuildPlugin(t.Context(), file, version))
}

// buildTool builds a command of a module of its own.
func buildTool(t *testing.T, file, module string) {
	t.Helper()
	require.NoError(t, checkout(t).Build(t.Context(), file, module))
}

// run returns what the command printed; its complaints go to the terminal, where building Vault shows that it lives.
func run(t *testing.T, dir, name string, args ...string) string {
	t.Helper()
	out, err := vaulttest.Checkout{Dir: dir, Progress: os.Stderr}.Output(t.Context(), name, args...)
	require.NoError(t, err)
	return out
}

func checkout(t *testing.T) vaulttest.Checkout {
	t.Helper()
	c, err := vaulttest.FindCheckout(os.Stderr)
	require.NoError(t, err)
	return c
}

// repository returns the directory of the module's go.mod.
func repository(t *testing.T) string {
	t.Helper()
	return checkout(t).Dir
}
