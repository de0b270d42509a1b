// SPDX-License-Identifier: MPL-2.0

package logins

import (
	"bufio"
	"encoding/base64"
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// TestEachFixtureIsPlayed sends each fixture's own requests: what canonical makes of them is what the file says, so header
// names are in canonical form and in order, and the answers arrive as they are written.
func TestEachFixtureIsPlayed(t *testing.T) {
	fixtures, err := Load()
	require.NoError(t, err)
	require.GreaterOrEqual(t, len(fixtures), 20)
	refreshes := 0
	for _, f := range fixtures {
		t.Run(f.Name, func(t *testing.T) {
			s := NewServer(t, f)
			for i, e := range s.part.exchanges {
				res, body := send(t, s, e.request, nil)
				require.Equal(t, e.answer.status, res.StatusCode, s.Mismatches())
				require.Equal(t, e.answer.body, body)
				for name := range e.answer.header {
					require.Equal(t, e.answer.header[name], res.Header[name])
				}
				require.Equal(t, 1, s.answered[i])
			}
			require.Empty(t, s.Mismatches())
			require.Equal(t, len(s.part.exchanges), s.Requests())
			require.Equal(t, s.Login(), s.Config()["login"])
			for name := range f.files {
				filled, err := fill(f.files[name], s.URL, time.Now())
				require.NoError(t, err)
				require.NotRegexp(t, `\$(URL|TIME|JWT)`, filled, name)
			}
			require.Contains(t, s.part.want, "access_token")
			require.Contains(t, s.part.want, "expires_in")
		})
		if f.Refreshes() {
			refreshes++
		}
	}
	require.GreaterOrEqual(t, refreshes, 4)
}

func TestEveryByteCounts(t *testing.T) {
	f, err := Named("splunk")
	require.NoError(t, err)
	for name, change := range map[string]func(request string) (string, func(*http.Request)){
		"body": func(r string) (string, func(*http.Request)) { return strings.Replace(r, "%22", "'", 1), nil },
		"case": func(r string) (string, func(*http.Request)) { return strings.Replace(r, "%2C", "%2c", 1), nil },
		"query": func(r string) (string, func(*http.Request)) {
			return strings.Replace(r, "?output_mode=json", "", 1), nil
		},
		"method": func(r string) (string, func(*http.Request)) { return strings.Replace(r, "POST", "PUT", 1), nil },
		"header": func(r string) (string, func(*http.Request)) {
			return r, func(r *http.Request) { r.Header.Set("X-More", "1") }
		},
		"no Accept": func(r string) (string, func(*http.Request)) {
			return r, func(r *http.Request) { r.Header.Del("Accept") }
		},
		"chunked": func(r string) (string, func(*http.Request)) {
			return r, func(r *http.Request) { r.ContentLength = -1 }
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := NewServer(t, f)
			request, edit := change(s.part.exchanges[0].request)
			res, body := send(t, s, request, edit)
			require.Equal(t, http.StatusInternalServerError, res.StatusCode)
			require.NotContains(t, body, "alice", "the engine could show what the diff says")
			logins, refreshes := s.Answered()
			require.Zero(t, logins+refreshes)
			require.Equal(t, 1, s.Requests())
			require.Len(t, s.Mismatches(), 1)
			require.Regexp(t, `(?m)^[-+].`, s.Mismatches()[0])
		})
	}
}

func TestInstead(t *testing.T) {
	f, err := Named("jwt_refresh")
	require.NoError(t, err)
	s := NewServer(t, f)
	s.Instead("HTTP/1.1 418 I'm a teapot\nX-Pot: brown\n\nshort and\nstout\n")
	res, body := send(t, s, s.part.exchanges[0].request, nil)
	require.Equal(t, http.StatusTeapot, res.StatusCode)
	require.Equal(t, "brown", res.Header.Get("X-Pot"))
	require.Equal(t, "short and\nstout", body)
	s.Instead("")
	res, _ = send(t, s, s.part.exchanges[1].request, nil)
	require.Equal(t, http.StatusOK, res.StatusCode)
	logins, refreshes := s.Answered()
	require.Equal(t, []int{0, 1, 2}, []int{logins, refreshes, s.Requests()})
}

func TestNearestIsTheRefresh(t *testing.T) {
	f, err := Named("elasticsearch") // login and refresh go to one URL
	require.NoError(t, err)
	s := NewServer(t, f)
	send(t, s, s.part.exchanges[1].request+" ", nil)
	require.Contains(t, s.Mismatches()[0], `-{"grant_type":"refresh_token"`)
}

