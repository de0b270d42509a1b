// SPDX-License-Identifier: MPL-2.0

package login

import (
	"encoding/json"
	"maps"
	"slices"
)

// Shown is a request for a person to read: secrets are marks that tell their
// length only.
type Shown struct {
	Method, URL string
	Header      []string // "Name: value"
	Body        string
}

// ShowLogin returns what Login returns, for a person. What cannot be rendered
// shows as [?].
func (d *Document) ShowLogin(v Values) *Shown { return d.show(d.login.request, v) }

// ShowRefresh returns what Refresh returns, for a person, or nil if the document
// has no refresh.
func (d *Document) ShowRefresh(v Values) *Shown {
	if d.refresh == nil {
		return nil
	}
	return d.show(d.refresh.request, v)
}

func (d *Document) show(r *request, v Values) *Shown {
	rendered, err := r.render(&filler{values: &v, show: true}, d.rules)
	if err != nil { // a filler that shows has no errors; better a bare line than none
		return &Shown{Method: r.method, URL: unreadable}
	}
	shown := &Shown{Method: rendered.Method, URL: rendered.URL, Body: string(rendered.Body)}
	for _, header := range rendered.Header {
		shown.Header = append(shown.Header, header.Name+": "+header.Value)
	}
	return shown
}

// Secrets returns every secret text that the document's requests carry, sorted,
// so that it can be cut out of what a server says: the values themselves, and
// the pairs of user and password that are sent in one.
func (d *Document) Secrets(v Values) []string {
	found := map[string]bool{}
	for _, r := range d.requests() {
		for name := range r.used {
			if value, ok := v.lookup(name); ok && isSecret(name) {
				collectTexts(value, found)
			}
		}
		if r.basic == nil {
			continue
		}
		if pair, err := r.basic.pair(&filler{values: &v}); err == nil && len(pair) > 1 {
			found[pair] = true
		}
	}
	if d.use != nil {
		for name := range d.use.used {
			if value, ok := v.lookup(name); ok && isSecret(name) {
				collectTexts(value, found)
			}
		}
	}
	delete(found, "")
	return slices.Sorted(maps.Keys(found))
}

// collectTexts adds the texts and numbers of a value, and of those within it.
func collectTexts(value any, to map[string]bool) {
	switch v := value.(type) {
	case []any:
		for _, item := range v {
			collectTexts(item, to)
		}
	case map[string]any:
		for _, item := range v {
			collectTexts(item, to)
		}
	case string:
		to[v] = true
	case json.Number, int, int64, float64:
		if text, err := scalarText(v); err == nil {
			to[text] = true
		}
	}
}
