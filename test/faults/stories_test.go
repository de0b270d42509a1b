// SPDX-License-Identifier: MPL-2.0

package faults_test

import (
	"flag"
	"fmt"
	"net/http"
	"os"
	"testing"
	"time"

	"github.com/hashicorp/vault/sdk/logical"
	"github.com/stretchr/testify/require"

	"github.com/seed-6323ea89/vault-plugin-secrets-oauth/internal/oauthtest"
)

// trouble is a fault and what the engine makes of it.
type trouble struct {
	name string
	fault
	says  string // what a failed read says: a regular expression; "": the fault is none to the engine
	login string // the same for flow login, where that differs
	acted bool   // the server may have acted on the request
	hangs bool   // for as long as the config allows
	heavy bool   // much to read: two flows have to do
}

func (tr trouble) words(f flow) string {
	if f.name == "login" && tr.login != "" {
		return tr.login
	}
	return tr.says
}

// TestMain lets more stories run at a time than there are processors: they wait most of the time, for a retry after 2 s and 8 s.
func TestMain(m *testing.M) {
	if err := flag.Set("test.parallel", "160"); err != nil {
		panic(err)
	}
	code := m.Run()
	if left := waitForEnd(); left != "" {
		fmt.Println("goroutines of the engine, after all mounts have ended:\n" + left)
		code = 1
	}
	os.Exit(code)
}

// stories takes each trouble through each flow: with a role that has a good
// token, one that never had any, one that is tried, and, if asked for, one whose
// token ends.
func stories(t *testing.T, troubles []trouble, ends bool) {
	t.Parallel()
	busy := make(chan struct{}, 6)
	tales := map[string]func(*story){"good token": (*story).goodToken, "no token": (*story).noToken, "trial": (*story).trial}
	if ends && !testing.Short() {
		tales["token that ends"] = (*story).tokenThatEnds
	}
	for _, tr := range troubles {
		for _, f := range flows() {
			if (testing.Short() || tr.heavy) && f.name != imported && f.name != "login" {
				continue
			}
			for name, tell := range tales {
				if name == "trial" && (f.name == imported || f.name == "password") { // the first would spend its refresh token
					continue
				}
				t.Run(tr.name+"/"+f.name+"/"+name, func(t *testing.T) {
					t.Parallel()
					grace := time.Duration(0)
					if tr.acted {
						grace = time.Hour // or the answer that was lost would be the grant's end, whatever is done
					}
					busy <- struct{}{}
					defer func() { <-busy }()
					tell(&story{newMount(t, oauthtest.Rotation(grace, true)), tr, f, busy})
				})
			}
		}
	}
}

type story struct {
	*mount
	trouble
	flow flow
	busy chan struct{} // it has a place in here
}

// aside leaves the place to others for as long as there is more to wait for than
// to do. Without places a busy machine would be late for the times of the engine.
func (s *story) aside(wait func()) {
	<-s.busy
	defer func() { s.busy <- struct{}{} }()
	wait()
}

func (s *story) harmless() bool { return s.words(s.flow) == "" }

// breaks begins the fault.
func (s *story) breaks() {
	if s.hangs {
		s.write("config/"+s.flow.config, fields{"request_timeout": 2})
	}
	s.proxy.set(s.fault)
}

// fixed is a write to the config that changes it, and so ends any waiting.
func (s *story) fixed() {
	s.write("config/"+s.flow.config, fields{"request_timeout": 0, "description": "fixed"})
}

// goodToken: it goes on being served while its replacement fails, with a warning.
func (s *story) goodToken() {
	s.role("r", s.flow, 0)
	good := s.read("r")
	require.True(s.t, good.ok(), good.failure)
	require.Empty(s.t, good.warnings)
	received, from := s.received(), s.server.Requests()

	s.breaks()
	var renewed outcome
	s.aside(func() { renewed = s.patient(s.renew, "r") })
	require.True(s.t, renewed.ok(), renewed.failure)
	if s.harmless() {
		require.NotEqual(s.t, good.token, renewed.token)
		require.Empty(s.t, renewed.warnings)
		received = s.received()
		from = s.server.Requests()
	} else {
		require.Equal(s.t, good.token, renewed.token)
		require.Contains(s.t, renewed.warnings, "this token is still good, but replacing it failed")
		require.Regexp(s.t, s.words(s.flow), renewed.warnings)
	}
	require.Equal(s.t, renewed.token, s.ask(logical.ReadOperation, "creds/r").token)

	s.proxy.set(fault{})
	s.fixed()
	after := s.renew("r")
	require.True(s.t, after.ok(), after.failure)
	require.Empty(s.t, after.warnings)
	require.NotEqual(s.t, renewed.token, after.token)
	s.lostNone(received, from)
}

