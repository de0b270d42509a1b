// SPDX-License-Identifier: MPL-2.0

package oauthsecrets

import (
	"context"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/hashicorp/vault/sdk/framework"
	"github.com/hashicorp/vault/sdk/logical"
	"github.com/stretchr/testify/require"

	"github.com/seed-6323ea89/vault-plugin-secrets-oauth/internal/field"
)

// places are all paths of the mount, with names that exist in newMountAndServer.
var places = []string{"config", "config/main", "roles", "roles/app", "roles/app/test", "creds/app", "token/app", "token/app/renew", "token/app/import", "rebind/main", "status", "status/app", "settings"}

// operations calls visit for each operation of each path.
func operations(t *testing.T, m *mount, visit func(t *testing.T, path string, schema *framework.Path, op logical.Operation)) {
	seen := map[*framework.Path]bool{}
	for _, path := range places {
		schema := m.b.Route(path)
		require.NotNil(t, schema, path)
		seen[schema] = true
		for _, op := range slices.Sorted(maps.Keys(schema.Operations)) {
			t.Run(fmt.Sprintf("%s %s", op, path), func(t *testing.T) { visit(t, path, schema, op) })
		}
	}
	require.Len(t, seen, len(m.b.Paths), "a path is missing in places")
}

func TestUnknownFieldsAreRefusedEverywhere(t *testing.T) {
	m := newMountAndServer(t)
	before := m.stored()
	operations(t, m, func(t *testing.T, path string, _ *framework.Path, op logical.Operation) {
		resp, err := m.b.HandleRequest(t.Context(), &logical.Request{
			Operation: op, Path: path, Storage: m.storage, MountPoint: "oauth/", Data: fields{"no_such_thing": "canary-value"},
		})
		require.NoError(t, err)
		require.True(t, resp.IsError())
		require.Contains(t, resp.Error().Error(), "unknown field no_such_thing")
		m.hasNoSecret(resp.Error().Error())
	})
	require.Equal(t, before, m.stored())
	require.Zero(t, m.server.Requests())
}

func TestAnUnknownFieldHasASuggestion(t *testing.T) {
	m := newMountAndServer(t)
	for _, c := range []struct{ path, field, want string }{
		{"config/main", "token_endpoint", "token_url"},
		{"config/main", "auth_method", "client_auth_method"},
		{"config/main", "client_secert", "client_secret"},
		{"config/main", "tokenurl", "token_url"},
		{"config/main", "tls_skip_verify", "ca_cert"},
		{"roles/app", "scope", "scopes"},
		{"roles/app", "grant_type", "flow"},
		{"roles/app", "pasword", "password"},
		{"creds/app", "minttl", "min_ttl"},
		{"settings", "allow_lopback", "allow_loopback"},
		{"token/app/renew", "rejected_sha265", "rejected_sha256"},
	} {
		require.Equal(t, "unknown field "+c.field+": did you mean "+c.want+"?",
			m.refused(logical.UpdateOperation, c.path, fields{c.field: "canary-x"}))
	}
	for _, field := range []string{"canary-\n", strings.Repeat("x", 41), "", "a b", "ä"} {
		require.NotContains(t, m.refused(logical.UpdateOperation, "config/main", fields{field: 1}), "canary")
	}
}

// A token path has nothing to edit and write back. Ignoring scope there would
// return a broader token than was asked for.
func TestATokenPathIgnoresNoField(t *testing.T) {
	m := newMountAndServer(t)
	for _, path := range []string{"creds/app", "token/app"} {
		for field, hint := range map[string]string{"scope": "unknown field scope", "ttl": "did you mean min_ttl?"} {
			for _, op := range []logical.Operation{logical.ReadOperation, logical.UpdateOperation} {
				resp, err := m.do(op, path, fields{field: "x"})
				require.NoError(t, err)
				if !resp.IsError() {
					t.Errorf("%s %s took %s", op, path, field)
					continue
				}
				require.Contains(t, resp.Error().Error(), hint)
			}
		}
	}
}

