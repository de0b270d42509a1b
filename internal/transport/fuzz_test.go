// SPDX-License-Identifier: MPL-2.0

package transport

import (
	"bufio"
	"bytes"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// FuzzCheckURL: what is accepted names a host that net/http cannot read as a
// forbidden one.
func FuzzCheckURL(f *testing.F) {
	for _, seed := range []string{
		"https://idp.example.com/token?a=b", "https://idp.example.com.:8443", "https://[2001:db8::1]:443/", "https://[::ffff:127.0.0.1]/", "https://0x7f.1",
		"https://2130706433/", "https://0177.0.0.1", "https://127。0。0。1/", "https://localhost./", "https://a@b/", "https://h:0/", "https://[fe80::1%25lo]/",
		"http://idp/#f", "//idp/", "idp:443/x", "https://10.0.0.1:65535/", "https://\u212aa/", "https://1.2.3.4.example/", "https://[64:ff9b::7f00:1]/", "",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		u, err := url.Parse(text)
		if err != nil {
			return
		}
		if err := (Guard{}).CheckURL(u, false); err != nil {
			require.NotEmpty(t, err.Error())
			return
		}
		require.Equal(t, "https", u.Scheme)
		require.Nil(t, u.User)
		require.Empty(t, u.Fragment)
		if port := u.Port(); port != "" {
			n, err := strconv.Atoi(port)
			require.NoError(t, err)
			require.True(t, 1 <= n && n <= 65535)
		}
		requireHarmless(t, u.Hostname())
		again, err := url.Parse(u.String())
		require.NoError(t, err)
		require.Equal(t, u.Host, again.Host)
	})
}

func requireHarmless(t *testing.T, host string) {
	bare := strings.ToLower(strings.TrimSuffix(host, "."))
	require.NotEmpty(t, bare)
	require.NotEqual(t, "localhost", bare)
	require.False(t, strings.HasSuffix(bare, ".localhost"))
	ip := net.ParseIP(bare)
	if ip == nil {
		// A name, then: nothing in it that inet_aton could take for a number.
		last := bare[strings.LastIndex(bare, ".")+1:]
		require.False(t, strings.HasPrefix(last, "0x") && strings.Trim(last[2:], "0123456789abcdef") == "", host)
		require.NotEmpty(t, strings.Trim(last, "0123456789"), host)
		require.Empty(t, strings.Trim(bare, "abcdefghijklmnopqrstuvwxyz0123456789-_."), host)
		return
	}
	require.False(t, ip.IsLoopback() || ip.IsUnspecified() || ip.IsLinkLocalUnicast() || ip.IsMulticast(), host)
	addr, err := netip.ParseAddr(bare)
	require.NoError(t, err)
	require.NoError(t, Guard{}.CheckAddr(addr))
}

// FuzzCheckHeader: what is accepted goes out as this one header and nothing else.
func FuzzCheckHeader(f *testing.F) {
	for name, value := range map[string]string{
		"X-Api-Key": "abc", "host": "evil", "A:": "b", "x\r\nHost": "b", "Accept": "a\r\nHost: evil", "X-Tab": "a\tb", "X-Utf8": "ü", "": "", "x y": "z",
		"Proxy-Authorization": "x", "X-C1": "a\u0085b", "IDEMPOTENCY-KEY": "1", "x-Nul": "a\x00", "X-Space": " a", "X-Raw": "\xff", "!#$%&'*+-.^_`|~": "v",
	} {
		f.Add(name, value)
	}
	f.Fuzz(func(t *testing.T, name, value string) {
		if CheckHeaderName(name) != nil || CheckHeaderValue(value) != nil {
			return
		}
		req, err := http.NewRequest(http.MethodPost, "http://idp.example.com/token", strings.NewReader("body"))
		require.NoError(t, err)
		req.Header.Set("User-Agent", "fuzz")
		req.Header.Set(name, value)
		var wire bytes.Buffer
		require.NoError(t, req.Write(&wire))
		got, err := http.ReadRequest(bufio.NewReader(&wire))
		require.NoError(t, err)
		require.Equal(t, "idp.example.com", got.Host)
		require.Equal(t, int64(4), got.ContentLength)
		require.False(t, got.Close)
		got.Header.Del("Content-Length")
		require.Equal(t, req.Header, got.Header)
	})
}
