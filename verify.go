// SPDX-License-Identifier: MPL-2.0

package oauthsecrets

import (
	"context"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/hashicorp/vault/sdk/logical"

	"github.com/seed-6323ea89/vault-plugin-secrets-oauth/internal/engine"
	"github.com/seed-6323ea89/vault-plugin-secrets-oauth/internal/entry"
	"github.com/seed-6323ea89/vault-plugin-secrets-oauth/internal/field"
	"github.com/seed-6323ea89/vault-plugin-secrets-oauth/internal/oauth"
)

// verifyField says what a role write does to see that the role works.
const (
	verifyField   = "verify"
	verifyWarn    = "warn"
	verifyRequire = "require"
	verifyOff     = "off"
)

const verifyHelp = "Whether this write obtains a token to see that the role works: warn (store the role, and warn if it does not), require (store nothing unless it does) or off. The token becomes the role's. Not stored; a write that changes nothing about how the token is obtained asks for none."

// verifyTime bounds how long a write waits for a token.
const verifyTime = 15 * time.Second

func checkVerify(how string) error {
	switch how {
	case "", verifyWarn, verifyRequire, verifyOff:
		return nil
	}
	all := []string{verifyWarn, verifyRequire, verifyOff}
	return fmt.Errorf("verify must be %s, %s or %s%s", verifyWarn, verifyRequire, verifyOff, field.DidYouMean(how, all, nil))
}

// tries tells whether the write obtains a token. One of a role that only
// refreshes would spend the refresh token.
func (c *roleChange) tries() bool {
	return c.verify != verifyOff && !c.role.AsksTheSame(c.before) && !c.role.NeedsRefreshToken()
}

// mustWork tells whether the role is stored only after it has brought a token.
func (c *roleChange) mustWork() bool { return c.tries() && c.verify == verifyRequire }

// verify obtains a token for the role, unless verify is off, and makes it the
// role's. It does not hold the role's lock: a server may take its time.
func (b *backend) verify(ctx context.Context, req *logical.Request, c *roleChange) (*logical.Response, error) {
	var token *obtained
	var err error
	if c.mustWork() {
		if token, err = b.obtainFor(ctx, req, c); err != nil {
			notes := strings.Join(append(c.warnings, ""), ". ") // a warning does not outlive an error
			return logical.ErrorResponse("the role was not stored, since verify is require: %s%s", notes, refusalText(req.MountPoint, err)), nil
		}
		if refusal, err := b.storeTried(ctx, req.Storage, c); refusal != nil || err != nil {
			return refusal, err
		}
	}
	c.warn()
	if c.role.NeedsRefreshToken() && (c.before == nil || !c.before.NeedsRefreshToken()) {
		c.addWarning("the role needs a refresh token from elsewhere: vault write %stoken/%s/import refresh_token=@refresh-token.txt", req.MountPoint, c.name)
	}
	if c.tries() && token == nil && c.needs == "" { // else it was warned about
		if token, err = b.obtainFor(ctx, req, c); err != nil {
			c.addWarning("the role was stored, and does not work yet: %s", refusalText(req.MountPoint, err))
		}
	}
	if err := b.makeCurrent(ctx, req, c, token); err != nil {
		return nil, err
	}
	if c.verify != verifyOff && c.role.AsksTheSame(c.before) && c.needs == "" {
		if err := b.warnUnverified(ctx, req, c, "nothing was changed about the way to a token"); err != nil {
			return nil, err
		}
	}
	return c.response(), nil
}

// storeTried stores the role, if it and its config are still what was tried.
func (b *backend) storeTried(ctx context.Context, s logical.Storage, c *roleChange) (refusal *logical.Response, err error) {
	unlock, err := b.names.Lock(ctx, entry.Roles.Key(c.name))
	if err != nil {
		return nil, err
	}
	defer unlock()
	role, err := entry.LoadRole(ctx, s, c.name)
	if err != nil {
		return nil, err
	}
	config, err := entry.LoadConfig(ctx, s, c.role.Config)
	if err != nil {
		return nil, err
	}
	changed := ""
	switch {
	case !reflect.DeepEqual(role, c.before):
		changed = "role " + c.name
	case !reflect.DeepEqual(config, c.config):
		changed = "config " + c.role.Config
	default:
		return b.storeAnew(ctx, s, c)
	}
	return logical.ErrorResponse("the role was not stored: another write has changed %s meanwhile. Write the role again", changed), nil
}

// makeCurrent makes the token of a write, if there is one, the role's.
func (b *backend) makeCurrent(ctx context.Context, req *logical.Request, c *roleChange, token *obtained) error {
	switch {
	case token == nil && c.before == nil:
		return nil
	case token == nil:
		return b.engine.Reschedule(ctx, req.Storage, c.name)
	}
	if err := b.engine.Grant(ctx, req.Storage, token.definition, token.token); err != nil {
		c.addWarning("the role works, but the token that showed it could not be kept: the next read obtains another")
	}
	c.warnings = append(c.warnings, token.notes()...)
	return nil
}

// storeAnew stores the role; its account may be tried again.
func (b *backend) storeAnew(ctx context.Context, s logical.Storage, c *roleChange) (refusal *logical.Response, err error) {
	stored, err := c.role.Encode(c.name)
	if err != nil {
		return saveFailed(err) // nothing may change by a write that is refused
	}
	for _, role := range []*entry.Role{c.before, c.role} { // first, so that a write that fails here can be repeated
		if err := entry.ForgetAccount(ctx, s, role); err != nil {
			return nil, err
		}
	}
	return nil, b.storeRole(ctx, s, c, stored)
}

// obtained is a token that nobody has been given yet.
type obtained struct {
	definition *engine.Definition
	token      *oauth.Token
}

// notes are the warnings that go with the token, and what to write if its life is not known.
func (o *obtained) notes() []string {
	notes := o.definition.Preview(o.token).Notes
	if o.token.Hint != "" && o.definition.Role.AccessTokenTTL == 0 {
		notes = append(slices.Clone(notes), "the answer seems to say how long the token lives: "+o.token.Hint)
	}
	return notes
}

// obtainFor obtains a token for a role that is being written.
func (b *backend) obtainFor(ctx context.Context, req *logical.Request, c *roleChange) (*obtained, error) {
	d, err := b.engine.Assemble(ctx, req.Storage, c.name, c.role, c.config)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), verifyTime)
	defer cancel()
	// A role that is stored already has changed something; one that is not yet has
	// not, and one without credentials of its own cannot.
	anew := c.verify != verifyRequire && c.role.OwnAccount()
	token, err := b.engine.Try(ctx, req.Storage, d, anew, new(oauth.Trace))
	if err != nil {
		then := fmt.Sprintf("For what was sent and what was answered: vault write -force %sroles/%s/test", req.MountPoint, c.name)
		if c.verify == verifyRequire {
			then = "To store it all the same, write it with verify=off"
		}
		return nil, &advised{err: &engine.NoToken{Definition: d, Err: err}, then: then}
	}
	return &obtained{d, token}, nil
}

// refusalText is why there is no token, for a message that goes on.
func refusalText(mount string, err error) string {
	resp, err := refuse(mount, err)
	if resp != nil {
		err = resp.Error()
	}
	return err.Error()
}
