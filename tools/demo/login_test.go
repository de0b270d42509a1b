// SPDX-License-Identifier: MPL-2.0

package main

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

func TestLoginAPI(t *testing.T) {
	issued := filepath.Join(t.TempDir(), "issued.txt")
	synctest.Test(t, func(t *testing.T) {
		api := newLoginAPI(options{accounts: pairs{"alice": "pw", "bob": "a:b"}, accountLifetime: time.Minute, record: issued})

		alice := logIn(t, api, `{"Username":"alice","Password":"pw"}`)
		time.Sleep(30 * time.Second)
		bob := logIn(t, api, `{"Username":"bob","Password":"a:b"}`)
		expect(t, ask(api, "Bearer "+alice), http.StatusOK, `{"user":"alice"}`)
		time.Sleep(30*time.Second - 1)
		expect(t, ask(api, "Bearer "+alice), http.StatusOK, `{"user":"alice"}`)
		time.Sleep(time.Nanosecond)
		expect(t, ask(api, "Bearer "+alice), http.StatusUnauthorized, `{"message":"no such token, or no more"}`)
		expect(t, ask(api, "bearer "+bob), http.StatusOK, `{"user":"bob"}`)
		for _, header := range []string{"", "Bearer", "Bearer ", bob, "Basic " + bob, "Bearer " + bob + "x"} {
			expect(t, ask(api, header), http.StatusUnauthorized, `{"message":"no such token, or no more"}`)
		}

		if again := logIn(t, api, `{"Username":"alice","Password":"pw"}`); again == alice {
			t.Error("two logins got the same token")
		}
		expect(t, call(api, http.MethodGet, "/stats", "", ""), http.StatusOK, `{"token_requests":3,"refused":0,"api_requests":10}`)
		record, err := os.ReadFile(issued)
		if err != nil {
			t.Fatal(err)
		}
		if !strings.HasPrefix(string(record), "access_token "+alice+"\naccess_token "+bob+"\n") {
			t.Errorf("the record is %q", record)
		}
	})
}

func TestLoginAPIRefuses(t *testing.T) {
	const asJSON = "application/json"
	api := newLoginAPI(options{accounts: pairs{"alice": "pw"}, accountLifetime: time.Minute})
	for name, c := range map[string]struct {
		kind, body string
		status     int
	}{
		"a wrong password":       {asJSON, `{"Username":"alice","Password":"pw\n"}`, http.StatusUnauthorized},
		"no password":            {asJSON, `{"Username":"alice"}`, http.StatusUnauthorized},
		"a user that is unknown": {asJSON, `{"Username":"mallory","Password":"pw"}`, http.StatusUnauthorized},
		"nobody":                 {asJSON, `{}`, http.StatusUnauthorized},
		"a body that is no JSON": {asJSON, `Username=alice&Password=pw`, http.StatusBadRequest},
		"a number as password":   {asJSON, `{"Username":"alice","Password":1}`, http.StatusBadRequest},
		"a form":                 {"application/x-www-form-urlencoded", `{"Username":"alice","Password":"pw"}`, http.StatusUnsupportedMediaType},
		"too much":               {asJSON, `{"Username":"alice","Password":"` + strings.Repeat("x", 1<<16) + `"}`, http.StatusBadRequest},
	} {
		got := call(api, http.MethodPost, "/token", c.kind, c.body)
		if got.Code != c.status {
			t.Errorf("%s is answered %d, want %d", name, got.Code, c.status)
		}
		var refusal struct{ Message, SecurityToken string }
		if err := json.Unmarshal(got.Body.Bytes(), &refusal); err != nil || refusal.Message == "" || refusal.SecurityToken != "" {
			t.Errorf("%s is answered %s", name, got.Body)
		}
	}
	expect(t, call(api, http.MethodGet, "/stats", "", ""), http.StatusOK, `{"token_requests":8,"refused":8,"api_requests":0}`)
}

// All that follows from one login ends with it, however often it was refreshed.
func TestASessionEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		api := newLoginAPI(options{accounts: pairs{"alice": "pw"}, accountLifetime: time.Minute, accountSession: 150 * time.Second})
		var held struct {
			SecurityToken, RefreshToken string
			ExpiresIn                   int
		}
		take := func(got *httptest.ResponseRecorder) {
			t.Helper()
			held.RefreshToken = ""
			if err := json.Unmarshal(got.Body.Bytes(), &held); err != nil || got.Code != http.StatusOK || held.RefreshToken == "" || held.ExpiresIn != 60 {
				t.Fatalf("answered %d %s", got.Code, got.Body)
			}
		}
		refresh := func(token string) *httptest.ResponseRecorder {
			return call(api, http.MethodPost, "/refresh", "application/json", `{"refreshToken":"`+token+`"}`)
		}
		take(call(api, http.MethodPost, "/token", "application/json", `{"Username":"alice","Password":"pw"}`))
		for range 2 {
			time.Sleep(time.Minute)
			used := held.RefreshToken
			take(refresh(used))
			expect(t, ask(api, "Bearer "+held.SecurityToken), http.StatusOK, `{"user":"alice"}`)
			expect(t, refresh(used), http.StatusUnauthorized, `{"message":"the session has ended: log in again"}`)
		}
		time.Sleep(30 * time.Second)
		expect(t, ask(api, "Bearer "+held.SecurityToken), http.StatusUnauthorized, `{"message":"no such token, or no more"}`)
		expect(t, refresh(held.RefreshToken), http.StatusUnauthorized, `{"message":"the session has ended: log in again"}`)
		expect(t, refresh(""), http.StatusUnauthorized, `{"message":"the session has ended: log in again"}`)
		expect(t, call(api, http.MethodGet, "/stats", "", ""), http.StatusOK, `{"token_requests":1,"refused":4,"api_requests":3,"refreshes":6}`)
	})
}

// logIn returns the token.
func logIn(t *testing.T, api http.Handler, body string) string {
	t.Helper()
	got := call(api, http.MethodPost, "/token", "application/json; charset=utf-8", body)
	var answer struct{ SecurityToken string }
	if err := json.Unmarshal(got.Body.Bytes(), &answer); err != nil || got.Code != http.StatusOK || answer.SecurityToken == "" {
		t.Fatalf("the login is answered %d %s", got.Code, got.Body)
	}
	return answer.SecurityToken
}

func ask(api http.Handler, authorization string) *httptest.ResponseRecorder {
	return call(api, http.MethodGet, "/api/whoami", "", "", "Authorization", authorization)
}

// call makes a request; headers are names and values in turn.
func call(api http.Handler, method, path, kind, body string, headers ...string) *httptest.ResponseRecorder {
	req := httptest.NewRequest(method, path, strings.NewReader(body))
	req.Header.Set("Content-Type", kind)
	for i := 0; i < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
	}
	recorder := httptest.NewRecorder()
	api.ServeHTTP(recorder, req)
	return recorder
}

func expect(t *testing.T, got *httptest.ResponseRecorder, status int, body string) {
	t.Helper()
	if got.Code != status || strings.TrimSpace(got.Body.String()) != body {
		t.Errorf("answered %d %s, want %d %s", got.Code, got.Body, status, body)
	}
}
