// SPDX-License-Identifier: MPL-2.0

package oauth

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"unicode/utf8"
)

// plainHeaders are the request headers that a trace shows whoever set them.
var plainHeaders = []string{"Accept", "User-Agent", "Content-Type"}

// mark stands for a secret: its length tells whether it is the one meant.
func mark(secret string) string { return fmt.Sprintf("[redacted, %d bytes]", len(secret)) }

// shown returns the token request without its secrets: names and what is no
// secret are encoded as on the wire, the marks are not.
func (c *Client) shown(endpoint *url.URL, form url.Values, proof Proof) Shown {
	shown := Shown{Method: http.MethodPost, URL: shownURL(endpoint), Body: shownForm(form, proof.Secrets)}
	for _, line := range c.headers(proof.Shown) {
		ofProof := slices.Contains(proof.Shown, line)
		if !ofProof && c.sets(line.Name) && !slices.Contains(plainHeaders, line.Name) {
			line.Value = mark(line.Value)
		}
		shown.Header = append(shown.Header, line.Name+": "+line.Value)
	}
	return shown
}

// sets tells whether a header is among the configured ones.
func (c *Client) sets(name string) bool {
	for given := range c.Header {
		if http.CanonicalHeaderKey(given) == name {
			return true
		}
	}
	return false
}

// shownURL returns a URL without the values of its query.
func shownURL(u *url.URL) string {
	shown := *u
	shown.User, shown.RawQuery, shown.ForceQuery, shown.Fragment, shown.RawFragment = nil, "", false, "", ""
	if u.RawQuery == "" {
		return shown.String()
	}
	var pairs []string
	for pair := range strings.SplitSeq(u.RawQuery, "&") {
		name, value, named := strings.Cut(pair, "=")
		if decoded, err := url.QueryUnescape(value); err == nil {
			value = decoded
		}
		if !named { // then the name is the value
			pairs = append(pairs, mark(name))
			continue
		}
		pairs = append(pairs, name+"="+mark(value))
	}
	return shown.String() + "?" + strings.Join(pairs, "&")
}

// shownForm encodes a form as Encode does, with marks for what is secret by its
// name or is one of the secrets.
func shownForm(form url.Values, secrets []string) string {
	var pairs []string
	for _, name := range slices.Sorted(maps.Keys(form)) {
		for _, value := range form[name] {
			shown := url.QueryEscape(value)
			if slices.Contains(secretParams, name) || secretName(name) || value != "" && slices.Contains(secrets, value) {
				shown = mark(value)
			}
			pairs = append(pairs, url.QueryEscape(name)+"="+shown)
		}
	}
	return strings.Join(pairs, "&")
}

// noteToken says in the trace what the token was made of, without values but
// those of no use to a thief.
func noteToken(ctx context.Context, a *Answer, token *Token) {
	if traceOf(ctx) == nil {
		return
	}
	fields, _ := a.fields()
	notes := []string{"access_token: " + measured(token.AccessToken.Reveal())}
	if given, _ := fields["token_type"].(string); given == token.TokenType {
		notes = append(notes, "token_type: "+token.TokenType)
	} else {
		notes = append(notes, "token_type: none that could be used, so "+token.TokenType)
	}
	notes = append(notes, "expires_in: "+lifeOf(fields["expires_in"]))
	if refresh := token.RefreshToken.Reveal(); refresh != "" {
		notes = append(notes, "refresh_token: "+measured(refresh))
	} else {
		notes = append(notes, "refresh_token: none")
	}
	if token.Scope != "" {
		notes = append(notes, "scope: "+shortened(token.Scope, maxShown))
	} else {
		notes = append(notes, "scope: the answer does not say")
	}
	Note(ctx, append(notes, token.Warnings...)...)
}

// measured describes a token.
func measured(token string) string {
	words := fmt.Sprintf("a text of %d characters", utf8.RuneCountInString(token))
	if _, jwt := jwtOf(token); jwt {
		words += ", a JWT"
	}
	return words
}

// lifeOf shows expires_in if it is a number, however it is spelled.
func lifeOf(value any) string {
	given := text(value)
	if _, ok := number(strings.TrimSpace(given)); ok && len(given) <= maxDigits {
		if _, quoted := value.(json.Number); !quoted {
			return strings.TrimSpace(given) + ", as a text"
		}
		return given
	}
	if value == nil || given == "" {
		return "the answer does not say"
	}
	return "no number"
}
