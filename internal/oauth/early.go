// SPDX-License-Identifier: MPL-2.0

package oauth

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
)

// early makes a token of an answer that ends too early, if a refresh token had
// arrived with it: the server may have taken back the one that was sent, and this
// is all there is of its successor. An access token whose life had not arrived
// yet is good for one use; without any, the Token has the refresh token only. It
// returns nil if there is nothing to be saved.
func (a *Answer) early() *Token {
	fields := prefix(bytes.TrimSpace(bytes.TrimPrefix(a.Body, []byte("\xef\xbb\xbf"))))
	access, _ := accessToken(fields)
	t := newToken(a, access, fields)
	if !t.RefreshToken.IsSet() || carriesError(fields) {
		return nil
	}
	if _, arrived := fields["expires_in"]; !arrived {
		t.UseOnce, t.Expires = true, t.Issued
	}
	t.warn("the server's answer was cut off, after its tokens")
	return t
}

// prefix returns the members of a JSON object that ends too early, as far as
// they are whole; nil if the text is anything else.
func prefix(text []byte) map[string]any {
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	if open, err := d.Token(); err != nil || open != json.Delim('{') {
		return nil
	}
	fields := map[string]any{}
	for {
		name, err := d.Token()
		if err != nil {
			return untilItEnds(fields, err)
		}
		key, is := name.(string)
		if !is { // the object's end: what is wrong comes after it
			return nil
		}
		var value any
		if err := d.Decode(&value); err != nil {
			return untilItEnds(fields, err)
		}
		if _, is := value.(json.Number); is && d.InputOffset() == int64(len(text)) { // there may be more digits to it
			return fields
		}
		fields[key] = value
	}
}

// untilItEnds tells a text that ends from one that is not JSON.
func untilItEnds(fields map[string]any, err error) map[string]any {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return fields
	}
	return nil
}
