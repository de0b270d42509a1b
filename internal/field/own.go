// SPDX-License-Identifier: MPL-2.0

package field

import (
	"encoding/json"

	"github.com/seed-6323ea89/vault-plugin-secrets-oauth/internal/secret"
)

// Own has the values of fields that do not belong to every entry, but to a
// grant or to a method of client authentication. Whoever owns a field declares
// it as a Var, and reads it with Of. A field that several have is one Var.
type Own map[string]any

// Secrets returns what no error, log or trace may repeat.
func (o Own) Secrets() (secrets []string) {
	for _, value := range o {
		switch v := value.(type) {
		case secret.String:
			secrets = append(secrets, v.Reveal())
		case SecretValues:
			for _, one := range v {
				if text, ok := decoded(one.Reveal()).(string); ok {
					secrets = append(secrets, text)
				}
			}
		}
	}
	return secrets
}

// Declared is a Var of any type.
type Declared interface {
	Describe() Info
	IsSet(own Own) bool
	row() Row[Own]
}

// Var is a field of Own.
type Var[T any] struct {
	one Row[Own]
	of  func(*Own) T
}

// Of returns the field's value.
func (v Var[T]) Of(own Own) T { return v.of(&own) }

// Describe returns what is known about the field.
func (v Var[T]) Describe() Info { return v.one.Info }

// IsSet tells whether the field has a value other than its default.
func (v Var[T]) IsSet(own Own) bool { return v.one.isSet(&own) }

// Name is the field's name.
func (v Var[T]) Name() string { return v.one.Name }

func (v Var[T]) row() Row[Own] { return v.one }

// Sample returns the field with what to write after its name in a command.
func (v Var[T]) Sample(value string) Var[T] {
	v.one = v.one.Sample(value)
	return v
}

// Slips returns the field with what people write instead of its name.
func (v Var[T]) Slips(names ...string) Var[T] {
	v.one = v.one.Slips(names...)
	return v
}

// own is the place of a field in Own. Only values other than the default are
// there, so that two maps are equal if their fields are.
func own[T any](info Info, f form[T]) Var[T] {
	a := access[Own, T]{
		get: func(o *Own) T {
			if value, ok := (*o)[info.Name].(T); ok {
				return value
			}
			return f.zero
		},
		put: func(o *Own, value T) {
			if f.isDefault(value) {
				if delete(*o, info.Name); len(*o) == 0 {
					*o = nil
				}
				return
			}
			if *o == nil {
				*o = Own{}
			}
			(*o)[info.Name] = value
		},
	}
	return Var[T]{one: row(info, a, f), of: a.get}
}

// OwnText declares a text.
func OwnText(name string, effect Effect, help string) Var[string] {
	return own(Info{Name: name, Effect: effect, Help: help}, textForm(KindText, ""))
}

// OwnChoice declares one of the options, the first of which is the default.
func OwnChoice(name string, effect Effect, options []string, otherWords map[string]string, help string) Var[string] {
	return own(Info{Name: name, Effect: effect, Help: help}, choiceForm(options, otherWords))
}

// OwnSecret declares a text that is never shown.
func OwnSecret(name string, effect Effect, custody Custody, help string) Var[secret.String] {
	return own(Info{Name: name, Effect: effect, Custody: custody, Help: help}, secretForm())
}

// OwnVariables declares a map of JSON values.
func OwnVariables(name string, effect Effect, help string) Var[Values] {
	return own(Info{Name: name, Effect: effect, Help: help}, valuesForm())
}

// OwnSecrets declares a map of JSON values that are never shown.
func OwnSecrets(name string, effect Effect, custody Custody, help string) Var[SecretValues] {
	return own(Info{Name: name, Effect: effect, Custody: custody, Help: help}, secretsForm())
}

// Lift makes rows of an entry out of declared fields, each once.
func Lift[E any](place func(*E) *Own, declared ...Declared) []Row[E] {
	var rows []Row[E]
	seen := map[string]bool{}
	for _, d := range declared {
		if inner := d.row(); !seen[inner.Name] {
			seen[inner.Name] = true
			rows = append(rows, lifted(place, inner))
		}
	}
	return rows
}

func lifted[E any](place func(*E) *Own, inner Row[Own]) Row[E] {
	return Row[E]{
		Info:   inner.Info,
		isSet:  func(e *E) bool { return inner.isSet(place(e)) },
		shown:  func(e *E) any { return inner.shown(place(e)) },
		stored: func(e *E) any { return inner.stored(place(e)) },
		value:  func(e *E) any { return inner.value(place(e)) },
		set:    func(e *E, given any) (bool, []string) { return inner.set(place(e), given) },
		load:   func(e *E, raw json.RawMessage) error { return inner.load(place(e), raw) },
		reset:  func(e *E) { inner.reset(place(e)) },
		clone: func(e *E) { // the map itself, then the value in it
			copied := Over(*place(e), nil)
			if len(copied) == 0 {
				copied = nil
			}
			*place(e) = copied
			inner.clone(place(e))
		},
		check: func(e *E) error { return inner.check(place(e)) },
	}
}
