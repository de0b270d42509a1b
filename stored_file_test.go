// SPDX-License-Identifier: MPL-2.0

package oauthsecrets

import (
	"bytes"
	"encoding/json"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/hashicorp/vault/sdk/logical"
	"github.com/stretchr/testify/require"
)

// storedFile is one file of testdata/stored, whose README says how it came to be.
type storedFile struct {
	About   string                     `json:"about"`
	Steps   []storedStep               `json:"steps"`   // what was asked of the engine
	Taken   time.Time                  `json:"taken"`   // when they were over
	Storage map[string]json.RawMessage `json:"storage"` // what they left in storage
	Reads   map[string]storedRead      `json:"reads"`   // what each path reads, without an exchange
	Refused map[string]string          `json:"refused,omitempty"`
	Then    []storedStep               `json:"then,omitempty"` // what can be asked afterwards
}

// storedStep is one request to the engine.
type storedStep struct {
	Older   string        `json:"older,omitempty"` // before it all that is stored grows so much older, and the plugin restarts
	Do      string        `json:"do"`              // write, read or delete, and the path
	Data    fields        `json:"data,omitempty"`
	Answers []storedReply `json:"answers,omitempty"` // what the server answers meanwhile
	Crash   bool          `json:"crash,omitempty"`   // the plugin ends before the answer is there
	Refused string        `json:"refused,omitempty"` // part of the message of a 400
	Warned  string        `json:"warned,omitempty"`  // part of a warning
	Sent    []string      `json:"sent,omitempty"`    // what went to the server, byte by byte
}

// storedReply is an answer of the server.
type storedReply struct {
	Status int               `json:"status,omitempty"` // 0: 200
	Header map[string]string `json:"header,omitempty"`
	Body   json.RawMessage   `json:"body,omitempty"`
}

// storedRead is what a read returns, but for what depends on when it is.
type storedRead struct {
	Data     fields   `json:"data"`
	Warnings []string `json:"warnings,omitempty"`
}

// storedProxy stands in the files for the proxy that each test starts.
const storedProxy = "http://proxy.example.com:3128"

// storedNames names the files.
func storedNames(t testing.TB) []string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join("testdata", "stored", "*.json"))
	require.NoError(t, err)
	require.NotEmpty(t, files)
	return files
}

// readStored reads a file as if it had been written just now, with the proxy at url.
func readStored(t testing.TB, name, url string) *storedFile {
	t.Helper()
	raw, err := os.ReadFile(name)
	require.NoError(t, err)
	var taken struct{ Taken time.Time }
	require.NoError(t, json.Unmarshal(raw, &taken), "%s", name)
	text := strings.ReplaceAll(string(raw), storedProxy, url)
	text = shifted(text, time.Since(taken.Taken).Truncate(time.Second)) // whole seconds: reads show no smaller ones
	decoder := json.NewDecoder(strings.NewReader(text))
	decoder.DisallowUnknownFields()
	f := new(storedFile)
	require.NoError(t, decoder.Decode(f), "%s", name)
	return f
}

var instants = regexp.MustCompile(`\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)`)

// shifted moves all instants in a text, and leaves every other byte as it is.
func shifted(text string, by time.Duration) string {
	return instants.ReplaceAllStringFunc(text, func(instant string) string {
		t, err := time.Parse(time.RFC3339Nano, instant)
		if err != nil || t.IsZero() {
			return instant
		}
		return t.Add(by).Format(time.RFC3339Nano)
	})
}

// bytes is the storage as the engine wrote it: files have it indented.
func (f *storedFile) bytes(t testing.TB) map[string]string {
	t.Helper()
	all := make(map[string]string, len(f.Storage))
	for key, value := range f.Storage {
		var text bytes.Buffer
		require.NoError(t, json.Compact(&text, value))
		all[key] = text.String()
	}
	return all
}

// storedMount is a mount and the server that its configs name.
type storedMount struct {
	*mount
	server *standIn
}

func newStoredMount(t testing.TB) *storedMount {
	return &storedMount{newMount(t), newStandIn(t)}
}

