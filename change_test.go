// SPDX-License-Identifier: MPL-2.0

package oauthsecrets

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// The table "What a change drops" of docs/design.md: a read after the change,
// then a renewal.
func TestWhatAChangeDrops(t *testing.T) {
	type write struct {
		path string
		data fields
	}
	password := write{"roles/user", fields{"password": userPassword}}
	headers := write{"config/main", fields{"headers": "X-Tenant=2", "client_secret": clientSecret}}
	for name, c := range map[string]struct {
		writes []write
		kept   bool
		grant  string // of the renewal
	}{
		"client_secret":          {[]write{{"config/main", fields{"client_secret": clientSecret}}}, true, "refresh_token"},
		"description":            {[]write{{"config/main", fields{"description": "x"}}, {"roles/user", fields{"description": "x"}}}, true, "refresh_token"},
		"header_format":          {[]write{{"config/main", fields{"header_format": "x {{token}}"}}}, true, "refresh_token"},
		"lifetimes":              {[]write{{"roles/user", fields{"access_token_ttl": 99, "max_ttl": "2h", "min_ttl": 5}}}, true, "refresh_token"},
		"password":               {[]write{password}, true, "refresh_token"},
		"settings":               {[]write{{"settings", fields{"allowed_networks": "127.0.0.0/8"}}}, true, "refresh_token"},
		"headers, rewritten":     {[]write{headers, password}, true, "password"},
		"headers, rebound":       {[]write{headers, {"rebind/main", nil}}, true, "refresh_token"},
		"scopes":                 {[]write{{"roles/user", fields{"scopes": "c"}}}, false, "refresh_token"},
		"audience":               {[]write{{"roles/user", fields{"audience": "c"}}}, false, "refresh_token"},
		"params of the role":     {[]write{{"roles/user", fields{"params": "c=1"}}}, false, "refresh_token"},
		"params, rewritten":      {[]write{{"config/main", fields{"params": "c=1", "client_secret": clientSecret}}, password}, false, "refresh_token"},
		"username":               {[]write{{"roles/user", fields{"username": "bob", "password": userPassword}}}, false, "refresh_token"},
		"token_url and password": {[]write{{"config/main", fields{"token_url": "elsewhere", "client_secret": clientSecret}}, password}, false, "refresh_token"},
	} {
		t.Run(name, func(t *testing.T) {
			m := newMountAndServer(t)
			m.server.User("bob", userPassword)
			token := m.token("user")
			for _, w := range c.writes {
				if w.data["token_url"] != nil {
					w.data["token_url"] = m.server.TokenURL() + "?"
				}
				m.write(w.path, w.data)
			}
			require.Equal(t, c.kept, token == m.token("user"))
			if c.kept {
				require.Equal(t, []string{"password"}, m.grants())
			} else {
				require.Equal(t, []string{"password", "password"}, m.grants(), "the refresh token brings what it was issued for")
			}
			m.write("token/user/renew", nil)
			require.Equal(t, c.grant, m.server.Last().Form.Get("grant_type"))
		})
	}
}
