// SPDX-License-Identifier: MPL-2.0

package main

import (
	"encoding/json"
	"net/http"
	"os"
	"path"
	"strings"
	"sync"

	"github.com/pocketbase/pocketbase/apis"
	"github.com/pocketbase/pocketbase/core"
	_ "github.com/pocketbase/pocketbase/migrations" // the tables, among them the collection users
)

// server is PocketBase's own API, and at GET /stats a count of the logins it was asked for.
type server struct {
	app    *core.BaseApp
	api    http.Handler
	record string // file for the tokens issued, or empty

	mu    sync.Mutex // guards stats, and writing to the record
	stats stats
}

// stats counts requests since the start, in the shape of tools/demo. ByGrant is by the last part of the path:
// auth-with-password, auth-refresh.
type stats struct {
	TokenRequests int            `json:"token_requests"`
	ByGrant       map[string]int `json:"by_grant"`
}

func newServer(opts options) (*server, error) {
	app := core.NewBaseApp(core.BaseAppConfig{DataDir: opts.data})
	s := &server{app: app, record: opts.record, stats: stats{ByGrant: map[string]int{}}}
	if err := s.start(opts); err != nil {
		s.close()
		return nil, err
	}
	return s, nil
}

func (s *server) start(opts options) error {
	if err := s.app.Bootstrap(); err != nil {
		return err
	}
	if err := s.app.RunAllMigrations(); err != nil {
		return err
	}
	if err := s.settle(opts); err != nil {
		return err
	}
	s.app.OnRecordAuthRequest().BindFunc(func(e *core.RecordAuthRequestEvent) error {
		if err := s.recordToken(e.Token); err != nil {
			return err
		}
		return e.Next()
	})
	router, err := apis.NewRouter(s.app)
	if err != nil {
		return err
	}
	s.api, err = router.BuildMux()
	return err
}

// settle makes the two accounts, unless the data directory has them already.
func (s *server) settle(opts options) error {
	users, err := s.app.FindCollectionByNameOrId("users")
	if err != nil {
		return err
	}
	users.AuthToken.Duration = int64(opts.lifetime.Seconds())
	users.AuthAlert.Enabled = false // a login from a new place would be told by mail, and there is no mail here
	if err := s.app.Save(users); err != nil {
		return err
	}
	superusers, err := s.app.FindCollectionByNameOrId(core.CollectionNameSuperusers)
	if err != nil {
		return err
	}
	if err := s.account(superusers, opts.superuser, opts.password); err != nil {
		return err
	}
	return s.account(users, opts.user, opts.password)
}

func (s *server) account(collection *core.Collection, email, password string) error {
	record, err := s.app.FindAuthRecordByEmail(collection, email)
	if err != nil { // there is none yet
		record = core.NewRecord(collection)
		record.SetEmail(email)
	}
	if record.ValidatePassword(password) {
		return nil // setting it again would end the tokens issued before
	}
	record.SetPassword(password)
	record.SetVerified(true)
	return s.app.Save(record)
}

func (s *server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.URL.Path == "/stats" {
		s.count(w)
		return
	}
	if name := path.Base(r.URL.Path); r.Method == http.MethodPost && strings.HasPrefix(name, "auth-") {
		s.mu.Lock()
		s.stats.TokenRequests++
		s.stats.ByGrant[name]++
		s.mu.Unlock()
	}
	s.api.ServeHTTP(w, r)
}

func (s *server) count(w http.ResponseWriter) {
	s.mu.Lock()
	defer s.mu.Unlock()
	w.Header().Set("Content-Type", "application/json")
	json.NewEncoder(w).Encode(s.stats) //nolint:errcheck // the client has gone
}

// recordToken writes one line as tools/demo does: a token's kind, a space, the token.
func (s *server) recordToken(token string) error {
	if s.record == "" {
		return nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	file, err := os.OpenFile(s.record, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer file.Close()
	_, err = file.WriteString("access_token " + token + "\n")
	return err
}

// close ends the work in the background and closes the database.
func (s *server) close() {
	s.app.OnTerminate().Trigger(&core.TerminateEvent{App: s.app}, func(e *core.TerminateEvent) error { //nolint:errcheck // it ends
		return e.App.ResetBootstrapState()
	})
}
