// SPDX-License-Identifier: MPL-2.0

package faults_test

import (
	"bytes"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestConnections(t *testing.T) { stories(t, connections(), true) }

// TestAProxyThatRefuses: the proxy is what the config names, between the engine and everybody else.
func TestAProxyThatRefuses(t *testing.T) {
	m := newMount(t)
	m.write("config/main", fields{"token_url": "https://127.0.0.1:1/token", "proxy_url": m.proxy.URL, "client_secret": clientSecret})
	m.proxy.set(fault{respond: func(x *exchange) { x.sendWhole(407, "Proxy-Authenticate: Basic realm=\"x\"\r\n", "") }})
	m.role("r", flows()[0], 0)
	require.Contains(t, m.read("r").failure, "the proxy refused to connect: status 407")
	require.Zero(t, m.server.Requests())
}

func connections() []trouble {
	return []trouble{
		{name: "refused", fault: fault{closed: true}, says: "connection refused"},
		{name: "reset at once", fault: fault{arrive: reset}, says: "connection reset|closed the connection"},
		{name: "hangs", fault: fault{arrive: hang}, hangs: true, says: "no answer within 2s"},
		{name: "hangs after reading", fault: fault{respond: func(x *exchange) { hang(x.TCPConn) }}, hangs: true, says: "no answer within 2s"},
		{name: "answer lost by reset", acted: true, says: "connection reset|closed the connection",
			fault: fault{respond: func(x *exchange) { x.act(); reset(x.TCPConn) }}},
		{name: "answer lost by close", acted: true, says: "closed the connection|connection reset",
			fault: fault{respond: func(x *exchange) { x.act() }}},
		{name: "answer lost by hanging", acted: true, hangs: true, says: "no answer within 2s",
			fault: fault{respond: func(x *exchange) { x.act(); hang(x.TCPConn) }}},
		{name: "reset in the body", acted: true, says: "answered 200: (connection reset|the server closed the connection)",
			fault: fault{respond: func(x *exchange) { x.send(half(x.answer())); time.Sleep(50 * time.Millisecond); reset(x.TCPConn) }}},
		{name: "hangs in the body", acted: true, hangs: true, says: "answered 200: no answer within 2s",
			fault: fault{respond: func(x *exchange) { x.send(half(x.answer())); hang(x.TCPConn) }}},
		{name: "drips", acted: true, hangs: true, says: "no answer within 2s",
			fault: fault{respond: func(x *exchange) { drip(x, 0, 50*time.Millisecond) }}},
		{name: "drips its body", acted: true, hangs: true, says: "answered 200: no answer within 2s",
			fault: fault{respond: func(x *exchange) { drip(x, 1, 50*time.Millisecond) }}},
		{name: "drips fast", fault: fault{respond: func(x *exchange) { drip(x, 0, time.Microsecond) }}},
		{name: "is slow", fault: fault{respond: func(x *exchange) { time.Sleep(200 * time.Millisecond); x.send(x.answer()) }}},
		{name: "is slow to read", fault: fault{respond: func(x *exchange) { answer := x.answer(); time.Sleep(200 * time.Millisecond); x.send(answer) }}},
	}
}

// half is an answer up to the middle of its body: of the first value in it.
func half(answer []byte) []byte {
	start := bodyOf(answer)
	return answer[:start+20]
}

func bodyOf(answer []byte) int { return bytes.Index(answer, []byte("\r\n\r\n")) + 4 }

// drip sends an answer byte by byte, from its first one or from its body on.
func drip(x *exchange, from int, pause time.Duration) {
	answer := x.answer()
	if from > 0 {
		from = bodyOf(answer)
	}
	x.send(answer[:from])
	for i := range answer[from:] {
		if !x.send(answer[from+i : from+i+1]) {
			return
		}
		time.Sleep(pause)
	}
}
