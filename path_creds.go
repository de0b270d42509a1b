// SPDX-License-Identifier: MPL-2.0

package oauthsecrets

import (
	"context"
	"time"

	"github.com/hashicorp/vault/sdk/framework"
	"github.com/hashicorp/vault/sdk/logical"

	"github.com/seed-6323ea89/vault-plugin-secrets-oauth/internal/entry"
)

// secretType is the type of the leases on tokens.
const secretType = "oauth_token"

func (b *backend) pathCreds() []*framework.Path {
	read := func(verb string) *framework.PathOperation {
		op := reading(verb, "credentials",
			"Get the role's token, with a lease as long as it lives.", tokenFields(), b.credsRead)
		// A standby cannot register a lease. A secondary registers its own; forwarding
		// from there as well would cost each read a question back to Vault.
		op.ForwardPerformanceStandby = true
		return op
	}
	return []*framework.Path{{
		Pattern:      "creds/" + framework.GenericNameRegex("role"),
		DisplayAttrs: prefixed(),
		Fields:       map[string]*framework.FieldSchema{"role": roleField(), "min_ttl": minTTLField()},
		Operations: map[logical.Operation]framework.OperationHandler{
			logical.ReadOperation:   read("generate"),
			logical.UpdateOperation: read("generate-with-parameters"), // how Vault Agent and Secrets Operator send parameters
		},
		HelpSynopsis:    "The role's token, with a lease.",
		HelpDescription: credsHelp,
	}}
}

func (b *backend) secretToken() *framework.Secret {
	return &framework.Secret{Type: secretType, Fields: tokenFields(), Revoke: b.credsRevoke}
}

func (b *backend) credsRead(ctx context.Context, req *logical.Request, data *framework.FieldData) (*logical.Response, error) {
	read, err := b.engine.Read(ctx, req.Storage, data.Get("role").(string), data.Get("min_ttl").(int))
	if err != nil {
		return refuse(req.MountPoint, err)
	}
	now := time.Now()
	resp := respond(read, now)
	leased := b.Secret(secretType).Response(resp.Data, map[string]any{"role": read.Definition.Name, "role_id": read.Definition.Role.ID})
	leased.Warnings = resp.Warnings
	leased.Secret.Renewable = false
	leased.Secret.TTL = leaseFor(read.Record, now)
	return leased, nil
}

// leaseFor is the token's remaining life, and never 0: Vault would take that for
// its default of 32 days. Vault itself holds it to the mount's limit; to ask for
// that here would cost each read a question back to Vault.
func leaseFor(t *entry.Token, now time.Time) time.Duration {
	return max(t.Expires.Sub(now).Truncate(time.Second), time.Second)
}

// credsRevoke has nothing to do: others hold the same token. It needs neither
// the role nor the network, so that a mount can always be disabled.
func (b *backend) credsRevoke(context.Context, *logical.Request, *framework.FieldData) (*logical.Response, error) {
	return nil, nil
}

const credsHelp = `
Reading this path returns the role's access token, and the header to send it in. The token is shared by all readers of the role and
obtained only when there is none with enough life left. The lease lasts as long as the token and cannot be renewed: read again instead.
Revoking a lease does not end the token, since others hold it.

    vault read oauth/creds/crm
    vault read oauth/creds/crm min_ttl=10m
`
