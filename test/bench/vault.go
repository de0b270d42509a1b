// SPDX-License-Identifier: MPL-2.0

package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"time"

	"github.com/hashicorp/vault/api"
)

// patience is how long a process may take to start, to answer or to end.
const patience = 90 * time.Second

// vaultServer is a Vault of one node with raft storage, so that a lease costs what it costs: a write to disk.
type vaultServer struct {
	*built
	cmd    *exec.Cmd
	ended  chan struct{} // closed when the process has ended
	client *api.Client
}

func startVault(ctx context.Context, b *built) (v *vaultServer, err error) {
	v = &vaultServer{built: b, ended: make(chan struct{})}
	address, err := freeAddress()
	if err != nil {
		return nil, err
	}
	file, err := v.configure(address)
	if err != nil {
		return nil, err
	}
	log, err := os.Create(filepath.Join(b.dir, "vault.log"))
	if err != nil {
		return nil, err
	}
	defer log.Close()
	v.cmd = exec.Command(b.vault, "server", "-config="+file, "-log-level=warn")
	v.cmd.Env = []string{"HOME=" + b.dir, "PATH=" + os.Getenv("PATH")}
	v.cmd.Stdout, v.cmd.Stderr = log, log
	if err := v.cmd.Start(); err != nil {
		return nil, err
	}
	go func() {
		defer close(v.ended)
		v.cmd.Wait() //nolint:errcheck // how it ended is in its log
	}()
	if err := v.initialize(ctx, address); err != nil {
		v.stop()
		text, _ := os.ReadFile(log.Name())
		return nil, fmt.Errorf("vault server: %w\n%s", err, text)
	}
	return v, nil
}

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
  node_id = "bench"
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

// initialize returns when Vault is unsealed and the active node.
func (v *vaultServer) initialize(ctx context.Context, address string) (err error) {
	config := api.DefaultConfig()
	config.Address, config.MaxRetries = "http://"+address, 0
	if v.client, err = api.NewClient(config); err != nil {
		return err
	}
	v.client.ClearToken() // the environment's is for another Vault
	v.client.ClearNamespace()
	if err := v.until(ctx, func(*api.HealthResponse) bool { return true }); err != nil {
		return err
	}
	keys, err := v.client.Sys().InitWithContext(ctx, &api.InitRequest{SecretShares: 1, SecretThreshold: 1})
	if err != nil {
		return err
	}
	v.client.SetToken(keys.RootToken)
	if _, err := v.client.Sys().UnsealWithContext(ctx, keys.KeysB64[0]); err != nil {
		return err
	}
	return v.until(ctx, func(h *api.HealthResponse) bool { return h.Initialized && !h.Sealed && !h.Standby })
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
		case <-v.ended:
			return errors.New("the process has ended")
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// register puts a plugin into Vault's catalog and mounts it under its own name.
func (v *vaultServer) register(ctx context.Context, name string) error {
	binary, err := os.ReadFile(filepath.Join(v.plugins, name))
	if err != nil {
		return err
	}
	sum := sha256.Sum256(binary)
	if err := v.client.Sys().RegisterPluginWithContext(ctx, &api.RegisterPluginInput{
		Name: name, Type: api.PluginTypeSecrets, Command: name, SHA256: hex.EncodeToString(sum[:]),
	}); err != nil {
		return err
	}
	return v.client.Sys().MountWithContext(ctx, name, &api.MountInput{Type: name})
}

// stop ends Vault, and whatever plugin process it left behind.
func (v *vaultServer) stop() {
	v.cmd.Process.Signal(syscall.SIGTERM) //nolint:errcheck // it may have ended
	select {
	case <-v.ended:
	case <-time.After(patience):
		v.cmd.Process.Kill() //nolint:errcheck // it may have ended
		<-v.ended
	}
	for _, p := range plugins {
		pids, _ := running(filepath.Join(v.plugins, p.name)) // a directory of this run's: they are its own
		for _, pid := range pids {
			syscall.Kill(pid, syscall.SIGKILL) //nolint:errcheck // it may have ended
		}
	}
}

func freeAddress() (string, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	defer listener.Close()
	return listener.Addr().String(), nil
}
