// SPDX-License-Identifier: MPL-2.0

// Package schema is what the framework lacks: it makes the framework's schemas of
// rows of fields, and holds requests strictly to them. Only the root package
// imports it.
package schema

import (
	"maps"

	"github.com/hashicorp/vault/sdk/framework"

	"github.com/seed-6323ea89/vault-plugin-secrets-oauth/internal/field"
)

// Write is the write side of an entry whose fields stand in a table.
func Write(rows []field.Info) map[string]*framework.FieldSchema {
	schema := make(map[string]*framework.FieldSchema, len(rows))
	for _, info := range rows {
		schema[info.Name] = fieldSchema(info)
	}
	return schema
}

func fieldSchema(info field.Info) *framework.FieldSchema {
	schema := &framework.FieldSchema{Type: typeOf(info.Kind), Default: info.Default, Description: info.Help}
	if info.IsSecret() {
		schema.DisplayAttrs = &framework.DisplayAttributes{Sensitive: true}
	}
	return schema
}

func typeOf(kind field.Kind) framework.FieldType {
	switch kind {
	case field.KindList:
		return framework.TypeStringSlice
	case field.KindWords:
		return framework.TypeCommaStringSlice
	case field.KindPairs:
		return framework.TypeKVPairs
	case field.KindValues:
		return framework.TypeMap
	case field.KindDuration:
		return framework.TypeDurationSecond
	case field.KindFlag:
		return framework.TypeBool
	}
	return framework.TypeString // KindText and KindDocument
}

// Answer is what a read returns of what a write takes: of a secret <field>_set,
// which tells whether there is one, or lists their names.
func Answer(rows []field.Info) map[string]*framework.FieldSchema {
	answer := make(map[string]*framework.FieldSchema, len(rows))
	for _, info := range rows {
		switch schema := fieldSchema(info); {
		case !info.IsSecret():
			answer[info.Name] = schema
		case schema.Type == framework.TypeMap:
			answer[info.Name+"_set"] = &framework.FieldSchema{Type: framework.TypeStringSlice, Required: true, Description: "The names in " + info.Name + "; the values are never shown."}
		default:
			answer[info.Name+"_set"] = &framework.FieldSchema{Type: framework.TypeBool, Required: true, Description: "Whether " + info.Name + " is set; it is never shown."}
		}
	}
	return answer
}

// WithName is the schema of a path that writes an entry with a name. more has
// parameters that are not stored.
func WithName(schema map[string]*framework.FieldSchema, about string, more map[string]*framework.FieldSchema) map[string]*framework.FieldSchema {
	maps.Copy(schema, more)
	schema["name"] = &framework.FieldSchema{Type: framework.TypeString, Description: about}
	return schema
}
