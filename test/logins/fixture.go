// SPDX-License-Identifier: MPL-2.0

// Package logins holds login APIs as data: for each the document that an operator would write, the exact bytes that the
// engine must send for it, what the API answers, and what a reader must get. Server plays the API's part.
//
// A fixture is testdata/NAME.txtar. Its comment says which API it is and where the facts are from. Its files:
//
//	login.json           the login document
//	config.json          optional: further fields of the config. base_url is the server's URL unless it is named here; null leaves it out
//	role.json            fields of the role
//	request.1            the login as it must arrive: request line, the header lines that the document causes in order of the
//	                     alphabet, a blank line, and the body without the newline that ends the file. Header names are in
//	                     canonical form. Host, User-Agent, Accept-Encoding, Content-Length and Connection are left out.
//	answer.1             the API's answer: status line, header, blank line, and the body without the newline that ends the file
//	request.2 answer.2   optional: the refresh
//	want.json            what creds/ must answer, as far as it is named; [low, high] for a number within these bounds
//	want.refreshed.json  the same after the refresh
//
// Three placeholders stand for what is not known before the server starts:
//
//	$URL                 the server's URL
//	$TIME(+1h,LAYOUT)    the server's start and one hour, in a layout of package time or as unix or unix_ms
//	$JWT(exp=+1h,sub=a)  a JWT with these claims; exp, iat and nbf count from the server's start. The same text is the same JWT
package logins

import (
	"bytes"
	"embed"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"path"
	"strings"
	"time"

	"github.com/rogpeppe/go-internal/txtar"
)

//go:embed testdata
var testdata embed.FS

// Fixture is one API.
type Fixture struct {
	Name  string
	About string // which API it is, and where the facts are from

	files map[string]string // by name, with placeholders
}

// Load returns all fixtures in the order of their names. It fails for one that no server could play.
func Load() ([]Fixture, error) {
	entries, err := testdata.ReadDir("testdata")
	if err != nil {
		return nil, err
	}
	fixtures := make([]Fixture, 0, len(entries))
	for _, entry := range entries {
		text, err := testdata.ReadFile(path.Join("testdata", entry.Name()))
		if err != nil {
			return nil, err
		}
		f, err := parse(strings.TrimSuffix(entry.Name(), ".txtar"), text)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", entry.Name(), err)
		}
		fixtures = append(fixtures, f)
	}
	return fixtures, nil
}

// Named returns one fixture.
func Named(name string) (Fixture, error) {
	fixtures, err := Load()
	if err != nil {
		return Fixture{}, err
	}
	for _, f := range fixtures {
		if f.Name == name {
			return f, nil
		}
	}
	return Fixture{}, fmt.Errorf("there is no fixture %q", name)
}

// Refreshes tells whether the fixture has a refresh.
func (f Fixture) Refreshes() bool { return f.files["request.2"] != "" }

func parse(name string, text []byte) (Fixture, error) {
	archive := txtar.Parse(text)
	f := Fixture{Name: name, About: strings.TrimSpace(string(archive.Comment)), files: map[string]string{}}
	for _, file := range archive.Files {
		if _, twice := f.files[file.Name]; twice {
			return f, fmt.Errorf("%s is there twice", file.Name)
		}
		f.files[file.Name] = string(file.Data)
	}
	if f.About == "" {
		return f, errors.New("a comment must say which API this is")
	}
	if err := f.checkNames(); err != nil {
		return f, err
	}
	_, err := f.play("http://127.0.0.1:1", time.Unix(0, 0))
	return f, err
}

// checkNames refuses a file that nothing would read, and a refresh without its other half.
func (f Fixture) checkNames() error {
	files := map[string]bool{"login.json": true, "role.json": true, "request.1": true, "answer.1": true, "want.json": true,
		"config.json": false, "request.2": false, "answer.2": false, "want.refreshed.json": false}
	for name := range f.files {
		if _, known := files[name]; !known {
			return fmt.Errorf("unknown file %s", name)
		}
	}
	for name, required := range files {
		refresh := f.Refreshes() && (name == "answer.2" || name == "want.refreshed.json")
		if (required || refresh) && f.files[name] == "" {
			return fmt.Errorf("%s is missing", name)
		}
	}
	return nil
}

// part is a fixture with its placeholders filled in.
type part struct {
	login           string
	config, role    map[string]any
	want, refreshed map[string]any
	exchanges       []exchange
}

// exchange is a request in the form of canonical, and the answer to it.
type exchange struct {
	request string
	answer  *answer
}

// play fills in the placeholders for a server at url that starts now.
func (f Fixture) play(url string, now time.Time) (*part, error) {
	files := make(map[string]string, len(f.files))
	for name, text := range f.files {
		filled, err := fill(text, url, now)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		files[name] = filled
	}
	p := &part{login: files["login.json"]}
	for name, fields := range map[string]*map[string]any{
		"config.json": &p.config, "role.json": &p.role, "want.json": &p.want, "want.refreshed.json": &p.refreshed,
	} {
		var err error
		if *fields, err = object(files[name]); err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
	}
	if !json.Valid([]byte(p.login)) {
		return nil, errors.New("login.json is no JSON")
	}
	for _, n := range []string{"1", "2"} {
		if files["request."+n] == "" {
			continue
		}
		answer, err := parseAnswer(files["answer."+n])
		if err != nil {
			return nil, fmt.Errorf("answer.%s: %w", n, err)
		}
		request := strings.TrimSuffix(files["request."+n], "\n")
		if !strings.Contains(files["request."+n], "\n\n") {
			return nil, fmt.Errorf("request.%s: a blank line must follow the header", n)
		}
		if !strings.Contains(request, "\n\n") {
			request += "\n" // the blank line was the end of the file: there is no body
		}
		p.exchanges = append(p.exchanges, exchange{request, answer})
	}
	return p, nil
}

// object reads a JSON object, numbers as they are written; of no text it is empty.
func object(text string) (map[string]any, error) {
	fields := map[string]any{}
	if text == "" {
		return fields, nil
	}
	decoder := json.NewDecoder(bytes.NewReader([]byte(text)))
	decoder.UseNumber()
	if err := decoder.Decode(&fields); err != nil {
		return nil, err
	}
	if _, err := decoder.Token(); err != io.EOF {
		return nil, errors.New("something follows the object")
	}
	return fields, nil
}
