// SPDX-License-Identifier: MPL-2.0

package entry_test

import (
	"encoding/json"
	"fmt"
	"reflect"
	"strings"
	"testing"

	"github.com/hashicorp/vault/sdk/logical"
	"github.com/stretchr/testify/require"

	"github.com/seed-6323ea89/vault-plugin-secrets-oauth/internal/entry"
	"github.com/seed-6323ea89/vault-plugin-secrets-oauth/internal/field"
	"github.com/seed-6323ea89/vault-plugin-secrets-oauth/internal/rotation"
	"github.com/seed-6323ea89/vault-plugin-secrets-oauth/internal/secret"
)

// ask makes of a text what a reader asks for.
func ask(text string) (a entry.Ask) {
	for i, list := range []*[]string{&a.Scopes, &a.Audience, &a.Resource} {
		parts := strings.Split(text, "/")
		if i < len(parts) && parts[i] != "" {
			*list = strings.Split(parts[i], "|")
		}
	}
	return a
}

// No two targets share a key: a token must not reach a stranger.
func FuzzTargetKey(f *testing.F) {
	f.Add("id", "role", "", "id", "role", "")
	f.Add("id", "role", "a|b", "id", "role", "ab")
	f.Add("id", "role", "a/b", "id", "role", "a|b")
	f.Add("id", "role", "/a", "id", "role", "//a")
	f.Add("id", "role", "1:a", "id", "role1:", "a")
	f.Add("id", "rolea", "", "id", "role", "a")
	f.Add("id/x", "role", "a", "id", "x/role", "a")
	f.Add("", "role", "", "id", "", "")
	f.Fuzz(func(t *testing.T, id1, holder1, ask1, id2, holder2, ask2 string) {
		if !json.Valid([]byte(fmt.Sprintf("%q", ask1+ask2))) {
			return // Vault refuses what is no UTF-8
		}
		one, two := entry.Target{RoleID: id1, Holder: holder1, Ask: ask(ask1)}, entry.Target{RoleID: id2, Holder: holder2, Ask: ask(ask2)}
		key1, err1 := one.Key()
		key2, err2 := two.Key()
		require.Equal(t, id1 == "" || holder1 == "", err1 != nil)
		require.Equal(t, id2 == "" || holder2 == "", err2 != nil)
		if err1 != nil || err2 != nil {
			return
		}
		require.Equal(t, reflect.DeepEqual(one, two), key1 == key2)
		require.True(t, strings.HasPrefix(key1, string(entry.Tokens)+id1+"/"))
	})
}

// given is a write of all fields.
type given map[string]any

func (g given) GetOk(name string) (any, bool) {
	value, ok := g[name]
	return value, ok
}

// full is a value of each kind, with a canary where it is a secret.
func full(fields []field.Info) given {
	all := given{}
	for _, info := range fields {
		text := "value-" + info.Name
		if info.IsSecret() {
			text = "canary-" + info.Name
		}
		switch info.Kind {
		case field.KindText, field.KindDocument:
			all[info.Name] = text
		case field.KindList, field.KindWords:
			all[info.Name] = []string{text, "b"}
		case field.KindPairs:
			all[info.Name] = map[string]string{"name": text}
		case field.KindValues:
			all[info.Name] = map[string]any{"name": text, "n": 1.5}
		case field.KindDuration:
			all[info.Name] = 7
		case field.KindFlag:
			all[info.Name] = true
		}
	}
	return all
}

// What a table holds is stored with its secrets, loads as it was, and is printed
// without them.
func TestEveryFieldIsStoredAndNoSecretIsPrinted(t *testing.T) {
	config, role := entry.NewConfig(), entry.NewRole()
	config.DestinationID, config.Moved, role.ID, role.SecretsFor = "d", []string{"token_url"}, "id", "d"
	entry.ConfigFields.Apply(config, full(entry.ConfigFields.Fields()))
	entry.RoleFields.Apply(role, full(entry.RoleFields.Fields()))
	s := new(logical.InmemStorage)
	require.NoError(t, config.Save(t.Context(), s, "c"))
	stored, err := role.Encode("r")
	require.NoError(t, err)
	require.NoError(t, s.Put(t.Context(), stored))

	loadedConfig, err := entry.LoadConfig(t.Context(), s, "c")
	require.NoError(t, err)
	require.Equal(t, config, loadedConfig)
	loadedRole, err := entry.LoadRole(t.Context(), s, "r")
	require.NoError(t, err)
	require.Equal(t, role, loadedRole)
	require.Empty(t, entry.RoleFields.Changed(role, loadedRole, field.Asks))
	for _, one := range []any{config, *config, role, *role, config.Effective()} {
		requirePrintedWithoutSecrets(t, one)
	}
}

// A secret that is added to the token and forgotten where it is stored would be lost.
func TestATokenIsStoredAndNotPrinted(t *testing.T) {
	token := &entry.Token{Holder: "role", Refresh: rotation.State{Current: "canary-refresh", Previous: "canary-previous"}}
	filled := 0
	for i, value := 0, reflect.ValueOf(token).Elem(); i < value.NumField(); i++ {
		if value.Field(i).Type() == reflect.TypeFor[secret.String]() {
			value.Field(i).SetString("canary-" + value.Type().Field(i).Name)
			filled++
		}
	}
	require.Positive(t, filled)
	s := new(logical.InmemStorage)
	require.NoError(t, token.Save(t.Context(), s, "token/id/key"))
	loaded, err := entry.LoadToken(t.Context(), s, "token/id/key")
	require.NoError(t, err)
	require.Equal(t, token, loaded)
	requirePrintedWithoutSecrets(t, token)
	requirePrintedWithoutSecrets(t, *token)
}

func requirePrintedWithoutSecrets(t *testing.T, one any) {
	t.Helper()
	text, err := json.Marshal(one)
	require.NoError(t, err)
	require.NotContains(t, string(text), "canary-")
	require.NotContains(t, fmt.Sprintf("%v %+v %#v", one, one, one), "canary-")
}
