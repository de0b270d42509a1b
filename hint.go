// SPDX-License-Identifier: MPL-2.0

package oauthsecrets

import (
	"net/http"

	"github.com/seed-6323ea89/vault-plugin-secrets-oauth/internal/oauth"
)

// hint is what a person might try after a failure, or "".
func (d *definition) hint(failed *oauth.Error) string {
	switch {
	case failed.Hint != "":
		return failed.Hint
	case failed.Kind == oauth.Redirected:
		return "the server redirects, and redirects are not followed: give the URL that it redirects to (often the same with https, or with or without a slash at the end)"
	case failed.Kind != oauth.Refused:
		return ""
	case d.request.Document != nil:
		return loginHint(failed.Status)
	}
	return d.clientHint(failed)
}

func (d *definition) clientHint(failed *oauth.Error) string {
	switch failed.Code {
	case "invalid_client":
		switch d.config.AuthMethod {
		case oauth.ClientSecretBasic:
			return "invalid_client with client_secret_basic: try client_auth_method=client_secret_post on the config, or client_secret_basic_encoding=raw if the secret has special characters"
		case oauth.ClientSecretPost:
			return "invalid_client with client_secret_post: try client_auth_method=client_secret_basic on the config"
		}
		return "invalid_client with client_auth_method none: the server may want a client_secret, with client_auth_method=client_secret_basic"
	case "invalid_scope":
		return "invalid_scope: try the role without scopes, and see in scope what the server grants"
	case "unsupported_grant_type", "unauthorized_client":
		return failed.Code + ": allow flow " + d.role.Flow + " to the client at the server, or choose another flow"
	}
	switch failed.Status {
	case http.StatusNotFound, http.StatusMethodNotAllowed:
		return "is token_url the token endpoint? It often ends in /token; the server's metadata names it as token_endpoint"
	case http.StatusUnauthorized:
		if d.config.AuthMethod == oauth.ClientSecretBasic {
			return "try client_auth_method=client_secret_post on the config"
		}
	}
	return ""
}

// loginHint goes by the status alone: each API has words of its own. What a
// status says about the document, internal/login has said.
func loginHint(status int) string {
	switch status {
	case http.StatusBadRequest, http.StatusUnprocessableEntity:
		return "compare the names in the request's body with the API's manual: case counts (Username is not username)"
	case http.StatusUnauthorized, http.StatusForbidden:
		return "are username and password right? Their lengths stand in the trace (one too many is often a newline at the end); some APIs want a further header or key"
	}
	return ""
}
