// SPDX-License-Identifier: MPL-2.0

package login

import (
	"encoding/base64"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// jwt is a token with the given claims, as JSON.
func jwt(claims string) string {
	part := base64.RawURLEncoding.EncodeToString
	return part([]byte(`{"alg":"none"}`)) + "." + part([]byte(claims)) + ".c2ln"
}

const (
	someLife  = 5*time.Hour + 30*time.Minute
	tooLong   = "expires: the answer says more than ten years; the engine takes it as ten years"
	isPast    = "expires: the answer names a time before the request; compare the clocks of this machine and the server"
	unsettled = "; so it is unknown when the token expires"
)

func TestExpirySpellings(t *testing.T) {
	at := func(d time.Duration) time.Time { return now.Add(d) }
	unix := now.Add(someLife).Unix()
	for _, c := range []struct {
		as, value string // JSON
		want      time.Time
		warning   string
	}{
		{"", `19800`, at(someLife), ""},
		{"", `"19800"`, at(someLife), ""},
		{"seconds", `1.98e4`, at(someLife), ""},
		{"seconds", `" 19800.0 "`, at(someLife), ""},
		{"seconds", `0.5`, at(500 * time.Millisecond), ""},
		{"milliseconds", `19800000`, at(someLife), ""},
		{"milliseconds", `"1.5"`, at(1500 * time.Microsecond), ""},
		{"minutes", `330`, at(someLife), ""},
		{"hours", `"5.5"`, at(someLife), ""},
		{"duration", `"05:30:00"`, at(someLife), ""},
		{"duration", `"100:00:00"`, at(100 * time.Hour), ""},
		{"duration", `"0:00:01.5000000"`, at(1500 * time.Millisecond), ""},
		{"duration", `"5h30m"`, at(someLife), ""},
		{"date", `"2026-11-24T17:30:00Z"`, at(someLife), ""},
		{"date", `"2026-11-24t17:30:00z"`, at(someLife), ""},
		{"date", `"2026-11-24 17:30:00"`, at(someLife), ""},
		{"date", `"2026-11-24T17:30:00"`, at(someLife), ""},
		{"date", `"2026-11-24T17:30"`, at(someLife), ""},
		{"date", `"2026-11-24T19:30:00+02:00"`, at(someLife), ""},
		{"date", `"2026-11-24T19:30:00+0200"`, at(someLife), ""},
		{"date", `"2026-11-24 19:30:00 +0200"`, at(someLife), ""},
		{"date", `"2026-11-24T17:30:00 UTC"`, at(someLife), ""},
		{"date", `"2026-11-24T17:30:00.1Z"`, at(someLife + 100*time.Millisecond), ""},
		{"date", `"2026-11-24T17:30:00.123456789012345Z"`, at(someLife + 123456789), ""},
		{"date", `"2026-11-24T17:30:00.5+0000"`, at(someLife + 500*time.Millisecond), ""},
		{"date", `"Tue, 24 Nov 2026 17:30:00 GMT"`, at(someLife), ""},
		{"date", `"Tue, 24 Nov 2026 19:30:00 +0200"`, at(someLife), ""},
		{"date", `"Tuesday, 24-Nov-26 17:30:00 GMT"`, at(someLife), ""},
		{"unix", fmt.Sprint(unix), at(someLife), ""},
		{"unix", fmt.Sprintf(`"%d"`, unix), at(someLife), ""},
		{"unix", fmt.Sprintf("%d.5", unix), at(someLife + 500*time.Millisecond), ""},
		{"unix_milliseconds", fmt.Sprintf("%d123", unix), at(someLife + 123*time.Millisecond), ""},
		// The ends.
		{"seconds", `0`, now, ""},
		{"seconds", `-1`, now, ""},
		{"seconds", `-0.5`, now, ""},
		{"seconds", `-1e999`, now, ""},
		{"duration", `"-5m"`, now, ""},
		{"duration", `"00:00:00"`, now, ""},
		{"seconds", `315360000`, at(maxLife), ""},
		{"seconds", `315360000.5`, at(maxLife), tooLong},
		{"seconds", `315360001`, at(maxLife), tooLong},
		{"seconds", `1e300`, at(maxLife), tooLong + `; if it is meant as unix, write "as": "unix"`},
		{"seconds", `1e999`, at(maxLife), tooLong + `; if it is meant as unix, write "as": "unix"`},
		{"hours", `1e999`, at(maxLife), tooLong},
		{"duration", `"999999999:00:00"`, at(maxLife), tooLong},
		{"duration", `"2562047h"`, at(maxLife), tooLong},
		{"unix", `1`, now, isPast},
		{"unix", `-1e999`, now, isPast},
		{"unix", fmt.Sprint(now.Unix()), now, ""},
		{"unix", fmt.Sprint(now.Unix() - 1), now, isPast},
		{"unix", fmt.Sprint(now.Unix() + int64(maxLife/time.Second)), at(maxLife), ""},
		{"unix", fmt.Sprint(now.Unix() + int64(maxLife/time.Second) + 1), at(maxLife), tooLong},
		{"unix", fmt.Sprintf("%d000", unix), at(maxLife), tooLong + `; if it is meant as unix_milliseconds, write "as": "unix_milliseconds"`},
		{"unix_milliseconds", `1e999`, at(maxLife), tooLong},
		{"unix_milliseconds", fmt.Sprint(unix), now, isPast},
		{"date", `"2026-11-24T11:59:59Z"`, now, isPast},
		{"date", `"9999-12-31T23:59:59Z"`, at(maxLife), tooLong},
		{"date", `"0001-01-01T00:00:00Z"`, now, isPast},
		// Unreadable: the token stays.
		{"seconds", `null`, time.Time{}, "expires: nothing at /e" + unsettled},
		{"seconds", `""`, time.Time{}, "expires: nothing at /e" + unsettled},
		{"seconds", `true`, time.Time{}, "expires: /e is true" + unsettled},
		{"seconds", `[1, 2]`, time.Time{}, "expires: /e is a list of 2" + unsettled},
		{"seconds", `{"in": 1}`, time.Time{}, "expires: /e is an object with the keys in" + unsettled},
		{"seconds", `"soon"`, time.Time{}, "expires: /e is a text of 4 characters, and not a number of seconds" + unsettled},
		{"seconds", `"0x10"`, time.Time{}, "expires: /e is a text of 4 characters, and not a number of seconds" + unsettled},
		{"seconds", `"NaN"`, time.Time{}, "expires: /e is a text of 3 characters, and not a number of seconds" + unsettled},
		{"seconds", `"1_000"`, time.Time{}, "expires: /e is a text of 5 characters, and not a number of seconds" + unsettled},
		{"duration", `"00:60:00"`, time.Time{}, "expires: /e is a text of 8 characters, and not a duration" + unsettled},
		{"duration", `60`, time.Time{}, "expires: /e is a number, and not a duration" + unsettled},
		{"duration", `"0"`, time.Time{}, "expires: /e is a text of 1 character, and not a duration" + unsettled},
		{"date", `19800`, time.Time{}, "expires: /e is a number, and not a date" + unsettled},
		{"date", `"24.11.2026"`, time.Time{}, "expires: /e is a text of 10 characters, and not a date" + unsettled},
		{"date", `"2026-13-24T17:30:00Z"`, time.Time{}, "expires: /e is a text of 20 characters, and not a date" + unsettled},
		{"date", `"2026-11-24 noon"`, time.Time{}, "expires: /e is a text of 15 characters, and not a date" + unsettled},
		{"unix", `"` + strings.Repeat("9", 65) + `"`, time.Time{}, "expires: /e is a text of 65 characters, and not seconds since 1970" + unsettled},
		{"unix", strings.Repeat("9", 65), time.Time{}, "expires: /e is a number" + unsettled},
	} {
		expires := `{"json": "/e"}`
		if c.as != "" {
			expires = `{"json": "/e", "as": "` + c.as + `"}`
		}
		r := read(t, withRest(`"token": {"json": "/t"}, "expires": `+expires), said(`{"t": "x", "e": `+c.value+`}`))
		name := c.as + " " + c.value
		require.Equal(t, "x", r.Token.Reveal(), name)
		require.Equal(t, c.want, r.Expires, name)
		if c.warning == "" {
			require.Empty(t, r.Warnings, name)
		} else {
			require.Equal(t, []string{c.warning}, r.Warnings, name)
		}
		require.Len(t, r.Found, 2, name)
	}
}

func TestExpiryInAHeader(t *testing.T) {
	document := withRest(`"token": {"json": "/t"}, "expires": {"header": "x-expires", "as": "date"}`)
	a := said(`{"t": "x"}`)
	a.Header.Set("X-Expires", "Tue, 24 Nov 2026 17:30:00 GMT")
	r := read(t, document, a)
	require.Equal(t, now.Add(someLife), r.Expires)
	require.Equal(t, []string{"token: /t matched a text of 1 character", "expires: the header X-Expires, a date: 2026-11-24T17:30:00Z"}, r.Found)
	r = read(t, document, said(`{"t": "x"}`))
	require.Zero(t, r.Expires)
	require.Equal(t, []string{"expires: nothing in the header X-Expires" + unsettled}, r.Warnings)
}

func TestOtherExpiries(t *testing.T) {
	end := now.Add(time.Hour)
	good := jwt(fmt.Sprintf(`{"exp":%d}`, end.Unix()))
	for _, c := range []struct {
		expires, token string
		want           time.Time
		found, warning string
	}{
		{``, "opaque", time.Time{}, "expires: the document does not say, and the token is no JWT", ""},
		{``, "a.b.c", time.Time{}, "expires: the document does not say, and the token is no JWT", ""},
		{``, "e30.e30.", time.Time{}, "expires: the document does not say, and the token, a JWT, has no exp", ""},
		{``, "bnVsbA.bnVsbA.", time.Time{}, "expires: the document does not say, and the token is no JWT", ""},
		{``, "e30.bnVsbA.", time.Time{}, "expires: the document does not say, and the token is no JWT", ""},
		{``, good, end, "expires: exp of the token, a JWT: 2026-11-24T13:00:00Z", ""},
		{``, jwt(fmt.Sprintf(`{"exp":"%d"}`, end.Unix())), end, "expires: exp of the token, a JWT: 2026-11-24T13:00:00Z", ""},
		{``, jwt(`{"exp":1}`), now, "expires: exp of the token, a JWT: 2026-11-24T12:00:00Z", isPast},
		{`"expires": {"jwt": true},`, good, end, "expires: exp of the token, a JWT: 2026-11-24T13:00:00Z", ""},
		{`"expires": {"jwt": true},`, jwt(`{"exp":1e99}`), now.Add(maxLife), "expires: exp of the token, a JWT: 2036-11-21T12:00:00Z", tooLong},
		{`"expires": {"jwt": true},`, "opaque", time.Time{}, "expires: the token is no JWT", "expires: the token is no JWT" + unsettled},
		{`"expires": {"jwt": true},`, jwt(`{"exp":true}`), time.Time{}, "expires: the token is a JWT without a readable exp", "expires: the token is a JWT without a readable exp" + unsettled},
		{`"expires": {"fixed": "14d"},`, good, now.Add(14 * day), "expires: 336h0m0s, fixed by the document: 2026-12-08T12:00:00Z", ""},
	} {
		r := read(t, withRest(c.expires+`"token": {"body": true}`), said(c.token))
		require.Equal(t, c.want, r.Expires, c)
		require.Equal(t, c.found, r.Found[1], c)
		if c.warning == "" {
			require.Empty(t, r.Warnings, c)
		} else {
			require.Equal(t, []string{c.warning}, r.Warnings, c)
		}
	}
}
