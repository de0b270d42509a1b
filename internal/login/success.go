// SPDX-License-Identifier: MPL-2.0

package login

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
)

// success is how a document tells that the server did not refuse.
type success struct {
	status  []int // empty: any 2xx
	members []expected
}

// expected is a scalar at a pointer.
type expected struct {
	source *jsonSource
	want   *node
}

func (c *compiler) success(n *node) *success {
	s := &success{}
	fields := c.fields(n, "status", "json")
	status, members := fields["status"], fields["json"]
	if status == nil && members == nil {
		c.refuse(n, `needs "status" or "json"`)
	}
	if status != nil {
		s.status = c.status(status)
	}
	if members == nil || !c.want(members, isObject) {
		return s
	}
	if len(members.members) == 0 {
		c.refuse(members, "expects nothing; leave it out")
	}
	for _, member := range members.members {
		if member.kind == isObject || member.kind == isList {
			c.refuse(member, "must be a text, a number, true, false or null")
		}
		s.members = append(s.members, expected{c.pointer(member, member.key, member.keyAt), member})
	}
	return s
}

func (c *compiler) status(n *node) []int {
	items := []*node{n}
	if n.kind == isList {
		if items = n.items; len(items) == 0 {
			c.refuse(n, "an empty list; leave it out")
		}
	}
	var codes []int
	for _, item := range items {
		code, err := strconv.Atoi(item.text)
		if item.kind != isNumber || err != nil || code < 100 || code > 599 {
			c.refuse(item, "must be a whole number from 100 to 599, or a list of such")
		}
		codes = append(codes, code)
	}
	return codes
}

// check returns nil if the answer is a success.
func (s *success) check(a *answer) *Failure {
	if !s.has(a.Status) {
		return &Failure{
			Refused:  true,
			Expected: "success: " + s.wanted(),
			Seen:     fmt.Sprintf("status %d; %s", a.Status, a.outline()),
			Hint:     statusHint(a.Status),
		}
	}
	for _, member := range s.members {
		if f := member.check(a); f != nil {
			return f
		}
	}
	return nil
}

func (s *success) has(status int) bool {
	if len(s.status) == 0 {
		return status/100 == 2
	}
	return slices.Contains(s.status, status)
}

func (s *success) wanted() string {
	if len(s.status) == 0 {
		return "a 2xx status"
	}
	var codes []string
	for _, code := range s.status {
		codes = append(codes, strconv.Itoa(code))
	}
	return "status " + strings.Join(codes, " or ")
}

// statusHint is what a status tells about the document.
func statusHint(status int) string {
	switch {
	case status/100 == 3:
		return "redirects are not followed: write the url that the server redirects to"
	case status == http.StatusNotFound:
		return `the server has nothing at this address: compare "url", and the base URL, with the API's description`
	case status == http.StatusMethodNotAllowed:
		return `the server wants another "method" there`
	case status == http.StatusNotAcceptable:
		return `the server cannot answer with what the header Accept asks for: "headers" may set another`
	case status == http.StatusUnsupportedMediaType:
		return `the server wants another kind of body: "json", "form", or "text" with a Content-Type in "headers"`
	}
	return ""
}

func (e expected) check(a *answer) *Failure {
	f := &Failure{Expected: "success: " + e.words() + " " + e.source.place()}
	if _, trouble := a.json(); trouble != "" {
		f.Seen = trouble
		return f
	}
	got := e.source.look(a)
	if e.equals(got) {
		return nil
	}
	f.Refused = true
	if f.Seen = got.trouble; got.there {
		f.Seen = describeScalar(got.value) + " there"
		if _, ok := got.value.(string); ok && e.want.kind == isText {
			f.Seen = "another text there"
		}
	}
	return f
}

// words never quotes a text: it may be more than a word.
func (e expected) words() string {
	if e.want.kind == isText {
		return "the text that the document gives"
	}
	if len(e.want.text) > maxShownNumber {
		return "the number that the document gives"
	}
	return e.want.text
}

func (e expected) equals(got found) bool {
	switch v := got.value.(type) {
	case string:
		return got.there && e.want.kind == isText && v == e.want.text
	case bool:
		return e.want.kind == isBoolean && strconv.FormatBool(v) == e.want.text
	case json.Number:
		return e.want.kind == isNumber && decimal(v.String()) == decimal(e.want.text)
	case nil:
		return e.want.kind == isNull // absent too
	}
	return false
}

// decimal brings a JSON number into one form, so that 1.0 and 1 and 10e-1 are the
// same text. It computes nothing with the number, which may be of any size.
func decimal(number string) string {
	mantissa, power, _ := strings.Cut(strings.ToLower(number), "e")
	exponent := 0
	if power != "" {
		parsed, err := strconv.ParseInt(power, 10, 32)
		if err != nil {
			return number
		}
		exponent = int(parsed)
	}
	digits, negative := strings.CutPrefix(mantissa, "-")
	whole, fraction, _ := strings.Cut(digits, ".")
	digits = strings.TrimLeft(whole+fraction, "0")
	exponent -= len(fraction)
	trimmed := strings.TrimRight(digits, "0")
	exponent += len(digits) - len(trimmed)
	if trimmed == "" {
		return "0"
	}
	if negative {
		trimmed = "-" + trimmed
	}
	return trimmed + "e" + strconv.Itoa(exponent)
}
