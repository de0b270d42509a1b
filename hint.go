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

// hintFor is what a person might try after a failure, or "": in a trace, and for
// a reader who is refused. mount is for its commands.
func hintFor(d *engine.Definition, failed *oauth.Error, mount string) string {
	switch {
	case failed.Hint != "":
		return failed.Hint
	case failed.Setting != "":
		return settingHint(failed.Setting, mount)
	case failed.Kind == oauth.Redirected:
		return fmt.Sprintf("redirects are not followed, since they would send secrets on: write the URL that the server redirects to into %s of %sconfig/%s (often the same with https, or with or without a slash at the end)", d.About.Endpoint, mount, d.Role.Config)
	case failed.Kind != oauth.Refused:
		return ""
	case d.About.OwnWords:
		return loginHint(failed.Status)
	}
	return grantHint(d, failed, mount)
}

// grantHint goes by the codes of RFC 6749 section 5.2, then by the status.
func grantHint(d *engine.Definition, failed *oauth.Error, mount string) string {
	config, role := fmt.Sprintf("%sconfig/%s", mount, d.Role.Config), fmt.Sprintf("%sroles/%s", mount, d.Name)
	switch failed.Code {
	case "invalid_client":
		return clientHint(d, config, role)
	case "invalid_grant":
		hint := fmt.Sprintf("the server does not accept the credentials of %s: see \"vault read %s\"", role, role)
		if d.Role.HasSecret() {
			hint += fmt.Sprintf(", and give anew: vault write %s %s", role, assignments(d.Role.SecretsHeld()))
		}
		return hint
	case "invalid_scope":
		return fmt.Sprintf("the server does not grant scopes of %s: vault write %s scopes=<scopes>. Without scopes (scopes=) it grants what it gives by default", role, role)
	case "unauthorized_client", "unsupported_grant_type":
		return fmt.Sprintf("the server does not allow flow %s to client_id of %s: allow it there, or choose another flow for %s", d.Role.Flow, config, role)
	}
	switch failed.Status {
	case http.StatusNotFound, http.StatusMethodNotAllowed:
		return fmt.Sprintf("is token_url of %s the token endpoint? It often ends in /token; the server's metadata names it as token_endpoint", config)
	case http.StatusUnauthorized:
		return clientHint(d, config, role)
	}
	return ""
}

// clientHint is for a server that does not accept the client, or how it shows who
// it is. It begins with what is wrong most often.
func clientHint(d *engine.Definition, config, role string) string {
	auth := d.Config.Effective().ClientAuth()
	if len(auth.Required) == 0 {
		return fmt.Sprintf("the server does not accept the client of %s: is client_id right? With client_auth_method %s no client_secret is sent; the server may want one: vault write %s client_auth_method=%s client_secret=@client-secret.txt", config, auth.Name, config, auth.Try)
	}
	trace := fmt.Sprintf(" A trace shows its length (vault write -force -field=trace %s/test); one too many is often a newline at the end.", role)
	if d.Role.NeedsRefreshToken() { // a test would spend its refresh token
		trace = ""
	}
	return fmt.Sprintf("the server does not accept the client of %s: is client_secret right?%s To write it again: vault write %s client_secret=@client-secret.txt. If it is right, and client_id too: client_auth_method is %s, try client_auth_method=%s",
		config, trace, config, auth.Name, auth.Try)
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
