// SPDX-License-Identifier: MPL-2.0

package e2e

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"

	vault "github.com/hashicorp/vault/api"
	"github.com/rogpeppe/go-internal/testscript"
)

const rootToken = "root"

// vaultServer is one Vault: "dev" lives in memory, "raft" on disk with one unseal key, so that it can be sealed and restarted.
type vaultServer struct {
	*parts
	mode      string
	dir       string // its configuration, storage and logs
	addr      string // host:port
	unsealKey string
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
	return v.client.Sys().EnableAuditWithOptions("file", &vault.EnableAuditOptions{
		Type:    "file",
		Options: map[string]string{"file_path": v.auditLog(), "log_raw": "false"},
	})
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
	pids, err := children(s.vault.process.pid())
	if err != nil {
		return err
	}
	if len(pids) == 0 {
		return errors.New("this Vault has no plugin process")
	}
	for _, pid := range pids {
		if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
			return err
		}
		gone := func() bool { return syscall.Kill(pid, 0) == syscall.ESRCH }
		if err := poll(s.vault.process.ended, gone); err != nil {
			return err
		}
	}
	return nil
}

func (v *vaultServer) serverLog() string { return filepath.Join(v.dir, "vault.log") }
func (v *vaultServer) auditLog() string  { return filepath.Join(v.dir, "audit.log") }

// launch starts Vault on a port that the kernel says is free, and again on another where somebody was faster.
func (v *vaultServer) launch() error {
	for attempt := 1; ; attempt++ {
		port, err := freePort()
		if err != nil {
			return err
		}
		v.addr = fmt.Sprintf("127.0.0.1:%d", port)
		if err = v.run(); err == nil || attempt == 3 {
			return err
		}
		if log, _ := os.ReadFile(v.serverLog()); !strings.Contains(string(log), "address already in use") {
			return err
		}
	}
}

// run starts the process and waits until its API answers.
func (v *vaultServer) run() error {
	args, err := v.arguments()
	if err != nil {
		return err
	}
	cmd := exec.Command(v.parts.vault, args...)
	cmd.Env = []string{"HOME=" + v.dir, "PATH=" + os.Getenv("PATH")}
	if v.process, err = start(cmd, v.serverLog(), nil); err != nil {
		return err
	}
	config := vault.DefaultConfig()
	config.Address, config.MaxRetries = "http://"+v.addr, 0
	if v.client, err = vault.NewClient(config); err != nil {
		return err
	}
	v.client.SetToken(rootToken)
	answers := func() bool {
		health, err := v.client.Sys().Health()
		return err == nil && (v.mode == "raft" || (health.Initialized && !health.Sealed && !health.Standby))
	}
	if err := poll(v.process.ended, answers); err != nil {
		v.stop()
		return fmt.Errorf("vault server: %w; its log is %s (E2E_KEEP=1 keeps it)", err, v.serverLog())
	}
	return nil
}

func (v *vaultServer) arguments() ([]string, error) {
	if v.mode == "dev" {
		return []string{"server", "-dev", "-dev-no-store-token", "-dev-root-token-id=" + rootToken,
			"-dev-plugin-dir=" + v.pluginDir, "-dev-listen-address=" + v.addr, "-log-level=trace"}, nil
	}
	cluster, err := freePort()
	if err != nil {
		return nil, err
	}
	data := filepath.Join(v.dir, "raft")
	if err := os.MkdirAll(data, 0o700); err != nil {
		return nil, err
	}
	config := fmt.Sprintf(`
storage "raft" {
  path    = %q
  node_id = "story"
}
listener "tcp" {
  address     = %q
  tls_disable = true
}
api_addr             = "http://%s"
cluster_addr         = "http://127.0.0.1:%d"
plugin_directory     = %q
disable_mlock        = true
raw_storage_endpoint = true
`, data, v.addr, v.addr, cluster, v.pluginDir)
	file := filepath.Join(v.dir, "vault.hcl")
	return []string{"server", "-config=" + file, "-log-level=trace"}, os.WriteFile(file, []byte(config), 0o600)
}

// initialize makes a new raft Vault look like a dev one: unsealed, with the token "root" and the plugin registered.
func (v *vaultServer) initialize() error {
	keys, err := v.client.Sys().Init(&vault.InitRequest{SecretShares: 1, SecretThreshold: 1})
	if err != nil {
		return err
	}
	v.unsealKey = keys.KeysB64[0]
	v.client.SetToken(keys.RootToken)
	if err := v.unseal(); err != nil {
		return err
	}
	if _, err := v.client.Auth().Token().Create(&vault.TokenCreateRequest{ID: rootToken, Policies: []string{"root"}}); err != nil {
		return err
	}
	v.client.SetToken(rootToken)
	binary, err := os.ReadFile(filepath.Join(v.pluginDir, pluginName))
	if err != nil {
		return err
	}
	sum := sha256.Sum256(binary)
	return v.client.Sys().RegisterPlugin(&vault.RegisterPluginInput{
		Name: pluginName, Type: vault.PluginTypeSecrets, Command: pluginName, SHA256: hex.EncodeToString(sum[:]),
	})
}

// unseal returns when this Vault is the active node.
func (v *vaultServer) unseal() error {
	if v.mode != "raft" {
		return errors.New("this command needs vault-start raft")
	}
	if _, err := v.client.Sys().Unseal(v.unsealKey); err != nil {
		return err
	}
	return poll(v.process.ended, func() bool {
		health, err := v.client.Sys().Health()
		return err == nil && !health.Sealed && !health.Standby
	})
}

// stop ends Vault, and whatever plugin process it left behind.
func (v *vaultServer) stop() {
	if v.process == nil {
		return
	}
	left, _ := children(v.process.pid())
	v.process.stop()
	for _, pid := range left {
		syscall.Kill(pid, syscall.SIGKILL) //nolint:errcheck // it ended with Vault
	}
	v.process = nil
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

// freePort returns a port that the kernel had free a moment ago.
func freePort() (int, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return 0, err
	}
	defer listener.Close()
	return listener.Addr().(*net.TCPAddr).Port, nil
}
