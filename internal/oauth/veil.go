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
	maxName  = 40      // characters of a name that a trace shows; a longer one may be a token
	maxShown = 200     // characters of a text that a trace shows
	maxText  = 1 << 10 // bytes; a longer text is a document
	longWord = 40      // characters; a longer word is no word
)

// veil hides the secrets of one request, and the tokens of its answer, from a
// trace: what a scrubber does, for many short texts. It is the stricter one,
// since a trace is looked at where an error is only noted.
type veil struct {
	forms  []string // of secrets and tokens, in every encoding, filtered or not
	sent   []string // those of what was sent
	pieces []string // of what was sent
}

// newVeil hides what was sent, and the texts of the answer that may be tokens.
func newVeil(sent, tokens []string) *veil {
	all, own := scrubber{slices.Concat(sent, tokens)}, scrubber{sent}
	return &veil{forms: all.forms(printableRune), sent: own.forms(printableRune), pieces: own.pieces(printableRune)}
}

// lenient is the veil for words of our own: short secrets are there by chance.
func (v *veil) lenient() *veil {
	long := func(forms []string) []string {
		return slices.DeleteFunc(slices.Clone(forms), func(form string) bool { return utf8.RuneCountInString(form) < shortSecret })
	}
	return &veil{forms: long(v.forms), sent: long(v.sent), pieces: v.pieces}
}

// clean takes out what was sent before it takes out the rest: to cut a token out
// of an encoded secret would leave the secret's other half unrecognised.
func (v *veil) clean(text string) string {
	return cleaned(cleaned(printable(text), v.sent, v.pieces, maxText), v.forms, v.pieces, maxText)
}

// name returns a member's or header's name as it may be shown. A name that is
// long, or looks like a token, is shown by its length.
func (v *veil) name(name string) string {
	length := utf8.RuneCountInString(name)
	if length > maxName || tokenLike(name) {
		return fmt.Sprintf("[name, %d characters]", length)
	}
	return v.unquoted(v.clean(name))
}

// text returns what the server says on one line, without secrets and without
// words that look like tokens.
func (v *veil) text(text string) string {
	if text == "" || len(text) > maxText {
		return ""
	}
	words := strings.Split(v.clean(text), " ")
	for i, word := range words {
		if utf8.RuneCountInString(word) > longWord || tokenLike(word) && !dateLike(word) {
			words[i] = redacted
		}
	}
	return strings.TrimSpace(shortened(v.unquoted(strings.Join(words, " ")), maxShown))
}

// unquoted replaces quotation marks: a shown text stands between two. As with
// every change, a secret might come together by it.
func (v *veil) unquoted(text string) string {
	text = strings.ReplaceAll(text, `"`, "'")
	if hides(text, v.forms) {
		return withheld(v.forms)
	}
	return text
}

// words takes the secrets out of a line of our own, which may quote the
// answer's names.
func (v *veil) words(line string) string {
	if len(line) > maxText {
		line = strings.ToValidUTF8(line[:maxText], "")
	}
	return v.lenient().clean(line)
}

// lines takes what was sent out of a request that has lost it already: its
// lines are not shortened, and what else the answer has in common with it stays.
func (v *veil) lines(text string) string {
	forms, lines := v.lenient().sent, strings.Split(text, "\n")
	for i, line := range lines {
		lines[i] = cutOut(strings.TrimRightFunc(printable(line), unicode.IsSpace), forms)
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
