// SPDX-License-Identifier: MPL-2.0

package entry

import (
	"errors"
	"fmt"
	"net/url"
	"path"
	"regexp"
	"strings"

	"github.com/seed-6323ea89/vault-plugin-secrets-oauth/flows"
	"github.com/seed-6323ea89/vault-plugin-secrets-oauth/internal/transport"
)

// The checks that configs and roles share. Each error is a sentence for the
// operator that names the field; values are not quoted, any might be a secret
// that slipped into the wrong field.

const maxName = 128

var namePattern = regexp.MustCompile(`^\w(([\w-.]+)?\w)?$`) // framework.GenericNameRegex

// CheckName refuses what the framework's name pattern lets through.
func CheckName(field, name string) error {
	switch {
	case strings.Contains(name, ".."):
		return fmt.Errorf("%s must not contain \"..\"", field)
	case len(name) > maxName:
		return fmt.Errorf("%s must not be longer than %d characters", field, maxName)
	case !namePattern.MatchString(name):
		return fmt.Errorf("%s may have letters, digits, \"_\", \"-\" and \".\", and neither starts nor ends with \"-\" or \".\"", field)
	}
	return nil
}

func required(field, value string) error {
	if value == "" {
		return fmt.Errorf("%s is required", field)
	}
	return nil
}

func checkURL(field, text string, guard transport.Guard, allowHTTP bool) error {
	u, err := url.Parse(text)
	if err != nil {
		return fmt.Errorf("%s is not a URL, as in https://login.example.com/oauth2/token", field) // the parser's words quote the value
	}
	if err := guard.CheckURL(u, allowHTTP); err != nil {
		return fmt.Errorf("%s: %w", field, err)
	}
	return nil
}

// checkBaseURL is checkURL for a URL to which paths are appended.
func checkBaseURL(text string, guard transport.Guard, allowHTTP bool) error {
	if err := checkURL("base_url", text, guard, allowHTTP); err != nil {
		return err
	}
	if strings.ContainsAny(text, "?#") || strings.Contains(text, "{{") {
		return errors.New("base_url is what paths are appended to: it must not have a query, a fragment or a placeholder")
	}
	return nil
}

func checkGlobs(field string, globs []string) error {
	for i, glob := range globs {
		if _, err := path.Match(glob, ""); err != nil {
			return fmt.Errorf("%s: number %d is not a pattern, as in app-*", field, i+1)
		}
	}
	return nil
}

// checkParams keeps the parameters with a field of their own out of params.
func checkParams(params map[string]string) error {
	for name, value := range params {
		if owner := flows.ParamOwner(name); owner != "" {
			return fmt.Errorf("params: %s is sent by the engine: use the field %s", name, owner)
		}
		if name == "" || hasControl(name) {
			return errors.New("params: a name is empty or has control characters")
		}
		if strings.ContainsRune(value, 0) {
			return fmt.Errorf("params: the value of %s has a NUL character", name)
		}
	}
	return nil
}

// isScope holds a scope against RFC 6749 section 3.3: %x21 / %x23-5B / %x5D-7E.
func isScope(s string) bool {
	return s != "" && !strings.ContainsFunc(s, func(r rune) bool { return r < 0x21 || r > 0x7e || r == '"' || r == '\\' })
}

func hasControl(s string) bool {
	return strings.ContainsFunc(s, func(r rune) bool { return r < 0x20 || r == 0x7f })
}
