// SPDX-License-Identifier: MPL-2.0

package oauth

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// An answer is cut at each of its bytes. With the refresh token it becomes a
// token, before that a failure, and never one with half a value.
func TestAnAnswerThatEndsTooEarly(t *testing.T) {
	const refresh = `"refresh_token":"r\"1"`
	for _, whole := range []string{
		`{"access_token":"a1","expires_in":3600,` + refresh + `,"scope":"x","token_type":"Bearer"}`,
		`{"access_token":"a1",` + refresh + `,"expires_in": 3600.5 ,"x":{"y":[1,2]}}`,
		"\ufeff {" + refresh + `,"x":null,"access_token":"a1","expires_in":"3600"}`,
	} {
		arrived := max(strings.Index(whole, refresh)+len(refresh), strings.Index(whole, `"a1"`)+len(`"a1"`))
		for end := range whole {
			a := &Answer{Status: 200, Header: http.Header{}, Body: []byte(whole[:end]), Issued: time.Now()}
			token, failed := parseToken(a, new(scrubber))
			require.Equal(t, end >= arrived, token != nil, whole[:end])
			require.Equal(t, token == nil, failed != nil)
			if token == nil {
				require.Equal(t, Malformed, failed.Kind)
				continue
			}
			require.Equal(t, []string{"a1", `r"1`}, []string{token.AccessToken.Reveal(), token.RefreshToken.Reveal()})
			require.Len(t, token.Warnings, 1)
			life := token.Expires.Sub(token.Issued).Truncate(time.Second)
			require.Equal(t, token.UseOnce, life == 0, whole[:end])
			require.Contains(t, []time.Duration{0, time.Hour}, life, whole[:end])
		}
	}
}

func TestWhatIsNotSavedFromAnAnswer(t *testing.T) {
	for _, body := range []string{
		`{"access_token":"a","expires_in":3600,"sco`,
		`{"refresh_token":"r","access_token":"a`,
		`{"access_token":"a","refresh_token":"r","error":"server_error",`,
		`{"access_token":"a","refresh_token":"r",x`,
		`{"access_token":"a","refresh_token":"r" "b"`,
		`[{"access_token":"a","refresh_token":"r"},`,
		`{"access_token":"a\n","refresh_token":"r",`,
		`{"access_token":"a","refresh_token":7`,
		`{"x":{"access_token":"a","refresh_token":"r",`,
	} {
		_, failed := parseToken(&Answer{Status: 200, Header: http.Header{}, Body: []byte(body)}, new(scrubber))
		require.NotNil(t, failed, body)
	}
	_, failed := parseToken(&Answer{Status: 500, Body: []byte(`{"access_token":"a","refresh_token":"r",`)}, new(scrubber))
	require.Equal(t, Unavailable, failed.Kind)
}
