// SPDX-License-Identifier: MPL-2.0

package login

import (
	"encoding/json"
	"fmt"
	"strings"

	"github.com/seed-6323ea89/vault-plugin-secrets-oauth/internal/secret"
)

// Values is what a document's placeholders stand for. It prints as [redacted],
// under every fmt verb and in JSON alike.
type Values struct {
	// BaseURL is where urls that begin with "/" are appended.
	BaseURL string

	Username     string
	Password     secret.String
	ClientID     string
	ClientSecret secret.String

	// Secrets and Variables hold the values of {{secrets.<name>}} and
	// {{variables.<name>}}, as encoding/json with UseNumber gives them.
	Secrets, Variables map[string]any

	// Token is the present access token, RefreshToken what came with it; both are
	// for a refresh.
	Token, RefreshToken secret.String
}

const redacted = "[redacted]"

// String implements fmt.Stringer.
func (v Values) String() string { return redacted }

// GoString implements fmt.GoStringer.
func (v Values) GoString() string { return redacted }

// Format implements fmt.Formatter for the verbs that would look past String.
func (v Values) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte(redacted)) }

// MarshalJSON implements json.Marshaler: a plugin's log lines are JSON.
func (v Values) MarshalJSON() ([]byte, error) { return []byte(`"` + redacted + `"`), nil }

// Missing returns those of needs that have no value. "" is no value, and neither
// is null for a secret; a variable may be null, false or 0.
func (v Values) Missing(needs []string) []string {
	var missing []string
	for _, name := range needs {
		if _, ok := v.lookup(name); !ok {
			missing = append(missing, name)
		}
	}
	return missing
}

// lookup returns the value of a placeholder, and whether there is one.
func (v *Values) lookup(name string) (any, bool) {
	text := ""
	switch name {
	case "username":
		text = v.Username
	case "password":
		text = v.Password.Reveal()
	case "client_id":
		text = v.ClientID
	case "client_secret":
		text = v.ClientSecret.Reveal()
	case "token":
		text = v.Token.Reveal()
	case "refresh_token":
		text = v.RefreshToken.Reveal()
	default:
		return v.own(name)
	}
	return text, text != ""
}

func (v *Values) own(name string) (any, bool) {
	if key, ok := strings.CutPrefix(name, secretsPrefix); ok {
		value, ok := v.Secrets[key]
		return value, ok && value != nil && !empty(value)
	}
	if key, ok := strings.CutPrefix(name, variablesPrefix); ok {
		value, ok := v.Variables[key]
		return value, ok && !empty(value)
	}
	return nil, false
}

// empty tells whether a value is a text, or a number, without a character.
func empty(value any) bool { return value == "" || value == json.Number("") }

// isSecret tells whether a placeholder's value must not be shown.
func isSecret(name string) bool {
	switch name {
	case "password", "client_secret", "token", "refresh_token":
		return true
	}
	return strings.HasPrefix(name, secretsPrefix)
}
