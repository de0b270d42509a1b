// SPDX-License-Identifier: MPL-2.0

package transport

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
)

const mib = 1 << 20

func TestBodyLimitIsExact(t *testing.T) {
	server, _ := serve(t, func(w http.ResponseWriter, r *http.Request) {
		size, _ := strconv.Atoi(r.URL.Query().Get("size"))
		if r.URL.Path == "/chunked" {
			w.(http.Flusher).Flush()
		} else {
			w.Header().Set("Content-Length", strconv.Itoa(size))
		}
		_, _ = w.Write(bytes.Repeat([]byte("x"), size))
	})
	client := newClient(t, local(Options{}))
	for _, path := range []string{"/chunked", "/sized"} {
		for _, size := range []int{0, 1, mib - 1, mib} {
			body, err := fetch(t, client, fmt.Sprintf("%s%s?size=%d", server.URL, path, size))
			require.NoError(t, err)
			require.Len(t, body, size)
		}
		_, err := fetch(t, client, fmt.Sprintf("%s%s?size=%d", server.URL, path, mib+1))
		require.ErrorIs(t, err, ErrBodyTooLarge)
	}
	resp, err := post(t, client, fmt.Sprintf("%s/chunked?size=%d", server.URL, mib+1))
	require.NoError(t, err)
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	require.ErrorIs(t, err, ErrBodyTooLarge)
	require.Len(t, body, mib)
	_, err = resp.Body.Read(make([]byte, 1))
	require.ErrorIs(t, err, ErrBodyTooLarge, "and again")
}

func TestContentLengthOverTheLimitFailsEarly(t *testing.T) {
	sent := make(chan int64, 1)
	server, _ := serve(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Length", strconv.Itoa(2<<30))
		if r.Method == http.MethodHead {
			return
		}
		sent <- flood(w)
	})
	client := newClient(t, local(Options{}))
	large, err := post(t, client, server.URL)
	require.NoError(t, err, "the status counts, even if nobody wants the body")
	_, err = io.ReadAll(large.Body)
	require.ErrorIs(t, err, ErrBodyTooLarge)
	require.Less(t, <-sent, int64(64*mib))

	resp, err := client.Head(server.URL)
	require.NoError(t, err, "a HEAD has no body")
	require.NoError(t, resp.Body.Close())
}

// The server's stream ends when the limit is hit, not when the caller gets
// round to closing the body.
func TestHugeBodyStopsEarly(t *testing.T) {
	sent := make(chan int64, 1)
	handler := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { sent <- flood(w) })
	for _, http2 := range []bool{false, true} {
		server := httptest.NewUnstartedServer(handler)
		server.EnableHTTP2 = http2
		server.StartTLS()
		t.Cleanup(server.Close)
		client := newClient(t, local(Options{CACert: certPEM(server.Certificate())}))
		resp, err := post(t, client, server.URL)
		require.NoError(t, err)
		require.Equal(t, http2, resp.ProtoMajor == 2)
		n, err := io.Copy(io.Discard, resp.Body)
		require.ErrorIs(t, err, ErrBodyTooLarge)
		require.EqualValues(t, mib, n)
		require.Less(t, <-sent, int64(64*mib))
		require.NoError(t, resp.Body.Close())
	}
}

// flood sends up to 2 GiB and returns how much went out.
func flood(w io.Writer) (sent int64) {
	chunk := make([]byte, 64<<10)
	for sent < 2<<30 {
		n, err := w.Write(chunk)
		sent += int64(n)
		if err != nil {
			break
		}
	}
	return sent
}

func TestGzipBomb(t *testing.T) {
	var bomb bytes.Buffer
	zip, err := gzip.NewWriterLevel(&bomb, gzip.BestSpeed)
	require.NoError(t, err)
	for range 8 {
		_, err := zip.Write(make([]byte, mib))
		require.NoError(t, err)
	}
	require.NoError(t, zip.Close())
	require.Less(t, bomb.Len(), mib, "or the limit on what is sent would do")
	server, _ := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Accept-Encoding") != "gzip" {
			w.WriteHeader(http.StatusNotAcceptable)
			return
		}
		w.Header().Set("Content-Encoding", "gzip")
		_, _ = w.Write(bomb.Bytes())
	})
	body, err := fetch(t, newClient(t, local(Options{})), server.URL)
	require.ErrorIs(t, err, ErrBodyTooLarge)
	require.Len(t, body, mib)
}

func TestHeaderFlood(t *testing.T) {
	endless := serveRaw(t, func(conn net.Conn, r *bufio.Reader) {
		_, _, _ = readRequest(r)
		fmt.Fprint(conn, "HTTP/1.1 200 OK\r\n")
		for i := 0; ; i++ {
			if _, err := fmt.Fprintf(conn, "X-%d: %s\r\n", i, strings.Repeat("x", 1000)); err != nil {
				return
			}
		}
	})
	line := serveRaw(t, func(conn net.Conn, r *bufio.Reader) {
		_, _, _ = readRequest(r)
		fmt.Fprint(conn, "HTTP/1.1 200 OK\r\nX: ")
		_ = flood(conn)
	})
	informational := serveRaw(t, func(conn net.Conn, r *bufio.Reader) {
		_, _, _ = readRequest(r)
		for {
			if _, err := fmt.Fprint(conn, "HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n"); err != nil {
				return
			}
		}
	})
	for _, address := range []string{endless, line, informational} {
		_, err := fetch(t, newClient(t, local(Options{})), address)
		require.ErrorIs(t, err, ErrHeaderTooLarge)
	}
}