func TestTypeErrorsDoNotQuoteTheValue(t *testing.T) {
	m := newMountAndServer(t)
	before := m.stored()
	const canary = "canary-value"
	nested := fields{canary: fields{canary: canary}}
	operations(t, m, func(t *testing.T, path string, schema *framework.Path, op logical.Operation) {
		for name, field := range schema.Fields {
			if strings.Contains(schema.Pattern, "(?P<"+name+">") {
				continue
			}
			wrong := map[framework.FieldType][]any{
				framework.TypeString:           {nested, []any{canary}, true},
				framework.TypeBool:             {canary, nested, []any{canary}},
				framework.TypeDurationSecond:   {canary, nested, []any{canary}, -5, "-5s"},
				framework.TypeCommaStringSlice: {nested, []any{nested}},
				framework.TypeStringSlice:      {nested, []any{nested}},
				framework.TypeMap:              {canary, []any{canary}, []any{nested}, 7, true, `{"` + canary},
				framework.TypeKVPairs:          {canary, nested, []any{canary}, []any{nested}, 7, true, `{"` + canary, fields{"a": []any{canary}}},
			}[field.Type]
			if isDocument(name) {
				wrong = wrong[1:] // an object is its text
			}
			require.NotEmpty(t, wrong, "no wrong values for %s of type %s", name, field.Type)
			for _, value := range wrong {
				resp, err := m.b.HandleRequest(t.Context(), &logical.Request{
					Operation: op, Path: path, Storage: m.storage, MountPoint: "oauth/", Data: asJSON[fields](t, fields{name: value}),
				})
				require.NoError(t, err)
				if !resp.IsError() {
					t.Errorf("%s: %T %v was taken", name, value, value)
					continue
				}
				require.Contains(t, resp.Error().Error(), name)
				m.hasNoSecret(resp.Error().Error())
			}
		}
	})
	require.Equal(t, before, m.stored())
	require.Zero(t, m.server.Requests())
}

func TestATypeErrorSaysWhatIsWanted(t *testing.T) {
	m := newMountAndServer(t)
	for _, c := range []struct{ path, field, want string }{
		{"config/main", "allow_http", "true or false"},
		{"config/main", "request_timeout", "a duration that is not negative, such as 90, 90s or 1h"},
		{"roles/app", "min_ttl", "a duration that is not negative, such as 90, 90s or 1h"},
	} {
		require.Equal(t, c.field+" must be "+c.want, m.refused(logical.UpdateOperation, c.path, fields{c.field: "canary-x"}))
	}
	require.Equal(t, "password must be a text (the value given is not repeated here, it is a secret)",
		m.refused(logical.UpdateOperation, "roles/user", fields{"password": true}))
}

func TestAValueThatIsNoneOfAFewHasASuggestion(t *testing.T) {
	m := newMountAndServer(t)
	before := m.stored()
	for _, c := range []struct{ path, field, value, meant string }{
		{"roles/app", "flow", "client_credential", "client_credentials"},
		{"roles/app", "flow", "Client-Credentials", "client_credentials"},
		{"roles/app", "flow", "pasword", "password"},
		{"roles/app", "flow", "logn", "login"},
		{"roles/app", "flow", "ropc", "password"},
		{"roles/app", "renew", "on-demand", "on_demand"},
		{"roles/app", "verify", "requires", "require"},
		{"config/main", "client_auth_method", "post", "client_secret_post"},
		{"config/main", "client_auth_method", "client_secert_basic", "client_secret_basic"},
	} {
		message := m.refused(logical.UpdateOperation, c.path, fields{c.field: c.value})
		require.Contains(t, message, c.field+" must be ")
		require.Contains(t, message, ": did you mean "+c.meant+"?")
	}
	for _, value := range []string{"canary-x", "implicit", strings.Repeat("canary", 1000), "\xff"} {
		require.Equal(t, "flow must be one of client_credentials, password, refresh_token, login",
			m.refused(logical.UpdateOperation, "roles/app", fields{"flow": value}))
	}
	require.Equal(t, before, m.stored())
}