// tokenThatEnds: it is served until then, which ask sees to, and no longer.
func (s *story) tokenThatEnds() {
	s.server.ExpiresIn("1")
	s.role("r", s.flow, 0)
	good := s.read("r")
	for range 20 { // a busy machine may not see it before it ends
		if !good.ok() {
			good = s.renew("r")
		}
	}
	require.True(s.t, good.ok(), good.failure)
	received, from := s.received(), s.server.Requests()
	s.server.ExpiresIn("3600")
	s.breaks()
	s.aside(func() {
		for ends := s.server.Ends(good.token); time.Now().Before(ends); time.Sleep(100 * time.Millisecond) {
			s.read("r")
		}
	})
	s.failsAndRecovers(received, from)
}

// noToken: the server is left in peace after a failure.
func (s *story) noToken() {
	s.role("r", s.flow, 0)
	received, from := s.received(), s.server.Requests()
	s.breaks()
	s.failsAndRecovers(received, from)
}

// trial: roles/r/test shows what was sent and answered, and no secret.
func (s *story) trial() {
	s.role("r", s.flow, 0)
	s.breaks()
	var resp *logical.Response
	var err error
	s.aside(func() { resp, err = s.do(logical.UpdateOperation, "roles/r/test", nil) })
	require.NoError(s.t, err)
	text := fmt.Sprint(resp.Data, resp.Warnings)
	_, _ = s.said.Write([]byte(text))
	require.Equal(s.t, s.harmless(), resp.Data["ok"], text)
	require.Contains(s.t, resp.Data["trace"], "1. POST "+s.proxy.URL)
	require.NotContains(s.t, resp.Data["trace"], "2. ")
	require.Regexp(s.t, s.words(s.flow), resp.Data["failure"])
}

func (s *story) failsAndRecovers(received string, from int) {
	if s.harmless() {
		o := s.read("r")
		require.True(s.t, o.ok(), o.failure)
		return
	}
	s.aside(func() {
		s.fails(s.patient(s.read, "r"))
		asked, met := s.proxy.asked.Load(), s.proxy.met.Load()
		s.fails(s.read("r"))
		s.proxy.set(fault{})
		s.fails(s.ask(logical.ReadOperation, "creds/r"))
		require.Equal(s.t, asked, s.proxy.asked.Load(), "the server is left in peace")
		require.Equal(s.t, met, s.proxy.met.Load(), "the server is left in peace")
	})
	lifted := s.lift()
	require.True(s.t, lifted.ok(), lifted.failure)
	require.Empty(s.t, lifted.warnings)
	require.Equal(s.t, lifted.token, s.read("r").token)
	s.lostNone(received, from)
}

// fails holds a failed read against the words it owes its reader.
func (s *story) fails(o outcome) {
	s.t.Helper()
	require.False(s.t, o.ok(), "a token was served")
	require.Contains(s.t, o.failure, "no token for role r: ")
	require.Contains(s.t, o.failure, s.proxy.address)
	require.Regexp(s.t, s.words(s.flow), o.failure)
	if o.code == http.StatusBadRequest {
		require.Contains(s.t, o.failure, "Action required by an operator: ")
		return
	}
	require.Equal(s.t, http.StatusBadGateway, o.code, o.failure)
	require.Contains(s.t, o.failure, "between Vault and the server")
}

// lift ends the engine's waiting by a write that changes config or role, or by
// asking for a renewal, which does not help a refused account.
func (s *story) lift() outcome {
	s.t.Helper()
	switch {
	case s.hangs:
		s.fixed()
	case s.flow.account:
		s.write("roles/r", fields{"description": "fixed", "verify": "off"})
	default:
		return s.renew("r")
	}
	return s.read("r")
}

// received is the refresh token that arrived last, as long as no answer was lost.
func (s *story) received() string {
	_, all := s.server.Tokens()
	if len(all) == 0 {
		return ""
	}
	return s.server.Grant(all[0]).Newest
}

// lostNone: since the server was asked that often, each refresh up to the first
// one that worked was tried with the newest refresh token that had arrived, and
// nothing was sent that ends a grant.
func (s *story) lostNone(received string, from int) {
	s.t.Helper()
	if !s.flow.refreshes || received == "" {
		return
	}
	sent := s.refreshes(from)
	if s.flow.name == imported {
		require.NotEmpty(s.t, sent)
	}
	for _, token := range sent {
		require.Equal(s.t, received, token)
	}
	grant := s.server.Grant(received)
	require.False(s.t, grant.Revoked)
	require.Zero(s.t, grant.Reused)
}
