// SPDX-License-Identifier: MPL-2.0

package transport

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"testing"

	"github.com/stretchr/testify/require"
)

// A server that echoes a secret where HTTP has no place for it must not get it
// into an error. Each of these is quoted by net/http's own.
func TestErrorsQuoteNothingReceived(t *testing.T) {
	const canary = "c4nary"
	for _, answer := range []string{
		canary + "\r\n\r\n",
		"HTTP/1.1 " + canary + "\r\n\r\n",
		canary + "/1.1 200 OK\r\n\r\n",
		"HTTP/1.1 200 OK\r\n" + canary + "\r\n\r\n",
		"HTTP/1.1 200 OK\r\n " + canary + ": x\r\n\r\n",
		"HTTP/1.1 200 OK\r\nContent-Length: " + canary + "\r\n\r\n",
		"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: " + canary + "\r\n\r\n",
		"HTTP/1.1 200 OK\r\nTransfer-Encoding: " + canary + "\r\n\r\n",
		"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + canary + "\r\n\r\n",
		"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\n" + canary + "\r\n\r\n",
		"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 24\r\n\r\n" + canary + canary + canary + canary,
	} {
		address := serveRaw(t, func(conn net.Conn, r *bufio.Reader) {
			if _, _, err := readRequest(r); err == nil {
				fmt.Fprint(conn, answer)
			}
		})
		_, err := fetch(t, newClient(t, local(Options{})), address)
		require.ErrorIs(t, err, ErrNotHTTP, answer)
		for e := err; e != nil; e = errors.Unwrap(e) {
			require.NotContains(t, fmt.Sprintf("%v %+v %#v", e, e, e), canary, answer)
		}
	}
}

func TestErrorsThatMayPass(t *testing.T) {
	broken := serveRaw(t, func(conn net.Conn, r *bufio.Reader) { _, _, _ = readRequest(r) })
	_, err := fetch(t, newClient(t, local(Options{})), broken)
	require.ErrorIs(t, err, io.EOF)

	half := serveRaw(t, func(conn net.Conn, r *bufio.Reader) {
		_, _, _ = readRequest(r)
		fmt.Fprint(conn, "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf")
	})
	body, err := fetch(t, newClient(t, local(Options{})), half)
	require.ErrorIs(t, err, io.ErrUnexpectedEOF)
	require.Equal(t, "half", body)

	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	nobody := listener.Addr().String()
	require.NoError(t, listener.Close())
	_, err = fetch(t, newClient(t, local(Options{})), "http://"+nobody)
	op, ok := errors.AsType[*net.OpError](err)
	require.True(t, ok)
	require.Equal(t, "dial", op.Op)

	plain, _ := serve(t, func(http.ResponseWriter, *http.Request) {})
	_, err = fetch(t, newClient(t, local(Options{})), "https://"+plain.Listener.Addr().String())
	require.ErrorIs(t, err, http.ErrSchemeMismatch)

	ctx, cancel := context.WithCancel(t.Context())
	hanging, _ := serve(t, func(_ http.ResponseWriter, r *http.Request) {
		cancel()
		<-r.Context().Done()
	})
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, hanging.URL, nil)
	require.NoError(t, err)
	_, err = newClient(t, local(Options{})).Do(req)
	require.ErrorIs(t, err, context.Canceled)
}

func TestGuardErrorIsFoundInWhatTheClientReturns(t *testing.T) {
	refused := &GuardError{Reason: NetworkNotAllowed, Host: "10.0.0.1"}
	err := error(&url.Error{Op: "Post", Err: &net.OpError{Op: "dial", Err: refused}})
	require.Same(t, refused, errorsAs(err))
	require.Same(t, refused, errorsAs(withoutQuotes(err)))
}

func errorsAs(err error) *GuardError {
	found, _ := errors.AsType[*GuardError](err)
	return found
}
