// SPDX-License-Identifier: MPL-2.0

package oauthsecrets

import (
	"context"
	"errors"
	"fmt"

	"github.com/hashicorp/vault/sdk/framework"
	"github.com/hashicorp/vault/sdk/logical"

	"github.com/seed-6323ea89/vault-plugin-secrets-oauth/internal/engine"
	"github.com/seed-6323ea89/vault-plugin-secrets-oauth/internal/entry"
	"github.com/seed-6323ea89/vault-plugin-secrets-oauth/internal/oauth"
)

// pathTrial is roles/<name>/test.
func (b *backend) pathTrial() []*framework.Path {
	return []*framework.Path{{
		Pattern:      "roles/" + framework.GenericNameRegex("name") + "/test",
		DisplayAttrs: prefixed(),
		Fields: map[string]*framework.FieldSchema{
			"name": roleField(),
		},
		Operations: map[logical.Operation]framework.OperationHandler{
			logical.UpdateOperation: forwarded(reading("test", "role",
				"Obtain a token for the role now, and show what was sent and what was answered, without secrets.", trialAnswer(), b.roleTest)),
		},
		HelpSynopsis:    "Show how the role obtains its token.",
		HelpDescription: trialHelp,
	}}
}

func trialAnswer() map[string]*framework.FieldSchema {
	return map[string]*framework.FieldSchema{
		"ok":      {Type: framework.TypeBool, Required: true, Description: "Whether a token was obtained."},
		"failure": {Type: framework.TypeString, Required: true, Description: "What went wrong, and who has to act; empty if nothing did."},
		"hint":    {Type: framework.TypeString, Required: true, Description: "What to try; empty if the engine has no idea."},
		"trace":   {Type: framework.TypeString, Required: true, Description: "The requests, the answers, and what was taken from them, for a person to read. Secrets are shown as [redacted] with their lengths."},
	}
}

func (b *backend) roleTest(ctx context.Context, req *logical.Request, data *framework.FieldData) (*logical.Response, error) {
	d, err := b.engine.Define(ctx, req.Storage, data.Get("name").(string))
	if err != nil {
		return refuse(req.MountPoint, err)
	}
	if d.Role.NeedsRefreshToken() {
		return logical.ErrorResponse("role %s has only its refresh token to obtain a token with, and a test must not spend that: vault write -force %stoken/%s/renew replaces the token", d.Name, req.MountPoint, d.Name), nil
	}
	trace := new(oauth.Trace)
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), verifyTime)
	defer cancel()
	token, err := b.engine.Try(ctx, req.Storage, d, false, trace)
	if err != nil {
		return &logical.Response{Data: failedTrial(d, err, trace, req)}, nil
	}
	resp := &logical.Response{Data: map[string]any{"ok": true, "failure": "", "hint": token.Hint, "trace": trace.String() + successLine(d, token)}}
	if err := b.engine.Grant(ctx, req.Storage, d, token); err != nil {
		resp.AddWarning("the role works, but the token that showed it could not be kept: the next read obtains another")
	}
	return resp, nil
}

// failedTrial shows what was sent now, or what was when the account was refused
// and nobody looked.
func failedTrial(d *engine.Definition, err error, trace *oauth.Trace, req *logical.Request) map[string]any {
	shown, hint := trace.String(), ""
	if account, is := errors.AsType[*engine.AccountError](err); is && account.Earlier {
		shown = nothingSent(account) + ":\n\n" + account.Trace
	}
	if failed, is := errors.AsType[*oauth.Error](err); is {
		hint = hintFor(d, failed, req.MountPoint)
	}
	if hint != "" {
		shown += "\nTo try: " + hint + "\n"
	}
	failure := refusalText(req.MountPoint, &engine.NoToken{Definition: d, Err: err})
	return map[string]any{"ok": false, "failure": failure, "hint": hint, "trace": shown}
}

// successLine is the last line of a trace that ended well.
func successLine(d *engine.Definition, answer *oauth.Token) string {
	t := d.Preview(answer)
	line := fmt.Sprintf("The role has a new token, good until %s.\n", entry.Instant(t.Expires))
	for _, note := range t.Notes {
		line += "Warning: " + note + "\n"
	}
	if answer.Hint != "" {
		line += "To try: " + answer.Hint + "\n"
	}
	return line
}

const trialHelp = `
Writing this path obtains a token as a first read would, without the token or the refresh token that the role may have, and answers
with a trace: each request as it was sent, with secrets as [redacted] and their lengths; status and headers of each answer, and the
form of its body without the texts in it; what each pointer of a login document matched, and where the expiry came from. Where it fails
it says what was expected and what was seen, and often what to try. The token becomes the role's.

    vault write -force -field=trace oauth/roles/crm/test

A refusal counts like any other: after three of them for one account the engine logs in no more until something is changed.
`
