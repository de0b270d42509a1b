// SPDX-License-Identifier: MPL-2.0

package e2e

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/rogpeppe/go-internal/testscript"
)

const (
	authserverURL = "AUTHSERVER" // tools/demo: ory/fosite
	oidcURL       = "OIDC"       // test/e2e/oidc: oidc-provider
)

// tokenServer is an authorization server that counts what it is asked, and records what it issued.
type tokenServer struct {
	process *process
	url     string
	client  *http.Client // trusts its certificate, if it has one
}

// authserverStart: authserver-start [flags of tools/demo]
// A server started again after authserver-stop keeps its address, and has forgotten everything else.
func authserverStart(s *story, ts *testscript.TestScript, _ bool, args []string) error {
	if old := s.servers[authserverURL]; old != nil {
		_, address, _ := strings.Cut(old.url, "://")
		args = append(args, "-addr", address)
	}
	args = append(args, "-record", s.record())
	return s.serve(ts, authserverURL, exec.Command(s.authserver, args...))
}

// authserverStop: authserver-stop
func authserverStop(s *story, _ *testscript.TestScript, _ bool, _ []string) error {
	s.servers[authserverURL].stop()
	return nil
}

// oidcStart: oidc-start [JSON options of oidc/server.mjs]
func oidcStart(s *story, ts *testscript.TestScript, _ bool, args []string) error {
	options := map[string]any{}
	if len(args) > 0 {
		if err := json.Unmarshal([]byte(args[0]), &options); err != nil {
			return err
		}
	}
	options["record"] = s.record()
	text, err := json.Marshal(options)
	if err != nil {
		return err
	}
	return s.serve(ts, oidcURL, exec.Command("node", filepath.Join(s.oidc, "server.mjs"), string(text)))
}

func authserverCount(s *story, _ *testscript.TestScript, _ bool, args []string) error {
	return s.servers[authserverURL].expect(args)
}

func oidcCount(s *story, _ *testscript.TestScript, _ bool, args []string) error {
	return s.servers[oidcURL].expect(args)
}

// record is the file with every token that a server of this story issued.
func (s *story) record() string { return filepath.Join(s.dir, "issued.txt") }

// serve starts a server and sets the variable name to the URL that it prints when it is ready, and the variables
// name_LOGIN to that of its login API and name_CA to the file with its certificate authority, if it has them.
func (s *story) serve(ts *testscript.TestScript, name string, cmd *exec.Cmd) error {
	var ready struct {
		URL      string
		LoginURL string `json:"login_url"`
		CACert   string `json:"ca_cert"`
	}
	p, err := startServer(cmd, filepath.Join(s.dir, name+".log"), &ready)
	if err != nil {
		return err
	}
	server := &tokenServer{process: p, url: ready.URL, client: http.DefaultClient}
	s.servers[name] = server
	ts.Setenv(name, ready.URL)
	ts.Setenv(name+"_LOGIN", ready.LoginURL)
	if ready.CACert == "" {
		return nil
	}
	if server.client, err = trusting(ready.CACert); err != nil {
		return err
	}
	file := filepath.Join(s.dir, name+"-ca.pem")
	ts.Setenv(name+"_CA", file)
	return writeFile(file, ready.CACert)
}

func (t *tokenServer) stop() { t.process.stop() }

// expect checks the number of token requests: N in all, or N of one grant.
func (t *tokenServer) expect(args []string) error {
	if len(args) < 1 || len(args) > 2 {
		return errors.New("usage: count N [grant]")
	}
	want, err := strconv.Atoi(args[0])
	if err != nil {
		return err
	}
	res, err := t.client.Get(t.url + "/stats")
	if err != nil {
		return err
	}
	defer res.Body.Close()
	var stats struct {
		TokenRequests int            `json:"token_requests"`
		ByGrant       map[string]int `json:"by_grant"`
	}
	if err := json.NewDecoder(res.Body).Decode(&stats); err != nil {
		return err
	}
	got := stats.TokenRequests
	if len(args) == 2 {
		got = stats.ByGrant[args[1]]
	}
	if got != want {
		return fmt.Errorf("the server had %d token requests, want %s (by grant: %v)", got, strings.Join(args, " "), stats.ByGrant)
	}
	return nil
}
