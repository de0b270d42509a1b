// SPDX-License-Identifier: MPL-2.0

// Package secret holds values that must not be printed.
package secret

import (
	"fmt"
	"strings"
)

// String is a value that prints as [redacted], under every fmt verb and in
// JSON alike (a plugin's log lines are JSON). Only Reveal gives it away.
//
// It decodes from JSON as an ordinary string. To store one, shadow its field
// with a Plain at the one place where the entry is written.
type String string

// Plain is a String on its way into Vault's storage: it encodes in the clear.
type Plain string

// PlainMap is a map of Strings on its way into Vault's storage.
func PlainMap(m map[string]String) map[string]Plain {
	if m == nil {
		return nil
	}
	plain := make(map[string]Plain, len(m))
	for name, value := range m {
		plain[name] = Plain(value)
	}
	return plain
}

const redacted = "[redacted]"

// Reveal returns the value itself, for a request to the server that issued it
// or for the caller whose token it is.
func (s String) Reveal() string { return string(s) }

// IsSet tells whether there is a value at all.
func (s String) IsSet() bool { return s != "" }

// String implements fmt.Stringer. An empty value prints as nothing, so that
// "not set" can be told from "set" in a log line.
func (s String) String() string {
	if s == "" {
		return ""
	}
	return redacted
}

// Format implements fmt.Formatter for the verbs that would look past String
// (%x, %d, %#v).
func (s String) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte(s.String())) }

// MarshalText implements encoding.TextMarshaler; encoding/json uses it too.
func (s String) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// UnmarshalText implements encoding.TextUnmarshaler: the stored form is plain.
func (s *String) UnmarshalText(text []byte) error {
	*s = String(text)
	return nil
}

// EndsInNewline tells whether a value was probably made with echo and without -n.
func (s String) EndsInNewline() bool { return strings.HasSuffix(string(s), "\n") }
