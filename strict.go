// SPDX-License-Identifier: MPL-2.0

package oauthsecrets

import (
	"context"
	"fmt"
	"net/http"
	"runtime/debug"

	"github.com/hashicorp/vault/sdk/logical"

	"github.com/seed-6323ea89/vault-plugin-secrets-oauth/internal/entry"
	"github.com/seed-6323ea89/vault-plugin-secrets-oauth/internal/field"
	"github.com/seed-6323ea89/vault-plugin-secrets-oauth/internal/schema"
)

// HandleRequest is the framework's, made strict. The framework only warns
// about unknown fields, so that a slip in `scopes` would return a broader
// token; it quotes values in type errors, so that a mistyped secret would
// leak; and the gRPC server under it recovers no panics, so that one request
// would take every mount of the process down.
func (b *backend) HandleRequest(ctx context.Context, req *logical.Request) (resp *logical.Response, err error) {
	defer b.recoverPanic(req, &resp, &err)

	if role, ok := b.isHotRead(req); ok {
		return b.answerToken(ctx, req, role, 0)
	}
	var warnings []string
	if len(req.Data) > 0 && takesFields(req.Operation) {
		if req, warnings, err = b.tidied(req); err != nil {
			return logical.ErrorResponse(err.Error()), nil
		}
	}
	resp, err = b.Backend.HandleRequest(ctx, req)
	if len(warnings) > 0 && err == nil && !resp.IsError() {
		if resp == nil {
			resp = &logical.Response{}
		}
		resp.Warnings = append(resp.Warnings, warnings...)
	}
	return resp, err
}

// HandleExistenceCheck only needs the path. The framework would parse the
// fields as well, and Vault would log a failure with the value in it.
func (b *backend) HandleExistenceCheck(ctx context.Context, req *logical.Request) (found, exists bool, err error) {
	defer b.recoverPanic(req, nil, &err)
	bare := *req
	bare.Data = nil
	return b.Backend.HandleExistenceCheck(ctx, &bare)
}

func (b *backend) recoverPanic(req *logical.Request, resp **logical.Response, err *error) {
	reason := recover()
	if reason == nil {
		return
	}
	// The reason's type and the stack have no values in them; its text may.
	b.Logger().Error("panic in a request", "operation", req.Operation, "panic", fmt.Sprintf("%T", reason), "stack", string(debug.Stack()))
	if resp != nil {
		*resp = nil
	}
	*err = logical.CodedError(http.StatusInternalServerError, "this is a fault in vault-plugin-secrets-oauth, not in your request: please report it with the stack from Vault's log")
}

func takesFields(op logical.Operation) bool {
	switch op {
	case logical.CreateOperation, logical.UpdateOperation, logical.PatchOperation,
		logical.ReadOperation, logical.ListOperation, logical.DeleteOperation:
		return true
	}
	return false
}

// tidied is the request with its fields as the path's schema wants them.
func (b *backend) tidied(req *logical.Request) (*logical.Request, []string, error) {
	path := b.Route(req.Path)
	if path == nil {
		return req, nil, nil // the framework says so
	}
	return schema.Tidy(req, path, append(entryFields(), importFields.Fields()...))
}

// entryFields are the fields of all entries that operators write.
func entryFields() []field.Info {
	return append(append(entry.ConfigFields.Fields(), entry.RoleFields.Fields()...), entry.SettingsFields.Fields()...)
}
