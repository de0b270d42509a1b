// SPDX-License-Identifier: MPL-2.0

package oauthsecrets

import (
	"context"
	"fmt"

	"github.com/hashicorp/vault/sdk/framework"
	"github.com/hashicorp/vault/sdk/logical"
	"github.com/seed-6323ea89/vault-plugin-secrets-oauth/internal/entry"
)

// maxDetailed bounds what a list reads: a mount with 100,000 roles lists names.
const maxDetailed = 500

// listDetailed lists the names under a prefix, with a few words on each as long
// as they are not too many. detail returns nil for what is gone meanwhile.
func listDetailed(ctx context.Context, s logical.Storage, prefix entry.Prefix, detail func(name string) (map[string]any, error)) (*logical.Response, error) {
	names, err := s.List(ctx, string(prefix))
	if err != nil {
		return nil, err
	}
	if len(names) > maxDetailed {
		resp := logical.ListResponse(names)
		resp.AddWarning(fmt.Sprintf("details are shown for up to %d entries, and there are %d", maxDetailed, len(names)))
		return resp, nil
	}
	details := make(map[string]any, len(names))
	for _, name := range names {
		one, err := detail(name)
		if err != nil {
			return nil, err
		}
		if one != nil {
			details[name] = one
		}
	}
	return logical.ListResponseWithInfo(names, details), nil
}

func listAnswer() map[string]*framework.FieldSchema {
	return map[string]*framework.FieldSchema{
		"keys":     {Type: framework.TypeStringSlice, Description: "The names."},
		"key_info": {Type: framework.TypeMap, Description: "A few words on each, by name; absent where there are more than 500."},
	}
}
