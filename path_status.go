// SPDX-License-Identifier: MPL-2.0

package oauthsecrets

import (
	"context"
	"errors"
	"time"

	"github.com/hashicorp/vault/sdk/framework"
	"github.com/hashicorp/vault/sdk/logical"

	"github.com/seed-6323ea89/vault-plugin-secrets-oauth/internal/engine"
	"github.com/seed-6323ea89/vault-plugin-secrets-oauth/internal/entry"
	"github.com/seed-6323ea89/vault-plugin-secrets-oauth/internal/oauth"
	"github.com/seed-6323ea89/vault-plugin-secrets-oauth/internal/refresh"
	"github.com/seed-6323ea89/vault-plugin-secrets-oauth/internal/rotation"
	"github.com/seed-6323ea89/vault-plugin-secrets-oauth/internal/tokencache"
)

func (b *backend) pathStatus() []*framework.Path {
	return []*framework.Path{{
		Pattern:      "status/" + framework.GenericNameRegex("role"),
		DisplayAttrs: prefixed(),
		Fields:       map[string]*framework.FieldSchema{"role": roleField()},
		Operations: map[logical.Operation]framework.OperationHandler{
			logical.ReadOperation: forwarded(reading("read", "role-status",
				"How a role's token is: its life, its renewal, and the last failure. Without secrets.", roleStatusFields(), b.roleStatus)),
		},
		HelpSynopsis:    "How a role's token is, without secrets.",
		HelpDescription: roleStatusHelp,
	}, {
		Pattern:      "status/?$",
		DisplayAttrs: prefixed(),
		Operations: map[logical.Operation]framework.OperationHandler{
			logical.ReadOperation: forwarded(reading("read", "status",
				"How renewal goes, over all roles and by host. Without secrets.", statusFields(), b.status)),
		},
		HelpSynopsis:    "How renewal goes, over all roles and by host.",
		HelpDescription: statusHelp,
	}}
}

func roleStatusFields() map[string]*framework.FieldSchema {
	return described(map[string]framework.FieldSchema{
		"state":               {Type: framework.TypeString, Description: "none (no token yet, or forgotten), fresh, due (good, and to be renewed), expired, or reauth_required (there is no way to another token but an import)."},
		"issued":              {Type: framework.TypeString, Description: "When the token was obtained, RFC 3339."},
		"expires":             {Type: framework.TypeString, Description: "When it expires, RFC 3339."},
		"generation":          {Type: framework.TypeInt, Description: "How many tokens the role has had."},
		"refresh_token_set":   {Type: framework.TypeBool, Description: "Whether there is a refresh token."},
		"refresh_token_state": {Type: framework.TypeString, Description: "none, healthy, unanswered (it was sent, and no answer is known), suspect (refused once) or reauth_required (refused for good)."},
		"refresh_token_ends":  {Type: framework.TypeString, Description: "When it is known to end, RFC 3339."},
		"session_ends":        {Type: framework.TypeString, Description: "When all that follows from one login is known to end, RFC 3339."},
		"renewal":             {Type: framework.TypeString, Description: "none (not renewed in the background), asleep (on demand, or nobody reads it), waiting, due, running or stopped (refused for good)."},
		"next_renewal":        {Type: framework.TypeString, Description: "When it is renewed next, RFC 3339."},
		"last_read":           {Type: framework.TypeString, Description: "When it was last read, as far as this node knows, RFC 3339."},
		"failures":            {Type: framework.TypeInt, Description: "Failures in a row to obtain a token."},
		"last_failure":        {Type: framework.TypeString, Description: "The last of them."},
		"failure_class":       {Type: framework.TypeString, Description: "Its class: refused, unexpected, redirected, forbidden, unavailable, unreachable, ambiguous or malformed."},
		"action_required_by":  {Type: framework.TypeString, Description: "Who has to act: operator; empty if nobody has to, as the failure may be transient."},
		"failing_since":       {Type: framework.TypeString, Description: "When the first of them was, RFC 3339."},
		"next_try":            {Type: framework.TypeString, Description: "The earliest next try, RFC 3339."},
	})
}

func (b *backend) roleStatus(ctx context.Context, req *logical.Request, data *framework.FieldData) (*logical.Response, error) {
	name := data.Get("role").(string)
	role, t, key, err := entry.LoadShared(ctx, req.Storage, name)
	if err != nil {
		return nil, err
	}
	if role == nil {
		return logical.ErrorResponse("no role named %s; see \"vault list %sroles\"", name, req.MountPoint), nil
	}
	status := map[string]any{
		"state": "none", "issued": "", "expires": "", "generation": 0, "refresh_token_set": false,
		"refresh_token_state": string(rotation.None), "refresh_token_ends": "", "session_ends": "",
		"renewal": "none", "next_renewal": "", "last_read": "",
		"failures": 0, "last_failure": "", "failure_class": "", "action_required_by": "", "failing_since": "", "next_try": "",
	}
	if t != nil {
		showToken(status, role, t, time.Now())
	}
	if job, known := b.engine.Job(refresh.Key{Role: name, Token: key}); known {
		status["renewal"], status["last_read"], status["failures"] = job.State, entry.Instant(job.LastRead), job.Failures
		if job.State == "waiting" {
			status["next_renewal"] = entry.Instant(job.Next)
		}
	}
	if failure, failed := b.engine.Failure(key); failed {
		showFailure(status, failure.Err)
		status["failures"], status["failing_since"], status["next_try"] = failure.Attempt, entry.Instant(failure.Since), entry.Instant(failure.Until)
		if _, over := errors.AsType[*engine.ReauthError](failure.Err); over || !b.waits(ctx, req, name) {
			status["next_try"] = "" // not before something is changed; or at once, since something was
		}
	}
	return &logical.Response{Data: status}, nil
}

