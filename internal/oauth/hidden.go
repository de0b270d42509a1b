// SPDX-License-Identifier: MPL-2.0

package oauth

import (
	"encoding/base64"
	"html"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode/utf16"
)

// hides tells whether text shows one of the forms once it is decoded, up to three
// times. Encoders differ in what they escape and how (%2f and %2F, &#34; and
// &quot;, \u002f and \/), and nest; no list of encodings has them all. Every
// order is tried, since a secret may itself look like something encoded.
func hides(text string, forms []string) bool {
	seen, texts := map[string]bool{}, []string{text}
	for range 4 {
		var decoded []string
		for _, text := range texts {
			if seen[text] {
				continue
			}
			seen[text] = true
			if containsAny(text, forms) || inBase64(text, forms) {
				return true
			}
			decoded = append(decoded, percentDecoded(text), formDecoded(text), html.UnescapeString(text), jsonUnescaped(text))
		}
		texts = decoded
	}
	return false
}

var (
	percentEscape = regexp.MustCompile(`%[0-9A-Fa-f]{2}`)
	jsonEscape    = regexp.MustCompile(`(?:\\u[0-9A-Fa-f]{4})+|\\.`)
	base64Run     = regexp.MustCompile(`[A-Za-z0-9+/]{4,}`)
)

func percentDecoded(text string) string {
	return percentEscape.ReplaceAllStringFunc(text, func(escape string) string {
		b, _ := strconv.ParseUint(escape[1:], 16, 8)
		return string([]byte{byte(b)})
	})
}

func formDecoded(text string) string { return percentDecoded(strings.ReplaceAll(text, "+", " ")) }

func jsonUnescaped(text string) string {
	return jsonEscape.ReplaceAllStringFunc(text, func(escape string) string {
		if !strings.HasPrefix(escape, `\u`) || len(escape) < 6 {
			if at := strings.IndexByte("bfnrt", escape[1]); at >= 0 {
				return "\b\f\n\r\t"[at : at+1]
			}
			return escape[1:]
		}
		var units []uint16
		for _, digits := range strings.Split(escape, `\u`)[1:] {
			unit, _ := strconv.ParseUint(digits, 16, 16)
			units = append(units, uint16(unit))
		}
		return string(utf16.Decode(units))
	})
}

// inBase64 looks into whatever could be base64, from each of the four places
// where it could begin. Short secrets would be found there by chance.
func inBase64(text string, forms []string) bool {
	long := slices.DeleteFunc(slices.Clone(forms), func(form string) bool { return len(form) < shortSecret })
	runs := base64Run.FindAllString(strings.NewReplacer("-", "+", "_", "/").Replace(text), -1)
	for from := range 4 {
		var decoded []byte
		for _, run := range runs {
			tail := run[from:]
			if len(tail)%4 == 1 {
				tail = tail[:len(tail)-1]
			}
			decoded, _ = base64.RawStdEncoding.AppendDecode(append(decoded, 0), []byte(tail))
		}
		if containsAny(string(decoded), long) {
			return true
		}
	}
	return false
}
