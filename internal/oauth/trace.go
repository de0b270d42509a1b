// SPDX-License-Identifier: MPL-2.0

package oauth

import (
	"cmp"
	"context"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"
)

// Trace collects what was sent and seen, without secrets, for a person. It is
// not for concurrent exchanges.
type Trace struct {
	Steps []Step

	hide func(string) string // takes the secrets of the last step out of a line
}

// Step is one request and what came of it.
type Step struct {
	Request Shown
	Status  int           // of the answer; 0: there was none
	Header  []string      // of the answer: sorted lines, with values only where they hold no secret
	Body    string        // the answer's shape, without its texts
	Took    time.Duration // until the answer was read, or failed
	Notes   []string      // what was made of the answer
	Failure string        // why there is no answer, or no token in it; empty when that is for the caller to say
}

type traceKey struct{}

// WithTrace returns a context whose exchanges are recorded in t.
func WithTrace(ctx context.Context, t *Trace) context.Context {
	return context.WithValue(ctx, traceKey{}, t)
}

func traceOf(ctx context.Context) *Trace {
	t, _ := ctx.Value(traceKey{}).(*Trace)
	return t
}

// Note adds lines to the last step of the context's trace, without that step's
// secrets. It does nothing when there is no trace, or no step yet.
func Note(ctx context.Context, lines ...string) {
	t := traceOf(ctx)
	if t == nil || len(t.Steps) == 0 || t.hide == nil {
		return
	}
	last := &t.Steps[len(t.Steps)-1]
	for _, line := range lines {
		last.Notes = append(last.Notes, t.hide(line))
	}
}

// record adds a step to the context's trace, if there is one: what was sent, the
// answer as far as it came, and what went wrong.
func record(ctx context.Context, out Outgoing, a *Answer, failed *Error, took time.Duration) {
	t := traceOf(ctx)
	if t == nil {
		return
	}
	var tokens []string
	var more bool
	if a != nil {
		tokens, more = tokensOf(a)
	}
	v := newVeil(out.hidden(), tokens)
	t.hide = v.words
	step := Step{Request: out.shown(v), Took: took}
	if a != nil {
		step.Status, step.Header = a.Status, v.header(a.Header)
		if step.Body = "[not read]"; !out.dropRedirects || a.Status/100 != 3 {
			step.Body = shapeOf(a, v, more)
		}
	}
	if failed != nil {
		step.Failure = v.failure(*failed, more)
	}
	t.Steps = append(t.Steps, step)
}

// mediaType is what Accept and Content-Type say, and no secret.
var mediaType = regexp.MustCompile(`^(?:application|text|\*)/[a-z.+*-]{1,40}(?:; ?charset=[A-Za-z0-9-]{1,12})?$`)

// hidden returns the request's secrets without what it shows as it is: a server
// that answers in the type we asked for repeats no secret.
func (o *Outgoing) hidden() []string {
	var open []string
	for _, line := range o.Header {
		if slices.Contains(plainHeaders, http.CanonicalHeaderKey(line.Name)) {
			if line.Value == userAgent || mediaType.MatchString(line.Value) {
				open = append(open, line.Value)
			}
		}
	}
	return slices.DeleteFunc(slices.Clone(o.Secrets), func(secret string) bool { return slices.Contains(open, secret) })
}

// shown returns the request for a person. Without a Shown of its own it is no
// more than where it went.
func (o *Outgoing) shown(v *veil) Shown {
	shown := Shown{Method: cmp.Or(o.Method, http.MethodGet)}
	if u, err := url.Parse(o.URL); err == nil && u.Host != "" {
		shown.URL = u.Scheme + "://" + u.Host
	}
	if o.Shown != nil {
		shown = o.Shown()
	}
	shown.Method, shown.URL, shown.Body = v.lines(shown.Method), v.lines(shown.URL), v.lines(shown.Body)
	lines := make([]string, len(shown.Header)) // the caller's own list stays as it is
	for i, line := range shown.Header {
		lines[i] = v.lines(line)
	}
	shown.Header = lines
	return shown
}

// maxHeader is how many lines of an answer's header are shown.
const maxHeader = 40

// header returns the lines of an answer's header.
func (v *veil) header(header http.Header) []string {
	var lines []string
	for name, values := range header {
		for _, value := range values {
			shown := fmt.Sprintf("[%d bytes]", len(value))
			if slices.Contains(openHeaders, name) {
				if text := v.text(value); text != "" || value == "" {
					shown = text
				}
			}
			lines = append(lines, strings.TrimSpace(v.name(name)+": "+shown))
		}
	}
	slices.Sort(lines)
	if further := len(lines) - maxHeader; further > 0 {
		lines = append(lines[:maxHeader], fmt.Sprintf("[and %d more]", further))
	}
	return lines
}

// failure returns an error's text. What the server said in it has lost the
// request's secrets already, and here the answer's tokens.
func (v *veil) failure(failed Error, quiet bool) string {
	if !slices.Contains(registeredCodes, failed.Code) {
		failed.Code = v.text(failed.Code)
	}
	if failed.Description = v.text(failed.Description); quiet {
		failed.Description = ""
	}
	return failed.Error()
}

// String returns the steps as plain text of several lines.
func (t *Trace) String() string {
	var b strings.Builder
	for i, step := range t.Steps {
		if i > 0 {
			b.WriteByte('\n')
		}
		step.write(&b, i+1)
	}
	return b.String()
}

func (s *Step) write(b *strings.Builder, number int) {
	indented := func(lines ...string) {
		for _, line := range lines {
			b.WriteString(strings.TrimRight("   "+strings.ReplaceAll(line, "\n", "\n   "), " ") + "\n")
		}
	}
	fmt.Fprintf(b, "%d. %s %s\n", number, s.Request.Method, cmp.Or(s.Request.URL, "(no URL)"))
	indented(s.Request.Header...)
	if s.Request.Body != "" {
		indented("", s.Request.Body)
	}
	took := max(s.Took.Round(time.Millisecond), time.Millisecond)
	if s.Status == 0 {
		indented("", fmt.Sprintf("-> no answer, %v", took))
	} else {
		indented("", fmt.Sprintf("-> %s, %v", strings.TrimSpace(fmt.Sprintf("%d %s", s.Status, http.StatusText(s.Status))), took))
		indented(s.Header...)
		indented("", s.Body)
	}
	if len(s.Notes) > 0 || s.Failure != "" {
		indented("")
	}
	for _, note := range s.Notes {
		indented("- " + note)
	}
	if s.Failure != "" {
		indented("failed: " + s.Failure)
	}
}
