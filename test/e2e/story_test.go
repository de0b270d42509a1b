// SPDX-License-Identifier: MPL-2.0

package e2e

import (
	"os"
	"path/filepath"

	"github.com/rogpeppe/go-internal/testscript"
)

// story is the state of one running script.
type story struct {
	*parts
	dir     string
	vault   *vaultServer
	servers map[string]*tokenServer // by the name of the variable that holds the URL
	odd     *oddServer
	canary  []canary
	outputs []output
}

// output is what a vault command printed.
type output struct{ command, text string }

type storyKey struct{}

// setup gives a script its state and the environment of a user: vault in PATH, a home directory, an address and a token.
func (p *parts) setup(env *testscript.Env) error {
	s := &story{parts: p, dir: env.WorkDir, servers: map[string]*tokenServer{}}
	env.Values[storyKey{}] = s
	home := filepath.Join(env.WorkDir, "home")
	if err := os.Mkdir(home, 0o700); err != nil {
		return err
	}
	env.Setenv("HOME", home)
	env.Setenv("PATH", p.bin+string(filepath.ListSeparator)+env.Getenv("PATH"))
	env.Setenv("VAULT_TOKEN", rootToken)
	env.Setenv("PLUGIN_VERSION", pluginVersion)
	env.Setenv("BELL", "\a") // a control character
	env.Defer(s.close)
	return nil
}

func (s *story) close() {
	if s.vault != nil {
		s.vault.stop()
	}
	for _, server := range s.servers {
		server.stop()
	}
	if s.odd != nil {
		s.odd.close()
	}
}

// command is a command of the scripts. An error fails the story; with "!" before the command, want is false and the
// command itself decides what that means.
type command func(s *story, ts *testscript.TestScript, want bool, args []string) error

func commands() map[string]func(*testscript.TestScript, bool, []string) {
	table := map[string]command{
		"vault":             runVault,
		"refused":           refused,
		"vault-start":       vaultStart,
		"vault-restart":     vaultRestart,
		"vault-seal-unseal": vaultSealUnseal,
		"plugin-kill":       pluginKill,
		"plugin-build":      pluginBuild,
		"authserver-start":  authserverStart,
		"authserver-stop":   authserverStop,
		"authserver-count":  authserverCount,
		"oidc-start":        oidcStart,
		"oidc-count":        oidcCount,
		"pocketbase-start":  pocketbaseStart,
		"pocketbase-count":  pocketbaseCount,
		"http-fixture":      httpFixture,
		"http-get":          httpGet,
		"keep-using":        keepUsing,
		"concurrent-reads":  concurrentReads,
		"until":             until,
		"capture":           capture,
		"letters":           letters,
		"json":              jsonEqual,
		"json-between":      jsonBetween,
		"secret":            secretValue,
		"no-secrets":        noSecrets,
	}
	cmds := make(map[string]func(*testscript.TestScript, bool, []string), len(table))
	for name, cmd := range table {
		cmds[name] = func(ts *testscript.TestScript, neg bool, args []string) {
			if err := cmd(ts.Value(storyKey{}).(*story), ts, !neg, args); err != nil {
				ts.Fatalf("%s: %v", name, err)
			}
		}
	}
	return cmds
}
