// SPDX-License-Identifier: MPL-2.0

package oauthsecrets

import (
	"encoding/json"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/hashicorp/vault/sdk/logical"
	"github.com/stretchr/testify/require"
)

// addedSince names the members of stored entries that the engine writes beside
// those in the files. An older version that reads them must do no harm.
var addedSince = []string{}

// everyStored runs a test with a mount that has what a file stores.
func everyStored(t *testing.T, test func(t *testing.T, m *storedMount, f *storedFile)) {
	for _, name := range storedNames(t) {
		t.Run(strings.TrimSuffix(filepath.Base(name), ".json"), func(t *testing.T) {
			m := newStoredMount(t)
			f := readStored(t, name, m.server.URL)
			m.hold(f.bytes(t))
			test(t, m, f)
		})
	}
}

// All that an earlier version stored reads as it did, without an exchange.
func TestWhatWasStoredIsRead(t *testing.T) {
	everyStored(t, func(t *testing.T, m *storedMount, f *storedFile) {
		for _, path := range readPaths(f.Storage) {
			want, reads := f.Reads[path]
			refusal, refused := f.Refused[path]
			if !reads && !refused { // it takes an exchange, which a step has
				_, role, _ := strings.Cut(path, "/")
				require.True(t, slices.ContainsFunc(f.Then, func(s storedStep) bool { return s.Do == "read token/"+role && len(s.Sent) > 0 }), "%s", path)
				continue
			}
			read, message := m.steadily(path)
			if refused {
				require.Contains(t, message, refusal, "%s", path)
				continue
			}
			require.Empty(t, message, "%s", path)
			require.Equal(t, renamed(want), read, "%s", path)
		}
		sent, _ := m.server.done()
		require.Empty(t, sent)
		require.Equal(t, f.bytes(t), m.stored())
	})
}

// renamed gives the answer of the first version this version's names.
func renamed(read storedRead) storedRead {
	if whose, has := read.Data["to_mend_by"]; has {
		read.Data["action_required_by"] = whose
		delete(read.Data, "to_mend_by")
	}
	return read
}

// What was stored is enough to go on: a renewal sends what it would have sent,
// and what a token is bound to has kept its digests.
func TestWhatWasStoredIsRenewed(t *testing.T) {
	everyStored(t, func(t *testing.T, m *storedMount, f *storedFile) {
		for _, step := range f.Then {
			require.Equal(t, step.Sent, m.take(step), "%s", step.Do)
		}
		before, after := f.bytes(t), m.stored()
		for key := range before {
			if !strings.HasPrefix(key, "account/") { // whose count ends with a success
				require.Contains(t, after, key)
			}
			if strings.HasPrefix(key, "token/") {
				require.Equal(t, boundTo(t, before[key]), boundTo(t, after[key]), "%s", key)
			}
		}
		for key := range after {
			if before[key] == "" {
				require.Regexp(t, "^token/", key, "all that a renewal may leave anew")
			}
		}
	})
}

// boundTo are the digests of a stored token.
func boundTo(t *testing.T, token string) map[string]any {
	t.Helper()
	var entry map[string]any
	require.NoError(t, json.Unmarshal([]byte(token), &entry))
	return map[string]any{"fingerprint": entry["fingerprint"], "grant": entry["grant"]}
}

// A read that is written back changes nothing, whichever version stored it.
func TestWhatWasStoredIsWrittenBack(t *testing.T) {
	everyStored(t, func(t *testing.T, m *storedMount, f *storedFile) {
		if strings.HasSuffix(t.Name(), "/login_numbers") {
			t.Skip("a read gives these numbers as floats, which are other numbers")
		}
		for path, read := range f.Reads {
			if strings.HasPrefix(path, "config/") || strings.HasPrefix(path, "roles/") || path == "settings" {
				m.write(path, read.Data)
			}
		}
		sent, _ := m.server.done()
		require.Empty(t, sent)
		require.Equal(t, f.bytes(t), m.stored())
	})
}

// The same requests leave the same in storage today, but for what is random or
// an instant: so an older version can read it.
func TestTheSameIsStoredToday(t *testing.T) {
	for _, name := range storedNames(t) {
		t.Run(strings.TrimSuffix(filepath.Base(name), ".json"), func(t *testing.T) {
			m := newStoredMount(t)
			f := readStored(t, name, m.server.URL)
			for _, step := range f.Steps {
				require.Equal(t, step.Sent, m.take(step), "%s", step.Do)
			}
			require.Equal(t, settled(t, f.bytes(t)), settled(t, m.stored()))
		})
	}
}

// settled is a storage without what is another at each run. Names stand for the
// ids of roles.
func settled(t *testing.T, stored map[string]string) map[string]any {
	t.Helper()
	var ids []string
	for key, value := range stored {
		if name, ok := strings.CutPrefix(key, "role/"); ok {
			var role struct {
				ID string `json:"role_id"`
			}
			require.NoError(t, json.Unmarshal([]byte(value), &role))
			ids = append(ids, role.ID, "id of "+name)
		}
	}
	named, all := strings.NewReplacer(ids...), map[string]any{}
	for key, value := range stored {
		var entry any
		require.NoError(t, json.Unmarshal([]byte(named.Replace(value)), &entry))
		key = named.Replace(key)
		if strings.HasPrefix(key, "account/") { // the hash may be of a role's id
			key = hexadecimal.ReplaceAllString(key, "hash")
		}
		require.NotContains(t, all, key, "two keys that cannot be told apart")
		all[key] = settledValue("", entry)
	}
	return all
}

var (
	ids         = regexp.MustCompile(`[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}|\b[A-Z2-7]{26}\b`) // as written by the first version, and by this one
	hexadecimal = regexp.MustCompile(`[0-9a-f]{64}`)
)

// random are members with a random text, or one that is made from such.
var random = []string{"truth", "by", "trace"}

func settledValue(member string, value any) any {
	switch v := value.(type) {
	case map[string]any:
		for _, name := range addedSince {
			delete(v, name)
		}
		for name := range v {
			v[name] = settledValue(name, v[name])
		}
	case []any:
		for i := range v {
			v[i] = settledValue(member, v[i])
		}
	case string:
		if slices.Contains(random, member) {
			return "(random)"
		}
		return instants.ReplaceAllString(ids.ReplaceAllString(v, "(id)"), "(instant)")
	}
	return value
}

// Another node's intent, or that of a plugin that has crashed: its POST may be
// under way until 10 s after post_before, and nothing is sent before that.
func TestAStoredIntentIsWaitedFor(t *testing.T) {
	m := newStoredMount(t)
	f := readStored(t, filepath.Join("testdata", "stored", "intent.json"), m.server.URL)
	m.hold(f.bytes(t))
	m.grow("11s") // or the test would take 13 s
	over := postBefore(t, m.stored()).Add(10 * time.Second)
	m.server.next(f.Then[0].Answers)
	m.ok(logical.UpdateOperation, "token/imported/renew", nil)
	require.False(t, time.Now().Before(over))
	sent, _ := m.server.done()
	require.Equal(t, f.Then[0].Sent, sent)
}

// postBefore is the instant of the only intent that is stored.
func postBefore(t *testing.T, stored map[string]string) time.Time {
	t.Helper()
	for key, value := range stored {
		var entry struct {
			Refresh struct {
				Intent struct {
					PostBefore time.Time `json:"post_before"`
				}
			}
		}
		require.NoError(t, json.Unmarshal([]byte(value), &entry), "%s", key)
		if before := entry.Refresh.Intent.PostBefore; !before.IsZero() {
			return before
		}
	}
	t.Fatal("no intent is stored")
	return time.Time{}
}
