// SPDX-License-Identifier: MPL-2.0

package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"testing/iotest"
)

func TestServe(t *testing.T) {
	record := filepath.Join(t.TempDir(), "issued.txt")
	base, hangUp := start(t, "-client", "shop:a:secret with spaces", "-user", "alice:pw", "-record", record)

	login := post(t, base, url.Values{"grant_type": {"password"}, "username": {"alice"}, "password": {"pw"}, "scope": {"read"}})
	refresh := url.Values{"grant_type": {"refresh_token"}, "refresh_token": {login["refresh_token"].(string)}}
	refreshed := post(t, base, refresh)
	if owner := whoami(t, base, refreshed["access_token"].(string)); owner["user"] != "alice" || owner["client_id"] != "shop" {
		t.Errorf("whoami: %v", owner)
	}
	if again := post(t, base, refresh); again["error"] != "invalid_grant" {
		t.Errorf("a refresh token used twice: %v", again)
	}

	var got stats
	var body strings.Builder
	if err := get(t.Context(), []string{base + "/stats"}, &body); err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal([]byte(body.String()), &got); err != nil {
		t.Fatal(err)
	}
	if got.TokenRequests != 3 || got.Refused != 1 || got.ByGrant["password"] != 1 || got.ByGrant["refresh_token"] != 2 {
		t.Errorf("stats: %+v", got)
	}
	issued, err := os.ReadFile(record)
	if err != nil {
		t.Fatal(err)
	}
	for _, answer := range []map[string]any{login, refreshed} {
		for _, kind := range []string{"access_token", "refresh_token"} {
			if line := kind + " " + answer[kind].(string) + "\n"; !strings.Contains(string(issued), line) {
				t.Errorf("the record lacks an %s", kind)
			}
		}
	}
	expectHangUp(t, hangUp)
}

// TestServeBoth: the two servers have ports, tokens and counts of their own, and a client may have tokens of another life.
func TestServeBoth(t *testing.T) {
	printed, hangUp := startBoth(t, "-client", "shop:a:secret with spaces", "-client-lifetime", "shop:20s", "-account", "alice:pw")
	token := post(t, printed.URL, url.Values{"grant_type": {"client_credentials"}})
	if life := token["expires_in"]; life != 19. && life != 20. {
		t.Errorf("a token of 20 s lives %v s", life)
	}
	login, err := http.Post(printed.LoginURL+"/token", "application/json", strings.NewReader(`{"Username":"alice","Password":"pw"}`))
	if err != nil {
		t.Fatal(err)
	}
	defer login.Body.Close()
	var session map[string]string
	if err := json.NewDecoder(login.Body).Decode(&session); err != nil {
		t.Fatal(err)
	}
	if owner := whoami(t, printed.LoginURL, session["securityToken"]); owner["user"] != "alice" {
		t.Errorf("whoami: %v", owner)
	}
	if owner := whoami(t, printed.LoginURL, token["access_token"].(string)); owner["message"] == nil {
		t.Errorf("the API takes a token of the other server: %v", owner)
	}
	for base, want := range map[string]string{printed.URL: `{"token_requests":1,"refused":0,`, printed.LoginURL: `{"token_requests":1,"refused":0,"api_requests":2}`} {
		var body strings.Builder
		if err := get(t.Context(), []string{base + "/stats"}, &body); err != nil || !strings.HasPrefix(body.String(), want) {
			t.Errorf("stats: %s, %v", body.String(), err)
		}
	}
	expectHangUp(t, hangUp)
	for _, base := range []string{printed.URL, printed.LoginURL} {
		if err := get(t.Context(), []string{base + "/stats"}, io.Discard); err == nil {
			t.Errorf("%s answers still", base)
		}
	}
}

func TestServeRefuses(t *testing.T) {
	for name, args := range map[string][]string{
		"an address that is not loopback": {"-addr", "0.0.0.0:0"},
		"a client without a secret":       {"-client", "shop"},
		"an argument too many":            {"shop"},
		"a life of nobody":                {"-client", "shop:pw", "-client-lifetime", "ship:20s"},
		"a life that is no time":          {"-client", "shop:pw", "-client-lifetime", "shop:soon"},
		"an API's address, and no API":    {"-login-addr", "127.0.0.1:0"},
		"an API that is not on loopback":  {"-account", "alice:pw", "-login-addr", "0.0.0.0:0"},
		"a flag that there is not":        {"-port", "9000"},
	} {
		if err := serve(t.Context(), args, strings.NewReader(""), io.Discard, io.Discard); err == nil {
			t.Errorf("%s is accepted", name)
		}
	}
}

