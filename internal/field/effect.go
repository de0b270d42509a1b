// SPDX-License-Identifier: MPL-2.0

// Package field describes an entry's fields, one row each. Everything that the
// engine does with a field comes from its row: the schema, the write, the
// read-back, the stored form, and what a change of it means for tokens and
// secrets. The package knows neither Vault nor OAuth.
package field

// Effect is what a change of a field means for what was obtained under the old
// value. Effects form a set: join them with |.
type Effect uint8

// The effects. A row has at least one.
const (
	None   Effect = 1 << iota // nothing: people read it, or it is looked at each time
	Life                      // how long a token is used, and when it is renewed
	Proves                    // how we authenticate: used from the next exchange on, tokens stay
	Shapes                    // which access token is issued: the next read obtains another
	Binds                     // which grant a refresh token belongs to: it is dropped, and the access token replaced
	Steers                    // where secrets are sent, or what tells tenants apart there: secrets must be given again
)

// Asks are the effects of fields that change the way to a token.
const Asks = Proves | Shapes | Binds | Steers

// Has tells whether e has any of the others.
func (e Effect) Has(any Effect) bool { return e&any != 0 }

// Custody says what becomes of a secret.
type Custody uint8

const (
	public Custody = iota // no secret
	Sent                  // sent to the server: whoever moves the destination must know it
	Kept                  // never leaves the engine, such as a private key
)

// Kind is the form in which a field is written.
type Kind uint8

// The kinds.
const (
	KindText     Kind = iota
	KindDocument      // a text that holds JSON; an object is accepted and kept as its text
	KindList          // of texts
	KindWords         // of texts; one text with commas is accepted
	KindPairs         // name=value
	KindValues        // name=value, values keep their JSON types
	KindDuration
	KindFlag
)

// Info is what people and programs may know about a field.
type Info struct {
	Name    string
	Help    string
	Kind    Kind
	Effect  Effect
	Custody Custody
	Default any      // of the stored type; nil: the zero value
	Slips   []string // what people write instead of Name
	Sample  string   // what to write after "Name=" in a command; "..." if empty
}

// IsSecret tells whether the value is never shown.
func (i Info) IsSecret() bool { return i.Custody != public }

// Assignment is the field in a command, such as login=@login.json.
func (i Info) Assignment() string {
	if i.Sample == "" {
		return i.Name + "=..."
	}
	return i.Name + "=" + i.Sample
}
