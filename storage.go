// SPDX-License-Identifier: MPL-2.0

package oauthsecrets

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/hashicorp/vault/sdk/logical"
)

// Storage keys. Changing one is a migration.
//
//	config/<name>                           configEntry
//	role/<name>                             roleEntry
//	token/<role id>/<holder and narrowing>  tokenEntry
//	use/<config>/<role>                     {}: which roles name a config
//	account/<config>/<hash of account>      accountEntry: no secrets
//	settings                                settingsEntry
//
// The index under use/ is written before a role and deleted after it, so that
// it may name a role too many after a crash, and never one too few.
const (
	configPrefix  = "config/"
	rolePrefix    = "role/"
	tokenPrefix   = "token/"
	usePrefix     = "use/"
	accountPrefix = "account/"
	settingsKey   = "settings"
)

// entryVersion is written into every entry, for the day its form changes.
const entryVersion = 1

// Largest stored forms, in bytes.
const (
	maxConfigSize = 64 << 10
	maxRoleSize   = 16 << 10
	maxTokenSize  = 256 << 10
)

// storedUnder is where the engine stores something. Another node that writes there
// makes this one forget what it knows from there.
var storedUnder = []struct {
	prefix     string // ends in "/", or Vault takes it for one exact key; else it is one
	sealWraps  bool   // secrets lie under it
	invalidate func(b *backend, key string)
}{
	{configPrefix, true, forgetDefinitions}, // many roles may depend on one config
	{rolePrefix, true, func(b *backend, key string) { b.definitions.forgetRole(strings.TrimPrefix(key, rolePrefix)) }},
	{tokenPrefix, true, func(b *backend, key string) { b.tokens.Forget(key) }},
	{usePrefix, false, nil},
	{accountPrefix, true, nil},
	{settingsKey, false, forgetDefinitions},
}

func forgetDefinitions(b *backend, _ string) { b.definitions.forgetAll() }

// sealWrapped returns the prefixes under which secrets lie.
func sealWrapped() (prefixes []string) {
	for _, p := range storedUnder {
		if p.sealWraps {
			prefixes = append(prefixes, p.prefix)
		}
	}
	return prefixes
}

// invalidate hears of keys that another node has written.
func (b *backend) invalidate(_ context.Context, key string) {
	for _, p := range storedUnder {
		if p.invalidate != nil && (key == p.prefix || strings.HasSuffix(p.prefix, "/") && strings.HasPrefix(key, p.prefix)) {
			p.invalidate(b, key)
		}
	}
}

// tooLargeError refuses an entry before it is stored: a user's mistake.
type tooLargeError struct{ size, limit int }

func (e tooLargeError) Error() string {
	return fmt.Sprintf("the entry is too large: %d bytes, and %d KiB is the limit; shorten its texts", e.size, e.limit>>10)
}

// saveFailed is the answer to a write whose entry could not be stored.
func saveFailed(err error) (*logical.Response, error) {
	if tooLarge, is := errors.AsType[tooLargeError](err); is {
		return logical.ErrorResponse(tooLarge.Error()), nil
	}
	return nil, err
}

// load reads the entry at key into a new T. A missing entry is nil, nil.
func load[T any](ctx context.Context, s logical.Storage, key string) (*T, error) {
	raw, err := s.Get(ctx, key)
	if err != nil || raw == nil {
		return nil, err
	}
	entry := new(T)
	if err := json.Unmarshal(raw.Value, entry); err != nil {
		return nil, unreadableError{redactKey(key)} // the decoder's own words would quote it
	}
	return entry, nil
}

// unreadableError is an entry that is there and cannot be decoded.
type unreadableError struct{ key string }

func (e unreadableError) Error() string {
	return fmt.Sprintf("the stored entry %s cannot be read", e.key)
}

// loadNamed is load for an entry with a name from a request. Under a name that
// no write accepts there is nothing; storage itself would fail on "..".
func loadNamed[T any](ctx context.Context, s logical.Storage, prefix, name string) (*T, error) {
	if checkName("the name", name) != nil {
		return nil, nil
	}
	return load[T](ctx, s, prefix+name)
}

// save writes stored, an entry's stored form, which has its secrets in the clear.
func save(ctx context.Context, s logical.Storage, key string, stored any, limit int) error {
	entry, err := encode(key, stored, limit)
	if err != nil {
		return err
	}
	return s.Put(ctx, entry)
}

// encode is save without the writing, for those who must know before they
// write anything else whether it will do.
func encode(key string, stored any, limit int) (*logical.StorageEntry, error) {
	value, err := json.Marshal(stored)
	if err != nil {
		return nil, errors.New("the entry cannot be encoded")
	}
	if len(value) > limit {
		return nil, tooLargeError{len(value), limit}
	}
	return &logical.StorageEntry{Key: key, Value: value}, nil
}

// redactKey keeps the part of a key that people know.
func redactKey(key string) string {
	if strings.HasPrefix(key, tokenPrefix) {
		return tokenPrefix + "..."
	}
	return key
}

// tokenKey is where a role's token lies. The parts, which say for whom the
// token is and how it is narrowed, are length-prefixed: no two lists of parts
// share a key. An empty holder would be everybody's, so it is an error.
func tokenKey(roleID, holder string, narrowing ...string) (string, error) {
	if roleID == "" || holder == "" {
		return "", errors.New("a token needs a role id and a holder")
	}
	hash := sha256.New()
	for _, part := range append([]string{holder}, narrowing...) {
		hash.Write([]byte(strconv.Itoa(len(part)) + ":" + part))
	}
	return tokenPrefix + roleID + "/" + hex.EncodeToString(hash.Sum(nil)), nil
}

// deleteAll removes every entry right under a prefix, which ends in "/".
func deleteAll(ctx context.Context, s logical.Storage, prefix string) error {
	keys, err := s.List(ctx, prefix)
	if err != nil {
		return err
	}
	for _, key := range keys {
		if err := s.Delete(ctx, prefix+key); err != nil {
			return err
		}
	}
	return nil
}

// rolesOf names the roles that use a config.
func rolesOf(ctx context.Context, s logical.Storage, config string) ([]string, error) {
	return s.List(ctx, usePrefix+config+"/")
}
