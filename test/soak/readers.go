// SPDX-License-Identifier: MPL-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"time"

	"github.com/hashicorp/vault/api"

	"github.com/seed-6323ea89/vault-plugin-secrets-oauth/test/vaulttest"
)

// read reads roles by chance until ctx ends, and looks at each answer.
func (s *stage) read(ctx context.Context, o *options, b *book, rng *rand.Rand) {
	for ctx.Err() == nil {
		r := s.roles[rng.IntN(len(s.roles))]
		path := "token"
		if rng.IntN(4) == 0 { // a lease is a write to Vault's disk
			path = "creds"
		}
		token, expires := s.readOne(ctx, b, s.vault.node(rng), path, r)
		if token != "" && rng.Float64() < o.check {
			s.checkOne(ctx, b, r, token, expires)
		}
		pause(ctx, exponential(rng, o.pace))
	}
}

// readOne returns no token if there was none, which is in the book then.
func (s *stage) readOne(ctx context.Context, b *book, node *vaulttest.Server, path string, r role) (token string, expires time.Time) {
	start := time.Now()
	secret, err := node.Client.Logical().ReadWithContext(ctx, mountPath+"/"+path+"/"+r.name)
	end := time.Now()
	if ctx.Err() != nil { // it was cut off by us
		return "", time.Time{}
	}
	if err == nil {
		if token, expires, err = tokenOf(secret); err == nil {
			b.answered(reading{Role: r.name, Path: path, Start: start, End: end, Access: digest(token), Expires: expires})
			return token, expires
		}
	}
	f := failure{Role: r.name, Path: path, Start: start, End: end}
	f.Status, f.Reason = explain(err)
	b.failed(f)
	return "", time.Time{}
}

func tokenOf(secret *api.Secret) (token string, expires time.Time, err error) {
	if secret == nil {
		return "", time.Time{}, errors.New("the answer is empty")
	}
	token, _ = secret.Data["access_token"].(string)
	text, _ := secret.Data["expire_time"].(string)
	if expires, err = time.Parse(time.RFC3339, text); err == nil && token == "" {
		err = errors.New("the answer has no access_token")
	}
	return token, expires, err
}

// explain takes Vault's own words out of the client's, which has the whole request in front of them.
func explain(err error) (status int, reason string) {
	answer := (*api.ResponseError)(nil)
	if errors.As(err, &answer) {
		return answer.StatusCode, strings.Join(answer.Errors, "; ")
	}
	return 0, err.Error()
}

// checkOne asks the issuer about a token. One that expires meanwhile says nothing.
func (s *stage) checkOne(ctx context.Context, b *book, r role, token string, expires time.Time) {
	good, own, err := s.accepted(ctx, r, token)
	now := time.Now()
	if ctx.Err() != nil || !good && err == nil && !now.Before(expires.Add(-time.Second)) {
		return
	}
	if err == nil && (!good || !own) {
		b.checked(&refusal{Role: r.name, At: now, Access: digest(token), Wrong: good}, nil)
		return
	}
	b.checked(nil, err)
}

// settle has each role answer a read, with its token good, and returns how that went. Nothing is killed any more. Roles without
// a token are asked again in rounds until the time is over.
func (s *stage) settle(ctx context.Context, o *options) []ending {
	endings := make([]ending, len(s.roles))
	for i, r := range s.roles {
		endings[i] = ending{Role: r.name, Flow: r.flow, Life: r.life.String()}
	}
	for deadline := time.Now().Add(o.settle); ; pause(ctx, 2*time.Second) {
		sick := 0
		for i, r := range s.roles {
			if e := &endings[i]; !e.Healthy {
				e.Tries++
				e.Healthy, e.Why = s.well(ctx, r)
				if !e.Healthy {
					sick++
				}
			}
		}
		if sick == 0 || !time.Now().Before(deadline) {
			return endings
		}
	}
}

// well tells whether a role has a token that its issuer takes, and if not, why.
func (s *stage) well(ctx context.Context, r role) (well bool, why string) {
	secret, err := s.vault.first().Client.Logical().ReadWithContext(ctx, mountPath+"/token/"+r.name)
	if err != nil {
		status, reason := explain(err)
		return false, fmt.Sprintf("%d %s", status, reason)
	}
	token, _, err := tokenOf(secret)
	if err != nil {
		return false, err.Error()
	}
	good, own, err := s.accepted(ctx, r, token)
	switch {
	case err != nil:
		return false, err.Error()
	case !good:
		return false, "its token is not accepted"
	case !own:
		return false, "its token is another's"
	}
	return true, ""
}

// pause waits, or until ctx ends.
func pause(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}

// exponential is a duration of a process without memory.
func exponential(rng *rand.Rand, mean time.Duration) time.Duration {
	return time.Duration(rng.ExpFloat64() * float64(mean))
}
