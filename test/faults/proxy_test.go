// SPDX-License-Identifier: MPL-2.0

package faults_test

import (
	"bufio"
	"bytes"
	"io"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"
)

// proxy stands between the engine and a server, and does to connections what its
// fault says. What it sends is bytes: the server's answer whole, in part, or
// something else.
type proxy struct {
	URL string

	t        testing.TB
	upstream string // scheme, host and port
	address  string
	direct   *http.Transport
	met      atomic.Int64 // connections that arrived
	asked    atomic.Int64 // requests that were read

	mu       sync.Mutex // guards what follows
	fault    fault
	listener net.Listener // nil while the port is closed
	conns    map[*net.TCPConn]bool
	closed   bool
	running  sync.WaitGroup
}

// fault is what becomes of a connection. Without a hook there is none.
type fault struct {
	closed  bool                 // the port is
	arrive  func(c *net.TCPConn) // instead of reading anything
	respond func(x *exchange)    // to a request that was read
}

// exchange is one request on its way. The connection is closed after it, unless keep is set.
type exchange struct {
	*net.TCPConn
	p       *proxy
	request *http.Request
	body    []byte
	form    url.Values
	keep    bool
}

func newProxy(t testing.TB, upstream string) *proxy {
	p := &proxy{
		t: t, upstream: upstream, address: "127.0.0.1:0", conns: map[*net.TCPConn]bool{},
		direct: &http.Transport{MaxIdleConnsPerHost: 64},
	}
	p.set(fault{})
	p.address = p.listener.Addr().String()
	p.URL = "http://" + p.address
	t.Cleanup(p.close)
	return p
}

// set changes what becomes of the connections to come.
func (p *proxy) set(f fault) {
	p.t.Helper()
	p.mu.Lock()
	defer p.mu.Unlock()
	p.fault = f
	switch {
	case f.closed && p.listener != nil:
		_ = p.listener.Close()
		p.listener = nil
	case !f.closed && p.listener == nil:
		listener, err := net.Listen("tcp", p.address)
		require.NoError(p.t, err)
		p.listener = listener
		p.running.Go(func() { p.accept(listener) })
	}
}

func (p *proxy) current() fault {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.fault
}

func (p *proxy) accept(listener net.Listener) {
	for {
		c, err := listener.Accept()
		if err != nil {
			return
		}
		p.met.Add(1)
		conn := c.(*net.TCPConn)
		p.mu.Lock()
		if p.closed {
			_ = conn.Close()
		} else {
			p.conns[conn] = true
			p.running.Go(func() { p.serve(conn) })
		}
		p.mu.Unlock()
	}
}

// serve takes the requests of one connection, one after another.
func (p *proxy) serve(c *net.TCPConn) {
	defer func() {
		_ = c.Close()
		p.mu.Lock()
		defer p.mu.Unlock()
		delete(p.conns, c)
	}()
	if f := p.current(); f.arrive != nil {
		f.arrive(c)
		return
	}
	for in, keep := bufio.NewReader(c), true; keep; {
		request, err := http.ReadRequest(in)
		if err != nil {
			return
		}
		x := &exchange{TCPConn: c, p: p, request: request}
		if x.body, err = io.ReadAll(request.Body); err != nil {
			return
		}
		x.form, _ = url.ParseQuery(string(x.body))
		p.asked.Add(1)
		if f := p.current(); f.respond != nil {
			f.respond(x)
		} else {
			x.send(x.answer())
		}
		keep = x.keep
	}
}

// answer has the server act, and returns its answer as it goes over the wire.
func (x *exchange) answer() []byte {
	resp := x.act()
	if resp == nil {
		return nil
	}
	var wire bytes.Buffer
	_ = resp.Write(&wire)
	return wire.Bytes()
}

// act has the server act. Its answer's body is in memory.
func (x *exchange) act() *http.Response {
	request, err := http.NewRequest(x.request.Method, x.p.upstream+x.request.URL.RequestURI(), bytes.NewReader(x.body))
	if err != nil {
		return nil
	}
	request.Header = x.request.Header.Clone()
	resp, err := x.p.direct.RoundTrip(request)
	if err != nil { // the test is over
		return nil
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		return nil
	}
	resp.Body, resp.ContentLength, resp.Close = io.NopCloser(bytes.NewReader(body)), int64(len(body)), !x.keep
	return resp
}

// send writes until the client has had enough.
func (x *exchange) send(text []byte) bool {
	_, err := x.Write(text)
	return err == nil
}

// sendWhole sends an answer of our own, with the length of its body.
func (x *exchange) sendWhole(status int, header, body string) {
	x.send([]byte("HTTP/1.1 " + strconv.Itoa(status) + " " + http.StatusText(status) + "\r\nConnection: close\r\nContent-Length: " +
		strconv.Itoa(len(body)) + "\r\n" + header + "\r\n" + body))
}

// reset ends a connection with RST instead of FIN, and drops what was not sent.
func reset(c *net.TCPConn) {
	_ = c.SetLinger(0)
	_ = c.Close()
}

// hang keeps the connection until its client or the test ends it.
func hang(c *net.TCPConn) { _, _ = io.Copy(io.Discard, c) }

// close ends it, once or more often.
func (p *proxy) close() {
	p.mu.Lock()
	p.closed = true
	if p.listener != nil {
		_ = p.listener.Close()
	}
	for c := range p.conns {
		_ = c.Close()
	}
	p.mu.Unlock()
	p.running.Wait()
	p.direct.CloseIdleConnections()
}
