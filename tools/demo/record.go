// SPDX-License-Identifier: MPL-2.0

package main

import "os"

// record is the name of a file for the tokens issued, or empty.
type record string

// add writes one line for each token of an answer: its kind, a space, the token. It is one write to a file opened for
// appending, so that answers given at once do not mix.
func (r record) add(accessToken, refreshToken string) error {
	if r == "" {
		return nil
	}
	file, err := os.OpenFile(string(r), os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer file.Close()
	lines := "access_token " + accessToken + "\n"
	if refreshToken != "" {
		lines += "refresh_token " + refreshToken + "\n"
	}
	_, err = file.WriteString(lines)
	return err
}
