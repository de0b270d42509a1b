// SPDX-License-Identifier: MPL-2.0

package oauthsecrets

import (
	"fmt"
	"time"

	"github.com/seed-6323ea89/vault-plugin-secrets-oauth/internal/engine"
	"github.com/seed-6323ea89/vault-plugin-secrets-oauth/internal/entry"
	"github.com/seed-6323ea89/vault-plugin-secrets-oauth/internal/oauth"
)

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
