// SPDX-License-Identifier: MPL-2.0

package oauthsecrets

import (
	"errors"
	"fmt"
	"net/http"

	"github.com/seed-6323ea89/vault-plugin-secrets-oauth/internal/engine"
	"github.com/seed-6323ea89/vault-plugin-secrets-oauth/internal/oauth"
	"github.com/seed-6323ea89/vault-plugin-secrets-oauth/internal/transport"
)

// hintFor is what a person might try after a failure, or "". mount is for its commands.
func hintFor(d *engine.Definition, failed *oauth.Error, mount string) string {
	switch {
	case failed.Hint != "":
		return failed.Hint
	case failed.Setting != "":
		return settingHint(failed.Setting, mount)
	case failed.Kind == oauth.Redirected:
		return "the server redirects, and redirects are not followed: give the URL that it redirects to (often the same with https, or with or without a slash at the end)"
	case failed.Kind != oauth.Refused:
		return ""
	case d.About.OwnWords:
		return loginHint(failed.Status)
	}
	return clientHint(d, failed, mount)
}

func clientHint(d *engine.Definition, failed *oauth.Error, mount string) string {
	switch failed.Code {
	case "invalid_client":
		return wrongClient(d, mount)
	case "invalid_scope":
		return "invalid_scope: try the role without scopes, and see in scope what the server grants"
	case "unsupported_grant_type", "unauthorized_client":
		return failed.Code + ": allow flow " + d.Role.Flow + " to the client at the server, or choose another flow"
	}
	switch failed.Status {
	case http.StatusNotFound, http.StatusMethodNotAllowed:
		return "is token_url the token endpoint? It often ends in /token; the server's metadata names it as token_endpoint"
	case http.StatusUnauthorized:
		return wrongClient(d, mount)
	}
	return ""
}

// wrongClient begins with what is wrong most often.
func wrongClient(d *engine.Definition, mount string) string {
	config := fmt.Sprintf("%sconfig/%s", mount, d.Role.Config)
	auth := d.Config.Effective().ClientAuth()
	if len(auth.Required) == 0 {
		return fmt.Sprintf("is client_id right? With client_auth_method %s no client_secret is sent; the server may want one: vault write %s client_auth_method=%s client_secret=@client-secret.txt", auth.Name, config, auth.Try)
	}
	return fmt.Sprintf("is client_secret right? Its length stands in the trace (one too many is often a newline at the end); to write it again: vault write %s client_secret=@client-secret.txt. If it is right, and client_id too: try client_auth_method=%s", config, auth.Try)
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
func settingHint(setting, mount string) string {
	if setting == "allow_loopback" {
		return fmt.Sprintf("for a demo or a test, allow it with \"vault write %ssettings allow_loopback=true\"", mount)
	}
	return fmt.Sprintf("see %s in \"vault read %ssettings\"", setting, mount)
}

// withSettingHint is the error's text, and how a setting allows what it refuses.
func withSettingHint(err error, mount string) string {
	if refused, ok := errors.AsType[*transport.GuardError](err); ok && refused.Setting() != "" {
		return err.Error() + ": " + settingHint(refused.Setting(), mount)
	}
	return err.Error()
}
