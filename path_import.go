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

	"github.com/seed-6323ea89/vault-plugin-secrets-oauth/internal/oauth"
	"github.com/seed-6323ea89/vault-plugin-secrets-oauth/internal/rotation"
	"github.com/seed-6323ea89/vault-plugin-secrets-oauth/internal/secret"
)

// pathImport is a path of its own, so that the right to read a token is not one
// to put another in its place.
func (b *backend) pathImport() []*framework.Path {
	sensitive := &framework.DisplayAttributes{Sensitive: true}
	return []*framework.Path{{
		Pattern:      "token/" + framework.GenericNameRegex("role") + "/import",
		DisplayAttrs: prefixed(),
		Fields: map[string]*framework.FieldSchema{
			"role":                     roleField(),
			"refresh_token":            {Type: framework.TypeString, DisplayAttrs: sensitive, Description: "Refresh token, obtained elsewhere by the client of the role's config. Never shown."},
			"access_token":             {Type: framework.TypeString, DisplayAttrs: sensitive, Description: "Access token, if there is one that still lives."},
			"expires_in":               {Type: framework.TypeDurationSecond, Description: "Life that the access token has left. 0 assumes the role's access_token_ttl."},
			"refresh_token_expires_in": {Type: framework.TypeDurationSecond, Description: "Life that the refresh token has left, if that is known: the engine uses it before its end. 0: not known."},
			"token_type":               {Type: framework.TypeString, Default: "Bearer", Description: "Type of the access token."},
			"scope":                    {Type: framework.TypeString, Description: "Scope that was granted."},
		},
		Operations: map[logical.Operation]framework.OperationHandler{
			logical.UpdateOperation: writing("import", "token",
				"Hand the engine a refresh token, an access token or both that were obtained elsewhere.", b.tokenImport),
		},
		HelpSynopsis:    "Hand the engine a token that was obtained elsewhere.",
		HelpDescription: importHelp,
	}}
}

func (b *backend) tokenImport(ctx context.Context, req *logical.Request, data *framework.FieldData) (*logical.Response, error) {
	d, err := b.definitions.get(ctx, req.Storage, req.MountPoint, data.Get("role").(string))
	if err != nil {
		return refuse(err)
	}
	if flow := d.flow.Describe(); !flow.NeedsRefreshToken {
		return logical.ErrorResponse("role %s has flow %s, which obtains its tokens by itself: importing is for flow refresh_token (vault write %sroles/%s flow=refresh_token)",
			d.name, flow.Name, req.MountPoint, d.name), nil
	}
	resp := &logical.Response{}
	given, err := importedToken(patch{data}, resp)
	if err != nil {
		return logical.ErrorResponse(err.Error()), nil
	}
	waiting, cancel := context.WithTimeout(ctx, rotation.PostLimit) // a renewal under way may have used up what is imported
	defer cancel()
	b.tokens.Quiet(waiting, d.key)
	if err := b.grant(ctx, req.Storage, d, given); err != nil {
		return nil, err
	}
	return unlessEmpty(resp), nil
}

// importedToken is what was handed over, as a server would have answered it.
// Without an access token it has no life, so that the first read refreshes.
func importedToken(p patch, resp *logical.Response) (*oauth.Token, error) {
	t := &oauth.Token{TokenType: "Bearer", Issued: time.Now().Round(0)}
	var life, refreshLife time.Duration
	for field, to := range map[string]*secret.String{"refresh_token": &t.RefreshToken, "access_token": &t.AccessToken} {
		if _, warnings := p.secret(field, to); len(warnings) > 0 {
			return nil, fmt.Errorf("%s", warnings[0])
		}
		if reason := oauth.CheckToken(to.Reveal()); to.IsSet() && reason != "" {
			return nil, fmt.Errorf("%s: %s", field, strings.Replace(reason, "the access token", "the text", 1))
		}
	}
	p.duration("expires_in", &life)
	p.duration("refresh_token_expires_in", &refreshLife)
	p.textOr("token_type", &t.TokenType, "Bearer")
	p.text("scope", &t.Scope)
	switch {
	case !t.AccessToken.IsSet() && !t.RefreshToken.IsSet():
		return nil, errors.New("refresh_token or access_token is required, as in refresh_token=@refresh-token.txt")
	case !t.AccessToken.IsSet() && life > 0:
		return nil, errors.New("expires_in is the life of access_token, which is not given")
	case !t.RefreshToken.IsSet() && refreshLife > 0:
		return nil, errors.New("refresh_token_expires_in is the life of refresh_token, which is not given")
	case oauth.CheckToken(t.TokenType) != "" || t.Scope != "" && oauth.CheckToken(t.Scope) != "":
		return nil, errors.New("token_type and scope must be printable ASCII")
	case !t.AccessToken.IsSet():
		t.UseOnce, t.Expires = true, t.Issued
	case life > 0:
		t.Expires = t.Issued.Add(life)
	}
	t.RefreshEnds = after(t.Issued, refreshLife)
	if !t.RefreshToken.IsSet() {
		resp.AddWarning("there is no refresh_token: when this access token ends, another one must be imported")
	}
	return t, nil
}

const importHelp = `
For roles with flow refresh_token: the engine takes over a refresh token that somebody has obtained elsewhere, and renews by it from
then on. It must belong to the client of the role's config, and nobody else may go on using it: many servers replace a refresh token
whenever it is used, and take its second use for theft. It is not tried here; the first read of the role does.

    vault write oauth/token/crm/import refresh_token=@refresh-token.txt
`
