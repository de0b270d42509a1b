// SPDX-License-Identifier: MPL-2.0

package e2e

import (
	"encoding/base64"
	"net/url"
	"strconv"
	"testing"
)

// TestSecretsAreFound holds the search against the ways in which a secret could be written: a search that finds nothing
// because it cannot find anything would make each story's no-secrets worthless.
func TestSecretsAreFound(t *testing.T) {
	const secret = "p@ss:w/ \"rd\"+%41&="
	c := canary{name: "SECRET", value: secret}
	texts := map[string]string{
		"plain":     "client_secret=" + secret + "!",
		"as a form": url.Values{"client_secret": {secret}}.Encode(),
		"in a path": "/x/" + url.PathEscape(secret),
		"in Go":     strconv.Quote("secret " + secret),
	}
	for _, id := range []string{"", "a", "ab", "abc"} {
		texts["Basic raw "+id] = base64.StdEncoding.EncodeToString([]byte(id + secret))
		texts["Basic form-encoded "+id] = base64.StdEncoding.EncodeToString([]byte(id + url.QueryEscape(secret) + "tail"))
	}
	for name, text := range texts {
		if c.look(name, "before "+text+" after") == nil {
			t.Errorf("the secret is not found %s", name)
		}
	}
	if err := c.look("nowhere", "p@ss is not the whole of it"); err != nil {
		t.Error(err)
	}
}
