// SPDX-License-Identifier: MPL-2.0

package oauthsecrets

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/hashicorp/vault/sdk/logical"
	"github.com/stretchr/testify/require"

	"github.com/seed-6323ea89/vault-plugin-secrets-oauth/internal/entry"
	"github.com/seed-6323ea89/vault-plugin-secrets-oauth/internal/field"
)

// The effects of each field, kept by hand: the tables are not their own judge.
var expectedEffects = map[string]map[string]field.Effect{
	"config": {
		"description": field.None, "header_name": field.None, "header_format": field.None, "request_timeout": field.None, "allowed_roles": field.None,
		"token_url": field.Binds | field.Steers, "client_id": field.Binds | field.Steers,
		"client_secret": field.Proves, "client_auth_method": field.Proves, "client_secret_basic_encoding": field.Proves, "secrets": field.Proves,
		"tls_client_cert": field.Proves, "tls_client_key": field.Proves,
		"headers": field.Steers, "ca_cert": field.Steers, "tls_server_name": field.Steers, "proxy_url": field.Steers, "allow_http": field.Steers,
		"params": field.Shapes | field.Steers, "base_url": field.Shapes | field.Steers, "login": field.Shapes | field.Steers, "variables": field.Shapes | field.Steers,
	},
	"roles": {
		"description": field.None, "access_token_ttl": field.Life, "max_ttl": field.Life, "min_ttl": field.Life, "renew": field.Life,
		"config": field.Binds | field.Steers, "flow": field.Binds, "username": field.Binds | field.Steers,
		"scopes": field.Shapes, "audience": field.Shapes, "resource": field.Shapes, "params": field.Shapes,
		"password": field.Proves, "secrets": field.Proves, "variables": field.Shapes | field.Steers,
	},
}

// unseen are the fields whose effect no server can see in a request, and why.
var unseen = map[string]string{
	"config ca_cert":    "who is trusted is decided before anything is sent",
	"config allow_http": "it lets secrets go in the clear, and alone it changes no request",
}

func TestEachRowHasTheEffectsThatAreExpected(t *testing.T) {
	for path, fields := range map[string][]field.Info{"config": entry.ConfigFields.Fields(), "roles": entry.RoleFields.Fields()} {
		for _, info := range fields {
			expected, known := expectedEffects[path][info.Name]
			require.True(t, known, "%s has a new field %s: add what is expected of it, and a case to TestWhatAServerSees", path, info.Name)
			require.Equal(t, expected, info.Effect, "the effects of field %s of %s", info.Name, path)
		}
		require.Len(t, fields, len(expectedEffects[path]), "%s", path)
	}
}

// Each row is held against what a server is sent before and after a change of the
// field, and against what becomes of the tokens and the secrets.
func TestWhatAServerSeesIsWhatTheRowsSay(t *testing.T) {
	r := newRecorder(t)
	cases := r.cases(t)
	for path, of := range expectedEffects {
		for name := range of {
			require.Contains(t, cases, path+" "+name, "add a case")
		}
	}
	for _, name := range slices.Sorted(maps.Keys(cases)) {
		t.Run(name, func(t *testing.T) {
			of := strings.Fields(name) // path, field, and perhaps a word on the case
			require.NoError(t, r.judge(t, of[0], of[1], cases[name]))
		})
	}
}

// judge says what is wrong with the row of a field.
func (r *recorder) judge(t *testing.T, path, name string, c effectCase) error {
	m := newEffects(t, r, c.kind, passwordRole)
	target, effect := targets[path], effectOf(path, name)
	if name == "client_id" && c.kind != document {
		effect &^= field.Steers // it steers in a document only, which may put it into a URL
	}
	first := m.token("r")
	before := r.last()
	stored := m.stored()
	resp, err := m.do(logical.UpdateOperation, target, c.change)
	require.NoError(t, err)
	refused := resp.IsError() && strings.Contains(resp.Error().Error(), "this changes where the")
	require.Equal(t, refused, resp.IsError(), "%v", resp)
	if refused {
		require.Equal(t, stored, m.stored())
		m.write(target, with(c.secrets(path), c.change))
	}
	if path == "config" && refused {
		m.write("roles/r", c.secrets("roles"))
	}

	another := m.token("r") != first
	m.ok(logical.DeleteOperation, "token/r", nil)
	m.token("r")
	return fits(path+" "+name, effect, before.changes(r.last()), refused, another)
}

