// SPDX-License-Identifier: MPL-2.0

package oauthsecrets

import (
	"encoding/json"
	"fmt"
	"net/http"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/hashicorp/vault/sdk/logical"
	"github.com/stretchr/testify/require"

	"github.com/seed-6323ea89/vault-plugin-secrets-oauth/internal/secret"
)

func parts(holder, rest string) []string {
	if rest == "" {
		return []string{holder}
	}
	return append([]string{holder}, strings.Split(rest, "|")...)
}

// No two lists share a key: a token must not reach a stranger.
func FuzzTokenKey(f *testing.F) {
	f.Add("id", "role", "", "id", "role", "")
	f.Add("id", "role", "a|b", "id", "role", "ab")
	f.Add("id", "role", "1:a", "id", "role1:", "a")
	f.Add("id", "rolea", "", "id", "role", "a")
	f.Add("id", "role", "|", "id", "role", "||")
	f.Add("id/x", "role", "a", "id", "x/role", "a")
	f.Add("", "role", "", "id", "", "")
	f.Fuzz(func(t *testing.T, id1, holder1, rest1, id2, holder2, rest2 string) {
		one, err1 := tokenKey(id1, holder1, parts(holder1, rest1)[1:]...)
		two, err2 := tokenKey(id2, holder2, parts(holder2, rest2)[1:]...)
		require.Equal(t, id1 == "" || holder1 == "", err1 != nil)
		require.Equal(t, id2 == "" || holder2 == "", err2 != nil)
		if err1 != nil || err2 != nil {
			return
		}
		same := id1 == id2 && slices.Equal(parts(holder1, rest1), parts(holder2, rest2))
		require.Equal(t, same, one == two)
		require.True(t, strings.HasPrefix(one, tokenPrefix+id1+"/"))
	})
}

// storable is an entry that is written with its secrets in the clear.
type storable interface{ stored() any }

// A secret that is added to an entry and forgotten in stored would be lost.
func TestEverySecretIsStoredAndNoneIsPrinted(t *testing.T) {
	for _, entry := range []storable{new(configEntry), new(roleEntry), new(tokenEntry)} {
		t.Run(fmt.Sprintf("%T", entry), func(t *testing.T) {
			value := reflect.ValueOf(entry).Elem()
			secrets := fillSecrets(t, value)
			require.NotEmpty(t, secrets)

			text, err := json.Marshal(entry.stored())
			require.NoError(t, err)
			loaded := reflect.New(value.Type())
			require.NoError(t, json.Unmarshal(text, loaded.Interface()))
			for name, canary := range secrets {
				field := loaded.Elem().FieldByName(name).Interface()
				if values, ok := field.(secretValues); ok {
					field = values["name"]
				}
				require.Equal(t, canary, field.(secret.String).Reveal(), name)
			}
			require.Equal(t, value.Interface(), loaded.Elem().Interface())

			text, err = json.Marshal(entry)
			require.NoError(t, err)
			for _, printed := range []string{string(text), fmt.Sprintf("%v %+v %#v", entry, value.Interface(), value.Interface())} {
				require.NotContains(t, printed, "canary-")
			}
		})
	}
}

// fillSecrets sets every secret of an entry, and fails where one hides in a
// form that this test does not know.
func fillSecrets(t *testing.T, value reflect.Value) map[string]string {
	secrets, kind := map[string]string{}, reflect.TypeFor[secret.String]()
	for i := range value.NumField() {
		name, field := value.Type().Field(i).Name, value.Field(i)
		switch field.Kind() {
		case reflect.Map, reflect.Slice, reflect.Pointer:
			if field.Type() == reflect.TypeFor[secretValues]() {
				secrets[name] = "canary-" + name
				field.Set(reflect.ValueOf(secretValues{"name": secret.String(secrets[name])}))
				continue
			}
			require.NotEqual(t, kind, field.Type().Elem(), "teach this test about %s", name)
		}
		if field.Type() == kind {
			secrets[name] = "canary-" + name
			field.Set(reflect.ValueOf(secret.String(secrets[name])))
		}
	}
	return secrets
}

func TestAnotherScopeThanAskedForIsSaid(t *testing.T) {
	for granted, want := range map[string]bool{"a b": false, "b a": false, "a": true, "a b c": true} {
		m := newMountAndServer(t)
		m.server.Respond(func(w http.ResponseWriter, _ *http.Request) bool {
			w.Header().Set("Content-Type", "application/json")
			_, err := w.Write([]byte(`{"access_token":"x","token_type":"Bearer","expires_in":3600,"scope":"` + granted + `"}`))
			return err == nil
		})
		resp := m.ok(logical.ReadOperation, "token/app", nil)
		require.Equal(t, granted, resp.Data["scope"])
		require.Equal(t, want, len(resp.Warnings) == 1, "%s: %v", granted, resp.Warnings)
	}
}

func TestTheFactoryMakesABackend(t *testing.T) {
	conf := logical.TestBackendConfig()
	conf.StorageView = new(logical.InmemStorage)
	b, err := Factory("v1.2.3")(t.Context(), conf)
	require.NoError(t, err)
	defer b.Cleanup(t.Context())
	require.Equal(t, logical.TypeLogical, b.Type())
	require.Equal(t, "v1.2.3", b.(logical.PluginVersioner).PluginVersion().Version)
	paths := b.SpecialPaths()
	require.Equal(t, []string{"rebind/*"}, paths.Root)
	require.ElementsMatch(t, []string{"config/", "role/", "token/", "account/"}, paths.SealWrapStorage)
	require.Empty(t, paths.Unauthenticated)
}
