// SPDX-License-Identifier: MPL-2.0

package transport

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestCheckHeaderName(t *testing.T) {
	for _, name := range []string{"Authorization", "X-Api-Key", "accept", "Cookie", "User-Agent", "Ocp-Apim-Subscription-Key", "x_y", "1", "!#$%&'*+-.^_`|~", "Proxied"} {
		require.NoError(t, CheckHeaderName(name), name)
	}
	for _, name := range []string{
		"Host", "hOST", "Content-Length", "content-length", "Transfer-Encoding", "Connection", "TE", "te", "Trailer", "Upgrade", "Keep-Alive",
		"Proxy-Authorization", "proxy-connection", "Proxy-", "Idempotency-Key", "idempotency-key", "X-Idempotency-Key", "Expect", "HTTP2-Settings",
		"Accept-Encoding", "Content-Encoding",
	} {
		require.ErrorContains(t, CheckHeaderName(name), "cannot be changed", name)
	}
	for _, name := range []string{"", " ", "a b", "a:", ":authority", "a\r\nb", "a\x00", "ü", "a\xff", "a\u212a", "a,b", "a/b", "(a)", "Host ", "Authorization: c4nary"} {
		err := CheckHeaderName(name)
		require.ErrorContains(t, err, "letters, digits", name)
		require.NotContains(t, err.Error(), "c4nary")
	}
}

func TestCheckHeaderValue(t *testing.T) {
	for _, value := range []string{"", "a", "Bearer abc.def-ghi", "a  b", "a\"b", "ü", "日本"} {
		require.NoError(t, CheckHeaderValue(value), value)
	}
	for _, value := range []string{"\r", "\n", "\t", "\x00", "\x7f", "\x1b", "\u0085", "\r\nHost: evil", " ", "\xff"} {
		for _, whole := range []string{value, "c4nary" + value, value + "c4nary"} {
			err := CheckHeaderValue(whole)
			require.Error(t, err, "%q", whole)
			require.NotContains(t, err.Error(), "c4nary")
		}
	}
}
