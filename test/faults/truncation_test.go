// SPDX-License-Identifier: MPL-2.0

package faults_test

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/seed-6323ea89/vault-plugin-secrets-oauth/internal/oauthtest"
)

// TestTruncation has a role for each byte of an answer, which ends there for this
// role. Its good token goes on being served; afterwards the role works, and has
// sent the newest refresh token that had arrived. The end of an answer is marked
// in one of three ways (RFC 9112 section 6.3). The roles are spread over mounts:
// one host must not fail 20 times in a row, or it is asked now and then only.
func TestTruncation(t *testing.T) {
	t.Parallel()
	busy := make(chan struct{}, 8)
	for _, c := range []struct {
		framing, flow string
		step          int // through the header; the body is cut at every byte
	}{
		{"length", imported, 1}, {"close", imported, 32}, {"chunks", imported, 32},
		{"length", "password", 32}, {"length", "client_credentials", 32}, {"close", "login", 32},
	} {
		t.Run(c.framing+"/"+c.flow, func(t *testing.T) {
			t.Parallel()
			answer := cutAnswer{framing: c.framing, busy: busy, refreshed: new(atomic.Int64)}
			for _, f := range flows() {
				if f.name == c.flow {
					answer.flow = f
				}
			}
			measured := answer.on(t)
			measured.measure()
			answer = measured.cutAnswer
			if answer.flow.refreshes {
				t.Cleanup(func() { require.Greater(t, int(answer.refreshed.Load()), (answer.size-answer.body)/5) })
			}
			for bytes := range slices.Chunk(answer.ends(c.step), answer.together()) {
				t.Run(fmt.Sprint("from ", bytes[0]), func(t *testing.T) {
					t.Parallel()
					answer.on(t).cut(bytes)
				})
			}
		})
	}
}

// cutAnswer is the answer to one flow, and how its end is marked.
type cutAnswer struct {
	flow      flow
	framing   string
	body      int           // where it begins in an answer
	size      int           // of an answer
	busy      chan struct{} // for what needs the processor, and does not wait
	refreshed *atomic.Int64 // refresh tokens that were sent after the fault
}

// on is the answer on a mount of its own.
func (c cutAnswer) on(t *testing.T) *truncation {
	return &truncation{cutAnswer: c, mount: newMount(t, oauthtest.Rotation(time.Hour, true)), arrived: map[int]string{}}
}

// ends are the numbers of bytes after which an answer ends: all of its body, and every so many of its header.
func (c cutAnswer) ends(step int) (all []int) {
	for n := 0; n <= c.size; {
		all = append(all, n)
		switch {
		case n < c.body:
			n += min(step, c.body-n)
		case testing.Short():
			n += min(5, max(1, c.size-n))
		default:
			n++
		}
	}
	return all
}

// together is how many roles one host can have without failing 20 times in a row.
func (c cutAnswer) together() int {
	if c.flow.refreshes && c.flow.account { // a refresh and a login each
		return 9
	}
	return 16
}

type truncation struct {
	cutAnswer
	*mount

	mu      sync.Mutex     // guards what follows
	arrived map[int]string // the refresh tokens, by role
}

// cut is the story of one role for each of these numbers of bytes.
func (tr *truncation) cut(bytes []int) {
	roles := make([]truncated, tr.size+1)
	tr.proxy.set(fault{respond: func(x *exchange) { tr.send(x, tr.size) }})
	tr.each(bytes, tr.busy, func(n int) error {
		tr.role(name(n), tr.flow, n)
		roles[n].good = tr.read(name(n))
		return want(roles[n].good.ok(), roles[n].good)
	})
	tr.proxy.set(fault{respond: func(x *exchange) { tr.send(x, x.caseOf()) }})
	tr.each(bytes, make(chan struct{}, len(bytes)), func(n int) error {
		roles[n].cut = tr.patient(tr.renew, name(n))
		return tr.cutOff(n, roles[n])
	})
	sent := tr.server.Requests()
	tr.proxy.set(fault{})
	tr.write("config/"+tr.flow.config, fields{"description": "fixed"})
	tr.each(bytes, tr.busy, func(n int) error {
		after := tr.renew(name(n))
		return want(after.ok() && after.warnings == "" && after.token != roles[n].good.token && after.token != roles[n].cut.token, after)
	})
	tr.lostNone(sent)
}

// truncated is what a role served before its answer was cut off, and then.
type truncated struct{ good, cut outcome }

func name(n int) string { return fmt.Sprint("r", n) }

func want(ok bool, o outcome) error {
	if ok {
		return nil
	}
	return fmt.Errorf("%d %s %s", o.code, o.failure, o.warnings)
}

