#!/bin/sh
# SPDX-License-Identifier: MPL-2.0
#
# Shows the engine at work: a Vault in memory, an authorization server, and a token read twice that cost one exchange.
# Everything runs on the loopback interface, in a directory of its own, and is gone at the end.
set -eu

root=$(cd "$(dirname "$0")/.." && pwd)
bold='' plain=''
if [ -t 1 ] && [ -z "${NO_COLOR:-}" ]; then
	bold=$(printf '\033[1m') plain=$(printf '\033[0m')
fi
say() { printf '\n%s\n' "$*"; }
# run COMMAND...: the command as one would type it, then what it prints.
run() {
	printf '\n%s$' "$bold"
	for word; do
		case $word in
		*' '*) printf " '%s'" "$word" ;;
		*) printf ' %s' "$word" ;;
		esac
	done
	printf '%s\n' "$plain"
	"$@"
}

dir=$(mktemp -d)
vault_pid='' server_pid=''
clean() {
	for pid in $vault_pid $server_pid; do
		kill "$pid" 2>/dev/null || :
		wait "$pid" 2>/dev/null || :
	done
	rm -rf "$dir"
}
trap clean EXIT
trap 'exit 1' HUP INT TERM

vault=$("$root/scripts/vault.sh")
echo "Building the plugin and the authorization server."
mkdir "$dir/bin" "$dir/plugins"
version=$("$root/scripts/version.sh")
CGO_ENABLED=0 go build -C "$root" -trimpath -ldflags "-X main.version=$version" \
	-o "$dir/plugins/vault-plugin-secrets-oauth" ./cmd/vault-plugin-secrets-oauth
CGO_ENABLED=0 go build -C "$root/tools/demo" -trimpath -o "$dir/bin/authserver" .
ln -s "$vault" "$dir/bin/vault"
PATH=$dir/bin:$PATH
cd "$dir"

# The authorization server ends when its standard input closes, and the kernel closes that whatever becomes of this script.
mkfifo alive server.json
authserver -client shop:a-client-secret -lifetime 1h <alive >server.json 2>server.log &
server_pid=$!
exec 9>alive
read -r ready <server.json || { cat server.log >&2; exit 1; }
server=$(printf '%s' "$ready" | sed 's/.*"url":"\([^"]*\)".*/\1/')

VAULT_ADDR=http://127.0.0.1:$(authserver port)
VAULT_TOKEN=root
HOME=$dir
export VAULT_ADDR VAULT_TOKEN HOME
unset VAULT_NAMESPACE VAULT_FORMAT
vault server -dev -dev-no-store-token -dev-root-token-id=root -dev-plugin-dir="$dir/plugins" \
	-dev-listen-address="${VAULT_ADDR#http://}" >vault.log 2>&1 9>&- &
vault_pid=$!
until vault status >status.txt 2>&1; do
	kill -0 "$vault_pid" 2>/dev/null || { cat vault.log >&2; exit 1; }
done
printf a-client-secret >client-secret

say "Vault listens at $VAULT_ADDR, the authorization server at $server."
say "1. Enable the engine. Addresses on this machine itself are refused until its settings allow them."
run vault secrets enable -path=oauth vault-plugin-secrets-oauth
run vault write oauth/settings allow_loopback=true

say "2. An operator says how to talk to the authorization server. The secret goes in, and never out again."
run vault write oauth/config/acme token_url="$server/token" allow_http=true client_id=shop client_secret=@client-secret
run vault read oauth/config/acme

say "3. A role says which token is wanted."
run vault write oauth/roles/orders config=acme scopes=read

say "4. An application reads it, ready to send, with a lease as long as the token is good."
run vault read oauth/creds/orders

say "5. It, or another one, reads it again: the same token, at once."
run vault read oauth/creds/orders

say "6. What the authorization server was asked in all this: one exchange, for two reads."
run authserver get "$server/stats"

say "7. And the token opens the API."
header=$(vault read -field=header_value oauth/creds/orders)
run authserver get "$server/api/whoami" "Authorization: $header"
