// SPDX-License-Identifier: MPL-2.0

package transport

import (
	"bufio"
	"bytes"
	"context"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// local lets a client reach the servers of these tests.
func local(o Options) Options {
	o.AllowHTTP = true
	o.Guard.AllowLoopback = true
	return o
}

func newClient(t *testing.T, o Options) *http.Client {
	t.Helper()
	client, err := New(o)
	require.NoError(t, err)
	t.Cleanup(client.CloseIdleConnections)
	return client
}

// serve starts a server that counts its requests.
func serve(t *testing.T, handler http.HandlerFunc) (*httptest.Server, *atomic.Int64) {
	t.Helper()
	var requests atomic.Int64
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		requests.Add(1)
		handler(w, r)
	}))
	t.Cleanup(server.Close)
	return server, &requests
}

// serveRaw starts a server that answers each connection by hand. What it is
// sent is read whole; then answer writes whatever it likes.
func serveRaw(t *testing.T, answer func(conn net.Conn, requests *bufio.Reader)) (url string) {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	t.Cleanup(func() { _ = listener.Close() })
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			go func() {
				defer conn.Close()
				answer(conn, bufio.NewReader(conn))
			}()
		}
	}()
	return "http://" + listener.Addr().String()
}

// readRequest reads one request with its body.
func readRequest(r *bufio.Reader) (*http.Request, string, error) {
	req, err := http.ReadRequest(r)
	if err != nil {
		return nil, "", err
	}
	body, err := io.ReadAll(req.Body)
	return req, string(body), err
}

// pipes is a dial that ends in a function of the test, without a network: for
// synctest, where time passes only when everybody waits. ended returns once
// every connection is closed.
func pipes(server func(conn net.Conn)) (dial dialFunc, ended func()) {
	var open atomic.Int64
	dial = func(context.Context, string, string) (net.Conn, error) {
		ours, theirs := net.Pipe()
		open.Add(1)
		go func() {
			defer open.Add(-1)
			defer theirs.Close()
			server(theirs)
		}()
		return ours, nil
	}
	return dial, func() {
		for open.Load() > 0 {
			time.Sleep(time.Second)
		}
	}
}

func post(t *testing.T, client *http.Client, url string) (*http.Response, error) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, url, strings.NewReader("client_secret=s3cret"))
	require.NoError(t, err)
	return client.Do(req)
}

// fetch posts and reads the answer to its end.
func fetch(t *testing.T, client *http.Client, url string) (string, error) {
	t.Helper()
	resp, err := post(t, client, url)
	if err != nil {
		return "", err
	}
	defer resp.Body.Close()
	var body bytes.Buffer
	_, err = body.ReadFrom(resp.Body)
	return body.String(), err
}
