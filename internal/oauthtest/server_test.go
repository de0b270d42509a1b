// SPDX-License-Identifier: MPL-2.0

package oauthtest_test

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/seed-6323ea89/vault-plugin-secrets-oauth/internal/oauthtest"
)

const id, key = "my client", "p@ss:w/ rd+%41&="

type answer struct {
	Access    string          `json:"access_token"`
	Refresh   string          `json:"refresh_token"`
	ExpiresIn json.RawMessage `json:"expires_in"`
	Scope     string          `json:"scope"`
	Error     string          `json:"error"`
}

// post sends a body as it stands; auth, if any, is "id:secret" as it goes into Basic.
func post(t *testing.T, s *oauthtest.Server, auth, body string, header ...string) (int, answer) {
	t.Helper()
	req, err := http.NewRequest(http.MethodPost, s.TokenURL(), strings.NewReader(body))
	require.NoError(t, err)
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	if user, password, ok := strings.Cut(auth, ":"); ok {
		req.SetBasicAuth(user, password)
	}
	for i := 0; i+1 < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	resp, err := s.HTTPClient().Do(req)
	require.NoError(t, err)
	defer resp.Body.Close()
	raw, err := io.ReadAll(resp.Body)
	require.NoError(t, err)
	var a answer
	require.NoError(t, json.Unmarshal(raw, &a), "%s", raw)
	return resp.StatusCode, a
}

func encoded() string { return url.QueryEscape(id) + ":" + url.QueryEscape(key) }

func TestItRefusesWhatTheRFCForbids(t *testing.T) {
	s := oauthtest.New(t)
	s.Client(id, key)
	s.Client("raw", key, oauthtest.RawBasic)
	s.Client("post", key, oauthtest.Post)
	s.Client("public", "", oauthtest.None)
	s.User("alice", "wonder land")

	const cc = "grant_type=client_credentials"
	inBody := "&client_id=post&client_secret=" + url.QueryEscape(key)
	for name, c := range map[string]struct {
		auth, body string
		header     []string
		status     int
		code       string
	}{
		"basic":                   {encoded(), cc, nil, 200, ""},
		"basic not encoded":       {id + ":" + key, cc, nil, 401, "invalid_client"},
		"raw basic":               {"raw:" + key, cc, nil, 200, ""},
		"raw basic, but encoded":  {"raw:" + url.QueryEscape(key), cc, nil, 401, "invalid_client"},
		"post":                    {"", cc + inBody, nil, 200, ""},
		"post with a wrong key":   {"", cc + inBody + "x", nil, 401, "invalid_client"},
		"post client with basic":  {"post:" + url.QueryEscape(key), cc, nil, 401, "invalid_client"},
		"both":                    {encoded(), cc + inBody, nil, 400, "invalid_request"},
		"basic and client_id":     {encoded(), cc + "&client_id=x", nil, 400, "invalid_request"},
		"public":                  {"", "grant_type=password&client_id=public&username=alice&password=wonder+land", nil, 200, ""},
		"public with a secret":    {"", "grant_type=password&client_id=public&client_secret=x", nil, 401, "invalid_client"},
		"public without a user":   {"", cc + "&client_id=public", nil, 400, "unauthorized_client"},
		"wrong password":          {encoded(), "grant_type=password&username=alice&password=x", nil, 400, "invalid_grant"},
		"no password":             {encoded(), "grant_type=password&username=alice&password=", nil, 400, "invalid_request"},
		"unknown grant":           {encoded(), "grant_type=magic", nil, 400, "unsupported_grant_type"},
		"no grant":                {encoded(), "scope=a", nil, 400, "invalid_request"},
		"repeated":                {encoded(), cc + "&scope=a&scope=b", nil, 400, "invalid_request"},
		"repeated resource":       {encoded(), cc + "&resource=a&resource=b", nil, 200, ""},
		"json":                    {encoded(), cc, []string{"Content-Type", "application/json"}, 400, "invalid_request"},
		"nothing":                 {encoded(), "", nil, 400, "invalid_request"},
		"unknown refresh token":   {encoded(), "grant_type=refresh_token&refresh_token=x", nil, 400, "invalid_grant"},
		"bearer as client auth":   {"", cc, []string{"Authorization", "Bearer x"}, 401, "invalid_client"},
		"no client authenticates": {"", cc, nil, 401, "invalid_client"},
	} {
		t.Run(name, func(t *testing.T) {
			status, a := post(t, s, c.auth, c.body, c.header...)
			require.Equal(t, c.status, status)
			require.Equal(t, c.code, a.Error)
			require.Equal(t, c.code == "", a.Access != "")
			require.Equal(t, c.code == "", s.Issued(a.Access))
		})
	}

	resp, err := http.Get(s.TokenURL() + "?grant_type=client_credentials")
	require.NoError(t, err)
	require.NoError(t, resp.Body.Close())
	require.Equal(t, http.StatusMethodNotAllowed, resp.StatusCode)
	require.Equal(t, 24, s.Requests())
	require.Equal(t, "grant_type=client_credentials", s.Last().Query)
}

