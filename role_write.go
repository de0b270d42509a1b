// SPDX-License-Identifier: MPL-2.0

package oauthsecrets

import (
	"context"
	"crypto/rand"
	"fmt"
	"reflect"
	"strings"

	"github.com/hashicorp/vault/sdk/framework"
	"github.com/hashicorp/vault/sdk/logical"

	"github.com/seed-6323ea89/vault-plugin-secrets-oauth/flows"
)

func (b *backend) roleWrite(ctx context.Context, req *logical.Request, data *framework.FieldData) (*logical.Response, error) {
	name, verify := data.Get("name").(string), data.Get(verifyField).(string)
	if err := checkName("the name", name); err != nil {
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
	unlock, err := b.names.lock(ctx, rolePrefix+c.name)
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
	before   *roleEntry // nil: a new role
	role     *roleEntry // what is to be stored
	config   *configEntry
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
	if c.before, err = loadRole(ctx, req.Storage, c.name); err != nil {
		return nil, err
	}
	resp := &logical.Response{}
	if c.role = newRoleEntry(); c.before != nil {
		c.role = c.before.clone()
	} else {
		c.role.ID = rand.Text()
	}
	supplied := c.role.apply(patch{data}, resp)
	c.warnings = resp.Warnings
	if c.before != nil && len(supplied) == 0 && reflect.DeepEqual(c.role, c.before) {
		return nil, nil
	}
	config, refusal, err := c.role.ofConfig(ctx, req, c.name)
	if refusal != nil || err != nil {
		return refusal, err
	}
	if err := c.role.settle(config, req.MountPoint, c.name, c.before, supplied); err != nil {
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

// ofConfig returns the config that the role names, or why it may not.
func (r *roleEntry) ofConfig(ctx context.Context, req *logical.Request, name string) (*configEntry, *logical.Response, error) {
	if err := required("config", r.Config); err != nil {
		return nil, logical.ErrorResponse(err.Error()), nil
	}
	if err := checkName("config", r.Config); err != nil {
		return nil, logical.ErrorResponse(err.Error()), nil
	}
	config, err := loadConfig(ctx, req.Storage, r.Config)
	if err != nil {
		return nil, nil, err
	}
	if config == nil {
		return nil, logical.ErrorResponse("no config named %s: write it first with \"vault write %sconfig/%s ...\", or see \"vault list %sconfig\"", r.Config, req.MountPoint, r.Config, req.MountPoint), nil
	}
	if !config.allows(name) {
		return nil, logical.ErrorResponse("config %s does not allow role %s: see allowed_roles in \"vault read %sconfig/%s\"", r.Config, name, req.MountPoint, r.Config), nil
	}
	return config, nil, nil
}

// settle fills in what the config decides, checks the role, and binds its secrets.
func (r *roleEntry) settle(config *configEntry, mount, name string, before *roleEntry, supplied []string) error {
	if r.Flow == "" {
		r.Flow = flows.Default(config.Login != "")
	}
	if err := r.check(); err != nil {
		return err
	}
	for variable := range r.Variables {
		if _, fixed := config.Variables[variable]; fixed {
			return fmt.Errorf("variables: config %s fixes %s, and a role cannot change it: what a config leaves out is for its roles to say", r.Config, variable)
		}
	}
	if err := r.checkAgainst(config, mount, name); err != nil {
		return err
	}
	return r.bind(config, before, supplied)
}

// bind ties the role's secrets to the place where its config sends them now.
// Either all of them are supplied for a new place, or none is sent there: the
// right to update a role must not be a way to have its secrets sent elsewhere.
func (r *roleEntry) bind(config *configEntry, before *roleEntry, supplied []string) error {
	if !r.hasSecret() {
		r.SecretsFor = ""
		return nil
	}
	if before == nil {
		r.SecretsFor = config.DestinationID
		return nil
	}
	kept := keptSecrets(before.secretsHeld(), r.secretsHeld(), supplied)
	// The values of a login document may choose among the tenants of one host.
	moves := before.Config != r.Config || before.Username != r.Username || !reflect.DeepEqual(before.Variables, r.Variables)
	switch {
	case len(kept) == 0:
		r.SecretsFor = config.DestinationID
	case moves || before.SecretsFor != config.DestinationID && !config.Rebound && len(supplied) > 0:
		return fmt.Errorf("this changes where the role's secrets are sent: give %s in the same write (or clear it with %s=)", strings.Join(kept, " and "), kept[0])
	}
	return nil
}

// storeRole keeps the order that use/ needs: in the index before, out of it after.
func (b *backend) storeRole(ctx context.Context, s logical.Storage, c *roleChange, entry *logical.StorageEntry) error {
	if c.before == nil || c.before.Config != c.role.Config {
		if err := s.Put(ctx, &logical.StorageEntry{Key: usePrefix + c.role.Config + "/" + c.name, Value: []byte("{}")}); err != nil {
			return err
		}
	}
	defer b.definitions.forgetRole(c.name) // also after an error: the write may have arrived
	if err := s.Put(ctx, entry); err != nil {
		return err
	}
	if c.before != nil && c.before.Config != c.role.Config {
		return s.Delete(ctx, usePrefix+c.before.Config+"/"+c.name)
	}
	return nil
}

func (c *roleChange) warn() {
	if field := c.role.neededSecret(c.config); field != "" {
		c.addWarning("no %s is set yet: until it is, the role can obtain no token", field)
	}
	if flow, ok := flows.Lookup(c.role.Flow); ok && flow.Describe().Advice != "" {
		c.addWarning("%s", flow.Describe().Advice)
	}
}