func TestHeaderLimit(t *testing.T) {
	handler := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		size, _ := strconv.Atoi(r.URL.Query().Get("size"))
		for i := range size >> 10 {
			w.Header().Set(fmt.Sprintf("X-%d", i), strings.Repeat("x", 1000))
		}
	})
	for _, http2 := range []bool{false, true} {
		server := httptest.NewUnstartedServer(handler)
		server.EnableHTTP2 = http2
		server.StartTLS()
		t.Cleanup(server.Close)
		client := newClient(t, local(Options{CACert: certPEM(server.Certificate())}))
		_, err := fetch(t, client, server.URL+"?size=50000")
		require.NoError(t, err)
		for _, size := range []string{"70000", "90000", "900000"} {
			_, err = fetch(t, client, server.URL+"?size="+size)
			require.Error(t, err, "HTTP/2: %v", http2)
			// Far over the limit, HTTP/2 ends the whole connection.
			require.True(t, errors.Is(err, ErrHeaderTooLarge) || http2 && errors.Is(err, ErrNotHTTP), "%v", err)
		}
	}
}

// Within a synctest bubble, instants are exact: these are the limits in production.
func TestSlowServers(t *testing.T) {
	silent := func(conn net.Conn) { _, _ = io.Copy(io.Discard, conn) }
	for name, c := range map[string]struct {
		options Options
		url     string
		server  func(net.Conn)
		want    time.Duration
	}{
		"no answer":                      {Options{}, "http://idp.test/", silent, 10 * time.Second},
		"a header byte now and then":     {Options{}, "http://idp.test/", drip("HTTP/1.1 200 OK\r\n", "X: y\r\n"), 10 * time.Second},
		"informational answers for ever": {Options{}, "http://idp.test/", drip("", "HTTP/1.1 103 Early Hints\r\n\r\n"), 10 * time.Second},
		"no TLS handshake":               {Options{}, "https://idp.test/", silent, 5 * time.Second},
		"a body byte now and then":       {Options{}, "http://idp.test/", drip("HTTP/1.1 200 OK\r\n\r\n", "x"), 30 * time.Second},
		"a shorter request_timeout":      {Options{Timeout: 3 * time.Second}, "http://idp.test/", silent, 3 * time.Second},
		"a longer request_timeout":       {Options{Timeout: time.Minute}, "http://idp.test/", drip("HTTP/1.1 200 OK\r\n\r\n", "x"), time.Minute},
		"https proxy, no handshake":      {Options{ProxyURL: "https://proxy.test"}, "http://idp.test/", silent, 5 * time.Second},
		"https proxy, no CONNECT answer": {Options{ProxyURL: "http://proxy.test"}, "https://idp.test/", silent, 30 * time.Second},
		"socks5 proxy, no negotiation":   {Options{ProxyURL: "socks5://proxy.test"}, "http://idp.test/", silent, 10 * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				dial, ended := pipes(c.server)
				client, err := build(local(c.options), defaultLimits, dial)
				require.NoError(t, err)
				start := time.Now()
				_, err = fetch(t, client, c.url)
				require.Equal(t, c.want, time.Since(start))
				timeout, ok := errors.AsType[net.Error](err)
				require.True(t, ok, "%v", err)
				require.True(t, timeout.Timeout(), "%v", err)
				ended()
			})
		})
	}
}

// A request that is gone must not leave a negotiation behind, which would keep
// one of the connections that its host may have.
func TestAbandonedDialsEnd(t *testing.T) {
	for _, proxy := range []string{"http://proxy.test", "https://proxy.test", "socks5://proxy.test", ""} {
		synctest.Test(t, func(t *testing.T) {
			o := local(Options{ProxyURL: proxy, Timeout: time.Second})
			dial, ended := pipes(func(conn net.Conn) { _, _ = io.Copy(io.Discard, conn) })
			client, err := build(o, defaultLimits, dial)
			require.NoError(t, err)
			start := time.Now()
			_, err = fetch(t, client, "https://idp.test/")
			require.Error(t, err)
			require.Equal(t, time.Second, time.Since(start))
			ended()
			require.LessOrEqual(t, time.Since(start), time.Minute+time.Second) // which net/http gives a CONNECT
		})
	}
}

func TestDialLimit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dialer := guardedDialer(Guard{}, defaultLimits.dial)
		dialer.Resolver = &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, _, _ string) (net.Conn, error) {
			<-ctx.Done()
			return nil, ctx.Err()
		}}
		client, err := build(Options{}, defaultLimits, dialer.DialContext)
		require.NoError(t, err)
		start := time.Now()
		_, err = fetch(t, client, "https://idp.test./")
		require.Error(t, err)
		require.Equal(t, 5*time.Second, time.Since(start))
	})
}

// drip answers a request with a beginning, then with a piece each second.
func drip(beginning, piece string) func(net.Conn) {
	return func(conn net.Conn) {
		if _, _, err := readRequest(bufio.NewReader(conn)); err != nil {
			return
		}
		_, err := io.WriteString(conn, beginning)
		for err == nil {
			time.Sleep(time.Second)
			_, err = io.WriteString(conn, piece)
		}
	}
}

func TestOldTLSIsRefused(t *testing.T) {
	server := httptest.NewUnstartedServer(http.NotFoundHandler())
	server.TLS = &tls.Config{MinVersion: tls.VersionTLS10, MaxVersion: tls.VersionTLS11}
	server.Config.ErrorLog = quiet()
	server.StartTLS()
	t.Cleanup(server.Close)
	_, err := fetch(t, newClient(t, local(Options{CACert: certPEM(server.Certificate())})), server.URL)
	require.ErrorContains(t, err, "protocol version")
}
