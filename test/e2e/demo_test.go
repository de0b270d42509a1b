// SPDX-License-Identifier: MPL-2.0

package e2e

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
)

// TestDemo runs the demo as a visitor does, and checks what it is there to show.
func TestDemo(t *testing.T) {
	requireE2E(t)
	t.Parallel()
	d := startDemo(t)
	if err := d.wait(); err != nil {
		t.Fatalf("the demo failed: %v\n%s", err, d.out.String())
	}
	d.left(t)
	d.shows(t,
		`^\$ vault secrets enable `,
		`^\$ vault write oauth/config/crm `,
		`^header_value +Bearer ory_at_`,
		`^\{"audience":\[\],"client_id":"shop",`,
		`"token": \{"json": "/securityToken"\}`,
		`^header_value +Bearer [A-Z0-9]{52}$`,
		`^\{"user":"alice"\}`,
		`^\{"token_requests":1,"refused":0,"by_grant":`,
		`^\{"token_requests":1,"refused":0,"api_requests":1\}`,
		`^Code: 403\.`,
		`answered 401: invalid_client: .* Action required by an operator: `,
		`^   Authorization: Basic base64\(shop:\[redacted, 17 bytes\]\)`,
		`^   -> 401 Unauthorized`,
		`^\$ vault list sys/leases/lookup/oauth/creds/crm\nKeys\n----\n\w{24}\n`,
		`^client_secret_set +true`,
		`^That is all\.$`,
	)
	shortened := regexp.MustCompile(`(?m)^(ory_at_\S{5}|[A-Z0-9]{12})\.\.\.(\S{6})$`).FindAllStringSubmatch(d.out.String(), -1)
	if len(shortened) != 3 || shortened[0][0] != shortened[2][0] {
		t.Errorf("of the tokens read again it shows %q, want two and the first once more", shortened)
	}
	for _, token := range shortened {
		d.shows(t, `^access_token +`+regexp.QuoteMeta(token[1])+`\S+`+regexp.QuoteMeta(token[2])+`$`)
	}
	headers := regexp.MustCompile(`(?m)^Authorization: Bearer \S{12}\.\.\.\S{6}$`).FindAllString(d.out.String(), -1)
	if len(headers) != 2 || headers[0] == headers[1] {
		t.Errorf("Agent's file held %q, want two headers, shortened", headers)
	}
	if strings.Contains(d.out.String(), "\x1b") {
		t.Error("there is colour where there is no terminal")
	}
	for _, c := range demoSecrets(t) {
		if err := c.look("the demo's output", d.out.String()); err != nil {
			t.Error(err)
		}
	}
}

// TestDemoEnds: however the demo ends, nothing of it is left.
func TestDemoEnds(t *testing.T) {
	requireE2E(t)
	t.Parallel()
	for name, c := range map[string]struct {
		keep   string
		until  string // the line at which it is ended
		signal func(d *demo) error
		status int
	}{
		"kept, and then told to end": {"1", `^To end it: kill `, func(d *demo) error { return d.cmd.Process.Signal(syscall.SIGTERM) }, 0},
		"Ctrl-C while Agent runs":    {"", `^It wrote header\.txt:`, func(d *demo) error { return syscall.Kill(-d.cmd.Process.Pid, syscall.SIGINT) }, 1},
		"killed while Agent runs":    {"", `^It wrote header\.txt:`, func(d *demo) error { return d.cmd.Process.Kill() }, -1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := startDemo(t, "KEEP="+c.keep)
			d.until(t, c.until)
			running, err := processesWith(d.tmp)
			if err != nil {
				t.Fatal(err)
			}
			// The shell, a guard with Vault and its plugin, a guard with Agent, and the authorization server.
			if len(running) < 7 {
				t.Errorf("only these are seen to run: %q", running)
			}
			if c.keep != "" {
				d.try(t)
			}
			if err := c.signal(d); err != nil {
				t.Fatal(err)
			}
			d.wait() //nolint:errcheck // the status says it
			if got := d.cmd.ProcessState.ExitCode(); got != c.status {
				t.Errorf("its exit status is %d, want %d\n%s", got, c.status, d.out.String())
			}
			if c.status < 0 {
				d.gone(t) // nobody could wait for them, or remove their directory
				return
			}
			d.left(t)
		})
	}
}

// TestDemoFails: a step that fails is named, with the ends of the logs.
func TestDemoFails(t *testing.T) {
	requireE2E(t)
	t.Parallel()
	real := strings.TrimSpace(run(t, repository(t), filepath.Join("scripts", "vault.sh")))
	broken := filepath.Join(t.TempDir(), "vault")
	script := fmt.Sprintf("#!/bin/sh\ncase $* in\n'policy write '*) echo no policies today >&2; exit 2 ;;\nesac\nexec '%s' \"$@\"\n", real)
	if err := os.WriteFile(broken, []byte(script), 0o700); err != nil {
		t.Fatal(err)
	}
	d := startDemo(t, "VAULT_BIN="+broken)
	d.wait() //nolint:errcheck // the status says it
	if got := d.cmd.ProcessState.ExitCode(); got != 1 {
		t.Errorf("its exit status is %d", got)
	}
	d.left(t)
	d.shows(t, `^no policies today$`, `^The demo failed in step 5: the last command ended with status 2\.$`, `^The end of vault\.log:$`)
}

// demoSecrets are the values that the script writes into files and nowhere else.
func demoSecrets(t *testing.T) []canary {
	t.Helper()
	script, err := os.ReadFile(filepath.Join(repository(t), "scripts", "demo.sh"))
	if err != nil {
		t.Fatal(err)
	}
	var secrets []canary
	for _, found := range regexp.MustCompile(`(?m)^printf ([a-z-]{8,}) >(\S+)$`).FindAllStringSubmatch(string(script), -1) {
		secrets = append(secrets, canary{name: found[2], value: found[1]})
	}
	if len(secrets) != 4 {
		t.Fatalf("found %d secrets in the script, want 4", len(secrets))
	}
	return secrets
}
