// SPDX-License-Identifier: MPL-2.0

package login

import "strings"

// textBody is a text whose values are escaped as its Content-Type needs.
type textBody struct {
	text   *template
	escape encoder
}

func compileText(c *compiler, n *node, s *scope, contentType *pair) body {
	b := &textBody{text: c.template(n, s), escape: asIs}
	if contentType == nil {
		return b
	}
	name, ok := contentType.value.fixed()
	if !ok {
		c.refuse(contentType.value.at, `must hold no placeholder beside "text": it decides how the values there are escaped`)
	}
	b.escape = escapeFor(name)
	return b
}

func (b *textBody) contentType() string { return "text/plain; charset=utf-8" }

func (b *textBody) render(f *filler) ([]byte, error) {
	text, err := f.fill(b.text, asIs, b.escape)
	return []byte(text), err
}

// escapeFor returns how values stand in a text of a media type. Parameters and
// whatever else follows the type make no difference.
func escapeFor(contentType string) encoder {
	name, _, _ := strings.Cut(strings.ToLower(contentType), ";")
	name = strings.TrimSpace(name)
	_, subtype, _ := strings.Cut(name, "/")
	switch {
	case subtype == "xml" || strings.HasPrefix(subtype, "xml-") || strings.HasSuffix(name, "+xml"): // RFC 7303 section 4.2
		return insideXML
	case subtype == "json" || strings.HasSuffix(name, "+json"): // RFC 6839 section 3.1
		return insideJSON
	case name == formType:
		return insideQuery
	}
	return asIs
}
