// SPDX-License-Identifier: MPL-2.0

package login

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestUse(t *testing.T) {
	for use, want := range map[string]Use{
		`{"header": "authorization"}`:                                        {map[string]string{"authorization": "Bearer tok"}, map[string]string{}},
		`{"header": "X-Token"}`:                                              {map[string]string{"X-Token": "tok"}, map[string]string{}},
		`{"header": "Authorization", "value": "Custom {{token}}"}`:           {map[string]string{"Authorization": "Custom tok"}, map[string]string{}},
		`{"query": "access token", "value": "{{variables.text}}&{{token}}"}`: {map[string]string{}, map[string]string{"access token": "north&tok"}},
		`{"cookie": "sid"}`:                                                  {map[string]string{"Cookie": "sid=tok"}, map[string]string{}},
		`{"cookie": "sid", "headers": {"X-App": "{{client_id}}", "X-User": "{{username}}", "X-Key": "{{secrets.key}}"}}`: {
			map[string]string{"Cookie": "sid=tok", "X-App": "app", "X-User": "alice", "X-Key": "in-secret-key"}, map[string]string{},
		},
	} {
		d := compile(t, withRest(`"token": {"body": true}, "use": `+use))
		require.NoError(t, d.CheckUse(values()))
		got, ok := d.Use(values(), "tok")
		require.True(t, ok)
		require.Equal(t, want, got)
		require.NotContains(t, d.Needs(), "token")
	}
	d := compile(t, withRest(`"token": {"body": true}`))
	require.NoError(t, d.CheckUse(Values{}))
	_, ok := d.Use(values(), "tok")
	require.False(t, ok)
}

func TestCheckUse(t *testing.T) {
	v := values()
	v.Username = "in-value\n"
	v.Variables["semicolon"] = "in-value; "
	for use, words := range map[string]string{
		`{"header": "X", "headers": {"U": "{{username}}"}}`:            "use.headers.U: a header value must not hold control characters, such as the end of a line",
		`{"header": "X", "value": "{{username}}{{token}}"}`:            "use.value: a header value must not hold control characters, such as the end of a line",
		`{"header": "X", "value": "{{variables.none}}{{token}}"}`:      "use.value: there is no value for variables.none",
		`{"header": "X", "headers": {"K": "{{secrets.list}}"}}`:        "use.headers.K: secrets.list is a list, which cannot stand inside a text",
		`{"cookie": "X", "value": "{{variables.semicolon}}{{token}}"}`: `use.value: a cookie's value must not hold a space, a comma or one of ";\`,
		`{"cookie": "X", "value": "{{username}}{{token}}"}`:            "use.value: a header value must not hold control characters, such as the end of a line",
		`{"query": "X", "value": "{{variables.list}}{{token}}"}`:       "use.value: variables.list is a list, which cannot stand inside a text",
	} {
		d := compile(t, withRest(`"token": {"body": true}, "use": `+use))
		err := d.CheckUse(v)
		require.EqualError(t, err, words)
		_, ok := d.Use(v, "tok")
		require.False(t, ok)
	}
	d := compile(t, withRest(`"token": {"body": true}, "use": {"query": "X", "value": "{{username}}{{token}}"}`))
	require.NoError(t, d.CheckUse(v), "whoever sends it encodes it")
}
