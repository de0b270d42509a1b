// SPDX-License-Identifier: MPL-2.0

package faults_test

import (
	"context"
	"errors"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/hashicorp/vault/sdk/logical"
	"github.com/stretchr/testify/require"
)

// storage is Vault's, and may refuse to store tokens.
type storage struct {
	logical.Storage
	full atomic.Bool
	puts atomic.Int64 // of tokens
}

func (s *storage) Put(ctx context.Context, entry *logical.StorageEntry) error {
	if strings.HasPrefix(entry.Key, "token/") {
		s.puts.Add(1)
		if s.full.Load() {
			return errors.New("storage is full")
		}
	}
	return s.Storage.Put(ctx, entry)
}

// holds tells whether a token is stored.
func (s *storage) holds(t testing.TB, token string) bool {
	keys, err := logical.CollectKeysWithPrefix(t.Context(), s.Storage, "token/")
	require.NoError(t, err)
	for _, key := range keys {
		entry, err := s.Storage.Get(t.Context(), key)
		require.NoError(t, err)
		if strings.Contains(string(entry.Value), `"`+token+`"`) {
			return true
		}
	}
	return false
}
