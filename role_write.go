// SPDX-License-Identifier: MPL-2.0

package oauthsecrets

import (
	"context"
	"fmt"
	"reflect"
	"strings"

	"github.com/hashicorp/go-uuid"
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
	defer b.names.lock(rolePrefix + name)()

	before, err := loadRole(ctx, req.Storage, name)
	if err != nil {
		return nil, err
	}
	role, resp := newRoleEntry(), &logical.Response{}
	if before != nil {
		role = before.clone()
	} else if role.ID, err = uuid.GenerateUUID(); err != nil {
		return nil, err
	}
	supplied := role.apply(patch{data}, resp)
	if before != nil && len(supplied) == 0 && reflect.DeepEqual(role, before) {
		return b.unchanged(ctx, req, name, verify, before, resp)
	}
	config, refusal, err := role.ofConfig(ctx, req, name)
	if refusal != nil || err != nil {
		return refusal, err
	}
	if err := role.settle(config, req.MountPoint, name, before, supplied); err != nil {
		return logical.ErrorResponse(err.Error()), nil
	}
	if before != nil && reflect.DeepEqual(role, before) {
		return b.unchanged(ctx, req, name, verify, before, resp)
	}
	role.Revision++
	return b.storeVerified(ctx, req, &roleChange{name, before, role, config, verify}, resp)
}

// roleChange is a write that has passed all checks.
type roleChange struct {
	name   string
	before *roleEntry // nil: a new role
	role   *roleEntry
	config *configEntry
	verify string
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
		r.Flow = defaultFlow
		if config.Login != "" {
			r.Flow = flows.Login
		}
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
func (b *backend) storeRole(ctx context.Context, s logical.Storage, c *roleChange) error {
	entry, err := encode(rolePrefix+c.name, c.role.stored(), maxRoleSize)
	if err != nil {
		return err
	}
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

func (r *roleEntry) warn(config *configEntry, resp *logical.Response) {
	if field := r.neededSecret(config); field != "" {
		resp.AddWarning(fmt.Sprintf("no %s is set yet: until it is, the role can obtain no token", field))
	}
	if r.Flow == "password" {
		resp.AddWarning("the password grant hands a person's password to a client; RFC 9700 section 2.4 advises against it where the server offers another way")
	}
}
