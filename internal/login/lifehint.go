// SPDX-License-Identifier: MPL-2.0

package login

import (
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/seed-6323ea89/vault-plugin-secrets-oauth/internal/spelling"
)

// Names of what says when a token ends, flattened; the surer ones first.
var (
	endNames = []*regexp.Regexp{
		regexp.MustCompile(`expir|expin|^exp$|valid(for|until|to|till|thru|through)|good(for|until)`),
		regexp.MustCompile(`ttl|timetolive|lifetime|lifespan|maxage|validity|^valid(ms|millis|milliseconds|seconds|secs?|minutes|mins?|hours)$|^(session|token)?timeout$`),
	}
	otherEnds = regexp.MustCompile(`refresh|pass(word|code)|pwd|licen[cs]e|account|trial|cert|idle|expired$`) // of something else
)

var plainKey = regexp.MustCompile(`^[A-Za-z0-9_. -]{1,40}$`)

// ending is a value of the answer that may say when the token ends.
type ending struct {
	source string // `"json": "/expires_in"`
	words  string // `"/expires_in" is a number`
	as     string
	apart  bool // not beside the token
	rank   int  // of its name
	depth  int
}

// lifeHint guesses what says when the token ends, where the document does not
// know, or what it names cannot be read.
func lifeHint(a *answer, token source) string {
	var all []ending
	if value, trouble := a.json(); trouble == "" {
		all = endings(value, a.At, beside(token))
	}
	all = append(all, headerEndings(a)...)
	if len(all) == 0 {
		return ""
	}
	best := slices.MinFunc(all, func(a, b ending) int {
		return cmp.Or(order(a.apart, b.apart), cmp.Compare(a.rank, b.rank), cmp.Compare(a.depth, b.depth))
	})
	as := ""
	if best.as != readings()[0].name {
		as = fmt.Sprintf(`, "as": %q`, best.as)
	}
	return fmt.Sprintf(`%s: if that says when the token ends, write "expires": {%s%s}`, best.words, best.source, as)
}

func order(a, b bool) int {
	switch {
	case a == b:
		return 0
	case a:
		return 1
	}
	return -1
}

// beside is the pointer of the object that has the token.
func beside(token source) string {
	pointer, ok := token.(*jsonSource)
	if !ok {
		return ""
	}
	return pointer.text[:max(strings.LastIndexByte(pointer.text, '/'), 0)]
}

func endings(value any, at time.Time, beside string) []ending {
	var all []ending
	eachValue(value, func(pointer, key string, depth int, value any) {
		rank := rankOf(key)
		if rank < 0 || otherEnds.MatchString(spelling.Flat(pointer)) {
			return
		}
		if as := readingOf(key, value, at); as != "" {
			above := strings.TrimSuffix(pointer, "/"+escapePointer(key))
			all = append(all, ending{
				source: fmt.Sprintf(`"json": %q`, pointer), words: fmt.Sprintf("%q is %s", pointer, describe(value)),
				as: as, apart: above != beside, rank: rank, depth: depth,
			})
		}
	})
	return all
}

func headerEndings(a *answer) []ending {
	var all []ending
	for _, name := range slices.Sorted(maps.Keys(a.Header)) {
		rank := rankOf(name)
		if rank < 0 || name == "Expires" || otherEnds.MatchString(spelling.Flat(name)) {
			continue // Expires is about caches
		}
		value := a.Header.Get(name)
		if as := readingOf(name, value, a.At); as != "" {
			all = append(all, ending{source: fmt.Sprintf(`"header": %q`, name), words: "the header " + name + " is " + describe(value), as: as, apart: true, rank: rank})
		}
	}
	return all
}

// rankOf tells how sure a name is to say when a token ends; less than 0 is none.
func rankOf(key string) int {
	if !plainKey.MatchString(key) || answerKey(key) != key { // a pointer with any other is not one to copy
		return -1
	}
	flat := spelling.Flat(key)
	return slices.IndexFunc(endNames, func(names *regexp.Regexp) bool { return names.MatchString(flat) })
}

// readingOf returns the reading under which a value names a time to come, or "".
func readingOf(name string, value any, at time.Time) string {
	for _, as := range readingsOf(name, value) {
		for _, r := range readings() {
			if r.name != as {
				continue
			}
			text, _ := value.(string)
			if number, ok := numberText(value); ok {
				text = number
			}
			if text = strings.TrimSpace(text); len(text) > maxTimeText {
				continue
			}
			if l := r.read(text, at); l.warning == "" && l.expires.After(at) {
				return as
			}
		}
	}
	return ""
}

// readingsOf are the readings that a value may be meant in.
func readingsOf(name string, value any) []string {
	text, isNumber := numberText(value)
	if !isNumber {
		return []string{"date", "duration"}
	}
	amount, _ := strconv.ParseFloat(text, 64) // too large for a float: no reading takes it
	unit := unitOf(name)
	switch {
	case unit == "days":
		return nil
	case amount >= 1e11 && unit != "seconds":
		return []string{"unix_milliseconds"}
	case amount >= 1e9:
		return []string{"unix"}
	case unit != "":
		return []string{unit}
	}
	return []string{"seconds"}
}

// eachValue visits what is in a value, as far as is worth a hint: texts, numbers
// and so on, by pointers that can be copied into a document.
func eachValue(value any, visit func(pointer, key string, depth int, value any)) {
	left := hintNodes
	var walk func(value any, pointer, key string, depth int)
	walk = func(value any, pointer, key string, depth int) {
		if left--; left < 0 || depth > hintDepth {
			return
		}
		switch v := value.(type) {
		case string, json.Number:
			if depth > 0 {
				visit(pointer, key, depth, v)
			}
		case map[string]any:
			for _, key := range slices.Sorted(maps.Keys(v)) {
				if left > 0 && answerKey(key) == key {
					walk(v[key], pointer+"/"+escapePointer(key), key, depth+1)
				}
			}
		case []any:
			for i, item := range v[:min(len(v), max(left, 0))] {
				walk(item, pointer+"/"+strconv.Itoa(i), "", depth+1)
			}
		}
	}
	walk(value, "", "", 0)
}
