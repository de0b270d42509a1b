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
	"sync"
	"syscall"
	"time"

	"github.com/hashicorp/vault/api"
)

const (
	pluginName = "vault-plugin-secrets-oauth"
	mountPath  = "oauth"
)

// vaultServer is a node of Vault with raft storage, an audit log, and the plugin mounted at mountPath.
type vaultServer struct {
	name    string // its node_id
	binary  string
	dir     string // its configuration, storage and logs
	plugins string // the directory with the plugin
	client  *api.Client
	died    chan<- struct{} // has something in it when a process has ended by itself

	mu      sync.Mutex // guards process, which is another one after a restart
	process *process
}

// newVault writes down how a node runs. It does not start it.
func newVault(name, binary, dir, plugins string, died chan<- struct{}) (*vaultServer, error) {
	v := &vaultServer{name: name, binary: binary, dir: dir, plugins: plugins, died: died}
	address, err := freeAddress()
	if err != nil {
		return nil, err
	}
	config := api.DefaultConfig()
	config.Address, config.MaxRetries, config.Timeout = "http://"+address, 0, patience
	if v.client, err = api.NewClient(config); err != nil {
		return nil, err
	}
	v.client.ClearToken() // the environment's is for another Vault
	v.client.ClearNamespace()
	return v, v.configure(address)
}

// run starts the process, for the first time or again, and returns when it answers.
func (v *vaultServer) run(ctx context.Context) error {
	cmd := exec.Command(v.binary, "server", "-config="+v.configuration(), "-log-level=debug")
	cmd.Dir = v.dir
	cmd.Env = []string{"HOME=" + v.dir, "PATH=" + os.Getenv("PATH")}
	p, err := start(cmd, v.serverLog(), nil)
	if err != nil {
		return err
	}
	v.mu.Lock()
	v.process = p
	v.mu.Unlock()
	go func() {
		<-p.ended
		if !p.meant.Load() {
			select {
			case v.died <- struct{}{}:
			default: // one is enough
			}
		}
	}()
	return v.until(ctx, func(*api.HealthResponse) bool { return true })
}

// running is the process, which may have ended; nil before run.
func (v *vaultServer) running() *process {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.process
}

func (v *vaultServer) configuration() string { return filepath.Join(v.dir, "vault.hcl") }

func (v *vaultServer) serverLog() string { return filepath.Join(v.dir, "vault.log") }
func (v *vaultServer) auditLog() string  { return filepath.Join(v.dir, "audit.log") }

func (v *vaultServer) configure(address string) error {
	cluster, err := freeAddress()
	if err != nil {
		return err
	}
	data := filepath.Join(v.dir, "raft")
	if err := os.Mkdir(data, 0o700); err != nil {
		return err
	}
	return os.WriteFile(v.configuration(), fmt.Appendf(nil, `
storage "raft" {
  path    = %q
  node_id = %q
}
listener "tcp" {
  address         = %q
  cluster_address = %q
  tls_disable     = true
}
api_addr         = "http://%s"
cluster_addr     = "http://%s"
plugin_directory = %q
disable_mlock    = true
`, data, v.name, address, cluster, address, cluster, v.plugins), 0o600)
}

// initialize returns when Vault is unsealed and the active node, with its audit log on and the plugin mounted, with the key that
// unseals it.
func (v *vaultServer) initialize(ctx context.Context) (key string, err error) {
	sys := v.client.Sys()
	keys, err := sys.InitWithContext(ctx, &api.InitRequest{SecretShares: 1, SecretThreshold: 1})
	if err != nil {
		return "", err
	}
	key = keys.KeysB64[0]
	v.client.SetToken(keys.RootToken)
	if _, err := sys.UnsealWithContext(ctx, key); err != nil {
		return "", err
	}
	active := func(h *api.HealthResponse) bool { return h.Initialized && !h.Sealed && !h.Standby }
	if err := v.until(ctx, active); err != nil {
		return "", err
	}
	err = sys.EnableAuditWithOptionsWithContext(ctx, "file", &api.EnableAuditOptions{
		// Each node opens it in its own directory.
		Type: "file", Options: map[string]string{"file_path": filepath.Base(v.auditLog()), "log_raw": "false"},
	})
	if err != nil {
		return "", err
	}
	return key, v.mount(ctx)
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
		case <-v.running().ended:
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
	pids, err := children(v.running().pid())
	if err != nil {
		return 0, err
	}
	for _, pid := range pids {
		if err := syscall.Kill(pid, syscall.SIGKILL); err != nil && !errors.Is(err, syscall.ESRCH) {
			return 0, err
		}
		if err := gone(pid); err != nil {
			return 0, err
		}
	}
	return len(pids), nil
}

// gone returns when a process is there no more.
func gone(pid int) error {
	for deadline := time.Now().Add(patience); syscall.Kill(pid, 0) == nil; time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			return fmt.Errorf("process %d does not end", pid)
		}
	}
	return nil
}

// stop ends Vault, and whatever plugin process it left behind.
func (v *vaultServer) stop() {
	p := v.running()
	if p == nil {
		return
	}
	left, _ := children(p.pid())
	p.stop()
	for _, pid := range left {
		syscall.Kill(pid, syscall.SIGKILL) //nolint:errcheck // it ended with Vault
	}
}
