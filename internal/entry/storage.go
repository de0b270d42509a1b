// SPDX-License-Identifier: MPL-2.0

// Package entry is what the engine stores, and the checks on it: configs, roles,
// settings, tokens, accounts, and the keys under which they lie. Of Vault it
// knows its storage only.
package entry

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/hashicorp/vault/sdk/logical"
)

// version is written into every entry, for the day its form changes.
const version = 1

// Largest stored forms, in bytes.
const (
	maxConfigSize = 64 << 10
	maxRoleSize   = 16 << 10
	maxTokenSize  = 256 << 10
)

// TooLargeError refuses an entry before it is stored: a user's mistake.
type TooLargeError struct{ size, limit int }

func (e TooLargeError) Error() string {
	return fmt.Sprintf("the entry is too large: %d bytes, and %d KiB is the limit; shorten its texts", e.size, e.limit>>10)
}

// UnreadableError is an entry that is there and cannot be decoded.
type UnreadableError struct{ key string }

func (e UnreadableError) Error() string {
	return fmt.Sprintf("the stored entry %s cannot be read", e.key)
}

// load reads the entry at key into a new T. A missing entry is nil, nil.
func load[T any](ctx context.Context, s logical.Storage, key string) (*T, error) {
	raw, err := s.Get(ctx, key)
	if err != nil || raw == nil {
		return nil, err
	}
	loaded := new(T)
	if err := json.Unmarshal(raw.Value, loaded); err != nil {
		return nil, UnreadableError{redactKey(key)} // the decoder's own words would quote it
	}
	return loaded, nil
}

// loadNamed is load for an entry with a name from a request. Under a name that
// no write accepts there is nothing; storage itself would fail on "..".
func loadNamed[T any](ctx context.Context, s logical.Storage, prefix Prefix, name string) (*T, error) {
	if CheckName("the name", name) != nil {
		return nil, nil
	}
	return load[T](ctx, s, prefix.Key(name))
}

// save writes stored, an entry's stored form, which has its secrets in the clear.
func save(ctx context.Context, s logical.Storage, key string, stored any, limit int) error {
	encoded, err := encode(key, stored, limit)
	if err != nil {
		return err
	}
	return s.Put(ctx, encoded)
}

// encode is save without the writing, for those who must know before they
// write anything else whether it will do.
func encode(key string, stored any, limit int) (*logical.StorageEntry, error) {
	value, err := json.Marshal(stored)
	if err != nil {
		return nil, errors.New("the entry cannot be encoded")
	}
	if len(value) > limit {
		return nil, TooLargeError{len(value), limit}
	}
	return &logical.StorageEntry{Key: key, Value: value}, nil
}

// redactKey keeps the part of a key that people know.
func redactKey(key string) string {
	if strings.HasPrefix(key, string(Tokens)) {
		return string(Tokens) + "..."
	}
	return key
}

// DeleteAll removes every entry right under a prefix.
func DeleteAll(ctx context.Context, s logical.Storage, prefix Prefix) error {
	keys, err := s.List(ctx, string(prefix))
	if err != nil {
		return err
	}
	for _, key := range keys {
		if err := s.Delete(ctx, prefix.Key(key)); err != nil {
			return err
		}
	}
	return nil
}

// joined is the stored form of an entry whose fields stand in a table: those of
// the table beside those of meta, a struct.
func joined(meta any, fields map[string]any) (map[string]any, error) {
	text, err := json.Marshal(meta)
	if err != nil {
		return nil, err
	}
	var all map[string]json.RawMessage
	if err := json.Unmarshal(text, &all); err != nil {
		return nil, err
	}
	for name, value := range all {
		fields[name] = value
	}
	return fields, nil
}
