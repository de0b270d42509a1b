// SPDX-License-Identifier: MPL-2.0

package e2e

import (
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// docBlock is a fenced block, an indented one, or commands in a comment, which the reader of a document does not see:
//
//	<!-- hidden: refused: 400
//	vault read oauth/creds/slip
//	-->
//
// What a comment says in the line before a fence, or after "hidden:":
//
//	file: NAME              the block is saved as this file
//	refused: CODE           Vault refuses each command of the block with this code
//	not run: REASON         nobody runs the block; docs_test.go of the engine counts these
//	terminal: URL           the block runs in a terminal of its own, and is ready when the URL answers
//	end of terminals        those are ended first
//	api: NAME               another fixture of test/logins answers from here on
//	in the output           the text is a part of what the commands before it print
type docBlock struct {
	start, end        int // of the content
	language, content string
	notes             map[string]string
	has               map[string]bool // notes without a value
	before            string          // commands that the document does not have
}

var (
	fenced   = regexp.MustCompile("(?ms)^(?:<!-- ([^\n]*) -->\n)?```([a-z]+)\n(.*?)^```$")
	hidden   = regexp.MustCompile(`(?ms)^<!-- hidden:([^\n]*)\n(.*?)^-->$`)
	indented = regexp.MustCompile(`(?m)(?:\A|^\n)((?:^    [^\n]*\n)+)`)
	note     = regexp.MustCompile(`(file|api|refused|not run|terminal): (.*)`)
)

// blocks returns what is in a document, in its order. Indented blocks count in installDocument only, and fail the quick tests in the
// other documents that are run here.
func (r *reader) blocks(text string) []docBlock {
	var all []docBlock
	add := func(start, end int, comment, language string) {
		b := docBlock{start: start, end: end, language: language, content: text[start:end], notes: map[string]string{}, has: map[string]bool{}}
		b.annotate(comment)
		all = append(all, b)
	}
	part := func(at []int, n int) string {
		if at[2*n] < 0 {
			return ""
		}
		return text[at[2*n]:at[2*n+1]]
	}
	for _, at := range fenced.FindAllStringSubmatchIndex(text, -1) {
		add(at[6], at[7], part(at, 1), part(at, 2))
	}
	for _, at := range hidden.FindAllStringSubmatchIndex(text, -1) {
		add(at[4], at[5], part(at, 1), "sh")
	}
	if strings.HasSuffix(r.document, installDocument) {
		for _, at := range indented.FindAllStringSubmatchIndex(text, -1) {
			add(at[2], at[3], "", "sh")
		}
	}
	slices.SortFunc(all, func(a, b docBlock) int { return a.start - b.start })
	if strings.HasSuffix(r.document, installDocument) {
		r.annotateInstall(all)
	}
	return all
}

func (b *docBlock) annotate(comment string) {
	reason := strings.Contains(comment, "not run: ")
	for _, said := range strings.Split(comment, ", ") {
		if reason {
			said = comment // a reason may have commas
		}
		if pair := note.FindStringSubmatch(said); pair != nil {
			b.notes[pair[1]] = pair[2]
		} else if said = strings.TrimSpace(said); said != "" {
			b.has[said] = true
		}
	}
}

// TestDocsLeaveOut lists the blocks of commands that nobody runs. One more is one more to think about.
func TestDocsLeaveOut(t *testing.T) {
	want := map[string]int{"README.md": 2, "docs/install.md": 2, consumersDocument: 5}
	have := map[string]int{}
	for name := range documents {
		r := &reader{T: t, document: filepath.Join(repository(t), name)}
		text, err := os.ReadFile(r.document)
		if err != nil {
			t.Fatal(err)
		}
		for _, b := range r.blocks(string(text)) {
			if reason := b.notes["not run"]; reason != "" {
				have[name]++
				t.Logf("%s: %s\n%s", name, reason, b.content)
			}
		}
		if name != installDocument && indented.MatchString(fenced.ReplaceAllString(string(text), "")) {
			t.Errorf("%s has an indented block, which nobody runs", name)
		}
	}
	if !maps.Equal(have, want) {
		t.Errorf("blocks that are not run: %v, want %v", have, want)
	}
}
