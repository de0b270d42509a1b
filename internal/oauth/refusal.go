// SPDX-License-Identifier: MPL-2.0

package oauth

import (
	"bytes"
	"cmp"
	"fmt"
	"net/http"
	"regexp"
	"strconv"
	"strings"
)

// Refusal is the error that an answer stands for which says no: code,
// description and Retry-After are what the answer says about it. Where it says
// nothing usable, the caller may add a Reason.
func (a *Answer) Refusal() *Error {
	fields, _ := a.fields()
	if fields == nil { // Salesforce sends a list of errors
		if list, ok := bytes.CutPrefix(bytes.TrimSpace(a.Body), []byte("[")); ok {
			fields, _ = decodeObject(bytes.TrimSpace(list))
		}
	}
	return a.refusal(fields, a.scrub)
}

// Malformed is the error for an answer that is none of a kind one can use, for
// the reason given in our own words.
func (a *Answer) Malformed(reason string) *Error { return a.malformed(a.Scrub(reason)) }

// Scrub takes the request's secrets out of words of our own that quote the
// answer, such as its names. They become one line of at most 1024 bytes.
func (a *Answer) Scrub(words string) string {
	tokens, _ := tokensOf(a)
	return newVeil(a.scrub.secrets, tokens).words(words)
}

// Unveiled returns words if they have nothing in them that a trace would hide,
// else "": half a suggestion is of no use.
func (a *Answer) Unveiled(words string) string {
	if a.Scrub(words) != words {
		return ""
	}
	return words
}

// Redirected is the error for a 3xx answer.
func (a *Answer) Redirected() *Error {
	return &Error{Kind: Redirected, Host: a.Host, Status: a.Status, Reason: "redirect refused"}
}

func (a *Answer) malformed(reason string) *Error {
	return &Error{Kind: Malformed, Host: a.Host, Status: a.Status, Reason: reason}
}

// refusal is the error that an error answer stands for.
func (a *Answer) refusal(fields map[string]any, scrub *scrubber) *Error {
	code, description := errorOf(fields)
	if code == strconv.Itoa(a.Status) && text(fields["error"]) == "" { // said already
		code = ""
	}
	if code == "" && a.Status == http.StatusUnauthorized { // RFC 6750 section 3
		challenges := strings.Join(a.Header.Values("WWW-Authenticate"), ", ")
		code = authParam(challenges, "error")
		description = cmp.Or(description, authParam(challenges, "error_description"))
	}
	return &Error{
		Kind: kindOf(a.Status, code), Host: a.Host, Status: a.Status,
		Code:        scrub.code(code),
		Description: scrub.description(description),
		RetryAfter:  retryAfter(a.Header, a.Issued),
	}
}

// carriesError tells an error from a token; some servers send it with status 200.
func carriesError(fields map[string]any) bool {
	if ok, is := fields["ok"].(bool); is && !ok { // Slack
		return true
	}
	switch e := fields["error"].(type) {
	case nil:
		return false
	case bool:
		return e
	case string:
		return e != ""
	case []any:
		return len(e) > 0
	case map[string]any:
		return len(e) > 0
	default: // a number
		return fmt.Sprint(e) != "0"
	}
}

// errorOf returns code and description of an error answer, as they came: by RFC
// 6749 section 5.2, and where that has none, by the names that servers use which
// are not OAuth. Google, Microsoft Graph and JSON-RPC send an object where the
// RFC has a string.
func errorOf(fields map[string]any) (code, description string) {
	description = text(fields["error_description"])
	object, is := fields["error"].(map[string]any)
	if !is {
		code = text(fields["error"])
		return cmp.Or(code, codeOf(fields)), cmp.Or(description, describe(fields, 0))
	}
	if message := text(object["message"]); message != "" {
		description = message
		if data, _ := object["data"].(string); data != "" { // Zabbix: "Invalid params.", and here which
			description += " " + data
		}
	}
	code, isString := object["code"].(string)
	if !isString { // Google puts the word into status, Facebook into type, and the number into code
		for _, name := range []string{"status", "type", "code"} {
			if code = text(object[name]); code != "" {
				break
			}
		}
	}
	return cmp.Or(code, codeOf(fields)), cmp.Or(description, describe(object, 1), describe(fields, 0))
}

// codeOf returns an error code of a server that is not OAuth. Zero is no error.
func codeOf(fields map[string]any) string {
	for _, name := range []string{"errorCode", "errcode", "code"} {
		if code := text(fields[name]); code != "" && code != "0" {
			return code
		}
	}
	return ""
}

// maxDescribed is how deep describe looks: errors[0].message, fault.faultstring.
const maxDescribed = 2

// describe finds words about an error: a text, the first of a list, or a member
// of an object by the names in use (RFC 9457 section 3.1 among them).
func describe(value any, depth int) string {
	switch v := value.(type) {
	case string:
		return v
	case []any:
		if len(v) > 0 {
			return describe(v[0], depth)
		}
	case map[string]any:
		for _, name := range []string{"message", "msg", "errmsg", "errorMessage", "detail", "title", "reason", "faultstring", "fault", "errors", "data"} {
			if name == "data" && depth == 0 { // beside the error it is the answer's own
				continue
			}
			if depth < maxDescribed {
				if found := describe(v[name], depth+1); found != "" {
					return found
				}
			}
		}
	}
	return ""
}

// text returns a string, or the digits of a number.
func text(value any) string {
	switch v := value.(type) {
	case string:
		return v
	case fmt.Stringer: // json.Number
		return v.String()
	}
	return ""
}

// authParam returns a parameter of a challenge (RFC 9110 section 11.2), quoted or not.
func authParam(challenges, name string) string {
	for _, m := range challengeParam.FindAllStringSubmatch(challenges, -1) {
		if strings.EqualFold(m[1], name) {
			return quotedPair.ReplaceAllString(m[2], "$1") + m[3]
		}
	}
	return ""
}

var (
	challengeParam = regexp.MustCompile(`([A-Za-z_-]+)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s",]+))`)
	quotedPair     = regexp.MustCompile(`\\(.)`)
)
