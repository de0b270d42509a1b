// SPDX-License-Identifier: MPL-2.0

package login

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"time"
)

// Answer is what a server answered.
type Answer struct {
	Status int
	Header http.Header
	Body   []byte
	At     time.Time // when the request began: lives count from there, to be on the safe side
}

const byteOrderMark = "\ufeff"

// answer is an Answer while it is read. Its JSON is parsed once, if at all.
type answer struct {
	Answer
	body    []byte // without a byte order mark and white space around
	parsed  bool
	value   any
	trouble string // why it is not JSON; "" if it is
}

func open(a Answer) *answer {
	body := bytes.TrimPrefix(a.Body, []byte(byteOrderMark))
	return &answer{Answer: a, body: bytes.TrimSpace(body)}
}

// json returns the answer's value, or what the answer is instead of JSON.
func (a *answer) json() (value any, trouble string) {
	if !a.parsed {
		a.parsed = true
		a.value, a.trouble = parseAnswer(a.body)
	}
	return a.value, a.trouble
}

func parseAnswer(body []byte) (any, string) {
	if words := noData(body); words != "" {
		return nil, words
	}
	decoder := json.NewDecoder(bytes.NewReader(body))
	decoder.UseNumber()
	var value any
	if err := decoder.Decode(&value); err != nil {
		if errors.Is(err, io.ErrUnexpectedEOF) {
			return nil, "JSON that ends too early, after " + plural(len(body), "byte")
		}
		return nil, "not JSON but " + plural(len(body), "byte") + " of something else"
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		return nil, "JSON with something after it"
	}
	return value, ""
}

// noData recognises answers without any data in them.
func noData(body []byte) string {
	switch {
	case len(body) == 0:
		return "an empty answer"
	case body[0] == '<':
		return "a page of HTML or XML"
	}
	return ""
}

// outline describes the answer as a whole, by keys only.
func (a *answer) outline() string {
	value, trouble := a.json()
	if trouble != "" {
		return trouble
	}
	return outline("the answer", "the answer's keys are ", value)
}