func TestFill(t *testing.T) {
	now := time.Date(2026, 11, 24, 10, 0, 0, 0, time.FixedZone("", 3600))
	for text, want := range map[string]string{
		"$URL/a $URLS $$TIME":                 "http://h/a $URLS $$TIME",
		"$TIME(+1h,unix)":                     "1795514400",
		"$TIME(-1s,unix_ms)":                  "1795510799000",
		"$TIME(+0s,2006-01-02T15:04:05.000Z)": "2026-11-24T09:00:00.000Z",
		"$TIME(+90m,Mon, 02 Jan 2006)":        "Tue, 24 Nov 2026",
	} {
		got, err := fill(text, "http://h", now)
		require.NoError(t, err)
		require.Equal(t, want, got, text)
	}
	for _, text := range []string{"$TIME(1,unix)", "$TIME(+1h)", "$JWT(exp)", "$JWT(exp=1)", "$JWT()"} {
		_, err := fill(text, "http://h", now)
		require.ErrorContains(t, err, text)
	}

	token, err := fill("$JWT(sub=a:b,exp=+1h)", "", now)
	require.NoError(t, err)
	again, err := fill("$JWT(sub=a:b,exp=+1h)", "", now)
	require.NoError(t, err)
	require.Equal(t, token, again)
	payload, err := base64.RawURLEncoding.DecodeString(strings.Split(token, ".")[1])
	require.NoError(t, err)
	require.JSONEq(t, `{"sub":"a:b","exp":1795514400}`, string(payload))
}

func TestWant(t *testing.T) {
	want, err := object(`{"access_token": "t", "headers": {"A": "1"}, "expires_in": [10, 20], "extra": {}}`)
	require.NoError(t, err)
	answered := func(change map[string]any) map[string]any {
		got := map[string]any{"access_token": "t", "headers": map[string]string{"A": "1"}, "expires_in": int64(20), "extra": map[string]string{}, "scope": ""}
		for key, value := range change {
			got[key] = value
		}
		return got
	}
	require.Empty(t, differences(want, answered(nil)))
	require.Empty(t, differences(want, answered(map[string]any{"expires_in": json.Number("10"), "headers": map[string]any{"A": "1"}})))
	for key, value := range map[string]any{
		"access_token": "T",
		"headers":      map[string]string{"A": "1", "B": "2"},
		"expires_in":   21,
		"extra":        nil,
	} {
		require.Len(t, differences(want, answered(map[string]any{key: value})), 1, key)
	}
	require.Len(t, differences(want, nil), 4)
}

func TestParseRefuses(t *testing.T) {
	parts := map[string]string{
		"login.json": "{}\n", "role.json": "{}\n", "want.json": "{}\n",
		"request.1": "GET / HTTP/1.1\n\n", "answer.1": "HTTP/1.1 204 No Content\n\n",
	}
	text := func(comment string, change map[string]string) []byte {
		out := comment
		for name := range parts {
			if _, changed := change[name]; !changed {
				out += "-- " + name + " --\n" + parts[name]
			}
		}
		for name, content := range change {
			if content != "" {
				out += "-- " + name + " --\n" + content
			}
		}
		return []byte(out)
	}
	_, err := parse("good", text("An API.\n", nil))
	require.NoError(t, err)
	_, err = parse("silent", text("", nil))
	require.ErrorContains(t, err, "comment")
	_, err = parse("twice", append(text("An API.\n", nil), "-- role.json --\n{}\n"...))
	require.ErrorContains(t, err, "role.json is there twice")
	for wrong, change := range map[string]map[string]string{
		"login.json":    {"login.json": "{"},
		"login.jsn":     {"login.jsn": "{}\n"},
		"role.json":     {"role.json": ""},
		"want.json":     {"want.json": "{} {}\n"},
		"blank line":    {"request.1": "GET / HTTP/1.1\n"},
		"answer.1":      {"answer.1": "200 OK\n\n"},
		"refreshed":     {"request.2": "GET / HTTP/1.1\n\n", "answer.2": "HTTP/1.1 204 No Content\n\n"},
		"$TIME(1,unix)": {"want.json": `{"t": "$TIME(1,unix)"}` + "\n"},
	} {
		_, err := parse("bad", text("An API.\n", change))
		require.ErrorContains(t, err, wrong)
	}
	_, err = Named("nobody")
	require.ErrorContains(t, err, "nobody")
}

// send makes a request of a fixture's text and returns its answer.
func send(t *testing.T, s *Server, request string, edit func(*http.Request)) (*http.Response, string) {
	t.Helper()
	head, body, _ := strings.Cut(request, "\n\n")
	read, err := http.ReadRequest(bufio.NewReader(strings.NewReader(head + "\nHost: api\n\n")))
	require.NoError(t, err)
	req, err := http.NewRequestWithContext(t.Context(), read.Method, s.URL+read.RequestURI, strings.NewReader(body))
	require.NoError(t, err)
	req.Header = read.Header
	if edit != nil {
		edit(req)
	}
	res, err := http.DefaultTransport.RoundTrip(req)
	require.NoError(t, err)
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	require.NoError(t, err)
	return res, string(text)
}
