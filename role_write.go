// SPDX-License-Identifier: MPL-2.0

package oauthsecrets

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"reflect"

	"github.com/hashicorp/vault/sdk/framework"
	"github.com/hashicorp/vault/sdk/logical"

	"github.com/seed-6323ea89/vault-plugin-secrets-oauth/flows"
	"github.com/seed-6323ea89/vault-plugin-secrets-oauth/internal/entry"
)

func (b *backend) roleWrite(ctx context.Context, req *logical.Request, data *framework.FieldData) (*logical.Response, error) {
	name, verify := data.Get("name").(string), data.Get(verifyField).(string)
	if err := entry.CheckName("the name", name); err != nil {
		return logical.ErrorResponse(err.Error()), nil
	}
	if err := checkVerify(verify); err != nil {
		return logical.ErrorResponse(err.Error()), nil
	}
	c := &roleChange{name: name, verify: verify}
	refusal, err := b.writeLocked(ctx, req, c, data)
	switch {
	case refusal != nil || err != nil:
		return refusal, err
	case c.unchanged():
		return b.unchanged(ctx, req, c)
	}
	return b.verify(ctx, req, c)
}

// writeLocked stores the role, unless it has to be tried first or nothing changes.
func (b *backend) writeLocked(ctx context.Context, req *logical.Request, c *roleChange, data *framework.FieldData) (refusal *logical.Response, err error) {
	unlock, err := b.names.Lock(ctx, entry.Roles.Key(c.name))
	if err != nil {
		return nil, err
	}
	defer unlock()
	refusal, err = b.prepare(ctx, req, c, data)
	if refusal != nil || err != nil || c.unchanged() || c.mustWork() {
		return refusal, err
	}
	return b.storeAnew(ctx, req.Storage, c)
}

// roleChange is the write of one role.
type roleChange struct {
	name     string
	verify   string
	before   *entry.Role // nil: a new role
	role     *entry.Role // what is to be stored
	config   *entry.Config
	needs    string       // a secret of the role without which nothing can be sent, or ""
	past     *pastFailure // before the write, which ends the account's count
	warnings []string
}

// unchanged tells whether the write asks for what is stored already.
func (c *roleChange) unchanged() bool {
	return c.before != nil && c.role.Revision == c.before.Revision
}

func (c *roleChange) addWarning(format string, args ...any) {
	c.warnings = append(c.warnings, fmt.Sprintf(format, args...))
}

func (c *roleChange) response() *logical.Response {
	return unlessEmpty(&logical.Response{Warnings: c.warnings})
}

// prepare fills in the change, or says why there can be none. A change of the
// role has a revision of its own.
func (b *backend) prepare(ctx context.Context, req *logical.Request, c *roleChange, data *framework.FieldData) (refusal *logical.Response, err error) {
	if c.before, err = entry.LoadRole(ctx, req.Storage, c.name); err != nil {
		return nil, err
	}
	if c.role = entry.NewRole(); c.before != nil {
		c.role = c.before.Clone()
	} else {
		c.role.ID = rand.Text()
	}
	var supplied []string
	supplied, c.warnings = entry.RoleFields.Apply(c.role, data)
	if c.before != nil && len(supplied) == 0 && reflect.DeepEqual(c.role, c.before) {
		return nil, nil
	}
	config, refusal, err := configOf(ctx, req, c.role, c.name)
	if refusal != nil || err != nil {
		return refusal, err
	}
	if err := c.settle(config, req.MountPoint, supplied); err != nil {
		return logical.ErrorResponse(err.Error()), nil
	}
	if c.before != nil && reflect.DeepEqual(c.role, c.before) {
		return nil, nil
	}
	c.role.Revision++
	c.config = config
	c.past, err = b.pastFailure(ctx, req.Storage, c.role, config)
	return nil, err
}

// configOf returns the config that the role names, or why it may not.
func configOf(ctx context.Context, req *logical.Request, r *entry.Role, name string) (*entry.Config, *logical.Response, error) {
	if r.Config == "" {
		return nil, logical.ErrorResponse("config is required"), nil
	}
	if err := entry.CheckName("config", r.Config); err != nil {
		return nil, logical.ErrorResponse(err.Error()), nil
	}
	config, err := entry.LoadConfig(ctx, req.Storage, r.Config)
	if err != nil {
		return nil, nil, err
	}
	if config == nil {
		return nil, logical.ErrorResponse("no config named %s: write it first with \"vault write %sconfig/%s ...\", or see \"vault list %sconfig\"", r.Config, req.MountPoint, r.Config, req.MountPoint), nil
	}
	if !config.Allows(name) {
		return nil, logical.ErrorResponse("config %s does not allow role %s: see allowed_roles in \"vault read %sconfig/%s\"", r.Config, name, req.MountPoint, r.Config), nil
	}
	return config, nil, nil
}

// settle fills in what the config decides, checks the role, and binds its secrets.
func (c *roleChange) settle(config *entry.Config, mount string, supplied []string) error {
	if c.role.Flow == "" {
		c.role.Flow = config.Effective().DefaultFlow()
	}
	if err := c.role.Check(); err != nil {
		return err
	}
	flow, _ := flows.Lookup(c.role.Flow) // Check has looked
	if endpoint := flow.Describe().Endpoint; !entry.ConfigFields.IsSet(config, endpoint) {
		return fmt.Errorf("flow %s needs %s in its config, and config %s has none: vault write %sconfig/%s %s", c.role.Flow, endpoint, c.role.Config, mount, c.role.Config, assignment(endpoint))
	}
	server, err := config.Effective().Server(nil)
	if err != nil {
		return fmt.Errorf("the login document of config %s: %w", c.role.Config, err)
	}
	unfit := flow.Check(c.role.Request(server))
	if unfit != nil && !unfit.Later {
		return errors.New(unfitText(unfit, mount, c.name, c.role, config))
	}
	if c.needs = ""; unfit != nil && !unfit.InConfig {
		c.needs = unfit.Missing
	}
	return c.role.Bind(config, c.before, supplied)
}

// storeRole keeps the order that use/ needs: in the index before, out of it after.
func (b *backend) storeRole(ctx context.Context, s logical.Storage, c *roleChange, stored *logical.StorageEntry) error {
	if c.before == nil || c.before.Config != c.role.Config {
		if err := s.Put(ctx, &logical.StorageEntry{Key: entry.Uses.Under(c.role.Config).Key(c.name), Value: []byte("{}")}); err != nil {
			return err
		}
	}
	defer b.engine.ForgetRole(c.name) // also after an error: the write may have arrived
	if err := s.Put(ctx, stored); err != nil {
		return err
	}
	if c.before != nil && c.before.Config != c.role.Config {
		return s.Delete(ctx, entry.Uses.Under(c.before.Config).Key(c.name))
	}
	return nil
}

func (c *roleChange) warn() {
	if c.needs != "" {
		c.addWarning("no %s is set yet: until it is, the role can obtain no token", c.needs)
	}
	if flow, ok := flows.Lookup(c.role.Flow); ok && flow.Describe().Warning != "" {
		c.addWarning("%s", flow.Describe().Warning)
	}
}
