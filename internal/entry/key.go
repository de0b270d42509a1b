// SPDX-License-Identifier: MPL-2.0

package entry

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"strconv"
	"strings"

	"github.com/seed-6323ea89/vault-plugin-secrets-oauth/flows"
)

// Prefix is where the entries of one kind lie. Each ends in "/": without it
// Vault would take a seal-wrapped prefix for one exact key. Changing one is a
// migration.
type Prefix string

// The prefixes, and the key of the settings.
//
//	config/<name>                           Config
//	role/<name>                             Role
//	token/<role id>/<holder and narrowing>  Token
//	use/<config>/<role>                     {}: which roles name a config
//	account/<config>/<hash of account>      Account: no secrets, but an answer's words
//	settings                                Settings
//
// The index under use/ is written before a role and deleted after it, so that
// it may name a role too many after a crash, and never one too few.
const (
	Configs  Prefix = "config/"
	Roles    Prefix = "role/"
	Tokens   Prefix = "token/"
	Uses     Prefix = "use/"
	Accounts Prefix = "account/"

	SettingsKey = "settings"
)

// Forgets is what memory has to forget when another node has written a key.
type Forgets uint8

// What is forgotten.
const (
	Nothing Forgets = iota // nothing in memory comes from the key
	OneToken
	OneRole
	AllRoles // any role may depend on it
)

// Place is one row of the table of storage.
type Place struct {
	Prefix  Prefix
	Wrapped bool // seal-wrapped: secrets lie there
	Forgets Forgets
}

// Places is the table of all prefixes.
func Places() []Place {
	return []Place{
		{Configs, true, AllRoles},
		{Roles, true, OneRole},
		{Tokens, true, OneToken},
		{Uses, false, Nothing},
		{Accounts, true, Nothing},
	}
}

// Invalidated tells what a write of the key by another node makes memory
// forget, and the name that follows the prefix. An unknown key is not ours.
func Invalidated(key string) (Forgets, string) {
	if key == SettingsKey {
		return AllRoles, ""
	}
	for _, place := range Places() {
		if name, ok := strings.CutPrefix(key, string(place.Prefix)); ok {
			return place.Forgets, name
		}
	}
	return Nothing, ""
}

// SealWrapped returns the prefixes under which secrets lie.
func SealWrapped() []string {
	var prefixes []string
	for _, place := range Places() {
		if place.Wrapped {
			prefixes = append(prefixes, string(place.Prefix))
		}
	}
	return prefixes
}

// Key is the storage key of the name under the prefix.
func (p Prefix) Key(name string) string { return string(p) + name }

// Under is the prefix of what lies under a name, such as the tokens of one role id.
func (p Prefix) Under(name string) Prefix { return p + Prefix(name) + "/" }

// SharedHolder is the holder of a token that all readers of a role share.
const SharedHolder = "role"

// Ask is what a reader asks for in place of what the role says. The zero Ask is
// the role's own.
type Ask struct {
	Scopes   []string `json:"scopes,omitempty"`
	Audience []string `json:"audience,omitempty"`
	Resource []string `json:"resource,omitempty"`
}

// IsZero tells whether nothing is asked for beyond the role.
func (a Ask) IsZero() bool { return len(a.Scopes)+len(a.Audience)+len(a.Resource) == 0 }

// Narrow lays what is asked for over a request.
func (a Ask) Narrow(r flows.Request) flows.Request {
	for _, part := range []struct {
		asked []string
		to    *[]string
	}{{a.Scopes, &r.Scopes}, {a.Audience, &r.Audience}, {a.Resource, &r.Resource}} {
		if len(part.asked) > 0 {
			*part.to = part.asked
		}
	}
	return r
}

// Target says which token of a role is meant: for whom it is, and how it is narrowed.
type Target struct {
	RoleID string
	Holder string
	Ask    Ask
}

// Shared is the token that all readers of a role share.
func Shared(role *Role) Target { return Target{RoleID: role.ID, Holder: SharedHolder} }

// Key is where the token lies. The parts are length-prefixed: no two targets
// share a key. An empty holder would be everybody's, so it is an error.
func (t Target) Key() (string, error) {
	if t.RoleID == "" || t.Holder == "" {
		return "", errors.New("a token needs a role id and a holder")
	}
	parts := []string{t.Holder}
	if !t.Ask.IsZero() {
		narrowing, err := json.Marshal(t.Ask)
		if err != nil {
			return "", err
		}
		parts = append(parts, string(narrowing))
	}
	hash := sha256.New()
	for _, part := range parts {
		hash.Write([]byte(strconv.Itoa(len(part)) + ":" + part))
	}
	return Tokens.Under(t.RoleID).Key(hex.EncodeToString(hash.Sum(nil))), nil
}