// hold puts something into storage in place of what is there, and restarts the plugin.
func (m *storedMount) hold(all map[string]string) {
	m.t.Helper()
	m.storage = &faultyStorage{Storage: new(logical.InmemStorage)}
	for key, value := range all {
		require.NoError(m.t, m.storage.Put(m.t.Context(), &logical.StorageEntry{Key: key, Value: []byte(value)}))
	}
	m.start()
}

// grow makes all that is stored older, and restarts the plugin.
func (m *storedMount) grow(older string) {
	m.t.Helper()
	by, err := time.ParseDuration(older)
	require.NoError(m.t, err)
	all := m.stored()
	for key, value := range all {
		all[key] = shifted(value, -by)
	}
	m.hold(all)
}

// take does a step, holds it to what it says, and returns what was sent.
func (m *storedMount) take(step storedStep) []string {
	m.t.Helper()
	if step.Older != "" {
		m.grow(step.Older)
	}
	m.server.next(step.Answers)
	if step.Crash {
		m.crash(step)
	} else {
		m.asked(step)
	}
	sent, left := m.server.done()
	require.Zero(m.t, left, "%s: answers that nobody asked for", step.Do)
	return sent
}

func (m *storedMount) asked(step storedStep) {
	m.t.Helper()
	verb, path, _ := strings.Cut(step.Do, " ")
	op := map[string]logical.Operation{"write": logical.UpdateOperation, "read": logical.ReadOperation, "delete": logical.DeleteOperation}[verb]
	resp, err := m.do(op, path, step.Data)
	require.NoError(m.t, err, "%s", step.Do)
	if step.Refused != "" {
		require.True(m.t, resp.IsError(), "%s was not refused", step.Do)
		require.Contains(m.t, resp.Error().Error(), step.Refused, "%s", step.Do)
		return
	}
	if resp.IsError() {
		m.t.Fatalf("%s: %v", step.Do, resp.Error())
	}
	if step.Warned != "" {
		require.NotNil(m.t, resp, "%s", step.Do)
		require.Contains(m.t, strings.Join(resp.Warnings, "\n"), step.Warned, "%s", step.Do)
	}
}

// crash ends the plugin while the server is at it: storage keeps what it has then.
func (m *storedMount) crash(step storedStep) {
	m.t.Helper()
	arrived, release := m.server.hold()
	done := make(chan struct{})
	go func() {
		defer close(done)
		m.asked(step)
	}()
	<-arrived
	all := m.stored()
	release()
	<-done
	m.hold(all)
}

// readPaths are the paths of all that a storage has. Those that show a failure
// come first, since the reads behind them make one.
func readPaths(storage map[string]json.RawMessage) []string {
	paths := []string{"settings"}
	for key := range storage {
		if strings.HasPrefix(key, "config/") {
			paths = append(paths, key)
		}
		if role, ok := strings.CutPrefix(key, "role/"); ok {
			paths = append(paths, "roles/"+role, "token/"+role, "creds/"+role, "status/"+role)
		}
	}
	slices.Sort(paths)
	slices.SortStableFunc(paths, func(a, b string) int {
		status := func(path string) int { return len(path) - len(strings.TrimPrefix(path, "status/")) }
		return status(b) - status(a)
	})
	return paths
}

// timely are the members of an answer that depend on when it is given.
var timely = []string{"expires_in", "ttl", "rotation_period"}

// steadily reads a path; refusal is the message of a 400.
func (m *storedMount) steadily(path string) (read storedRead, refusal string) {
	m.t.Helper()
	resp, err := m.do(logical.ReadOperation, path, nil)
	require.NoError(m.t, err, "%s", path)
	require.NotNil(m.t, resp, "%s", path)
	if resp.IsError() {
		return storedRead{}, resp.Error().Error()
	}
	data := asJSON[fields](m.t, resp.Data)
	if strings.HasPrefix(path, "token/") || strings.HasPrefix(path, "creds/") {
		maps.DeleteFunc(data, func(key string, _ any) bool { return slices.Contains(timely, key) })
	}
	return storedRead{data, resp.Warnings}, ""
}
