// SPDX-License-Identifier: MPL-2.0

package e2e

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"

	vault "github.com/hashicorp/vault/api"
	"github.com/rogpeppe/go-internal/testscript"

	"github.com/seed-6323ea89/vault-plugin-secrets-oauth/test/vaulttest"
)

const rootToken = vaulttest.RootToken

// vaultServer is one Vault: "dev" lives in memory, "raft" on disk with one unseal key, so that it can be sealed and restarted.
type vaultServer struct {
	*parts
	mode      string
	dir       string // its configuration, storage and logs
	addr      string // host:port
	unsealKey string
	server    *vaulttest.Server // nil until launch
	client    *vault.Client
	process   *process
}

// vaultStart: vault-start dev|raft
func vaultStart(s *story, ts *testscript.TestScript, _ bool, args []string) error {
	if len(args) != 1 || (args[0] != "dev" && args[0] != "raft") {
		return errors.New("usage: vault-start dev|raft")
	}
	if s.vault != nil {
		return errors.New("this story has a Vault already")
	}
	v := &vaultServer{parts: s.parts, mode: args[0], dir: s.dir}
	s.vault = v
	if err := v.launch(); err != nil {
		return err
	}
	if v.mode == "raft" {
		if err := v.initialize(); err != nil {
			return err
		}
	}
	ts.Setenv("VAULT_ADDR", "http://"+v.addr)
	return v.server.Audit(context.Background())
}

// vaultRestart: vault-restart (raft)
func vaultRestart(s *story, _ *testscript.TestScript, _ bool, _ []string) error {
	s.vault.stop()
	if err := s.vault.run(); err != nil {
		return err
	}
	return s.vault.unseal()
}

// vaultSealUnseal: vault-seal-unseal (raft)
func vaultSealUnseal(s *story, _ *testscript.TestScript, _ bool, _ []string) error {
	if err := s.vault.client.Sys().Seal(); err != nil {
		return err
	}
	return s.vault.unseal()
}

// pluginKill: plugin-kill kills this Vault's plugin processes, as a crash or the kernel would.
func pluginKill(s *story, _ *testscript.TestScript, _ bool, _ []string) error {
	killed, err := s.vault.server.KillPlugins()
	if err == nil && killed == 0 {
		err = errors.New("this Vault has no plugin process")
	}
	return err
}

func (v *vaultServer) serverLog() string { return filepath.Join(v.dir, "vault.log") }
func (v *vaultServer) auditLog() string  { return filepath.Join(v.dir, "audit.log") }

// launch starts Vault, and returns when its API answers.
func (v *vaultServer) launch() (err error) {
	v.server, err = vaulttest.StartServer(context.Background(), vaulttest.Config{
		Binary: v.parts.vault, Dir: v.dir, Plugins: v.pluginDir, Dev: v.mode == "dev", Node: "story", Log: "trace", Raw: true,
	})
	if err != nil {
		return err
	}
	v.addr, v.client, v.process = v.server.Address, v.server.Client, named(v.server.Process())
	return nil
}

// run starts Vault again where it was.
func (v *vaultServer) run() error {
	if err := v.server.Run(context.Background()); err != nil {
		return err
	}
	v.process = named(v.server.Process())
	return nil
}

// initialize makes a new raft Vault look like a dev one: unsealed, with the token "root" and the plugin registered.
func (v *vaultServer) initialize() (err error) {
	if v.unsealKey, err = v.server.Init(context.Background()); err != nil {
		return err
	}
	if _, err := v.client.Auth().Token().Create(&vault.TokenCreateRequest{ID: rootToken, Policies: []string{"root"}}); err != nil {
		return err
	}
	v.client.SetToken(rootToken)
	return v.server.Register(context.Background(), pluginName)
}

// unseal returns when this Vault is the active node.
func (v *vaultServer) unseal() error {
	if v.mode != "raft" {
		return errors.New("this command needs vault-start raft")
	}
	return v.server.Unseal(context.Background(), v.unsealKey, vaulttest.Active)
}

// stop ends Vault, and whatever plugin process it left behind.
func (v *vaultServer) stop() {
	if v.server != nil {
		v.server.Stop()
	}
}

// storage returns what the engine at oauth/ has stored: key -> value, secrets and all.
func (v *vaultServer) storage() (map[string]string, error) {
	mounts, err := v.client.Sys().ListMounts()
	if err != nil {
		return nil, err
	}
	mount := mounts["oauth/"]
	if mount == nil {
		return nil, errors.New("nothing is mounted at oauth/")
	}
	stored := map[string]string{}
	return stored, v.collect("logical/"+mount.UUID+"/", stored)
}

// asStored has Vault return the bytes themselves: it cannot decompress an entry that is empty.
var asStored = map[string][]string{"compressed": {"false"}, "encoding": {"base64"}}

func (v *vaultServer) collect(prefix string, stored map[string]string) error {
	list, err := v.client.Logical().List("sys/raw/" + prefix)
	if err != nil || list == nil {
		return err
	}
	keys, _ := list.Data["keys"].([]any)
	for _, k := range keys {
		key := prefix + k.(string)
		if strings.HasSuffix(key, "/") {
			if err := v.collect(key, stored); err != nil {
				return err
			}
			continue
		}
		entry, err := v.client.Logical().ReadWithData("sys/raw/"+key, asStored)
		if err != nil {
			return err
		}
		stored[key] = fmt.Sprint(entry.Data["value"])
	}
	return nil
}
