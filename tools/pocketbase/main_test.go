// SPDX-License-Identifier: MPL-2.0

package main

import (
	"bufio"
	"encoding/json"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

const password = `a"}],'&<>%s and a space`

func TestServe(t *testing.T) {
	dir := t.TempDir()
	record := filepath.Join(dir, "issued.txt")
	base, hangUp := start(t, "-data", filepath.Join(dir, "data"), "-user", "alice@example.com", "-password", password, "-record", record)

	status, login := call(t, base+"/api/collections/users/auth-with-password", "", map[string]string{"identity": "alice@example.com", "password": password})
	if status != http.StatusOK {
		t.Fatalf("login: %d %v", status, login)
	}
	token := login["token"].(string)
	status, refreshed := call(t, base+"/api/collections/users/auth-refresh", token, nil)
	if status != http.StatusOK || refreshed["token"] == "" {
		t.Errorf("refresh: %d %v", status, refreshed)
	}
	if status, _ := call(t, base+"/api/collections/users/auth-refresh", "", nil); status != http.StatusUnauthorized {
		t.Errorf("a refresh without a token is answered %d", status)
	}
	status, _ = call(t, base+"/api/collections/users/auth-with-password", "", map[string]string{"identity": "alice@example.com", "password": "wrong"})
	if status != http.StatusBadRequest {
		t.Errorf("a wrong password is answered %d", status)
	}
	status, _ = call(t, base+"/api/collections/_superusers/auth-with-password", "", map[string]string{"identity": "root@example.com", "password": password})
	if status != http.StatusOK {
		t.Errorf("the superuser's login is answered %d", status)
	}

	res, err := http.Get(base + "/stats")
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	var got stats
	if err := json.NewDecoder(res.Body).Decode(&got); err != nil {
		t.Fatal(err)
	}
	if got.TokenRequests != 5 || got.ByGrant["auth-with-password"] != 3 || got.ByGrant["auth-refresh"] != 2 {
		t.Errorf("stats: %+v", got)
	}
	issued, err := os.ReadFile(record)
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(issued), "access_token "+token+"\n") || strings.Count(string(issued), "\n") != 3 {
		t.Error("the record lacks a token")
	}
	if err := hangUp(); err != nil {
		t.Errorf("after its input closed: %v", err)
	}
}

func TestServeRefuses(t *testing.T) {
	for name, args := range map[string][]string{
		"an address that is not loopback": {"-addr", "0.0.0.0:0", "-data", t.TempDir()},
		"no data directory":               {"-password", password},
		"a short password":                {"-data", t.TempDir(), "-password", "short"},
		"an argument too many":            {"-data", t.TempDir(), "alice"},
	} {
		if err := serve(t.Context(), args, strings.NewReader(""), io.Discard); err == nil {
			t.Errorf("%s is accepted", name)
		}
	}
}

// start runs the server. The function returned closes its standard input and waits for it to end.
func start(t *testing.T, args ...string) (base string, hangUp func() error) {
	t.Helper()
	stdin, keep := io.Pipe()
	lines, stdout := io.Pipe()
	ended := make(chan error, 1)
	go func() {
		err := serve(t.Context(), args, stdin, stdout)
		stdout.Close()
		ended <- err
	}()
	line, err := bufio.NewReader(lines).ReadBytes('\n')
	if err != nil {
		t.Fatal(err, <-ended)
	}
	var printed ready
	if err := json.Unmarshal(line, &printed); err != nil {
		t.Fatal(err)
	}
	return printed.URL, func() error { keep.Close(); return <-ended }
}

func call(t *testing.T, url, authorization string, body any) (int, map[string]any) {
	t.Helper()
	text, err := json.Marshal(body)
	if err != nil {
		t.Fatal(err)
	}
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, url, strings.NewReader(string(text)))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	if authorization != "" {
		req.Header.Set("Authorization", authorization)
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	var answer map[string]any
	if err := json.NewDecoder(res.Body).Decode(&answer); err != nil {
		t.Fatal(err)
	}
	return res.StatusCode, answer
}
