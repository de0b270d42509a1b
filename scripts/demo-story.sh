# SPDX-License-Identifier: MPL-2.0
#
# The story that demo.sh tells, and runs in its shell. Each command is shown before what it prints, and each step looks at the result.

say "Vault listens at $VAULT_ADDR, an authorization server at $server,
and at $api an API whose login is no OAuth.
The directory is $dir. It has the secrets in files: client-secret, feed-secret, password.
\"authserver get URL HEADER\" makes a request and prints the answer."

step "1. Enable the engine. It refuses addresses of its own machine until its settings allow them."
run "vault secrets enable -path=oauth vault-plugin-secrets-oauth"
run "vault write oauth/settings allow_loopback=true"

step "2. OAuth. A config says how to talk to the server, a role which token is wanted. An application reads the role."
run "vault write oauth/config/crm token_url=$server/token allow_http=true client_id=shop client_secret=@client-secret"
run "vault write oauth/roles/crm config=crm scopes=read"
run "vault read oauth/creds/crm"
expect '^header_value +Bearer ory_at_' "the answer has no token"
crm=$(sed -n 's/^access_token *//p' out)
say "header_name and header_value are what the application sends. The API takes the token:"
run "authserver get $server/api/whoami \"Authorization: \$(vault read -field=header_value oauth/creds/crm)\""
expect '"client_id":"shop"' "the API does not know the token's owner"

step "3. A login that is no OAuth. A document says what to send, and where in the answer the token is. It has no secret in it."
cat >login.json <<'DOCUMENT'
{
  "request": {"url": "/token", "json": {"Username": "{{username}}", "Password": "{{password}}"}},
  "token": {"json": "/securityToken"}
}
DOCUMENT
run "cat login.json"
run "vault write oauth/config/erp base_url=$api allow_http=true login=@login.json"
run "vault write oauth/roles/erp config=erp username=alice password=@password access_token_ttl=8h"
run "vault read oauth/creds/erp"
expect '^header_value +Bearer [A-Z0-9]' "the answer has no token"
erp=$(sed -n 's/^access_token *//p' out)
run "authserver get $api/api/whoami \"Authorization: \$(vault read -field=header_value oauth/creds/erp)\""
expect '"user":"alice"' "the API does not know the token's owner"

step "4. Both are read again: the same tokens. The servers count their requests: one each, however many reads."
say "Tokens are shortened from here on, to their first and last characters:"
run "vault read -field=access_token oauth/creds/crm" ends
[ "$(cat out)" = "$crm" ] || fail "the second read has another token"
run "vault read -field=access_token oauth/creds/erp" ends
[ "$(cat out)" = "$erp" ] || fail "the second read has another token"
run "authserver get $server/stats"
expect '"token_requests":1,"refused":0,' "the authorization server was asked more than once"
run "authserver get $api/stats"
expect '"token_requests":1,"refused":0,' "the API had more than one login"

step "5. An application may read tokens, and nothing else. It logs in to Vault with AppRole."
cat >app.hcl <<'POLICY'
path "oauth/creds/crm"  { capabilities = ["read"] }
path "oauth/creds/feed" { capabilities = ["read"] }
POLICY
run "cat app.hcl"
run "vault policy write app app.hcl"
run "vault auth enable approle"
run "vault write auth/approle/role/app token_policies=app token_ttl=1h"
run "vault read -field=role_id auth/approle/role/app/role-id >role-id"
run "vault write -force -field=secret_id auth/approle/role/app/secret-id >secret-id"
run "vault write -field=token auth/approle/login role_id=@role-id secret_id=@secret-id >app-token"
say "With this token of Vault it reads creds/crm, and is refused config/crm:"
run "VAULT_TOKEN=\$(cat app-token) vault read -field=access_token oauth/creds/crm" ends
[ "$(cat out)" = "$crm" ] || fail "the application has another token"
refused "VAULT_TOKEN=\$(cat app-token) vault read oauth/config/crm"
expect 'Code: 403' "the answer is not 403"

step "6. Vault Agent keeps the header in a file, for an application that knows nothing of Vault. These tokens live 20 seconds."
cat >header.ctmpl <<'TEMPLATE'
{{ with secret "oauth/creds/feed" }}{{ .Data.header_name }}: {{ .Data.header_value }}{{ end }}
TEMPLATE
cat >agent.hcl <<'AGENT'
auto_auth {
  method "approle" {
    config = {
      role_id_file_path                   = "role-id"
      secret_id_file_path                 = "secret-id"
      remove_secret_id_file_after_reading = false
    }
  }
}
template {
  source      = "header.ctmpl"
  destination = "header.txt"
  perms       = "0600"
}
AGENT
run "vault write oauth/config/feed token_url=$server/token allow_http=true client_id=feed client_secret=@feed-secret"
run "vault write oauth/roles/feed config=feed scopes=read min_ttl=5s"
run "cat agent.hcl"
run "cat header.ctmpl"
printf '\n%s$ %s%s\n' "$bold" "vault agent -config=agent.hcl >agent.log 2>&1 &" "$plain"
VAULT_TOKEN='' authserver guard vault agent -config=agent.hcl <alive >agent.log 2>&1 9>&- &
agent_pid=$!
# header: what Agent wrote, with the token shortened.
header() { sed 's/^\(.*: Bearer .\{12\}\).*\(.\{6\}\)$/\1...\2/' header.txt; }
changed() { [ -s header.txt ] && ! cmp -s header.txt "$1"; }
: >empty
wait_for 30 "$agent_pid" changed empty || fail "Agent wrote no file"
cp header.txt first.txt
say "It wrote header.txt:"
header
run "authserver get $server/api/whoami \"\$(cat header.txt)\""
expect '"client_id":"feed"' "the API does not know the token's owner"
say "Agent replaces the file before the token ends. Waiting for that ..."
wait_for 45 "$agent_pid" changed first.txt || fail "Agent did not renew the file"
header
run "authserver get $server/api/whoami \"\$(cat header.txt)\""
expect '"client_id":"feed"' "the API does not know the owner of the new token"

step "7. When something is wrong, the engine says what, and who has to act. Here a secret with a slip in it:"
run "vault write oauth/config/slip token_url=$server/token allow_http=true client_id=shop client_secret=@wrong-secret"
run "vault write oauth/roles/slip config=slip scopes=read verify=off"
refused "vault read oauth/creds/slip"
expect 'answered 401: invalid_client' "the error does not say what the server answered"
say "The trace shows what was sent and what was answered. Secrets are shown by their length only."
run "vault write -force -field=trace oauth/roles/slip/test"
expect '^ *-> 401' "the trace does not show the answer"

step "8. What is left. Each read has a lease. No secret can be read: config has client_secret_set, and no client_secret."
run "vault list sys/leases/lookup/oauth/creds/crm"
run "vault read oauth/config/crm"
expect '^client_secret_set +true' "the config does not say that it has a secret"
if grep -Eq '^client_secret +' out; then
	fail "the config shows its secret"
fi

say "That is all."
[ "${KEEP:-0}" != 0 ] || say "KEEP=1 make demo lets everything stay, to try commands of your own. docs/quickstart.md has them step by step."
