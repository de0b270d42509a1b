// SPDX-License-Identifier: MPL-2.0

package oauthsecrets

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/hashicorp/vault/sdk/framework"
	"github.com/hashicorp/vault/sdk/logical"

	"github.com/seed-6323ea89/vault-plugin-secrets-oauth/internal/field"
	"github.com/seed-6323ea89/vault-plugin-secrets-oauth/internal/oauth"
	"github.com/seed-6323ea89/vault-plugin-secrets-oauth/internal/rotation"
	"github.com/seed-6323ea89/vault-plugin-secrets-oauth/internal/schema"
	"github.com/seed-6323ea89/vault-plugin-secrets-oauth/internal/secret"
)

// pathImport is a path of its own, so that the right to read a token is not one
// to put another in its place.
func (b *backend) pathImport() []*framework.Path {
	fields := schema.Write(importFields.Fields())
	fields["role"] = roleField()
	return []*framework.Path{{
		Pattern:      "token/" + framework.GenericNameRegex("role") + "/import",
		DisplayAttrs: prefixed(),
		Fields:       fields,
		Operations: map[logical.Operation]framework.OperationHandler{
			logical.UpdateOperation: writing("import", "token",
				"Hand the engine a refresh token, an access token or both that were obtained elsewhere.", b.tokenImport),
		},
		HelpSynopsis:    "Hand the engine a token that was obtained elsewhere.",
		HelpDescription: importHelp,
	}}
}

func (b *backend) tokenImport(ctx context.Context, req *logical.Request, data *framework.FieldData) (*logical.Response, error) {
	d, err := b.engine.Define(ctx, req.Storage, data.Get("role").(string))
	if err != nil {
		return refuse(req.MountPoint, err)
	}
	if !d.About.NeedsRefreshToken {
		return logical.ErrorResponse("role %s has flow %s, which obtains its tokens by itself: importing is for flow refresh_token (vault write %sroles/%s flow=refresh_token)",
			d.Name, d.About.Name, req.MountPoint, d.Name), nil
	}
	resp := &logical.Response{}
	given, err := importedToken(data, resp)
	if err != nil {
		return logical.ErrorResponse(err.Error()), nil
	}
	waiting, cancel := context.WithTimeout(ctx, rotation.PostLimit) // a renewal under way may have used up what is imported
	defer cancel()
	b.engine.Quiet(waiting, d)
	if err := b.engine.Grant(ctx, req.Storage, d, given); err != nil {
		return nil, err
	}
	return unlessEmpty(resp), nil
}

// handedOver is what a person hands to the engine. It is not stored as it is.
type handedOver struct {
	refreshToken, accessToken secret.String
	life, refreshLife         time.Duration
	tokenType, scope          string
}

var importFields = field.New(
	field.Secret("refresh_token", field.None, field.Sent, func(h *handedOver) *secret.String { return &h.refreshToken },
		"Refresh token, obtained elsewhere by the client of the role's config. Never shown."),
	field.Secret("access_token", field.None, field.Sent, func(h *handedOver) *secret.String { return &h.accessToken },
		"Access token, if there is one that still lives."),
	field.Duration("expires_in", field.None, func(h *handedOver) *time.Duration { return &h.life }, 0, maxHandedLife,
		"Life that the access token has left. 0 assumes the role's access_token_ttl."),
	field.Duration("refresh_token_expires_in", field.None, func(h *handedOver) *time.Duration { return &h.refreshLife }, 0, maxHandedLife,
		"Life that the refresh token has left, if that is known: the engine uses it before its end. 0: not known."),
	field.TextOr("token_type", field.None, func(h *handedOver) *string { return &h.tokenType }, "Bearer",
		"Type of the access token."),
	field.Text("scope", field.None, func(h *handedOver) *string { return &h.scope },
		"Scope that was granted."),
)

const maxHandedLife = 100 * 365 * 24 * time.Hour

// importedToken is what was handed over, as a server would have answered it.
// Without an access token it has no life, so that the first read refreshes.
func importedToken(data *framework.FieldData, resp *logical.Response) (*oauth.Token, error) {
	var given handedOver
	importFields.Reset(&given)
	_, resp.Warnings = importFields.Apply(&given, data)
	if err := given.check(); err != nil {
		return nil, err
	}
	t := &oauth.Token{
		AccessToken: given.accessToken, TokenType: given.tokenType, Scope: given.scope,
		RefreshToken: given.refreshToken, Issued: time.Now().Round(0),
	}
	switch {
	case !t.AccessToken.IsSet():
		t.UseOnce, t.Expires = true, t.Issued
	case given.life > 0:
		t.Expires = t.Issued.Add(given.life)
	}
	if given.refreshLife > 0 {
		t.RefreshEnds = t.Issued.Add(given.refreshLife)
	}
	if !t.RefreshToken.IsSet() {
		resp.AddWarning("there is no refresh_token: when this access token ends, another one must be imported")
	}
	return t, nil
}

func (h *handedOver) check() error {
	for name, token := range map[string]secret.String{"refresh_token": h.refreshToken, "access_token": h.accessToken} {
		if token.EndsInNewline() {
			return errors.New(field.EndsInNewline(name))
		}
		if reason := oauth.CheckToken(token.Reveal()); token.IsSet() && reason != "" {
			return fmt.Errorf("%s: %s", name, strings.Replace(reason, "the access token", "the text", 1))
		}
	}
	switch {
	case !h.accessToken.IsSet() && !h.refreshToken.IsSet():
		return errors.New("refresh_token or access_token is required, as in refresh_token=@refresh-token.txt")
	case !h.accessToken.IsSet() && h.life > 0:
		return errors.New("expires_in is the life of access_token, which is not given")
	case !h.refreshToken.IsSet() && h.refreshLife > 0:
		return errors.New("refresh_token_expires_in is the life of refresh_token, which is not given")
	case oauth.CheckToken(h.tokenType) != "" || h.scope != "" && oauth.CheckToken(h.scope) != "":
		return errors.New("token_type and scope must be printable ASCII")
	}
	return importFields.Check(h)
}

const importHelp = `
For roles with flow refresh_token: the engine takes over a refresh token that somebody has obtained elsewhere, and renews by it from
then on. It must belong to the client of the role's config, and nobody else may go on using it: many servers replace a refresh token
whenever it is used, and take its second use for theft. It is not tried here; the first read of the role does.

    vault write oauth/token/crm/import refresh_token=@refresh-token.txt
`
