// SPDX-License-Identifier: MPL-2.0

package oauthsecrets

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/hashicorp/vault/sdk/logical"

	"github.com/seed-6323ea89/vault-plugin-secrets-oauth/internal/engine"
	"github.com/seed-6323ea89/vault-plugin-secrets-oauth/internal/entry"
	"github.com/seed-6323ea89/vault-plugin-secrets-oauth/internal/oauth"
	"github.com/seed-6323ea89/vault-plugin-secrets-oauth/internal/tokencache"
)

// advised is an error with what to do next, in place of when the engine asks again.
type advised struct {
	err  error
	then string
}

func (e *advised) Error() string { return e.err.Error() }
func (e *advised) Unwrap() error { return e.err }

// refusal is what a reader is told who gets no token.
type refusal struct {
	*engine.NoToken
	mount string
	then  string // of advised, or ""
}

// refuse turns a failed read into Vault's answer: 400 for what an operator has
// to fix, 502 for what may be transient.
func refuse(mount string, err error) (*logical.Response, error) {
	if errors.Is(err, logical.ErrReadOnly) {
		return nil, logical.ErrReadOnly // as it is: Vault forwards by it
	}
	if mistake, is := errors.AsType[*engine.Unusable](err); is {
		return logical.ErrorResponse(unusableText(mistake, mount)), nil
	}
	if errors.Is(err, engine.ErrRewritten) {
		return nil, logical.CodedError(http.StatusServiceUnavailable, err.Error()+": read again")
	}
	noToken, is := errors.AsType[*engine.NoToken](err)
	if !is {
		return nil, err
	}
	read := &refusal{NoToken: noToken, mount: mount}
	if with, is := errors.AsType[*advised](err); is {
		read.then = with.then
	}
	failed, answered := errors.AsType[*oauth.Error](err)
	switch {
	case answered && engine.ActionRequired(failed):
		return logical.ErrorResponse(read.text(failed)), nil
	case answered:
		return nil, logical.CodedError(http.StatusBadGateway, fmt.Sprintf("no token for role %s: %s. This is between Vault and the server. %s", read.Definition.Name, clause(failed), read.nextTry()))
	case errors.Is(err, tokencache.ErrInProgress):
		return nil, logical.CodedError(http.StatusBadGateway, fmt.Sprintf("no token for role %s yet: %s has not answered; the exchange is still in progress, read again", read.Definition.Name, read.Definition.Host()))
	case errors.Is(err, tokencache.ErrExpired):
		return nil, logical.CodedError(http.StatusBadGateway, fmt.Sprintf("no token for role %s: %s issues tokens that have expired on arrival; compare its clock and Vault's", read.Definition.Name, read.Definition.Host()))
	}
	return nil, read.Err
}

// text says what the server refused, who has to act, and how.
func (e *refusal) text(failed *oauth.Error) string {
	config := fmt.Sprintf("%sconfig/%s", e.mount, e.Definition.Role.Config)
	role := fmt.Sprintf("%sroles/%s", e.mount, e.Definition.Name)
	importing := fmt.Sprintf("hand the engine a refresh token from elsewhere: vault write %stoken/%s/import refresh_token=@refresh-token.txt", e.mount, e.Definition.Name)
	reauth, over := errors.AsType[*engine.ReauthError](e.Err)
	_, waits := errors.AsType[*engine.LaterError](e.Err)
	var fix string
	switch {
	case over && reauth.Moved:
		fix = fmt.Sprintf("accept the move for all roles of the config (vault write -force %srebind/%s), or %s", e.mount, e.Definition.Role.Config, importing)
	case over:
		fix = importing
	case waits && e.Definition.Role.NeedsRefreshToken():
		return fmt.Sprintf("no token for role %s: %s. %s, since a server's own nodes may have to agree first. If the refresh token is refused then, too, %s",
			e.Definition.Name, clause(failed), e.nextTry(), importing)
	case e.Definition.About.OwnWords && failed.Kind != oauth.Forbidden:
		fix = e.loginFix(failed, config, role)
	default:
		if fix = hintFor(e.Definition, failed, e.mount); fix == "" {
			fix = fmt.Sprintf("see \"vault read %s\" and \"vault read %s\"", config, role)
		}
	}
	return fmt.Sprintf("no token for role %s: %s. Action required by an operator: %s. %s", e.Definition.Name, clause(failed), fix, e.nextTry())
}

