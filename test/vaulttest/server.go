// SPDX-License-Identifier: MPL-2.0

package vaulttest

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"

	"github.com/hashicorp/vault/api"
)

// Config says how a server runs.
type Config struct {
	Binary  string // of Vault
	Dir     string // its working directory, with its configuration, storage and logs
	Plugins string // its plugin directory
	Dev     bool   // in memory, unsealed, with RootToken; else with raft storage in Dir, to be initialized
	Node    string // its node_id, if not Dev
	Log     string // its log level
	Raw     bool   // with sys/raw, if not Dev
	Group   bool   // in a process group of its own, which Process.Crash needs
	Died    func() // unless nil, is called when a process that answered has ended by itself
}

// Server is a Vault on the loopback interface.
type Server struct {
	Config
	Address string      // host:port
	Client  *api.Client // has RootToken in dev mode, and Init's token after it

	mu      sync.Mutex // guards process, which is another one after a restart
	process *Process
}

// StartServer returns when Vault's API answers. It takes another port where somebody was faster than Vault.
func StartServer(ctx context.Context, c Config) (*Server, error) {
	for attempt := 1; ; attempt++ {
		s, err := newServer(c)
		if err != nil {
			return nil, err
		}
		if err = s.Run(ctx); err == nil {
			return s, nil
		}
		if log, _ := os.ReadFile(s.ServerLog()); attempt == 3 || !strings.Contains(string(log), "address already in use") {
			return nil, err
		}
	}
}

// newServer writes down how a server runs. It does not start it.
func newServer(c Config) (*Server, error) {
	s := &Server{Config: c}
	var err error
	if s.Address, err = FreeAddress(); err != nil {
		return nil, err
	}
	config := api.DefaultConfig()
	config.Address, config.MaxRetries, config.Timeout = "http://"+s.Address, 0, Patience
	if s.Client, err = api.NewClient(config); err != nil {
		return nil, err
	}
	s.Client.ClearToken() // the environment's is for another Vault
	s.Client.ClearNamespace()
	if c.Dev {
		s.Client.SetToken(RootToken)
		return s, nil
	}
	return s, s.configure()
}

// Run starts the process, for the first time or again, and returns when its API answers.
func (s *Server) Run(ctx context.Context) error {
	cmd := exec.Command(s.Binary, s.arguments()...)
	cmd.Dir = s.Dir
	cmd.Env = []string{"HOME=" + s.Dir, "PATH=" + os.Getenv("PATH")}
	if s.Group {
		OwnGroup(cmd)
	}
	p, err := Start(cmd, s.ServerLog(), nil)
	if err != nil {
		return err
	}
	s.mu.Lock()
	s.process = p
	s.mu.Unlock()
	ready := Active
	if !s.Dev {
		ready = Answering // somebody has to unseal it
	}
	if err := s.Until(ctx, ready); err != nil {
		s.Stop()
		return fmt.Errorf("vault server: %w; %s ends with\n%s", err, s.ServerLog(), tail(s.ServerLog()))
	}
	go func() {
		<-p.ended
		if s.Died != nil && !p.meant.Load() {
			s.Died()
		}
	}()
	return nil
}

// Process is the one that Run started last, which may have ended.
func (s *Server) Process() *Process {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.process
}

// Stop ends Vault, and whatever plugin process it left behind.
func (s *Server) Stop() {
	p := s.Process()
	if p == nil {
		return
	}
	var left []int
	select {
	case <-p.ended: // by itself: another process may have its pid
	default:
		left, _ = Children(p.PID())
	}
	p.Stop()
	if s.Group { // nobody else's, as long as one of its processes lives
		left = append(left, -p.PID())
	}
	for _, pid := range left {
		syscall.Kill(pid, syscall.SIGKILL) //nolint:errcheck // mostly it ended with Vault
	}
}

// PluginProcesses returns the processes of this Vault's plugins, or of the one whose file has that name.
func (s *Server) PluginProcesses(name string) ([]int, error) {
	if name == "" {
		return Children(s.Process().PID())
	}
	return childrenOf(s.Process().PID(), filepath.Join(s.Plugins, name))
}

// KillPlugins kills the plugins' processes, and returns when they are gone, with their number.
func (s *Server) KillPlugins() (int, error) {
	pids, err := s.PluginProcesses("")
	if err != nil {
		return 0, err
	}
	return len(pids), Kill(pids)
}

// ServerLog and AuditLog are files.
func (s *Server) ServerLog() string { return filepath.Join(s.Dir, "vault.log") }
func (s *Server) AuditLog() string  { return filepath.Join(s.Dir, auditLog) }

// tail returns the last lines of a log.
func tail(log string) string {
	text, _ := os.ReadFile(log)
	lines := strings.SplitAfter(string(text), "\n")
	return strings.Join(lines[max(0, len(lines)-20):], "")
}
