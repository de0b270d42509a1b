// SPDX-License-Identifier: MPL-2.0

package logins

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"
)

var placeholder = regexp.MustCompile(`\$(?:URL\b|(TIME|JWT)\(([^()]*)\))`)

// fill replaces the placeholders of a fixture's file.
func fill(text, url string, now time.Time) (string, error) {
	var wrong error
	filled := placeholder.ReplaceAllStringFunc(text, func(match string) string {
		kind, args := "URL", ""
		if found := placeholder.FindStringSubmatch(match); found[1] != "" {
			kind, args = found[1], found[2]
		}
		value, err := url, error(nil)
		switch kind {
		case "TIME":
			value, err = instant(args, now)
		case "JWT":
			value, err = jwt(args, now)
		}
		if err != nil {
			wrong = errors.Join(wrong, fmt.Errorf("%s: %w", match, err))
		}
		return value
	})
	return filled, wrong
}

// instant is $TIME: an offset and a layout.
func instant(args string, now time.Time) (string, error) {
	offset, layout, _ := strings.Cut(args, ",")
	d, err := time.ParseDuration(offset)
	if err != nil {
		return "", err
	}
	at := now.Add(d).UTC()
	switch layout {
	case "":
		return "", errors.New("a layout must follow the offset")
	case "unix":
		return strconv.FormatInt(at.Unix(), 10), nil
	case "unix_ms":
		return strconv.FormatInt(at.UnixMilli(), 10), nil
	}
	return at.Format(layout), nil
}

// jwt is $JWT: claims, each name=value. Its signature is good, and its key is worth nothing.
func jwt(args string, now time.Time) (string, error) {
	claims := map[string]any{}
	for claim := range strings.SplitSeq(args, ",") {
		name, value, found := strings.Cut(claim, "=")
		switch {
		case !found:
			return "", fmt.Errorf("want name=value, not %q", claim)
		case name == "exp" || name == "iat" || name == "nbf":
			d, err := time.ParseDuration(value)
			if err != nil {
				return "", err
			}
			claims[name] = now.Add(d).Unix()
		default:
			claims[name] = value
		}
	}
	payload, err := json.Marshal(claims)
	if err != nil {
		return "", err
	}
	encode := base64.RawURLEncoding.EncodeToString
	signed := encode([]byte(`{"alg":"HS256","typ":"JWT"}`)) + "." + encode(payload)
	mac := hmac.New(sha256.New, []byte("a key for fixtures"))
	mac.Write([]byte(signed))
	return signed + "." + encode(mac.Sum(nil)), nil
}
