// SPDX-License-Identifier: MPL-2.0

package vaulttest

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net"
	"os"
	"path/filepath"

	"github.com/hashicorp/vault/api"
)

// auditLog is relative to a server's directory, so that each node of a cluster has one of its own.
const auditLog = "audit.log"

// FreeAddress returns an address of the loopback interface whose port the kernel had free a moment ago.
func FreeAddress() (string, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	defer listener.Close()
	return listener.Addr().String(), nil
}

func (s *Server) arguments() []string {
	if s.Dev {
		return []string{"server", "-dev", "-dev-no-store-token", "-dev-root-token-id=" + RootToken,
			"-dev-plugin-dir=" + s.Plugins, "-dev-listen-address=" + s.Address, "-log-level=" + s.Log}
	}
	return []string{"server", "-config=" + s.configuration(), "-log-level=" + s.Log}
}

func (s *Server) configuration() string { return filepath.Join(s.Dir, "vault.hcl") }

func (s *Server) configure() error {
	cluster, err := FreeAddress()
	if err != nil {
		return err
	}
	data := filepath.Join(s.Dir, "raft")
	if err := os.MkdirAll(data, 0o700); err != nil {
		return err
	}
	return os.WriteFile(s.configuration(), fmt.Appendf(nil, `
storage "raft" {
  path    = %q
  node_id = %q
}
listener "tcp" {
  address         = %q
  cluster_address = %q
  tls_disable     = true
}
api_addr             = "http://%s"
cluster_addr         = "http://%s"
plugin_directory     = %q
disable_mlock        = true
raw_storage_endpoint = %t
`, data, s.Node, s.Address, cluster, s.Address, cluster, s.Plugins, s.Raw), 0o600)
}

// Answering, Unsealed and Active are what Until and Unseal wait for.
func Answering(*api.HealthResponse) bool  { return true }
func Unsealed(h *api.HealthResponse) bool { return h.Initialized && !h.Sealed }
func Active(h *api.HealthResponse) bool   { return Unsealed(h) && !h.Standby }

// Until asks for Vault's health until it is as wanted.
func (s *Server) Until(ctx context.Context, wanted func(*api.HealthResponse) bool) error {
	return Poll(ctx, s.Process().Ended(), func(ctx context.Context) bool {
		health, err := s.Client.Sys().HealthWithContext(ctx)
		return err == nil && wanted(health)
	})
}

// Init returns when a new Vault is unsealed and the active node, with the key that unseals it. The client has the root token then.
func (s *Server) Init(ctx context.Context) (key string, err error) {
	keys, err := s.Client.Sys().InitWithContext(ctx, &api.InitRequest{SecretShares: 1, SecretThreshold: 1})
	if err != nil {
		return "", err
	}
	s.Client.SetToken(keys.RootToken)
	return keys.KeysB64[0], s.Unseal(ctx, keys.KeysB64[0], Active)
}

// Unseal unseals Vault, and returns when it is as wanted.
func (s *Server) Unseal(ctx context.Context, key string, wanted func(*api.HealthResponse) bool) error {
	if _, err := s.Client.Sys().UnsealWithContext(ctx, key); err != nil {
		return err
	}
	return s.Until(ctx, wanted)
}

// Audit has Vault write AuditLog, with secrets hashed.
func (s *Server) Audit(ctx context.Context) error {
	return s.Client.Sys().EnableAuditWithOptionsWithContext(ctx, "file", &api.EnableAuditOptions{
		Type: "file", Options: map[string]string{"file_path": auditLog, "log_raw": "false"},
	})
}

// Register puts a file of the plugin directory into Vault's catalog, under its own name. In dev mode Vault has done so itself.
func (s *Server) Register(ctx context.Context, name string) error {
	binary, err := os.ReadFile(filepath.Join(s.Plugins, name))
	if err != nil {
		return err
	}
	sum := sha256.Sum256(binary)
	return s.Client.Sys().RegisterPluginWithContext(ctx, &api.RegisterPluginInput{
		Name: name, Type: api.PluginTypeSecrets, Command: name, SHA256: hex.EncodeToString(sum[:]),
	})
}

// Mount mounts a plugin of the catalog.
func (s *Server) Mount(ctx context.Context, path, name string) error {
	return s.Client.Sys().MountWithContext(ctx, path, &api.MountInput{Type: name})
}
