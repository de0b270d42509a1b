// SPDX-License-Identifier: MPL-2.0

package engine

import (
	"errors"
	"testing"
	"time"

	"github.com/hashicorp/vault/sdk/logical"
	"github.com/stretchr/testify/require"

	"github.com/seed-6323ea89/vault-plugin-secrets-oauth/flows"
	"github.com/seed-6323ea89/vault-plugin-secrets-oauth/internal/entry"
	"github.com/seed-6323ea89/vault-plugin-secrets-oauth/internal/oauth"
	"github.com/seed-6323ea89/vault-plugin-secrets-oauth/internal/refresh"
	"github.com/seed-6323ea89/vault-plugin-secrets-oauth/internal/rotation"
	"github.com/seed-6323ea89/vault-plugin-secrets-oauth/internal/tokencache"
)

func TestOutcomes(t *testing.T) {
	for _, c := range []struct {
		err  error
		want refresh.Outcome
	}{
		{&oauth.Error{Kind: oauth.Refused, Code: "invalid_client"}, refresh.Outcome{Kind: refresh.Refused, Code: "invalid_client"}},
		{&oauth.Error{Kind: oauth.Unexpected}, refresh.Outcome{Kind: refresh.Refused, Code: "unexpected"}},
		{&oauth.Error{Kind: oauth.Unavailable, Status: 500}, refresh.Outcome{Kind: refresh.Failed, Code: "unavailable"}},
		{&oauth.Error{Kind: oauth.Unavailable, Status: 429, RetryAfter: time.Minute}, refresh.Outcome{Kind: refresh.Throttled, Code: "unavailable", RetryAfter: time.Minute}},
		{&oauth.Error{Kind: oauth.Ambiguous}, refresh.Outcome{Kind: refresh.Throttled, Code: "ambiguous"}},
		{&oauth.Error{Kind: oauth.Unreachable}, refresh.Outcome{Kind: refresh.Failed, Code: "unreachable"}},
		{&tokencache.RememberedError{Err: &oauth.Error{Kind: oauth.Unreachable}}, refresh.Outcome{Kind: refresh.Failed, Code: "unreachable"}},
		{tokencache.ErrForgotten, refresh.Outcome{Kind: refresh.Unneeded}},
		{logical.ErrReadOnly, refresh.Outcome{Kind: refresh.Unneeded}},
		{errors.New("storage"), refresh.Outcome{Kind: refresh.Unneeded, Code: "storage or engine"}},
	} {
		require.Equal(t, c.want, outcomeOf(c.err), "%v", c.err)
	}
}

func TestHowLongAFailureIsRemembered(t *testing.T) {
	kind := func(k oauth.Kind, after time.Duration) error { return &oauth.Error{Kind: k, RetryAfter: after} }
	require.Equal(t, leastWait, remember(errors.New("storage"), 9, 0))
	require.Equal(t, firstRefusalWait, remember(kind(oauth.Refused, 0), 1, 0.9))
	require.Equal(t, longestRefusal, remember(kind(oauth.Refused, 0), 1000, 0.9))
	require.Equal(t, 2*time.Hour, remember(kind(oauth.Refused, 2*time.Hour), 1, 0))
	for attempt := 1; attempt < 100; attempt++ {
		low, high := remember(kind(oauth.Unreachable, 0), attempt, 0), remember(kind(oauth.Unreachable, 0), attempt, 0.999)
		require.GreaterOrEqual(t, low, leastWait)
		require.Less(t, low, high)
		require.LessOrEqual(t, high, longestWait)
	}
}

func TestAMovedRoleKeepsNoRefreshToken(t *testing.T) {
	flow, _ := flows.Lookup("password")
	a := &Definition{flow: flow, Role: &entry.Role{Config: "b"}, Config: &entry.Config{ConfigMeta: entry.ConfigMeta{Rebound: true}}, Grant: "b's"}
	held := &entry.Token{Refresh: rotation.State{Current: "r"}, Grant: "a's", DestinationID: "a"}
	require.False(t, a.mayRefresh(held), "b was rebound for its own roles")
	held.Grant = a.Grant
	require.True(t, a.mayRefresh(held))
	a.Config.Rebound = false
	require.False(t, a.mayRefresh(held))
}
