// SPDX-License-Identifier: MPL-2.0

package main

import (
	"bufio"
	"encoding/json"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"time"

	"github.com/seed-6323ea89/vault-plugin-secrets-oauth/test/vaulttest"
)

// password is everybody's. It and the clients' secrets have characters that show each way of writing them.
const password = `p@ss:w/ "rd"+%41&=`

func clientSecret(client string) string  { return "s3cret/" + client + "+%41&=" }
func clientID(life time.Duration) string { return "client-" + life.String() }

// exchange is a line of the provider's log; provider/server.mjs says what is in it.
type exchange struct {
	Event     string `json:"event"`
	At        int64  `json:"at"`
	In        int64  `json:"in"`
	Out       int64  `json:"out"`
	Sent      bool   `json:"sent"`
	GrantType string `json:"grant_type"`
	Client    string `json:"client"`
	Account   string `json:"account"`
	Grant     string `json:"grant"`
	Token     string `json:"token"`
	State     string `json:"state"`
	Consumed  int64  `json:"consumed"`
	Status    int    `json:"status"`
	Error     string `json:"error"`
	Next      string `json:"next"`
	Access    string `json:"access"`
}

// provider is oidc-provider.
type provider struct {
	process *vaulttest.Process
	url     string
	events  string // file with its log
	record  string // file with every token it issued, in the clear
}

// startProvider starts oidc-provider. Each line of its log goes to heard, in their order.
func startProvider(o *options, dir string, heard func(exchange)) (*provider, error) {
	p := &provider{events: filepath.Join(dir, "provider.jsonl"), record: filepath.Join(dir, "issued.txt")}
	clients := []map[string]any{}
	for _, life := range o.lives {
		clients = append(clients, map[string]any{"id": clientID(life), "secret": clientSecret(clientID(life)), "life": life.Seconds()})
	}
	text, err := json.Marshal(map[string]any{
		"clients": clients, "password": password, "record": p.record,
		"grace": o.grace.Milliseconds(), "latency": o.latency.Milliseconds(),
	})
	if err != nil {
		return nil, err
	}
	events, err := os.OpenFile(p.events, os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, err
	}
	cmd := exec.Command("node", filepath.Join("test", "soak", "provider", "server.mjs"), string(text))
	var ready struct{ URL string }
	vaulttest.OwnGroup(cmd)
	p.process, err = vaulttest.Serve(cmd, filepath.Join(dir, "provider.log"), &ready, func(rest io.Reader) {
		defer events.Close()
		for lines := bufio.NewScanner(rest); lines.Scan(); {
			events.Write(append(lines.Bytes(), '\n')) //nolint:errcheck // evidence for a person; what counts goes to heard
			var e exchange
			if json.Unmarshal(lines.Bytes(), &e) == nil {
				heard(e)
			}
		}
	})
	p.url = ready.URL
	return p, err
}

// startLogins starts the API with a login of its own whose tokens live as long as life says.
func startLogins(binary, dir string, accounts []string, life time.Duration) (p *vaulttest.Process, url string, err error) {
	args := []string{"-account-lifetime", life.String(), "-record", filepath.Join(dir, "logins.txt")}
	for _, account := range accounts {
		args = append(args, "-account", account+":"+password)
	}
	var ready struct {
		LoginURL string `json:"login_url"`
	}
	cmd := exec.Command(binary, args...)
	vaulttest.OwnGroup(cmd)
	p, err = vaulttest.Serve(cmd, filepath.Join(dir, "logins.log"), &ready, nil)
	return p, ready.LoginURL, err
}
