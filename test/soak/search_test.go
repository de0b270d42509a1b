// SPDX-License-Identifier: MPL-2.0

package main

import (
	"encoding/base64"
	"encoding/json"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// A search that finds nothing because it cannot find anything would be worthless.
func TestSecretsAreFound(t *testing.T) {
	search := newSecrets()
	require.NoError(t, search.add("password", password))
	require.NoError(t, search.add("token", "kFw5OMISadbIMIs-HqGy4aTUkiw5wSWRnksCenGMuw8"))
	quoted, err := json.Marshal(password)
	require.NoError(t, err)
	texts := map[string]string{
		"plain":          password,
		"alone":          "kFw5OMISadbIMIs-HqGy4aTUkiw5wSWRnksCenGMuw8",
		"as a form":      url.Values{"password": {password}}.Encode(),
		"in a path":      url.PathEscape(password),
		"in JSON":        string(quoted),
		"token in query": "refresh_token=kFw5OMISadbIMIs-HqGy4aTUkiw5wSWRnksCenGMuw8&x=y",
	}
	for _, before := range []string{"", "a", "ab", "abc"} {
		texts["Basic after "+before] = base64.StdEncoding.EncodeToString([]byte(before + password))
		texts["Basic, form-encoded, after "+before] = base64.StdEncoding.EncodeToString([]byte(before + url.QueryEscape(password) + "x"))
	}
	for name, text := range texts {
		for place, whole := range map[string]string{"": text, "amid": "one line\nproof, then " + text + " and more\nanother line\n"} {
			found, proved, err := search.search(strings.NewReader(whole), "proof")
			require.NoError(t, err)
			require.NotEmpty(t, found, "%s %s", name, place)
			require.Equal(t, place == "amid", proved)
		}
	}
	found, _, err := search.search(strings.NewReader("p@ss:w/ is not all of it, nor is kFw5OMISadbIMIs-HqGy4aTUkiw5wSWRnksCenGMuw7"), "")
	require.NoError(t, err)
	require.Empty(t, found)
}

func TestSearchOfFiles(t *testing.T) {
	dir := t.TempDir()
	record, log := filepath.Join(dir, "issued.txt"), filepath.Join(dir, "vault.log")
	token := "KxcPUgsGDJfmMdOf0r2gIVwoXid6OKoodKIMm8ACF7N"
	require.NoError(t, os.WriteFile(record, []byte("access_token WvHTlI3wxg-mVrclVDBQEG1MxMad\nrefresh_token "+token+"\n"), 0o600))
	require.NoError(t, os.WriteFile(log, []byte("the plugin\nsays "+token+"\n"), 0o600))
	search := newSecrets()
	require.NoError(t, search.addRecord(record))
	require.NoError(t, search.addRecord(filepath.Join(dir, "none")))
	found, err := search.files([]string{log}, "plugin")
	require.NoError(t, err)
	require.Equal(t, []string{"refresh_token " + digest(token) + " (plain) in vault.log"}, found)
	_, err = search.files([]string{log}, "audit")
	require.ErrorContains(t, err, "proves nothing")
	require.Error(t, search.add("short", "short"))
}
