// SPDX-License-Identifier: MPL-2.0

package oauthsecrets

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	"github.com/hashicorp/vault/sdk/framework"
	"github.com/hashicorp/vault/sdk/logical"

	"github.com/seed-6323ea89/vault-plugin-secrets-oauth/internal/entry"
)

// operationPrefix starts the OpenAPI names of all operations.
const operationPrefix = "oauth"

// prefixed is the DisplayAttrs of every path.
func prefixed() *framework.DisplayAttributes {
	return &framework.DisplayAttributes{OperationPrefix: operationPrefix}
}

// reading is an operation that answers with fields. OpenAPI calls it by verb and object.
func reading(verb, object, summary string, fields map[string]*framework.FieldSchema, call framework.OperationFunc) *framework.PathOperation {
	return &framework.PathOperation{
		Callback:     call,
		Summary:      summary,
		DisplayAttrs: &framework.DisplayAttributes{OperationVerb: verb, OperationSuffix: object},
		Responses: map[int][]framework.Response{
			http.StatusOK: {{Description: http.StatusText(http.StatusOK), Fields: fields}},
		},
	}
}

// writing is an operation that answers with nothing but warnings, on the node
// that may write.
func writing(verb, object, summary string, call framework.OperationFunc) *framework.PathOperation {
	op := forwarded(reading(verb, object, summary, nil, call))
	op.Responses = map[int][]framework.Response{
		http.StatusNoContent: {{Description: http.StatusText(http.StatusNoContent)}},
	}
	return op
}

// forwarded sends the operation to the node that may write.
func forwarded(op *framework.PathOperation) *framework.PathOperation {
	op.ForwardPerformanceStandby, op.ForwardPerformanceSecondary = true, true
	return op
}

// saveFailed is the answer to a write whose entry could not be stored.
func saveFailed(err error) (*logical.Response, error) {
	if tooLarge, is := errors.AsType[entry.TooLargeError](err); is {
		return logical.ErrorResponse(tooLarge.Error()), nil
	}
	return nil, err
}

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
