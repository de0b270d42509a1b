// SPDX-License-Identifier: MPL-2.0

package spelling

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestNearest(t *testing.T) {
	type method string
	names := []method{"client_secret_basic", "client_secret_post", "none"}
	two := func(string) int { return 2 }
	for text, want := range map[string]method{
		"client_secret_basic": "client_secret_basic", "ClientSecretPost": "client_secret_post", "client-secret-pots": "client_secret_post",
		"nome": "none", "noone ": "none", "x": "", "": "", "client_secret": "",
	} {
		require.Equal(t, want, Nearest(text, names, Flat, two), text)
	}
	require.Equal(t, method("none"), Nearest("None", names, nil, two))
	require.Empty(t, Nearest("NONE", names, nil, two))
	require.Equal(t, "ab", Nearest("aa", []string{"ab", "ac"}, nil, two))
	require.Equal(t, "aa", Nearest("aa", []string{"ab", "aa"}, nil, two))
	require.Empty(t, Nearest("aa", []string{"aa"}, nil, func(string) int { return -1 }))
	require.Equal(t, "abcdef", Nearest("abcxyf", []string{"abcxy", "abcdef"}, nil, func(name string) int { return len(name) - 4 - len(name)%2 }))
	require.Empty(t, Nearest("x", []string(nil), nil, two))
}

func TestFlat(t *testing.T) {
	require.Equal(t, "sessionttl", Flat("Session_TTL"))
	require.Equal(t, "sessionttl", Flat("session-t tl"))
	require.Len(t, Flat(strings.Repeat("x", 1<<16)), longest)
}
