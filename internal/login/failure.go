// SPDX-License-Identifier: MPL-2.0

package login

// Failure tells why an answer gave no token, in words for the person who wrote
// the document. It names keys of the answer and types of its values, but holds
// no value other than numbers and booleans.
type Failure struct {
	// Refused: the server said no, so that the same request will fail again.
	// Otherwise the document and the answer do not fit each other.
	Refused bool

	Expected, Seen string
	Hint           string // what to write instead; "" if there is no guess
}

// Error implements error. The hint is not part of it.
func (f *Failure) Error() string { return "expected " + f.Expected + ", seen " + f.Seen }