// waits tells whether readers are kept from an exchange by an earlier failure.
func (b *backend) waits(ctx context.Context, req *logical.Request, role string) bool {
	d, err := b.engine.Define(ctx, req.Storage, role)
	if err != nil {
		return false
	}
	return b.engine.Waits(d)
}

// showToken puts the token's part of a status.
func showToken(status map[string]any, role *entry.Role, t *entry.Token, now time.Time) {
	minTTL := tokencache.Need{MinTTL: role.MinTTL, CallerMinTTL: role.MinTTL}.MinTTLFor(t.Expires.Sub(t.Issued))
	refresh := t.Refresh
	status["state"] = t.Life().State(now, minTTL).String()
	status["issued"], status["expires"], status["generation"] = entry.Instant(t.Issued), entry.Instant(t.Expires), t.Generation()
	status["refresh_token_set"], status["refresh_token_state"] = refresh.Current.IsSet(), string(refresh.Health())
	status["refresh_token_ends"], status["session_ends"] = entry.Instant(refresh.Token.Ends), entry.Instant(refresh.Session.Ends)
	if !role.NeedsRefreshToken() {
		return
	}
	switch over := status["state"] == tokencache.Expired.String(); {
	case refresh.Health() == rotation.ReauthRequired: // known after a restart, too
		status["state"], status["action_required_by"], status["failing_since"] = engine.ReauthRequired, "operator", entry.Instant(refresh.Lost.Since)
		status["failure_class"], status["last_failure"] = oauth.Refused.String(), engine.WhyOver(refresh.Lost)
	case over && !refresh.Current.IsSet():
		status["state"], status["action_required_by"] = engine.ReauthRequired, "operator"
	}
}

func showFailure(status map[string]any, err error) {
	status["last_failure"], status["action_required_by"] = reason(err), ""
	if failed, is := errors.AsType[*oauth.Error](err); is {
		status["failure_class"], status["action_required_by"] = failed.Kind.String(), actionRequiredBy(failed)
	}
}

// actionRequiredBy says who has to act after a failure; nobody, if it may be transient.
func actionRequiredBy(failed *oauth.Error) string {
	if engine.ActionRequired(failed) {
		return "operator"
	}
	return ""
}

func statusFields() map[string]*framework.FieldSchema {
	return described(map[string]framework.FieldSchema{
		"heartbeat":      {Type: framework.TypeString, Description: "When the scheduler of renewals last looked for work, RFC 3339; empty on a node that renews nothing."},
		"loaded":         {Type: framework.TypeBool, Description: "Whether all tokens in storage are known to it; false for a while after a start."},
		"tokens":         {Type: framework.TypeInt, Description: "Tokens that it knows."},
		"waiting":        {Type: framework.TypeInt, Description: "Of these, not due."},
		"due":            {Type: framework.TypeInt, Description: "Due, and not begun."},
		"running":        {Type: framework.TypeInt, Description: "Renewals under way."},
		"failing":        {Type: framework.TypeInt, Description: "Of all tokens, those whose last renewal failed, whatever the reason; status/<role> has it."},
		"stopped":        {Type: framework.TypeInt, Description: "Refused for good."},
		"asleep":         {Type: framework.TypeInt, Description: "Renewed on demand, or read by nobody."},
		"oldest_overdue": {Type: framework.TypeInt, Description: "Seconds that the longest of due has waited."},
		"panics":         {Type: framework.TypeInt, Description: "Faults of the engine that were caught; Vault's log has them."},
		"hosts":          {Type: framework.TypeMap, Description: "By host: tokens, due, in_flight, limit, breaker (closed, open or probing), next_probe, failures in a row, last_failure."},
	})
}

func (b *backend) status(context.Context, *logical.Request, *framework.FieldData) (*logical.Response, error) {
	s := b.engine.Status()
	hosts := make(map[string]any, len(s.Hosts))
	for _, h := range s.Hosts {
		hosts[h.Host] = hostStatus(h)
	}
	return &logical.Response{Data: map[string]any{
		"heartbeat": entry.Instant(s.Heartbeat), "loaded": s.Filled, "tokens": s.Jobs, "waiting": s.Waiting, "due": s.Due, "running": s.Running,
		"failing": s.Failing, "stopped": s.Stopped, "asleep": s.Asleep, "oldest_overdue": wholeSeconds(s.OldestOverdue), "panics": s.Panics, "hosts": hosts,
	}}, nil
}

func hostStatus(h refresh.HostStatus) map[string]any {
	return map[string]any{
		"tokens": h.Jobs, "due": h.Due, "in_flight": h.InFlight, "limit": h.Limit,
		"breaker": h.Breaker, "next_probe": entry.Instant(h.NextProbe), "failures": h.Failures, "last_failure": h.Code,
	}
}

// described is a schema of which every field is always there.
func described(fields map[string]framework.FieldSchema) map[string]*framework.FieldSchema {
	schema := make(map[string]*framework.FieldSchema, len(fields))
	for name, field := range fields {
		field.Required = true
		schema[name] = &field
	}
	return schema
}

const roleStatusHelp = `
Reading this path changes nothing and asks no server. A token is renewed in the background at 60 to 80 % of its life, a point that is
rolled once when it is issued; next_renewal says when. Where obtaining a token fails, the failure is here with the earliest next try, and
who has to act. What failed before a restart of the plugin is not known any more.
`

const statusHelp = `
Reading this path changes nothing and asks no server. Renewals run on the active node. Each host is asked for as many tokens at once as
it has shown to bear, less after it was overloaded; after 20 failures in a row it is asked once in 15 s until it answers (breaker open).
`
