// SPDX-License-Identifier: MPL-2.0

package spelling

import "strings"

// Nearest returns the name that text was probably meant to be, or "". Of several
// that are equally near it returns the first. Both text and names are compared in
// the given form, Flat for instance; nil compares them as they are. most is the
// largest distance at which a name may still be suggested; less than 0 is none.
func Nearest[S ~string](text string, names []S, form func(string) string, most func(name string) int) S {
	if form == nil {
		form = func(name string) string { return name }
	}
	text = form(text)
	best, least := S(""), -1
	for _, name := range names {
		d := Distance(text, form(string(name)))
		if d <= most(string(name)) && (least < 0 || d < least) {
			best, least = name, d
		}
	}
	return best
}

// longest bounds what Flat keeps: Distance takes time in proportion to both lengths.
const longest = 64

// Flat is the beginning of a name without what people get wrong most: case, "_",
// "-" and spaces.
func Flat(name string) string {
	return strings.NewReplacer("_", "", "-", "", " ", "").Replace(strings.ToLower(name[:min(len(name), longest)]))
}
