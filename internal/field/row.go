// SPDX-License-Identifier: MPL-2.0

package field

import (
	"encoding/json"
	"time"

	"github.com/seed-6323ea89/vault-plugin-secrets-oauth/internal/secret"
)

// Row is one field of an entry of type E. Rows are made by the constructors
// below and are never changed.
type Row[E any] struct {
	Info
	isSet  func(*E) bool // to something other than the default
	shown  func(*E) any
	stored func(*E) any // what storage gets, secrets in the clear
	value  func(*E) any // as it is compared and digested
	set    func(*E, any) (supplied bool, warnings []string)
	load   func(*E, json.RawMessage) error
	reset  func(*E) // to the default
	clone  func(*E) // lets a copy of the entry share nothing with the first that a write could change
	check  func(*E) error
	lacks  func(*E) Effect // effects that the field does not have in this entry; nil: none
}

// effectIn is what a change of the field means for this entry.
func (r Row[E]) effectIn(e *E) Effect {
	if r.lacks == nil {
		return r.Effect
	}
	return r.Effect &^ r.lacks(e)
}

// access reads and writes the place where the entry has the field.
type access[E, T any] struct {
	get func(*E) T
	put func(*E, T)
}

func at[E, T any](place func(*E) *T) access[E, T] {
	return access[E, T]{
		get: func(e *E) T { return *place(e) },
		put: func(e *E, value T) { *place(e) = value },
	}
}

// row joins a place and a form.
func row[E, T any](info Info, a access[E, T], f form[T]) Row[E] {
	info.Kind, info.Default = f.kind, f.fallback()
	return Row[E]{
		Info:   info,
		isSet:  func(e *E) bool { return f.isSet(a.get(e)) && !f.isDefault(a.get(e)) },
		shown:  func(e *E) any { return f.shown(a.get(e)) },
		stored: func(e *E) any { return f.stored(a.get(e)) },
		value:  func(e *E) any { return f.value(a.get(e)) },
		set: func(e *E, given any) (bool, []string) {
			value, warnings := f.parse(info, given)
			a.put(e, value)
			return f.isSet(value), warnings
		},
		load: func(e *E, raw json.RawMessage) error {
			var value T
			if err := json.Unmarshal(raw, &value); err != nil {
				return err
			}
			a.put(e, value)
			return nil
		},
		reset: func(e *E) { a.put(e, f.zero) },
		clone: func(e *E) { a.put(e, f.clone(a.get(e))) },
		check: func(e *E) error { return f.check(info, a.get(e)) },
	}
}

// Text is a text.
func Text[E any](name string, effect Effect, place func(*E) *string, help string) Row[E] {
	return row(Info{Name: name, Effect: effect, Help: help}, at(place), textForm(KindText, ""))
}

// TextOr is a text whose empty value means the default.
func TextOr[E any](name string, effect Effect, place func(*E) *string, fallback, help string) Row[E] {
	return row(Info{Name: name, Effect: effect, Help: help}, at(place), textForm(KindText, fallback))
}

// Document is a text that holds JSON.
func Document[E any](name string, effect Effect, place func(*E) *string, help string) Row[E] {
	return row(Info{Name: name, Effect: effect, Help: help}, at(place), textForm(KindDocument, ""))
}

// Choice is one of the options, the first of which is the default. otherWords
// are what people call them elsewhere.
func Choice[E any](name string, effect Effect, place func(*E) *string, options []string, otherWords map[string]string, help string) Row[E] {
	return row(Info{Name: name, Effect: effect, Help: help}, at(place), choiceForm(options, otherWords))
}

// List is a list of texts.
func List[E any](name string, effect Effect, place func(*E) *[]string, help string) Row[E] {
	return row(Info{Name: name, Effect: effect, Help: help}, at(place), listForm(KindList, nil))
}

// CommaList is a List that may also come as one text with commas. fallback is
// what a new entry has; an empty list stays empty.
func CommaList[E any](name string, effect Effect, place func(*E) *[]string, fallback []string, help string) Row[E] {
	return row(Info{Name: name, Effect: effect, Help: help}, at(place), listForm(KindWords, fallback))
}

// Words is a CommaList that is split on spaces, too.
func Words[E any](name string, effect Effect, place func(*E) *[]string, help string) Row[E] {
	return row(Info{Name: name, Effect: effect, Help: help}, at(place), wordsForm())
}

// Pairs is a map of texts.
func Pairs[E any](name string, effect Effect, place func(*E) *map[string]string, help string) Row[E] {
	return row(Info{Name: name, Effect: effect, Help: help}, at(place), pairsForm())
}

// Variables is a map of JSON values.
func Variables[E any](name string, effect Effect, place func(*E) *Values, help string) Row[E] {
	return row(Info{Name: name, Effect: effect, Help: help}, at(place), valuesForm())
}

// Secret is a text that is never shown.
func Secret[E any](name string, effect Effect, custody Custody, place func(*E) *secret.String, help string) Row[E] {
	return row(Info{Name: name, Effect: effect, Custody: custody, Help: help}, at(place), secretForm())
}

// Secrets is a map of JSON values that are never shown.
func Secrets[E any](name string, effect Effect, custody Custody, place func(*E) *SecretValues, help string) Row[E] {
	return row(Info{Name: name, Effect: effect, Custody: custody, Help: help}, at(place), secretsForm())
}

// Duration is a time in whole seconds, between least and most; 0 means the default.
func Duration[E any](name string, effect Effect, place func(*E) *time.Duration, least, most time.Duration, help string) Row[E] {
	return row(Info{Name: name, Effect: effect, Help: help}, at(place), durationForm(least, most))
}

// Flag is true or false.
func Flag[E any](name string, effect Effect, place func(*E) *bool, help string) Row[E] {
	return row(Info{Name: name, Effect: effect, Help: help}, at(place), flagForm())
}

// Slips returns the row with what people write instead of its name.
func (r Row[E]) Slips(names ...string) Row[E] {
	r.Info.Slips = names
	return r
}

// OnlyIf returns the row with an effect that it has only in some entries.
func (r Row[E]) OnlyIf(effect Effect, has func(*E) bool) Row[E] {
	r.lacks = func(e *E) Effect {
		if has(e) {
			return 0
		}
		return effect
	}
	return r
}

// Sample returns the row with what to write after its name in a command.
func (r Row[E]) Sample(value string) Row[E] {
	r.Info.Sample = value
	return r
}
