// SPDX-License-Identifier: MPL-2.0

package login

import (
	"slices"
	"strings"
	"unicode"
)

// unit is a unit of time that a name may say, by the reading that takes it.
type unit struct {
	reading string
	words   []string // as the last word of a name
	long    []string // anywhere at the end of a word: expiresinminutes
}

// units has days as well, which no reading takes.
func units() []unit {
	return []unit{
		{"milliseconds", []string{"ms", "msec", "msecs", "millisecond"}, []string{"milliseconds", "millis"}},
		{"seconds", []string{"sec", "secs", "second"}, []string{"seconds"}},
		{"minutes", []string{"min", "mins", "minute"}, []string{"minutes"}},
		{"hours", []string{"hr", "hrs", "hour"}, []string{"hours"}},
		{"days", []string{"day"}, []string{"days"}},
	}
}

// unitOf returns the unit that a name says, such as valid_for_minutes or
// expiresInMs, or "".
func unitOf(name string) string {
	words := wordsOf(name)
	if len(words) == 0 {
		return ""
	}
	for _, u := range units() {
		if slices.Contains(u.words, words[len(words)-1]) {
			return u.reading
		}
		for _, long := range u.long {
			if slices.ContainsFunc(words, func(word string) bool { return strings.HasSuffix(word, long) }) {
				return u.reading
			}
		}
	}
	return ""
}

// wordsOf splits a name in snake_case, kebab-case or camelCase.
func wordsOf(name string) []string {
	var spaced strings.Builder
	last := ' '
	for _, r := range name {
		switch {
		case !unicode.IsLetter(r):
			r = ' '
		case unicode.IsUpper(r) && unicode.IsLower(last):
			spaced.WriteByte(' ')
		}
		spaced.WriteRune(unicode.ToLower(r))
		last = r
	}
	return strings.Fields(spaced.String())
}

// takes tells whether a value whose name says a unit can be meant by a reading.
func (r reading) takes(unit string) bool {
	return unit == "" || r.name == unit || r.name == "unix" && unit == "seconds" || r.name == "unix_milliseconds" && unit == "milliseconds"
}

// doubtUnit notes that a source says one unit by its name and is read in another.
func (c *compiler) doubtUnit(n *node, s source, r reading) {
	name := ""
	switch s := s.(type) {
	case *jsonSource:
		if s != nil && s.pointer != nil && len(s.pointer.Parts) > 0 {
			name = s.pointer.Parts[len(s.pointer.Parts)-1]
		}
	case *headerSource:
		name = s.header
	}
	said := unitOf(name)
	switch {
	case r.takes(said):
	case said == "days":
		c.doubt(n, `%s says days by its name, and is read as %s: no "as" reads days; if all tokens live alike, write "fixed": "30d" or so in its place`, s.name(), r.words)
	default:
		c.doubt(n, `%s says %s by its name, and is read as %s: if the name is right, write "as": %q`, s.name(), said, r.words, said)
	}
}
