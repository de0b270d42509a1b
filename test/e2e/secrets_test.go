// SPDX-License-Identifier: MPL-2.0

package e2e

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/url"
	"os"
	"strconv"
	"strings"

	"github.com/rogpeppe/go-internal/testscript"
)

// canary is a secret whose appearance where it should not be is looked for.
type canary struct {
	name, value string
	shown       bool // an access token: commands print it, logs must not
}

// secretValue: secret NAME VALUE    sets the variable NAME, and has no-secrets look for the value
func secretValue(s *story, ts *testscript.TestScript, _ bool, args []string) error {
	if len(args) != 2 || len(args[1]) < 8 {
		return errors.New("usage: secret NAME VALUE, with 8 characters or more: shorter ones are found by chance")
	}
	ts.Setenv(args[0], args[1])
	s.canary = append(s.canary, canary{name: args[0], value: args[1]})
	return nil
}

// noSecrets: no-secrets    searches Vault's server log, its audit log and everything that vault commands printed
// for the story's secrets and for every token issued, plain and encoded. Access tokens may be printed, of course.
func noSecrets(s *story, _ *testscript.TestScript, _ bool, _ []string) error {
	canaries, err := s.canaries()
	if err != nil {
		return err
	}
	logs := map[string]string{}
	for _, file := range []string{s.vault.serverLog(), s.vault.auditLog()} {
		text, err := os.ReadFile(file)
		if err != nil {
			return err
		}
		if !strings.Contains(string(text), "oauth") {
			return fmt.Errorf("%s does not mention the engine: this search would prove nothing", file)
		}
		logs[file] = withoutOurs(string(text))
	}
	var found []error
	for _, c := range canaries {
		for place, text := range logs {
			found = append(found, c.look(place, text))
		}
		for _, out := range s.outputs {
			if !c.shown {
				found = append(found, c.look("output of "+out.command, out.text))
			}
		}
	}
	return errors.Join(found...)
}

// withoutOurs leaves out the audit lines of the harness itself: `refused` reads
// the engine's stored bytes through sys/raw, which Vault logs as they are.
func withoutOurs(log string) string {
	var kept strings.Builder
	for line := range strings.Lines(log) {
		if !strings.Contains(line, `"path":"sys/raw/`) {
			kept.WriteString(line)
		}
	}
	return kept.String()
}

// canaries are the secrets that the story named and the tokens that its servers issued.
func (s *story) canaries() ([]canary, error) {
	if len(s.canary) == 0 {
		return nil, errors.New("the story has no secret")
	}
	record, err := os.ReadFile(s.record())
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, err
	}
	canaries := s.canary
	for line := range strings.Lines(string(record)) {
		kind, token, _ := strings.Cut(strings.TrimSpace(line), " ")
		canaries = append(canaries, canary{kind, token, kind == "access_token"})
	}
	return canaries, nil
}

func (c canary) look(place, text string) error {
	for spelling, value := range spellings(c.value) {
		if i := strings.Index(text, value); i >= 0 {
			around := text[max(0, i-80):i]
			return fmt.Errorf("the secret %s (%s) is in %s, after %q", c.name, spelling, place, around)
		}
	}
	return nil
}

// spellings are the forms in which a secret may hide: as it is, in a URL, in JSON, and in base64 wherever it starts.
func spellings(secret string) map[string]string {
	quoted, _ := json.Marshal(secret) // a string always marshals
	forms := map[string]string{
		"plain":  secret,
		"query":  url.QueryEscape(secret),
		"path":   url.PathEscape(secret),
		"JSON":   unquote(string(quoted)),
		"quoted": unquote(strconv.Quote(secret)),
	}
	for name, value := range maps.Clone(forms) {
		for offset := range 3 {
			forms[fmt.Sprint("base64 of ", name, " at ", offset)] = insideBase64(value, offset)
		}
	}
	return forms
}

// unquote takes the quotation marks off, and leaves the escapes in.
func unquote(s string) string { return s[1 : len(s)-1] }

// insideBase64 returns the characters that base64 of any text with value at an offset of 0, 1 or 2 (modulo 3) must hold:
// those made of value's bits alone.
func insideBase64(value string, offset int) string {
	encoded := base64.RawStdEncoding.EncodeToString(append(make([]byte, offset), value...))
	bits := 8 * (offset + len(value))
	return encoded[(8*offset+5)/6 : bits/6]
}