var targets = map[string]string{"config": "config/c", "roles": "roles/r"}

func effectOf(path, name string) field.Effect {
	rows := entry.ConfigFields.Fields()
	if path == "roles" {
		rows = entry.RoleFields.Fields()
	}
	return rows[slices.IndexFunc(rows, func(row field.Info) bool { return row.Name == name })].Effect
}

// fits compares the effects of a row with what has changed in the request, and
// with what the engine has made of the change: whether it was refused without the
// secrets in the same write, and whether the next read has brought another token.
func fits(name string, effect field.Effect, changed []string, refused, another bool) error {
	wrong := func(format string, a ...any) error {
		return fmt.Errorf("the row of %s has the wrong effects (%v): %s; its change changes %v", name, effect, fmt.Sprintf(format, a...), changed)
	}
	asks := effect.Has(field.Shapes | field.Binds)
	content, place := slices.Contains(changed, "content"), slices.Contains(changed, "place")
	switch _, hidden := unseen[name]; {
	case refused != effect.Has(field.Steers):
		return wrong("secrets had to be given again: %v", refused)
	case another != asks:
		return wrong("the next read has brought another token: %v", another)
	case hidden:
		return nil
	case place && !effect.Has(field.Steers):
		return wrong("it must steer")
	case content && !asks:
		return wrong("it must shape or bind")
	case slices.Contains(changed, "header") && !effect.Has(field.Steers):
		return wrong("it must steer, since a header may choose the tenant")
	case slices.Contains(changed, "proof") && !content && !place && (!effect.Has(field.Proves) || asks):
		return wrong("it must prove, and neither shape nor bind")
	case len(changed) == 0 && effect.Has(field.Steers|field.Proves|field.Shapes|field.Binds):
		return wrong("it must do nothing")
	}
	return nil
}

// A refresh token that a person has imported is used as long as nothing is changed
// that binds it, or that decides where it is sent.
func TestWhatHoldsARefreshTokenIsWhatTheRowsSay(t *testing.T) {
	r := newRecorder(t)
	for name, c := range r.cases(t) {
		of := strings.Fields(name)
		if path, field := of[0], of[1]; c.kind != document && !slices.Contains(notWithRefreshTokens, name) {
			t.Run(name, func(t *testing.T) { r.judgeRefreshToken(t, path, field, c) })
		}
	}
}

// notWithRefreshTokens are the fields that say how to log in otherwise.
var notWithRefreshTokens = []string{"roles flow", "roles username", "roles password"}

func (r *recorder) judgeRefreshToken(t *testing.T, path, name string, c effectCase) {
	m := newEffects(t, r, c.kind, fields{"flow": "refresh_token"})
	m.ok(logical.UpdateOperation, "token/r/import", fields{"refresh_token": "canary-refresh-token"})
	sum := sha256.Sum256([]byte(m.token("r")))
	given := c.secrets(path)
	delete(given, "password") // a role with this flow has none
	m.write(targets[path], with(given, c.change))
	effect := effectOf(path, name)
	if name == "client_id" {
		effect &^= field.Steers
	}
	resp, err := m.do(logical.UpdateOperation, "token/r/renew", fields{"rejected_sha256": hex.EncodeToString(sum[:])})
	require.NoError(t, err)
	switch {
	case effect.Has(field.Binds):
		require.ErrorContains(t, resp.Error(), "the refresh token belongs to another config", "the row of %s %s binds", path, name)
	case effect.Has(field.Steers):
		require.ErrorContains(t, resp.Error(), "the refresh token belongs where the config pointed", "the row of %s %s steers", path, name)
	default:
		require.NoError(t, resp.Error(), "the row of %s %s neither binds nor steers", path, name)
		require.Equal(t, "refresh_token", r.last().grant)
	}
}
