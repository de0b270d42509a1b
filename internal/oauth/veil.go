// SPDX-License-Identifier: MPL-2.0

package oauth

import (
	"fmt"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

const (
	maxName  = 40  // characters of a name that a trace shows; a longer one may be a token
	maxShown = 200 // characters of a text that a trace shows
	maxWords = 1000
	longWord = 40 // characters; a longer word is no word
)

// veil hides the secrets of one request, and the tokens of its answer, from a
// trace: what a scrubber does, for many short texts. It is the stricter one,
// since a trace is looked at where an error is only noted.
type veil struct {
	forms []string // of secrets, in every encoding, filtered or not
	long  []string // those of them that are not there by chance
}

func newVeil(secrets []string) *veil {
	s := scrubber{secrets}
	v := &veil{forms: append(s.forms(shownRune), s.forms(printableRune)...)}
	v.long = slices.DeleteFunc(slices.Clone(v.forms), func(form string) bool { return utf8.RuneCountInString(form) < shortSecret })
	return v
}

// shownRune keeps what is printable, with no quotation mark among it: shown
// texts stand between two.
func shownRune(r rune) rune {
	if r == '"' {
		return '\''
	}
	return printableRune(r)
}

// name returns a member's or header's name as it may be shown. A name that is
// long, or looks like a token, is shown by its length.
func (v *veil) name(name string) string {
	length := utf8.RuneCountInString(name)
	if length > maxName || tokenLike(name) {
		return fmt.Sprintf("[name, %d characters]", length)
	}
	return cleaned(strings.Map(shownRune, name), v.forms, maxName)
}

// text returns what the server says on one line, without secrets and without
// words that look like tokens.
func (v *veil) text(text string) string {
	if text == "" || len(text) > maxScrubbed {
		return ""
	}
	words := strings.Split(cleaned(strings.Map(shownRune, text), v.forms, maxScrubbed), " ")
	for i, word := range words {
		if utf8.RuneCountInString(word) > longWord || tokenLike(word) {
			words[i] = redacted
		}
	}
	text = strings.Join(words, " ")
	if hides(text, v.forms) {
		return withheld(v.forms)
	}
	return strings.TrimSpace(shortened(text, maxShown))
}

// words takes the secrets out of a line of our own, which may quote the
// answer's names. Short secrets stay: in our words they are there by chance.
func (v *veil) words(line string) string {
	if len(line) > maxScrubbed {
		line = strings.ToValidUTF8(line[:maxScrubbed], "")
	}
	return cleaned(strings.Map(printableRune, line), v.long, maxWords)
}

// lines is words for what may have several lines, none of them shortened.
func (v *veil) lines(text string) string {
	lines := strings.Split(text, "\n")
	for i, line := range lines {
		lines[i] = cutOut(strings.TrimRightFunc(strings.Map(printableRune, line), unicode.IsSpace), v.long)
	}
	return strings.Join(lines, "\n")
}

// tokenLike tells whether a word looks random: many digits, or letters whose
// case changes more often than it does from word to word.
func tokenLike(word string) bool {
	var digits, changes, letters int
	var last rune
	for _, r := range word {
		class := rune(0)
		switch {
		case unicode.IsDigit(r):
			class, digits = '0', digits+1
		case unicode.IsUpper(r):
			class = 'A'
		case unicode.IsLetter(r):
			class = 'a'
		}
		if class != 0 {
			letters++
			if last != 0 && last != class {
				changes++
			}
		}
		last = class
	}
	return letters >= 16 && (digits >= 5 || changes*5 > letters*2)
}

// secretName tells whether a member or parameter of that name may hold a secret.
func secretName(name string) bool {
	name = strings.ToLower(name)
	for _, harmless := range []string{"type", "expir", "ttl", "life", "timeout", "duration", "_at", "url", "uri", "method"} {
		if strings.Contains(name, harmless) {
			return false
		}
	}
	return slices.Contains(secretParams, name) || slices.ContainsFunc([]string{
		"token", "secret", "passw", "pwd", "key", "session", "sid", "cookie", "credential", "assertion", "jwt", "ticket", "otp", "auth", "code_verifier",
	}, func(part string) bool { return strings.Contains(name, part) })
}

// tellingName tells whether a member of that name may hold words about an error.
func tellingName(name string) bool {
	name = strings.ToLower(name)
	return slices.ContainsFunc([]string{"error", "message", "msg", "detail", "description", "reason", "title", "fault", "status"},
		func(part string) bool { return strings.Contains(name, part) })
}
