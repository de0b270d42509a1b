// SPDX-License-Identifier: MPL-2.0

package oauthtest_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/seed-6323ea89/vault-plugin-secrets-oauth/internal/oauthtest"
)

func TestASpentRefreshToken(t *testing.T) {
	for name, c := range map[string]struct {
		grace     time.Duration
		detection bool
		then      string // a use of the first token after the second
		newest    string // and of the newest after that
		want      oauthtest.Grant
	}{
		"in its grace":      {time.Hour, true, "", "", oauthtest.Grant{Exchanges: 3}},
		"without detection": {0, false, "invalid_grant", "", oauthtest.Grant{Exchanges: 2, Reused: 1}},
		"with detection":    {0, true, "invalid_grant", "invalid_grant", oauthtest.Grant{Exchanges: 1, Reused: 1, Revoked: true}},
	} {
		t.Run(name, func(t *testing.T) {
			s := oauthtest.New(t, oauthtest.Rotation(c.grace, c.detection))
			s.Client(id, key)
			refresh := func(token string) answer {
				_, a := post(t, s, encoded(), url.Values{"grant_type": {"refresh_token"}, "refresh_token": {token}}.Encode())
				return a
			}
			first := s.Consent(id, "a b")
			second := refresh(first)
			require.Equal(t, second.Refresh, s.Grant(first).Newest)
			third := refresh(first)
			require.Equal(t, c.then, third.Error)
			last := refresh(second.Refresh)
			require.Equal(t, c.newest, last.Error)
			for _, a := range []answer{second, third, last} {
				if a.Error == "" {
					c.want.Newest = a.Refresh
					access, refresh := s.Tokens()
					require.Contains(t, access, a.Access)
					require.Contains(t, refresh, a.Refresh)
					require.Equal(t, "a b", a.Scope)
				}
			}
			require.Equal(t, c.want, s.Grant(first))
		})
	}
}

func TestALoginThatIsNotOAuth(t *testing.T) {
	s := oauthtest.New(t)
	s.User("alice", "pw")
	for body, want := range map[string]int{`{"username":"alice","password":"pw"}`: 200, `{"username":"alice","password":"x"}`: 401, `{`: 401, `{}`: 401} {
		resp, err := http.Post(s.LoginURL(), "application/json", strings.NewReader(body))
		require.NoError(t, err)
		require.NoError(t, resp.Body.Close())
		require.Equal(t, want, resp.StatusCode)
	}
	tokens, _ := s.Tokens()
	require.Len(t, tokens, 1)
	require.Equal(t, 4, s.Requests())
	require.WithinRange(t, s.Ends(tokens[0]), time.Now(), time.Now().Add(time.Hour))
	require.Zero(t, s.Ends("x"))
}
