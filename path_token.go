// SPDX-License-Identifier: MPL-2.0

package oauthsecrets

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"strings"
	"time"

	"github.com/hashicorp/vault/sdk/framework"
	"github.com/hashicorp/vault/sdk/logical"

	"github.com/seed-6323ea89/vault-plugin-secrets-oauth/internal/engine"
	"github.com/seed-6323ea89/vault-plugin-secrets-oauth/internal/entry"
)

func (b *backend) pathToken() []*framework.Path {
	attributes := prefixed()
	read := func(verb string) *framework.PathOperation {
		return reading(verb, "token",
			"Get the role's token, without a lease.", tokenFields(), b.tokenRead)
	}
	return []*framework.Path{{
		Pattern:      "token/" + framework.GenericNameRegex("role"),
		DisplayAttrs: attributes,
		Fields:       map[string]*framework.FieldSchema{"role": roleField(), "min_ttl": minTTLField()},
		Operations: map[logical.Operation]framework.OperationHandler{
			logical.ReadOperation:   read("read"),
			logical.UpdateOperation: read("read-with-parameters"),
			logical.DeleteOperation: writing("delete", "token",
				"Forget the role's token; the next read obtains a new one.", b.tokenDelete),
		},
		HelpSynopsis:    "The role's token, without a lease.",
		HelpDescription: tokenHelp,
	}, {
		Pattern:      "token/" + framework.GenericNameRegex("role") + "/renew",
		DisplayAttrs: attributes,
		Fields: map[string]*framework.FieldSchema{
			"role": roleField(),
			"rejected_sha256": {
				Type:        framework.TypeString,
				Description: "SHA-256 of the token that an API has rejected, in hexadecimal. The token is replaced only if it is still this one.",
			},
		},
		Operations: map[logical.Operation]framework.OperationHandler{
			logical.UpdateOperation: forwarded(reading("renew", "token",
				"Replace the role's token now, and return the new one.", tokenFields(), b.tokenRenew)),
		},
		HelpSynopsis:    "Replace the role's token now.",
		HelpDescription: renewHelp,
	}}
}

func (b *backend) tokenRead(ctx context.Context, req *logical.Request, data *framework.FieldData) (*logical.Response, error) {
	return b.answerToken(ctx, req, data.Get("role").(string), data.Get("min_ttl").(int))
}

func (b *backend) answerToken(ctx context.Context, req *logical.Request, role string, minTTL int) (*logical.Response, error) {
	read, err := b.engine.Read(ctx, req.Storage, role, minTTL)
	if err != nil {
		return refuse(req.MountPoint, err)
	}
	return respond(read, time.Now()), nil
}

// isHotRead returns the role of a read of token/<role> without parameters, if
// the role is in use. Applications repeat this one, and the framework would ask
// Vault for its replication state before each, which is as much work as the rest.
func (b *backend) isHotRead(req *logical.Request) (role string, ok bool) {
	if req.Operation != logical.ReadOperation || len(req.Data) > 0 {
		return "", false
	}
	role, ok = strings.CutPrefix(req.Path, "token/")
	return role, ok && b.engine.InUse(role)
}

func (b *backend) tokenRenew(ctx context.Context, req *logical.Request, data *framework.FieldData) (*logical.Response, error) {
	rejected, err := hex.DecodeString(data.Get("rejected_sha256").(string))
	if err != nil || len(rejected) != 0 && len(rejected) != sha256.Size {
		return logical.ErrorResponse("rejected_sha256 must be 64 hexadecimal digits, as in: printf %s \"$TOKEN\" | sha256sum"), nil
	}
	gone := func(held *entry.Token) bool {
		sum := sha256.Sum256([]byte(held.AccessToken.Reveal()))
		return len(rejected) == 0 || subtle.ConstantTimeCompare(rejected, sum[:]) == 1
	}
	insistent := len(rejected) == 0 // a person; applications must not storm a server that refuses us
	read, err := b.engine.Replace(ctx, req.Storage, data.Get("role").(string), insistent, gone)
	if err != nil {
		return refuse(req.MountPoint, err)
	}
	if len(rejected) > 0 && read.Stale != nil && gone(read.Record) { // the caller knows that it is of no use
		return refuse(req.MountPoint, &engine.NoToken{Definition: read.Definition, Err: read.Stale})
	}
	return respond(read, time.Now()), nil
}

func (b *backend) tokenDelete(ctx context.Context, req *logical.Request, data *framework.FieldData) (*logical.Response, error) {
	name := data.Get("role").(string)
	role, err := entry.LoadRole(ctx, req.Storage, name)
	if err != nil {
		return nil, err
	}
	if role == nil {
		return logical.ErrorResponse("no role named %s; see \"vault list %sroles\"", name, req.MountPoint), nil
	}
	return nil, b.engine.ForgetToken(ctx, req.Storage, name, entry.Shared(role))
}

const tokenHelp = `
Reading this path returns the same as creds/<role>, without a lease: for callers with high rates, since each lease is a write to
Vault's storage. ttl says after how many seconds reading again pays. Deleting it makes the engine forget the token, and the refresh
token with it; the next read obtains a new one.
`

const renewHelp = `
Writing this path replaces the role's token and returns the new one. An application whose token was rejected by the API names it in
rejected_sha256: many that do so at once cost one exchange, since all but the first get the token that has replaced it. It also asks a
server again that the engine leaves in peace after a failure, unless rejected_sha256 is given.

    vault write -force oauth/token/crm/renew
`