func TestTheExistenceCheckDoesNotLookAtFields(t *testing.T) {
	m := newMountAndServer(t)
	found, exists, err := m.b.HandleExistenceCheck(t.Context(), &logical.Request{
		Operation: logical.UpdateOperation, Path: "config/main", Storage: m.storage, Data: fields{"request_timeout": "canary-x"},
	})
	require.NoError(t, err)
	require.True(t, found)
	require.True(t, exists)
}

func TestAPanicIsAnswered(t *testing.T) {
	m := newMount(t)
	boom := func(context.Context, *logical.Request, *framework.FieldData) (*logical.Response, error) {
		panic("canary-in-a-panic")
	}
	m.b.Paths = append(m.b.Paths, &framework.Path{
		Pattern:    "boom",
		Operations: map[logical.Operation]framework.OperationHandler{logical.ReadOperation: &framework.PathOperation{Callback: boom}},
		ExistenceCheck: func(context.Context, *logical.Request, *framework.FieldData) (bool, error) {
			panic("canary-in-a-panic")
		},
	})
	resp, err := m.do(logical.ReadOperation, "boom", nil)
	require.Nil(t, resp)
	requireCode(t, http.StatusInternalServerError, err)
	_, _, err = m.b.HandleExistenceCheck(t.Context(), &logical.Request{Operation: logical.UpdateOperation, Path: "boom", Storage: m.storage})
	requireCode(t, http.StatusInternalServerError, err)
	require.Equal(t, 2, strings.Count(m.log.String(), "panic in a request"))
	require.Nil(t, m.ok(logical.ReadOperation, "config/none", nil), "the backend goes on")
}

func requireCode(t testing.TB, code int, err error) {
	t.Helper()
	coded, ok := err.(logical.HTTPCodedError)
	require.True(t, ok, "%v", err)
	require.Equal(t, code, coded.Code())
}

func TestAnEntryCanBeReadEditedAndWritten(t *testing.T) {
	m := newMountAndServer(t)
	for path, secrets := range map[string][]string{"config/main": {"client_secret_set", "tls_client_key_set"}, "roles/user": {"password_set"}} {
		entry := m.read(path)
		entry["description"] = "edited"
		resp := m.write(path, entry)
		for _, field := range secrets {
			require.Contains(t, resp.Warnings, field+" is computed by the engine and was ignored")
		}
		require.Equal(t, entry, m.read(path))
	}
	require.NotEmpty(t, m.token("user"), "the secrets are still there")
	require.Contains(t, m.refused(logical.ReadOperation, "config/main", fields{"client_secret_set": true}), "unknown field")
}

func TestANumberIsATextWhereATextIsWanted(t *testing.T) {
	m := newMountAndServer(t)
	m.write("config/main", fields{"client_id": 123456789012, "description": 7})
	require.Equal(t, "123456789012", m.read("config/main")["client_id"])
}

func TestEveryPathHasHelp(t *testing.T) {
	m := newMountAndServer(t)
	for _, path := range append(places, "") {
		resp := m.ok(logical.HelpOperation, path, nil)
		require.NotEmpty(t, resp.Data["help"], path)
	}
}

func TestAFieldOfThePathIsRefusedInTheBody(t *testing.T) {
	m := newMountAndServer(t)
	before := m.stored()
	for path, field := range map[string]string{
		"config/main": "name", "roles/app": "name", "creds/app": "role", "token/app": "role", "token/app/renew": "role", "rebind/main": "name",
	} {
		require.Contains(t, m.refused(logical.UpdateOperation, path, fields{field: "other"}), field+" is part of the path")
	}
	require.Equal(t, before, m.stored())
}

func isDocument(name string) bool {
	return slices.ContainsFunc(entryFields(), func(info field.Info) bool { return info.Name == name && info.Kind == field.KindDocument })
}
