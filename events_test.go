// SPDX-License-Identifier: MPL-2.0

package oauthsecrets

import (
	"context"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/hashicorp/vault/sdk/logical"
	"github.com/stretchr/testify/require"

	"github.com/seed-6323ea89/vault-plugin-secrets-oauth/internal/entry"
	"github.com/seed-6323ea89/vault-plugin-secrets-oauth/internal/rotation"
)

// listener hears events as Vault would.
type listener struct {
	mu    sync.Mutex
	heard []fields
}

func (l *listener) SendEvent(_ context.Context, event logical.EventType, data *logical.EventData) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	told := fields{"event": string(event)}
	for name, value := range data.Metadata.Fields {
		told[name] = value.GetStringValue()
	}
	l.heard = append(l.heard, told)
	return nil
}

func (l *listener) all() []fields {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.heard
}

// listen has the backend send its events to a listener.
func listen(t *testing.T, b *backend, s logical.Storage) *listener {
	t.Helper()
	l := new(listener)
	conf := logical.TestBackendConfig()
	conf.EventsSender, conf.StorageView = l, s
	require.NoError(t, b.Setup(context.Background(), conf))
	return l
}

func TestEvents(t *testing.T) {
	m := newMountAndServer(t)
	l := listen(t, m.b, m.storage)
	m.token("app")
	m.token("app")
	m.server.Respond(func(w http.ResponseWriter, _ *http.Request) bool { w.WriteHeader(http.StatusTeapot); return true })
	m.write("token/app/renew", nil)
	common := fields{"path": "token/app", "data_path": "token/app", "operation": "renew", "role": "app", "config": "main"}
	eventually(t, func() bool { return len(l.all()) == 2 })
	require.Equal(t, []fields{
		with(common, fields{"event": "oauth/token-renew", "modified": "true", "generation": "1", "expires": entry.Instant(m.storedToken("app").Expires)}),
		with(common, fields{
			"event": "oauth/token-renew-fail", "modified": "false", "failure_class": "refused", "code": "",
			"host": strings.TrimPrefix(m.server.URL, "http://"), "action_required_by": "operator",
		}),
	}, l.all())
}

func TestReauthRequiredIsToldOnce(t *testing.T) {
	inWorld(t, imported, func(w *world) {
		l := listen(w.T, w.b, w.storage)
		w.server.dead = true
		for range 5 {
			_, _ = w.renew()
			time.Sleep(rotation.SecondRefusal)
		}
		var told []string
		for _, event := range l.all() {
			told = append(told, event["event"].(string))
		}
		require.Equal(w, []string{"oauth/token-renew-fail", "oauth/reauth-required"}, told)
	})
}
