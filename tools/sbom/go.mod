module github.com/seed-6323ea89/vault-plugin-secrets-oauth/tools/sbom

go 1.26.0