// each does something for all of them, as many at a time as there are places.
func (tr *truncation) each(bytes []int, places chan struct{}, do func(n int) error) {
	tr.t.Helper()
	var wg sync.WaitGroup
	failed := make(chan error, len(bytes))
	for _, n := range bytes {
		places <- struct{}{}
		wg.Go(func() {
			defer func() { <-places }()
			if err := do(n); err != nil {
				failed <- fmt.Errorf("%d of %d bytes: %w", n, tr.size, err)
			}
		})
	}
	wg.Wait()
	if len(failed) > 0 {
		tr.t.Fatalf("%d times such as %v", len(failed), <-failed)
	}
}

// send sends so many bytes of the server's answer.
func (tr *truncation) send(x *exchange, bytes int) {
	answer := tr.framed(x)
	answer = answer[:min(bytes, len(answer))]
	tr.note(x.caseOf(), answer)
	x.send([]byte(answer))
}

// measure finds out how long an answer to this flow's renewal is.
func (tr *truncation) measure() {
	tr.proxy.set(fault{respond: func(x *exchange) {
		answer := tr.framed(x)
		tr.body, tr.size = bodyOf([]byte(answer)), max(tr.size, len(answer))
		x.send([]byte(answer))
	}})
	tr.role("measure", tr.flow, 0)
	require.True(tr.t, tr.read("measure").ok())
	require.True(tr.t, tr.renew("measure").ok())
	require.Greater(tr.t, tr.size, tr.body)
}

// framed is the server's answer with its end marked as the framing wants it.
func (tr *truncation) framed(x *exchange) string {
	answer := string(x.answer())
	header, body, _ := strings.Cut(answer, "\r\n\r\n")
	switch tr.framing {
	case "close":
		return strings.Replace(answer, "Content-Length", "X-Length", 1)
	case "chunks":
		half := len(body) / 2
		return regexp.MustCompile(`Content-Length: \d+`).ReplaceAllString(header, "Transfer-Encoding: chunked") +
			fmt.Sprintf("\r\n\r\n%x\r\n%s\r\n%x\r\n%s\r\n0\r\n\r\n", half, body[:half], len(body)-half, body[half:])
	}
	return answer
}

var wholeRefreshToken = regexp.MustCompile(`"refresh_token":"([^"]+)"`)

// note keeps the refresh token that an answer has, if its last character has arrived.
func (tr *truncation) note(n int, answer string) {
	if tr.framing == "chunks" {
		answer = regexp.MustCompile(`\r\n[0-9a-f]+\r\n`).ReplaceAllString(answer, "")
	}
	if found := wholeRefreshToken.FindStringSubmatch(answer); found != nil {
		tr.mu.Lock()
		defer tr.mu.Unlock()
		tr.arrived[n] = found[1]
	}
}

// cutOff holds what was served while the answer ended after n bytes against what
// can be known from them.
func (tr *truncation) cutOff(n int, r truncated) error {
	switch replaced := r.cut.token != r.good.token; {
	case !r.cut.ok():
		return want(false, r.cut)
	case !replaced && !strings.Contains(r.cut.warnings, "this token is still good, but replacing it failed: "+tr.proxy.address):
		return fmt.Errorf("an old token, and no warning: %q", r.cut.warnings)
	case replaced && n < tr.body, !replaced && n >= tr.size:
		return fmt.Errorf("replaced: %v: %s", replaced, r.cut.warnings)
	case replaced && n < tr.size-len("\r\n0\r\n\r\n}\n") && !strings.Contains(r.cut.warnings, "cut off"):
		return fmt.Errorf("half an answer was taken for a whole one, without a word: %q", r.cut.warnings)
	}
	return nil
}

// lostNone: what was refreshed after the fault, was with what had arrived last.
func (tr *truncation) lostNone(from int) {
	for _, request := range tr.server.Recorded()[from:] {
		if sent := request.Form.Get("refresh_token"); sent != "" {
			n, arrived := 0, ""
			_, _ = fmt.Sscan(request.Form.Get("case"), &n)
			tr.mu.Lock()
			arrived = tr.arrived[n]
			tr.mu.Unlock()
			tr.refreshed.Add(1)
			if arrived != "" && sent != arrived {
				tr.t.Errorf("%d of %d bytes: a newer refresh token had arrived than the one that was sent", n, tr.size)
			}
			if grant := tr.server.Grant(sent); grant.Revoked || grant.Reused > 0 {
				tr.t.Errorf("%d of %d bytes: a refresh token was used twice", n, tr.size)
			}
		}
	}
}
