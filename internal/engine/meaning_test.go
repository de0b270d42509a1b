// SPDX-License-Identifier: MPL-2.0

package engine

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/seed-6323ea89/vault-plugin-secrets-oauth/internal/oauth"
)

func TestWhatAFailureMeans(t *testing.T) {
	const server, document = false, true // whose words the answer is in
	for _, c := range []struct {
		failed   oauth.Error
		ownWords bool
		want     meaning
	}{
		{oauth.Error{Kind: oauth.Refused, Status: 400, Code: "invalid_grant"}, server, meaning{operator: true, answered: true, account: true, token: tokenRefused}},
		{oauth.Error{Kind: oauth.Refused, Status: 400, Code: "bad_refresh_token"}, server, meaning{operator: true, answered: true, account: true, token: tokenRefused}},
		{oauth.Error{Kind: oauth.Refused, Status: 401, Code: "invalid_client"}, server, meaning{operator: true, answered: true, token: tokenUnused}},
		{oauth.Error{Kind: oauth.Refused, Status: 401, Code: "invalid_client"}, document, meaning{operator: true, answered: true, account: true, token: tokenRefused}},
		{oauth.Error{Kind: oauth.Refused, Status: 400, Code: "invalid_scope"}, server, meaning{operator: true, answered: true, token: tokenDeclined}},
		{oauth.Error{Kind: oauth.Refused, Status: 400}, server, meaning{operator: true, answered: true, account: true, token: tokenRefused}},
		{oauth.Error{Kind: oauth.Refused, Status: 401}, server, meaning{operator: true, answered: true, account: true, token: tokenRefused}},
		{oauth.Error{Kind: oauth.Refused, Status: 403}, server, meaning{operator: true, answered: true, account: true, token: tokenDeclined}},
		{oauth.Error{Kind: oauth.Refused, Status: 403}, document, meaning{operator: true, answered: true, account: true, token: tokenRefused}},
		{oauth.Error{Kind: oauth.Refused, Status: 500, Code: "invalid_grant"}, server, meaning{operator: true, answered: true, account: true, token: tokenRefused}},
		{oauth.Error{Kind: oauth.Unavailable, Status: 500}, server, meaning{token: tokenUnanswered}},
		{oauth.Error{Kind: oauth.Unavailable, Status: 500, Code: "server_error"}, server, meaning{token: tokenUnused}},
		{oauth.Error{Kind: oauth.Unavailable, Status: 503}, server, meaning{throttled: true, token: tokenUnused}},
		{oauth.Error{Kind: oauth.Unavailable, Status: 429}, document, meaning{throttled: true, token: tokenUnused}},
		{oauth.Error{Kind: oauth.Unreachable}, server, meaning{token: tokenUnused}},
		{oauth.Error{Kind: oauth.Ambiguous}, server, meaning{throttled: true, token: tokenUnanswered}},
		{oauth.Error{Kind: oauth.Malformed, Status: 200}, server, meaning{answered: true, account: true, silent: true, token: tokenUnreadable}},
		{oauth.Error{Kind: oauth.Unexpected, Status: 200}, document, meaning{operator: true, answered: true, account: true, token: tokenUnreadable}},
		{oauth.Error{Kind: oauth.Redirected, Status: 302}, server, meaning{operator: true, answered: true, account: true, token: tokenDeclined}},
		{oauth.Error{Kind: oauth.Forbidden}, server, meaning{operator: true, silent: true, token: tokenDeclined}},
	} {
		name := fmt.Sprintf("%s %d %s, in the document's words: %t", c.failed.Kind, c.failed.Status, c.failed.Code, c.ownWords)
		require.Equal(t, c.want, meaningOf(&c.failed, c.ownWords), name)
	}
}
