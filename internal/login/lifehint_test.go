// SPDX-License-Identifier: MPL-2.0

package login

import (
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

var toPaste = regexp.MustCompile(`write ("expires": .*)$`)

// pasted is a document with what a hint says to write.
func pasted(t *testing.T, document, hint string) string {
	t.Helper()
	found := toPaste.FindStringSubmatch(hint)
	require.NotNil(t, found, hint)
	return strings.TrimSuffix(document, "}") + ", " + found[1] + "}"
}

func TestAnEndThatTheDocumentDoesNotName(t *testing.T) {
	const nested = `{"request": {"url": "/"}, "token": {"json": "/data/token"}}`
	for _, c := range []struct {
		document, body, expires string
		life                    time.Duration
	}{
		{atToken, `{"token": "t", "expires_in": 3600}`, `{"json": "/expires_in"}`, time.Hour},
		{atToken, `{"token": "t", "ExpiresIn": "3600"}`, `{"json": "/ExpiresIn"}`, time.Hour},
		{atToken, `{"token": "t", "expiry": 3600}`, `{"json": "/expiry"}`, time.Hour},
		{atToken, `{"token": "t", "ttl": 3600}`, `{"json": "/ttl"}`, time.Hour},
		{atToken, `{"token": "t", "valid_for_minutes": 30}`, `{"json": "/valid_for_minutes", "as": "minutes"}`, 30 * time.Minute},
		{atToken, `{"token": "t", "validMin": 30}`, `{"json": "/validMin", "as": "minutes"}`, 30 * time.Minute},
		{atToken, `{"token": "t", "expires_ms": 60000}`, `{"json": "/expires_ms", "as": "milliseconds"}`, time.Minute},
		{atToken, `{"token": "t", "expiresInMs": 60000}`, `{"json": "/expiresInMs", "as": "milliseconds"}`, time.Minute},
		{atToken, `{"token": "t", "expires_ms": 1795525200000}`, `{"json": "/expires_ms", "as": "unix_milliseconds"}`, time.Hour},
		{atToken, `{"token": "t", "ttl_hours": 2}`, `{"json": "/ttl_hours", "as": "hours"}`, 2 * time.Hour},
		{atToken, `{"token": "t", "exp": 1795525200}`, `{"json": "/exp", "as": "unix"}`, time.Hour},
		{atToken, `{"token": "t", "expires_at": 1795525200.5}`, `{"json": "/expires_at", "as": "unix"}`, time.Hour + 500*time.Millisecond},
		{atToken, `{"token": "t", "validUntil": "2026-11-24T13:00:00Z"}`, `{"json": "/validUntil", "as": "date"}`, time.Hour},
		{atToken, `{"token": "t", "timeToLive": "01:00:00"}`, `{"json": "/timeToLive", "as": "duration"}`, time.Hour},
		{atToken, `{"token": "t", "a/b": {"expires~in": 1}, "expiration": "1h"}`, `{"json": "/expiration", "as": "duration"}`, time.Hour},
		{nested, `{"ttl": 5, "data": {"token": "t", "sessionTimeout": 60, "cache": {"ttl": 9}}}`, `{"json": "/data/sessionTimeout"}`, time.Minute},
		{nested, `{"data": {"token": "t", "timeout": 60, "expires": 30}}`, `{"json": "/data/expires"}`, 30 * time.Second},
		{nested, `{"data": {"token": "t"}, "list": [{"expires": 30}]}`, `{"json": "/list/0/expires"}`, 30 * time.Second},
		{nested, `{"data": {"token": "` + jwt(`{}`) + `"}, "expires": 30}`, `{"json": "/expires"}`, 30 * time.Second},
		{withRest(`"token": {"json": ""}`), `"abc"`, "", 0},
		{wholeBody, `abc`, "", 0},
	} {
		r := read(t, c.document, said(c.body))
		if c.expires == "" {
			require.Empty(t, r.Hint)
			continue
		}
		require.Contains(t, r.Hint, `if that says when the token ends, write "expires": `+c.expires, c.body)
		r = read(t, pasted(t, c.document, r.Hint), said(c.body))
		require.Equal(t, now.Add(c.life), r.Expires, c.body)
		require.Empty(t, r.Warnings)
		require.Empty(t, r.Hint)
		require.Empty(t, compile(t, pasted(t, c.document, "write \"expires\": "+c.expires)).Doubts())
	}
}

func TestAnEndInAHeader(t *testing.T) {
	r := read(t, inHeader, Answer{Status: 200, At: now, Header: map[string][]string{
		"X-Auth-Token": {"t"}, "Expires": {"Tue, 24 Nov 2026 18:00:00 GMT"}, "X-Token-Expires-At": {"1795525200"},
	}})
	require.Equal(t, `the header X-Token-Expires-At is a text of 10 characters: if that says when the token ends, write "expires": {"header": "X-Token-Expires-At", "as": "unix"}`, r.Hint)
	require.Equal(t, now.Add(time.Hour), read(t, pasted(t, inHeader, r.Hint), Answer{Status: 200, At: now, Header: map[string][]string{
		"X-Auth-Token": {"t"}, "X-Token-Expires-At": {"1795525200"},
	}}).Expires)
}

func TestWhatIsNoEnd(t *testing.T) {
	for _, body := range []string{
		`{"token": "t"}`,
		`{"token": "t", "expires_in": 0}`, `{"token": "t", "expires_in": -1}`, `{"token": "t", "expires_in": null}`, `{"token": "t", "expired": 1}`,
		`{"token": "t", "expires": true}`, `{"token": "t", "expires": "never"}`, `{"token": "t", "expires": "2020-01-01"}`, `{"token": "t", "expires": 1e99}`,
		`{"token": "t", "expires": "` + canary + `"}`, `{"token": "t", "expires_in_days": 30}`,
		`{"token": "t", "refresh_expires_in": 60}`, `{"token": "t", "refresh": {"ttl": 60}}`, `{"token": "t", "passwordExpiresAt": "2027-01-01T00:00:00Z"}`,
		`{"token": "t", "licence": {"validUntil": "2027-01-01T00:00:00Z"}}`, `{"token": "t", "connect_timeout": 60}`, `{"token": "t", "experience": 60}`,
		`{"token": "t", "expires\n": 60}`, `{"token": "t", "expires-0123456789-0123": 60}`, `{"token": "t", "` + canary + `": {"ttl": 60}}`,
		`{"token": "` + jwt(`{"exp": 1795525200}`) + `", "expires_in": 60}`,
	} {
		require.Empty(t, read(t, atToken, said(body)).Hint, body)
	}
}

// A document that names what is not there, or reads it wrongly, is helped too.
func TestAnEndThatTheDocumentMisses(t *testing.T) {
	for _, expires := range []string{`{"json": "/expires_in"}`, `{"json": "/expires", "as": "unix"}`, `{"header": "X-Expires"}`} {
		r := read(t, strings.TrimSuffix(atToken, "}")+`, "expires": `+expires+"}", said(`{"token": "t", "expires": "2026-11-24T13:00:00Z"}`))
		require.Len(t, r.Warnings, 1)
		require.Equal(t, `"/expires" is a text of 20 characters: if that says when the token ends, write "expires": {"json": "/expires", "as": "date"}`, r.Hint)
	}
}

func TestAUnitThatANameSays(t *testing.T) {
	for name, want := range map[string]string{
		"valid_for_minutes": "minutes", "validForMinutes": "minutes", "expires-in-min": "minutes", "ExpiresInMins": "minutes", "expiresinminutes": "minutes",
		"hours": "hours", "ttlHours": "hours", "ttl_hr": "hours", "expires_ms": "milliseconds", "expiresMs": "milliseconds", "millis": "milliseconds", "expires_millis": "milliseconds",
		"lifetime_in_milliseconds": "milliseconds", "expirySeconds": "seconds", "ttl_sec": "seconds", "expires_in_days": "days", "minutes_valid": "minutes",
		"": "", "expires_in": "", "min_ttl": "", "terms": "", "ms_expiry": "", "admin": "", "8": "", "second_factor": "",
	} {
		require.Equal(t, want, unitOf(name), name)
	}
}

func TestAUnitThatIsReadAsAnother(t *testing.T) {
	const at = `"request": {"url": "/"}, "token": {"json": "/token"}, "expires": `
	for _, c := range []struct{ expires, doubt string }{
		{`{"json": "/data/valid_for_minutes"}`, `expires.json (line 1, column 76): /data/valid_for_minutes says minutes by its name, and is read as a number of seconds: if the name is right, write "as": "minutes"`},
		{`{"json": "/expires_ms", "as": "minutes"}`, `expires.json (line 1, column 76): /expires_ms says milliseconds by its name, and is read as a number of minutes: if the name is right, write "as": "milliseconds"`},
		{`{"header": "X-Ttl-Hours", "as": "duration"}`, `expires.header (line 1, column 78): the header X-Ttl-Hours says hours by its name, and is read as a duration: if the name is right, write "as": "hours"`},
		{`{"json": "/ttl_seconds", "as": "hours"}`, `expires.json (line 1, column 76): /ttl_seconds says seconds by its name, and is read as a number of hours: if the name is right, write "as": "seconds"`},
		{`{"json": "/ttl_days"}`, `expires.json (line 1, column 76): /ttl_days says days by its name, and is read as a number of seconds: no "as" reads days; if all tokens live alike, write "fixed": "30d" or so in its place`},
		{`{"json": "/valid_for_minutes", "as": "minutes"}`, ""},
		{`{"json": "/expires_ms", "as": "unix_milliseconds"}`, ""},
		{`{"json": "/expires_seconds", "as": "unix"}`, ""},
		{`{"json": "/minutes/of/ttl"}`, ""},
		{`{"json": ""}`, ""},
		{`{"fixed": "1h"}`, ""},
	} {
		doubts := compile(t, "{"+at+c.expires+"}").Doubts()
		if c.doubt == "" {
			require.Empty(t, doubts, c.expires)
			continue
		}
		require.Equal(t, []string{c.doubt}, doubts)
	}
	doubts := compile(t, "{"+at+`{"fixed": "1h"}, "refresh": {"request": {"url": "/r"}, "expires": {"json": "/min"}}}`).Doubts()
	require.Len(t, doubts, 1)
	require.True(t, strings.HasPrefix(doubts[0], "refresh.expires.json (line 1, column "), doubts[0])
}
