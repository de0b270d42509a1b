// SPDX-License-Identifier: MPL-2.0

package faults_test

import (
	"bytes"
	"encoding/base64"
	"net/url"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
)

// transcript is what was said, by several at a time.
type transcript struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (s *transcript) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.text.Write(p)
}

// piece is how much of a secret is a secret told.
const piece = 10

// tellsNone fails the test if a piece of a secret is in the transcript: of those
// given, or of the configured ones, as they are or as they travel.
func (s *transcript) tellsNone(t testing.TB, secrets ...string) {
	t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, found := range told(s.text.String(), secrets...) {
		t.Errorf("a secret was told, from this piece on: %s", found)
	}
}

func told(text string, secrets ...string) (found []string) {
	pieces := map[string]bool{}
	for _, secret := range append(secrets, clientSecret, password, "app:"+url.QueryEscape(clientSecret)) {
		for _, form := range []string{secret, url.QueryEscape(secret), base64.StdEncoding.EncodeToString([]byte(secret))} {
			for i := 0; i+piece <= len(form); i++ {
				pieces[form[i:i+piece]] = true
			}
		}
	}
	for i := 0; i+piece <= len(text) && len(found) < 3; i++ {
		if pieces[text[i:i+piece]] {
			found = append(found, text[i:min(len(text), i+3*piece)])
			i += piece
		}
	}
	return found
}

func TestToldFindsPieces(t *testing.T) {
	for _, text := range []string{"x canary-client/s", "p%26%3D canary-passw0rd", "Basic YXBwOmNhbmFyeS1jbGllbnQ", "ABCDEFGHIJ", "-+/ABCDEFG-ABCDEFGHIJK"} {
		require.NotEmpty(t, told(text, "+/ABCDEFGHIJKLMNOPQRSTUVWXYZ=="), text)
	}
	require.Empty(t, told("no token for role app: connection refused. ABCDEFGH", "+/ABCDEFGHIJKLMNOPQRSTUVWXYZ=="))
}
