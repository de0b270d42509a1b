// SPDX-License-Identifier: MPL-2.0

package main

import (
	"bufio"
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"path/filepath"
	"strings"
)

// window is the length of the text by which a secret is first looked for. Shorter ones are found by chance.
const window = 12

// secrets is a search for many secrets at once, in each spelling that they might have: one pass over a text of any size.
type secrets struct {
	starts map[uint64][]spelling // by the hash of the first bytes
}

type spelling struct{ secret, form, text string }

func newSecrets() *secrets { return &secrets{starts: map[uint64][]spelling{}} }

// add looks for a secret, too; name is what it is called where it is found.
func (s *secrets) add(name, secret string) error {
	for form, text := range spellings(secret) {
		if len(text) < window {
			return fmt.Errorf("the secret %s is too short to be looked for", name)
		}
		start := hash([]byte(text[:window]))
		s.starts[start] = append(s.starts[start], spelling{name, form, text})
	}
	return nil
}

// addRecord looks for all tokens in a server's record: lines of a kind and a token.
func (s *secrets) addRecord(file string) error {
	record, err := os.ReadFile(file)
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	for line := range strings.Lines(string(record)) {
		kind, token, _ := strings.Cut(strings.TrimSpace(line), " ")
		if err := s.add(kind+" "+digest(token), token); err != nil {
			return err
		}
	}
	return nil
}

// files returns what is found in files. One of them must have the word proof somewhere: a search of the wrong text proves nothing.
func (s *secrets) files(names []string, proof string) (found []string, err error) {
	proved := false
	for _, name := range names {
		hits, mentions, err := s.file(name, proof)
		if err != nil {
			return nil, err
		}
		found, proved = append(found, hits...), proved || mentions
	}
	if !proved {
		err = fmt.Errorf("%s does not mention %s: searching it proves nothing", strings.Join(names, " or "), proof)
	}
	return found, err
}

func (s *secrets) file(name, proof string) (found []string, proved bool, err error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, false, err
	}
	defer f.Close()
	found, proved, err = s.search(f, proof)
	for i := range found {
		found[i] += " in " + filepath.Base(name)
	}
	return found, proved, err
}

// search reads lines: neither a secret nor a log's entry has a newline in it.
func (s *secrets) search(r io.Reader, proof string) (found []string, proved bool, err error) {
	lines := bufio.NewReaderSize(r, 1<<16)
	seen := map[spelling]bool{}
	for {
		line, err := lines.ReadBytes('\n')
		proved = proved || bytes.Contains(line, []byte(proof))
		for _, hit := range s.line(line) {
			if !seen[hit] {
				seen[hit] = true
				found = append(found, fmt.Sprintf("%s (%s)", hit.secret, hit.form))
			}
		}
		if errors.Is(err, io.EOF) {
			return found, proved, nil
		}
		if err != nil {
			return found, proved, err
		}
	}
}

// line compares at each place whose next bytes some secret begins with.
func (s *secrets) line(line []byte) (hits []spelling) {
	if len(line) < window {
		return nil
	}
	h := hash(line[:window])
	for i := 0; ; i++ {
		for _, candidate := range s.starts[h] {
			if bytes.HasPrefix(line[i:], []byte(candidate.text)) {
				hits = append(hits, candidate)
			}
		}
		if i+window >= len(line) {
			return hits
		}
		h = (h-uint64(line[i])*leading)*base + uint64(line[i+window])
	}
}

// A rolling hash: the bytes as digits of a number, modulo 2^64.
const (
	base    uint64 = 257
	leading uint64 = 0x4bcfcf4aa5370b01 // base to the power of window-1
)

func hash(text []byte) (h uint64) {
	for _, c := range text {
		h = h*base + uint64(c)
	}
	return h
}

// spellings are the forms in which a secret may hide: as it is, in a URL, in JSON, and in base64 wherever it starts.
func spellings(secret string) map[string]string {
	quoted, _ := json.Marshal(secret) // a string always marshals
	forms := map[string]string{"plain": secret}
	for form, text := range map[string]string{
		"query": url.QueryEscape(secret), "path": url.PathEscape(secret), "JSON": string(quoted[1 : len(quoted)-1]),
	} {
		if text != secret {
			forms[form] = text
		}
	}
	for _, form := range []string{"plain", "query"} {
		for offset := range 3 {
			if text, ok := forms[form]; ok {
				forms[fmt.Sprintf("base64 of %s at %d", form, offset)] = insideBase64(text, offset)
			}
		}
	}
	return forms
}

// insideBase64 returns the characters that base64 of any text with value at an offset of 0, 1 or 2 (modulo 3) must hold:
// those made of value's bits alone.
func insideBase64(value string, offset int) string {
	encoded := base64.RawStdEncoding.EncodeToString(append(make([]byte, offset), value...))
	bits := 8 * (offset + len(value))
	return encoded[(8*offset+5)/6 : bits/6]
}