func TestRotationFindsAStolenRefreshToken(t *testing.T) {
	s := oauthtest.New(t)
	s.Client(id, key)
	s.User("alice", "pw")
	refresh := func(token string) (int, answer) {
		return post(t, s, encoded(), url.Values{"grant_type": {"refresh_token"}, "refresh_token": {token}}.Encode())
	}
	_, first := post(t, s, encoded(), "grant_type=password&username=alice&password=pw&scope=a+b")
	require.NotEmpty(t, first.Refresh)

	_, second := refresh(first.Refresh)
	require.NotEmpty(t, second.Refresh)
	require.NotEqual(t, first.Refresh, second.Refresh)
	require.Equal(t, "a b", second.Scope)

	_, reused := refresh(first.Refresh)
	require.Equal(t, "invalid_grant", reused.Error)
	_, dead := refresh(second.Refresh)
	require.Equal(t, "invalid_grant", dead.Error, "reuse ends the whole grant")

	s.Rotate(false)
	_, again := post(t, s, encoded(), "grant_type=password&username=alice&password=pw&scope=a+b")
	for range 2 {
		_, same := refresh(again.Refresh)
		require.NotEmpty(t, same.Access)
		require.Empty(t, same.Refresh)
	}
	body := url.Values{"grant_type": {"refresh_token"}, "refresh_token": {again.Refresh}, "scope": {"a c"}}.Encode()
	_, more := post(t, s, encoded(), body)
	require.Equal(t, "invalid_scope", more.Error)
	s.RevokeAll()
	_, revoked := refresh(again.Refresh)
	require.Equal(t, "invalid_grant", revoked.Error)
}

func TestLifetimesAsWritten(t *testing.T) {
	s := oauthtest.New(t)
	s.Client(id, key)
	for _, raw := range []string{`3600`, `3600.0`, `"3.6e3"`, `null`, `{"a":1}`} {
		s.ExpiresIn(raw)
		_, a := post(t, s, encoded(), "grant_type=client_credentials")
		require.Equal(t, raw, string(a.ExpiresIn))
	}
	s.ExpiresIn("")
	_, a := post(t, s, encoded(), "grant_type=client_credentials")
	require.Nil(t, a.ExpiresIn)
}

func TestHoldKeepsExchangesInFlight(t *testing.T) {
	s := oauthtest.New(t, oauthtest.TLS)
	s.Client(id, key)
	arrived, release := s.Hold()
	var wg sync.WaitGroup
	for range 3 {
		wg.Go(func() { post(t, s, encoded(), "grant_type=client_credentials") })
	}
	for range 3 {
		<-arrived
	}
	require.Equal(t, 3, s.Requests())
	release()
	release() // twice is fine
	wg.Wait()
	post(t, s, encoded(), "grant_type=client_credentials")
}

func TestDownAndUp(t *testing.T) {
	s := oauthtest.New(t)
	s.Client(id, key)
	arrived, _ := s.Hold()
	broken := make(chan error, 1)
	go func() {
		_, err := s.HTTPClient().Post(s.TokenURL(), "application/x-www-form-urlencoded", strings.NewReader("a=b"))
		broken <- err
	}()
	<-arrived
	s.Down()
	require.Error(t, <-broken)
	_, err := s.HTTPClient().Post(s.TokenURL(), "text/plain", nil)
	require.True(t, errors.Is(err, syscall.ECONNREFUSED), "%v", err)

	url := s.URL
	s.Up()
	require.Equal(t, url, s.URL)
	_, release := s.Hold()
	release()
	_, a := post(t, s, encoded(), "grant_type=client_credentials")
	require.True(t, s.Issued(a.Access))
}

func TestRespondReplacesTheAnswer(t *testing.T) {
	s := oauthtest.New(t)
	s.Client(id, key)
	s.Respond(func(w http.ResponseWriter, r *http.Request) bool {
		if r.PostForm.Get("scope") != "odd" {
			return false
		}
		w.WriteHeader(http.StatusTeapot)
		_, err := w.Write([]byte(`{"error":"teapot"}`))
		return err == nil
	})
	status, a := post(t, s, encoded(), "grant_type=client_credentials&scope=odd")
	require.Equal(t, http.StatusTeapot, status)
	require.Equal(t, "teapot", a.Error)
	_, a = post(t, s, encoded(), "grant_type=client_credentials")
	require.NotEmpty(t, a.Access)
}
