// SPDX-License-Identifier: MPL-2.0

// Package noop is a secrets engine that answers token/<name> and creds/<name> with a constant and does nothing else: no
// storage, no checks, no time. Whatever a read of it costs is Vault's, the SDK's and the plugin boundary's, so that it is
// the limit for an engine on the same framework.
package noop

import (
	"context"
	"strings"
	"time"

	"github.com/hashicorp/vault/sdk/framework"
	"github.com/hashicorp/vault/sdk/logical"
)

// TokenLength is the length of the constant's token: an ordinary JWT's, in bytes.
const TokenLength = 800

// LeaseTTL is the life of a lease, and what the constant says of the token's.
const LeaseTTL = time.Hour

const secretType = "noop_token"

// Factory makes the backend of one mount.
func Factory(ctx context.Context, conf *logical.BackendConfig) (logical.Backend, error) {
	b := &framework.Backend{BackendType: logical.TypeLogical}
	secret := &framework.Secret{Type: secretType, Revoke: revoke}
	b.Secrets = []*framework.Secret{secret}
	b.Paths = []*framework.Path{
		reading("creds/", func(context.Context, *logical.Request, *framework.FieldData) (*logical.Response, error) {
			resp := secret.Response(answer(), nil)
			resp.Secret.TTL = LeaseTTL
			return resp, nil
		}),
		reading("token/", func(context.Context, *logical.Request, *framework.FieldData) (*logical.Response, error) {
			return &logical.Response{Data: answer()}, nil
		}),
	}
	return b, b.Setup(ctx, conf)
}

func reading(prefix string, call framework.OperationFunc) *framework.Path {
	return &framework.Path{
		Pattern:    prefix + framework.GenericNameRegex("name"),
		Fields:     map[string]*framework.FieldSchema{"name": {Type: framework.TypeString}},
		Operations: map[logical.Operation]framework.OperationHandler{logical.ReadOperation: &framework.PathOperation{Callback: call}},
	}
}

func revoke(context.Context, *logical.Request, *framework.FieldData) (*logical.Response, error) {
	return nil, nil
}

var (
	token  = strings.Repeat("n", TokenLength)
	bearer = "Bearer " + token
)

// answer has the keys of the engine's own answer, with values as long as those
// of a client credentials token. It is a new map each time since the framework
// and its caller may write to it.
func answer() map[string]any {
	const instant = "2006-01-02T15:04:05Z"
	return map[string]any{
		"access_token":        token,
		"token_type":          "Bearer",
		"scope":               "read",
		"expire_time":         instant,
		"expires_in":          3599,
		"ttl":                 3568,
		"rotation_period":     3569,
		"last_vault_rotation": instant,
		"headers":             map[string]string{"Authorization": bearer},
		"header_name":         "Authorization",
		"header_value":        bearer,
		"query":               map[string]string{},
		"extra":               map[string]string{},
	}
}
