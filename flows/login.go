// SPDX-License-Identifier: MPL-2.0

package flows

import (
	"context"
	"net/url"
	"time"

	"github.com/seed-6323ea89/vault-plugin-secrets-oauth/internal/login"
	"github.com/seed-6323ea89/vault-plugin-secrets-oauth/internal/oauth"
)

// documentLogin logs in to an API that is not an OAuth server, as the config's
// login document says.
type documentLogin struct{}

func (documentLogin) Describe() Description {
	return Description{
		Name:     "login",
		Synopsis: "the API has a login of its own, which the config's login document describes",
		Optional: []string{"username", "password", "secrets", "variables"}, // the document tells which of them are required
		Account:  true,
		Document: true,
	}
}

func (documentLogin) Mint(ctx context.Context, r Request) (*oauth.Token, error) {
	request, err := r.Document.Login(r.Values)
	if err != nil {
		return nil, r.unfilled(err)
	}
	show := func() oauth.Shown { return oauth.Shown(*r.Document.ShowLogin(r.Values)) }
	return r.ask(ctx, r.Values, request, show, r.Document.ReadLogin)
}

func (documentLogin) CanRefresh(r Request, held Held) bool {
	switch d := r.Document; {
	case !d.CanRefresh():
		return false
	case d.RefreshTakes("refresh_token") && !held.RefreshToken.IsSet():
		return false
	case d.RefreshTakes("token") && !time.Now().Before(held.Expires):
		return false
	}
	return true
}

func (documentLogin) Refresh(ctx context.Context, r Request, held Held) (*oauth.Token, error) {
	values := r.Values
	values.Token, values.RefreshToken = held.AccessToken, held.RefreshToken
	request, err := r.Document.Refresh(values)
	if err != nil {
		return nil, r.unfilled(err)
	}
	show := func() oauth.Shown { return oauth.Shown(*r.Document.ShowRefresh(values)) }
	return r.ask(ctx, values, request, show, r.Document.ReadRefresh)
}

// unfilled is a document that the values do not fit; nothing was sent.
func (r Request) unfilled(err error) *oauth.Error {
	host := "the login document"
	if base, parsed := url.Parse(r.Values.BaseURL); parsed == nil && base.Host != "" {
		host = base.Host
	}
	return &oauth.Error{Kind: oauth.Forbidden, Host: host, Reason: "the login document cannot be filled in: " + err.Error()}
}

// ask sends one request of the document, and reads the token from its answer.
func (r Request) ask(ctx context.Context, values login.Values, request *login.Request, show func() oauth.Shown,
	read func(login.Answer) (*login.Result, *login.Failure),
) (*oauth.Token, error) {
	out := oauth.Outgoing{
		Method: request.Method, URL: request.URL, Body: request.Body,
		Secrets: r.Document.Secrets(values), Shown: show,
	}
	for _, line := range request.Header {
		out.Header = append(out.Header, oauth.HeaderLine(line))
	}
	answer, failed := oauth.Send(ctx, r.Client.HTTP, out)
	if failed != nil {
		return nil, failed
	}
	result, failure := read(login.Answer{Status: answer.Status, Header: answer.Header, Body: answer.Body, At: answer.Issued})
	if failure != nil {
		return nil, refusalOf(ctx, answer, failure)
	}
	if _, ok := r.Document.Use(values, result.Token.Reveal()); !ok && r.Document.HasUse() {
		return nil, refusalOf(ctx, answer, &login.Failure{
			Expected: "token: a text that can be sent as \"use\" says", Seen: "one with a character that cannot stand there",
		})
	}
	oauth.Note(ctx, result.Found...)
	return &oauth.Token{
		AccessToken: result.Token, TokenType: "Bearer", RefreshToken: result.RefreshToken,
		Issued: answer.Issued, Expires: result.Expires, UseOnce: !result.Expires.IsZero() && !result.Expires.After(answer.Issued),
		Extra: result.Extra, Warnings: result.Warnings, Hint: answer.Unveiled(result.Hint),
	}, nil
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
