// SPDX-License-Identifier: MPL-2.0

package oauthsecrets

import (
	"context"
	"errors"

	"github.com/hashicorp/vault/sdk/logical"

	"github.com/seed-6323ea89/vault-plugin-secrets-oauth/internal/entry"
)

// invalidate hears of keys that another node has written.
func (b *backend) invalidate(_ context.Context, key string) {
	switch forgets, name := entry.Invalidated(key); forgets {
	case entry.AllRoles:
		b.definitions.forgetAll()
	case entry.OneRole:
		b.definitions.forgetRole(name)
	case entry.OneToken:
		b.tokens.Forget(key)
	}
}

// saveFailed is the answer to a write whose entry could not be stored.
func saveFailed(err error) (*logical.Response, error) {
	if tooLarge, is := errors.AsType[entry.TooLargeError](err); is {
		return logical.ErrorResponse(tooLarge.Error()), nil
	}
	return nil, err
}
