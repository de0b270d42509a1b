// SPDX-License-Identifier: MPL-2.0

package oauthsecrets

import (
	"context"
	"errors"
	"sync"

	"github.com/hashicorp/vault/sdk/logical"
)

var errStorage = errors.New("the storage is broken")

// faultyStorage fails where it is told to.
type faultyStorage struct {
	logical.Storage

	mu      sync.Mutex
	fail    func(verb, key string) error      // guarded by mu; nil fails nowhere
	refuses func(*logical.StorageEntry) error // guarded by mu; asked before a put; nil refuses nothing
}

func (s *faultyStorage) refusing(refuses func(*logical.StorageEntry) error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.refuses = refuses
}

func (s *faultyStorage) failing(fail func(verb, key string) error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.fail = fail
}

// failNth lets only the nth call (from 1) with the verb fail; fired tells
// whether it has come to that.
func (s *faultyStorage) failNth(verb string, n int) (fired func() bool) {
	calls := 0
	s.failing(func(v, _ string) error { // under mu
		if v != verb {
			return nil
		}
		if calls++; calls == n {
			return errStorage
		}
		return nil
	})
	return func() bool {
		s.mu.Lock()
		defer s.mu.Unlock()
		return calls >= n
	}
}

func (s *faultyStorage) check(verb, key string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.fail == nil {
		return nil
	}
	return s.fail(verb, key)
}

func (s *faultyStorage) Get(ctx context.Context, key string) (*logical.StorageEntry, error) {
	if err := s.check("get", key); err != nil {
		return nil, err
	}
	return s.Storage.Get(ctx, key)
}

func (s *faultyStorage) Put(ctx context.Context, entry *logical.StorageEntry) error {
	if err := s.check("put", entry.Key); err != nil {
		return err
	}
	s.mu.Lock()
	refuses := s.refuses
	s.mu.Unlock()
	if refuses != nil {
		if err := refuses(entry); err != nil {
			return err
		}
	}
	return s.Storage.Put(ctx, entry)
}

func (s *faultyStorage) Delete(ctx context.Context, key string) error {
	if err := s.check("delete", key); err != nil {
		return err
	}
	return s.Storage.Delete(ctx, key)
}

func (s *faultyStorage) List(ctx context.Context, prefix string) ([]string, error) {
	if err := s.check("list", prefix); err != nil {
		return nil, err
	}
	return s.Storage.List(ctx, prefix)
}
