// SPDX-License-Identifier: MPL-2.0

package oauthsecrets

import (
	"maps"

	"github.com/hashicorp/vault/sdk/framework"

	"github.com/seed-6323ea89/vault-plugin-secrets-oauth/internal/entry"
	"github.com/seed-6323ea89/vault-plugin-secrets-oauth/internal/field"
)

// schemaOf is the write side of an entry whose fields stand in a table.
func schemaOf(fields []field.Info) map[string]*framework.FieldSchema {
	schema := make(map[string]*framework.FieldSchema, len(fields))
	for _, info := range fields {
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

// answerOf is what a read returns of what a write takes: of a secret <field>_set,
// which tells whether there is one, or lists their names.
func answerOf(fields []field.Info) map[string]*framework.FieldSchema {
	answer := make(map[string]*framework.FieldSchema, len(fields))
	for _, info := range fields {
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

// withName is the schema of a path that writes an entry with a name. more has
// parameters that are not stored.
func withName(schema map[string]*framework.FieldSchema, about string, more map[string]*framework.FieldSchema) map[string]*framework.FieldSchema {
	maps.Copy(schema, more)
	schema["name"] = &framework.FieldSchema{Type: framework.TypeString, Description: about}
	return schema
}

// entryFields are the fields of all entries that operators write.
func entryFields() []field.Info {
	return append(append(entry.ConfigFields.Fields(), entry.RoleFields.Fields()...), entry.SettingsFields.Fields()...)
}

// isDocument tells whether a field is a text that holds JSON.
func isDocument(name string) bool {
	for _, info := range entryFields() {
		if info.Name == name && info.Kind == field.KindDocument {
			return true
		}
	}
	return false
}