// loginFix is for a login document, whose API has words of its own.
func (e *refusal) loginFix(failed *oauth.Error, config, role string) string {
	fix := fmt.Sprintf("the API does not accept this login: see the credentials in \"vault read %s\" and the login document in \"vault read %s\"", role, config)
	if failed.Kind == oauth.Unexpected {
		fix = fmt.Sprintf("the answer is not what the login document leads to expect: see login in \"vault read %s\"", config)
	}
	if hint := hintFor(e.Definition, failed, e.mount); hint != "" {
		fix += "; " + hint
	}
	return fix
}

// clause is a failure's text without the full stop that some descriptions end in.
func clause(failed *oauth.Error) string { return strings.TrimRight(failed.Error(), ". ") }

// nextTry says when the server is asked again, and how to ask it now.
func (e *refusal) nextTry() string {
	account, refused := errors.AsType[*engine.AccountError](e.Err)
	reauth, over := errors.AsType[*engine.ReauthError](e.Err)
	later, waits := errors.AsType[*engine.LaterError](e.Err)
	switch {
	case over && !reauth.Kept:
		return "Nothing is sent before that"
	case over:
		return fmt.Sprintf("The engine keeps the refresh token, and sends it once more if %sconfig/%s or %sroles/%s is changed", e.mount, e.Definition.Role.Config, e.mount, e.Definition.Name)
	case waits:
		return fmt.Sprintf("The engine asks again after %s (in %s)", entry.Instant(later.Until), inSeconds(later.Until))
	case refused && e.then != "":
		return untilLogin(account, e.mount, e.Definition.Name, e.Definition.Role.Config) + ". " + e.then
	case refused:
		return untilLogin(account, e.mount, e.Definition.Name, e.Definition.Role.Config)
	case e.then != "":
		return e.then
	}
	again := fmt.Sprintf("vault write -force %stoken/%s/renew", e.mount, e.Definition.Name)
	remembered, is := errors.AsType[*tokencache.RememberedError](e.Err)
	if !is {
		return "To try again: " + again
	}
	return fmt.Sprintf("The engine asks again after %s (in %s); to ask now: %s",
		remembered.Until.UTC().Format(time.RFC3339), inSeconds(remembered.Until), again)
}

// reason is a failure in a few words, for a warning.
func reason(err error) string {
	remembered, again := errors.AsType[*tokencache.RememberedError](err)
	failed, answered := errors.AsType[*oauth.Error](err)
	switch {
	case answered && again:
		return fmt.Sprintf("%s (next try after %s)", failed, remembered.Until.UTC().Format(time.RFC3339))
	case answered:
		return failed.Error()
	case errors.Is(err, tokencache.ErrInProgress):
		return "the server has not answered yet"
	}
	return "the engine or Vault's storage failed; see Vault's log"
}

// nothingSent says of an earlier refusal that it is one.
func nothingSent(e *engine.AccountError) string {
	return fmt.Sprintf("Nothing was sent now: this was answered at %s to a login of the same account, by this role or another", entry.Instant(e.Last))
}

// untilLogin says when the engine logs in again.
func untilLogin(e *engine.AccountError, mount, role, config string) string {
	sent := "This"
	if e.Earlier {
		sent = nothingSent(e) + ". It"
	}
	change := fmt.Sprintf("a write to %sconfig/%s or %sroles/%s that changes something", mount, config, mount, role)
	switch next := e.Next(); {
	case e.Refused >= entry.MaxRefusals:
		return fmt.Sprintf("%s was refusal %d, and accounts lock: the engine logs in no more before %s", sent, e.Refused, change)
	case e.Failure.Kind == oauth.Refused:
		return fmt.Sprintf("%s was refusal %d of %d, and accounts lock: the engine logs in again after %s (in %s), or after %s",
			sent, e.Refused, entry.MaxRefusals, entry.Instant(next), inSeconds(next), change)
	default:
		return fmt.Sprintf("%s may have been a refusal, and accounts lock: the engine logs in again after %s (in %s), or after %s",
			sent, entry.Instant(next), inSeconds(next), change)
	}
}

// inSeconds is how long it is until then.
func inSeconds(then time.Time) time.Duration {
	return max(time.Until(then).Round(time.Second), time.Second)
}
