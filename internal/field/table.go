// SPDX-License-Identifier: MPL-2.0

package field

import (
	"encoding/json"
	"fmt"
	"maps"
	"reflect"
	"slices"
)

// Given is what a write gives, by name.
type Given interface {
	GetOk(name string) (value any, given bool)
}

// Table is the fields of an entry, in the order in which they are shown.
type Table[E any] struct{ rows []Row[E] }

// New makes a table. It panics on a row without an effect, and on two rows of
// one name: both are mistakes in the program.
func New[E any](rows ...Row[E]) Table[E] {
	seen := map[string]bool{}
	for _, r := range rows {
		if r.Effect == 0 || seen[r.Name] {
			panic(fmt.Sprintf("field %q has no effect, or stands twice", r.Name))
		}
		seen[r.Name] = true
	}
	return Table[E]{rows}
}

// Fields describes the rows.
func (t Table[E]) Fields() []Info {
	infos := make([]Info, len(t.rows))
	for i, r := range t.rows {
		infos[i] = r.Info
	}
	return infos
}

// Lookup describes the row of that name.
func (t Table[E]) Lookup(name string) (Info, bool) {
	r, ok := t.find(name)
	return r.Info, ok
}

func (t Table[E]) find(name string) (Row[E], bool) {
	for _, r := range t.rows {
		if r.Name == name {
			return r, true
		}
	}
	return Row[E]{}, false
}

// Reset gives every field its default.
func (t Table[E]) Reset(e *E) {
	for _, r := range t.rows {
		r.reset(e)
	}
}

// Apply lays a write over the entry: a field that is not given keeps its value,
// one that is given empty is cleared. supplied names the secrets, of those that
// are sent, that were given a value.
func (t Table[E]) Apply(e *E, g Given) (supplied, warnings []string) {
	for _, r := range t.rows {
		given, ok := g.GetOk(r.Name)
		if !ok {
			continue
		}
		set, more := r.set(e, given)
		warnings = append(warnings, more...)
		if set && r.Custody == Sent {
			supplied = append(supplied, r.Name)
		}
	}
	return supplied, warnings
}

// Check returns the first reason why a field can never have its value. It names
// the field and quotes no value.
func (t Table[E]) Check(e *E) error {
	for _, r := range t.rows {
		if err := r.check(e); err != nil {
			return err
		}
	}
	return nil
}

// Show is the entry as it reads back: a secret only as <name>_set.
func (t Table[E]) Show(e *E) map[string]any {
	shown := make(map[string]any, len(t.rows))
	for _, r := range t.rows {
		name := r.Name
		if r.IsSecret() {
			name += "_set"
		}
		shown[name] = r.shown(e)
	}
	return shown
}

// IsSet tells whether the field has a value; false for a name without a row.
func (t Table[E]) IsSet(e *E, name string) bool {
	r, ok := t.find(name)
	return ok && r.isSet(e)
}

// Value is the field as it is compared and digested; nil for a name without a row.
func (t Table[E]) Value(e *E, name string) any {
	if r, ok := t.find(name); ok {
		return r.value(e)
	}
	return nil
}

// Keys names the members of a map, sorted; none for any other field.
func (t Table[E]) Keys(e *E, name string) []string {
	r, ok := t.find(name)
	if !ok || r.Kind != KindValues {
		return nil
	}
	switch shown := r.shown(e).(type) {
	case []string: // of secrets
		return shown
	case map[string]any:
		return slices.Sorted(maps.Keys(shown))
	}
	return nil
}

// SecretsHeld names the secrets that are set and are sent to the server.
func (t Table[E]) SecretsHeld(e *E) []string {
	return t.names(func(r Row[E]) bool { return r.Custody == Sent && r.isSet(e) })
}

// Changed names the fields with one of the effects that differ between a and b.
func (t Table[E]) Changed(a, b *E, has Effect) []string {
	return t.names(func(r Row[E]) bool {
		return (r.effectIn(a) | r.effectIn(b)).Has(has) && !reflect.DeepEqual(r.value(a), r.value(b))
	})
}

func (t Table[E]) names(which func(Row[E]) bool) []string {
	var names []string
	for _, r := range t.rows {
		if which(r) {
			names = append(names, r.Name)
		}
	}
	return names
}

// Clone lets a copy of an entry share nothing with the first that a write could change.
func (t Table[E]) Clone(e *E) {
	for _, r := range t.rows {
		r.clone(e)
	}
}

// Values are the fields that are set and satisfy which, for a digest: a secret
// stands there as its SHA-256.
func (t Table[E]) Values(e *E, which func(Info) bool) map[string]any {
	values := map[string]any{}
	for _, r := range t.rows {
		if which(r.Info) && r.isSet(e) {
			values[r.Name] = r.value(e)
		}
	}
	return values
}

// Stored is what storage gets, with secrets in the clear: the fields that are
// set or have a default.
func (t Table[E]) Stored(e *E) map[string]any {
	stored := make(map[string]any, len(t.rows))
	for _, r := range t.rows {
		if r.Default != nil || r.isSet(e) {
			stored[r.Name] = r.stored(e)
		}
	}
	return stored
}

// Load reverses Stored. What is not there has its zero value.
func (t Table[E]) Load(e *E, stored map[string]json.RawMessage) error {
	for _, r := range t.rows {
		raw, ok := stored[r.Name]
		if !ok {
			continue
		}
		if err := r.load(e, raw); err != nil {
			return err
		}
	}
	return nil
}
