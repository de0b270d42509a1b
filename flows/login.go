// SPDX-License-Identifier: MPL-2.0

package flows

import (
	"context"
	"time"

	"github.com/seed-6323ea89/vault-plugin-secrets-oauth/internal/field"
	"github.com/seed-6323ea89/vault-plugin-secrets-oauth/internal/login"
	"github.com/seed-6323ea89/vault-plugin-secrets-oauth/internal/oauth"
)

// documentLogin logs in to an API that is not an OAuth server, as the config's
// login document says.
type documentLogin struct{}

// The values that only login documents name.
var (
	documentSecrets = field.OwnSecrets("secrets", field.Proves, field.Sent,
		"Flow login: secrets that the document names as {{secrets.x}}, over those of the config, as x=value or a JSON object. Never shown; a write replaces them all.")
	documentVariables = field.OwnVariables("variables", field.Shapes|field.Steers,
		"Flow login: values that the document names as {{variables.x}}, as x=value or a JSON object whose values keep their types. What the config sets cannot be set here. They read back: not for secrets. Changing them, like username, requires the role's secrets in the same write.")
)

func (documentLogin) Describe() Description {
	return Description{
		Name:     "login",
		Aliases:  []string{"document"},
		Synopsis: "the API has a login of its own, which the config's login document describes",
		Fields:   []Field{{username, Optional}, {passwordField, Optional}, {documentSecrets, Optional}, {documentVariables, Optional}}, // the document tells which of them are required
		Endpoint: documentField, Config: []string{documentField, "base_url", "client_id", "secrets", "variables"},
		Account: &username, OwnWords: true,
	}
}

func (documentLogin) Mint(ctx context.Context, r Request) (*oauth.Token, error) {
	document, values := r.Server.Document, r.values()
	request, err := document.Login(values)
	if err != nil {
		return nil, r.unfilled(err)
	}
	show := func() oauth.Shown { return oauth.Shown(*document.ShowLogin(values)) }
	return r.ask(ctx, values, request, show, document.ReadLogin)
}

func (documentLogin) CanRefresh(r Request, held Held) bool {
	switch d := r.Server.Document; {
	case !d.CanRefresh():
		return false
	case d.RefreshTakes(passwordField.Name()): // then the login itself is as good, and its refusals are counted
		return false
	case d.RefreshTakes("refresh_token") && !held.RefreshToken.IsSet():
		return false
	case d.RefreshTakes("token") && !time.Now().Before(held.Expires):
		return false
	}
	return true
}

func (documentLogin) Refresh(ctx context.Context, r Request, held Held) (*oauth.Token, error) {
	document, values := r.Server.Document, r.values()
	values.Token, values.RefreshToken = held.AccessToken, held.RefreshToken
	request, err := document.Refresh(values)
	if err != nil {
		return nil, r.unfilled(err)
	}
	show := func() oauth.Shown { return oauth.Shown(*document.ShowRefresh(values)) }
	return r.ask(ctx, values, request, show, document.ReadRefresh)
}

// unfilled is a document that the values do not fit; nothing was sent.
func (r Request) unfilled(err error) *oauth.Error {
	host := hostOf(r.Server.BaseURL)
	if host == "" {
		host = "the login document"
	}
	return &oauth.Error{Kind: oauth.Forbidden, Host: host, Reason: "the login document cannot be filled in: " + err.Error()}
}

// ask sends one request of the document, and reads the token from its answer.
func (r Request) ask(ctx context.Context, values login.Values, request *login.Request, show func() oauth.Shown,
	read func(login.Answer) (*login.Result, *login.Failure),
) (*oauth.Token, error) {
	document := r.Server.Document
	out := oauth.Outgoing{
		Method: request.Method, URL: request.URL, Body: request.Body,
		Secrets: document.Secrets(values), Shown: show,
	}
	for _, line := range request.Header {
		out.Header = append(out.Header, oauth.HeaderLine(line))
	}
	answer, failed := oauth.Send(ctx, r.Server.Client.HTTP, out)
	if failed != nil {
		return nil, failed
	}
	result, failure := read(login.Answer{Status: answer.Status, Header: answer.Header, Body: answer.Body, At: answer.Issued})
	if failure != nil {
		return nil, refusalOf(ctx, answer, failure)
	}
	if _, ok := document.Use(values, result.Token.Reveal()); !ok && document.HasUse() {
		return nil, refusalOf(ctx, answer, &login.Failure{
			Expected: "token: a text that can be sent as \"use\" says", Seen: "one with a character that cannot stand there",
		})
	}
	oauth.Note(ctx, result.Found...)
	return &oauth.Token{
		AccessToken: result.Token, TokenType: "Bearer", RefreshToken: result.RefreshToken,
		Issued: answer.Issued, Expires: result.Expires, UseOnce: !result.Expires.IsZero() && !result.Expires.After(answer.Issued),
		RefreshEnds: after(answer.Issued, document.RefreshTTL()), SessionEnds: after(answer.Issued, document.SessionTTL()),
		Extra: result.Extra, Warnings: result.Warnings, Hint: answer.Unveiled(result.Hint),
	}, nil
}

// after is start + d, or zero where d is.
func after(start time.Time, d time.Duration) time.Time {
	if d == 0 {
		return time.Time{}
	}
	return start.Add(d)
}

// refusalOf is the error for an answer from which the document took no token.
func refusalOf(ctx context.Context, answer *oauth.Answer, failure *login.Failure) *oauth.Error {
	oauth.Note(ctx, "expected: "+failure.Expected, "seen: "+failure.Seen)
	var failed *oauth.Error
	switch {
	case failure.Refused && answer.Status/100 == 3:
		failed = answer.Redirected()
	case failure.Refused:
		if failed = answer.Refusal(); failed.Code == "" && failed.Description == "" {
			failed.Reason = answer.Scrub(failure.Error()) // it may quote the answer's names
		}
	default:
		failed = answer.Malformed(failure.Error())
		failed.Kind = oauth.Unexpected
	}
	failed.Hint = answer.Unveiled(failure.Hint)
	return failed
}