// TestServeSaysWhyItEnds: a signal is told from an input that closed. The signal's name is what main's context ends with.
func TestServeSaysWhyItEnds(t *testing.T) {
	ctx, signal := context.WithCancelCause(t.Context())
	stdin, keep := io.Pipe()
	defer keep.Close()
	signal(errors.New("interrupt signal received"))
	var stderr strings.Builder
	if err := serve(ctx, nil, stdin, io.Discard, &stderr); err != nil || stderr.String() != "authserver ends: interrupt signal received\n" {
		t.Errorf("told to end, it says %q, %v", stderr.String(), err)
	}
}

// TestHungUp: a background process reads nothing from its terminal, which is no end of it.
func TestHungUp(t *testing.T) {
	if hungUp(iotest.ErrReader(&os.PathError{Op: "read", Path: "/dev/stdin", Err: syscall.EIO})) {
		t.Error("a terminal that may not be read is taken for one that has closed")
	}
	if !hungUp(strings.NewReader("some text")) || !hungUp(iotest.ErrReader(syscall.EBADF)) {
		t.Error("an input that has ended is waited for")
	}
}

// TestUsage: every use and every flag is in it, under the name that everybody builds it with.
func TestUsage(t *testing.T) {
	var out strings.Builder
	if err := serve(t.Context(), []string{"-h"}, strings.NewReader(""), &out, io.Discard); !errors.Is(err, flag.ErrHelp) {
		t.Fatal(err)
	}
	for _, want := range []string{"authserver get URL", "authserver port", "authserver guard", "standard input closes", "sleep 3600 | authserver", "-login-addr", "-scopes"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("the usage has no %q:\n%s", want, out.String())
		}
	}
	if strings.Contains(out.String(), "demo") {
		t.Errorf("it has another name:\n%s", out.String())
	}
}

// start runs the server. The function returned closes its standard input, waits for it to end, and returns what it said on stderr.
func start(t *testing.T, args ...string) (base string, hangUp func() (string, error)) {
	t.Helper()
	printed, hangUp := startBoth(t, args...)
	return printed.URL, hangUp
}

func expectHangUp(t *testing.T, hangUp func() (string, error)) {
	t.Helper()
	said, err := hangUp()
	if err != nil || !strings.HasPrefix(said, "authserver ends: its standard input has closed") {
		t.Errorf("after its input closed it says %q, %v", said, err)
	}
}

func startBoth(t *testing.T, args ...string) (printed ready, hangUp func() (string, error)) {
	t.Helper()
	stdin, keep := io.Pipe()
	lines, stdout := io.Pipe()
	ended := make(chan error, 1)
	var stderr strings.Builder // read when it has ended
	go func() {
		err := serve(t.Context(), args, stdin, stdout, &stderr)
		stdout.Close()
		ended <- err
	}()
	line, err := bufio.NewReader(lines).ReadBytes('\n')
	if err != nil {
		t.Fatal(err, <-ended)
	}
	if err := json.Unmarshal(line, &printed); err != nil {
		t.Fatal(err)
	}
	return printed, func() (string, error) { keep.Close(); err := <-ended; return stderr.String(), err }
}

func post(t *testing.T, base string, form url.Values) map[string]any {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, base+"/token", strings.NewReader(form.Encode()))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	req.SetBasicAuth("shop", url.QueryEscape("a:secret with spaces"))
	return answer(t, req)
}

func whoami(t *testing.T, base, token string) map[string]any {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, base+"/api/whoami", nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+token)
	return answer(t, req)
}

func answer(t *testing.T, req *http.Request) map[string]any {
	t.Helper()
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	var body map[string]any
	if err := json.NewDecoder(res.Body).Decode(&body); err != nil {
		t.Fatal(err)
	}
	return body
}
