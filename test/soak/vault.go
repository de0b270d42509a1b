// SPDX-License-Identifier: MPL-2.0

package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"time"

	"github.com/hashicorp/vault/api"
)

const (
	pluginName = "vault-plugin-secrets-oauth"
	mountPath  = "oauth"
)

// vaultServer is a Vault of one node with raft storage, an audit log, and the plugin mounted at mountPath.
type vaultServer struct {
	dir     string // its configuration, storage and logs
	plugins string // the directory with the plugin
	process *process
	client  *api.Client
}

func startVault(ctx context.Context, binary, dir, plugins string) (*vaultServer, error) {
	v := &vaultServer{dir: dir, plugins: plugins}
	address, err := freeAddress()
	if err != nil {
		return nil, err
	}
	file, err := v.configure(address)
	if err != nil {
		return nil, err
	}
	cmd := exec.Command(binary, "server", "-config="+file, "-log-level=debug")
	cmd.Env = []string{"HOME=" + dir, "PATH=" + os.Getenv("PATH")}
	if v.process, err = start(cmd, v.serverLog(), nil); err != nil {
		return nil, err
	}
	if err := v.initialize(ctx, address); err != nil {
		v.stop()
		return nil, fmt.Errorf("vault server: %w; its log is %s", err, v.serverLog())
	}
	return v, nil
}

func (v *vaultServer) serverLog() string { return filepath.Join(v.dir, "vault.log") }
func (v *vaultServer) auditLog() string  { return filepath.Join(v.dir, "audit.log") }

func (v *vaultServer) configure(address string) (file string, err error) {
	cluster, err := freeAddress()
	if err != nil {
		return "", err
	}
	data := filepath.Join(v.dir, "raft")
	if err := os.Mkdir(data, 0o700); err != nil {
		return "", err
	}
	file = filepath.Join(v.dir, "vault.hcl")
	return file, os.WriteFile(file, fmt.Appendf(nil, `
storage "raft" {
  path    = %q
  node_id = "soak"
}
listener "tcp" {
  address     = %q
  tls_disable = true
}
api_addr         = "http://%s"
cluster_addr     = "http://%s"
plugin_directory = %q
disable_mlock    = true
`, data, address, address, cluster, v.plugins), 0o600)
}

// initialize returns when Vault is unsealed and the active node, with its audit log on and the plugin mounted.
func (v *vaultServer) initialize(ctx context.Context, address string) (err error) {
	config := api.DefaultConfig()
	config.Address, config.MaxRetries, config.Timeout = "http://"+address, 0, patience
	if v.client, err = api.NewClient(config); err != nil {
		return err
	}
	v.client.ClearToken() // the environment's is for another Vault
	v.client.ClearNamespace()
	if err := v.until(ctx, func(*api.HealthResponse) bool { return true }); err != nil {
		return err
	}
	sys := v.client.Sys()
	keys, err := sys.InitWithContext(ctx, &api.InitRequest{SecretShares: 1, SecretThreshold: 1})
	if err != nil {
		return err
	}
	v.client.SetToken(keys.RootToken)
	if _, err := sys.UnsealWithContext(ctx, keys.KeysB64[0]); err != nil {
		return err
	}
	active := func(h *api.HealthResponse) bool { return h.Initialized && !h.Sealed && !h.Standby }
	if err := v.until(ctx, active); err != nil {
		return err
	}
	err = sys.EnableAuditWithOptionsWithContext(ctx, "file", &api.EnableAuditOptions{
		Type: "file", Options: map[string]string{"file_path": v.auditLog(), "log_raw": "false"},
	})
	if err != nil {
		return err
	}
	return v.mount(ctx)
}

// until asks for Vault's health until it is as wanted.
func (v *vaultServer) until(ctx context.Context, wanted func(*api.HealthResponse) bool) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		if health, err := v.client.Sys().HealthWithContext(ctx); err == nil && wanted(health) {
			return nil
		}
		select {
		case <-tick.C:
		case <-v.process.ended:
			return errors.New("the process has ended")
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

func (v *vaultServer) mount(ctx context.Context) error {
	binary, err := os.ReadFile(filepath.Join(v.plugins, pluginName))
	if err != nil {
		return err
	}
	sum := sha256.Sum256(binary)
	if err := v.client.Sys().RegisterPluginWithContext(ctx, &api.RegisterPluginInput{
		Name: pluginName, Type: api.PluginTypeSecrets, Command: pluginName, SHA256: hex.EncodeToString(sum[:]),
	}); err != nil {
		return err
	}
	return v.client.Sys().MountWithContext(ctx, mountPath, &api.MountInput{Type: pluginName})
}

// killPlugin kills the plugin's processes, as a crash or the kernel would, and returns when they are gone, with their number.
func (v *vaultServer) killPlugin() (int, error) {
	pids, err := children(v.process.pid())
	if err != nil {
		return 0, err
	}
	for _, pid := range pids {
		if err := syscall.Kill(pid, syscall.SIGKILL); err != nil && !errors.Is(err, syscall.ESRCH) {
			return 0, err
		}
		for deadline := time.Now().Add(patience); syscall.Kill(pid, 0) == nil; time.Sleep(time.Millisecond) {
			if time.Now().After(deadline) {
				return 0, fmt.Errorf("process %d does not end", pid)
			}
		}
	}
	return len(pids), nil
}

// stop ends Vault, and whatever plugin process it left behind.
func (v *vaultServer) stop() {
	left, _ := children(v.process.pid())
	v.process.stop()
	for _, pid := range left {
		syscall.Kill(pid, syscall.SIGKILL) //nolint:errcheck // it ended with Vault
	}
}
