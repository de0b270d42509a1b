#!/bin/sh
# SPDX-License-Identifier: MPL-2.0
#
# Shows the engine at work, in a Vault in memory, with an authorization server and an API that has a login of its own.
# Everything runs on the loopback interface, in a directory of its own, and is gone at the end. With KEEP=1 it stays
# until Enter or a signal. The story itself is demo-story.sh; this is what it stands on.
set -eu

root=$(cd "$(dirname "$0")/.." && pwd)
bold='' plain=''
if [ -t 1 ] && [ -z "${NO_COLOR:-}" ]; then
	bold=$(printf '\033[1m') plain=$(printf '\033[0m')
fi
say() { printf '\n%s\n' "$*"; }
step='before the story'
step() {
	step="in step ${1%%.*}"
	printf '\n\n%s%s%s\n' "$bold" "$*" "$plain"
}
fail() {
	printf '\nThe demo failed %s: %s.\n' "$step" "$*" >&2
	exit 1
}

# run COMMAND [FILTER]: the command as one types it, then what it prints, as FILTER shows it. All of it is in the file out as well.
run() {
	printf '\n%s$ %s%s\n' "$bold" "$1" "$plain"
	code=0
	eval "$1" >out 2>&1 || code=$?
	"${2:-cat}" <out | awk 1 # ends the last line, which -field leaves open
	[ "$code" -eq 0 ] || fail "the last command ended with status $code"
}
# ends: a filter that leaves the two ends of a token, to be known again by.
ends() { sed 's/^\([^ ]\{12\}\)[^ ]*\([^ ]\{6\}\)$/\1...\2/'; }
# refused COMMAND: the same for a command that must fail.
refused() {
	if (run "$1") 2>/dev/null; then
		fail "the last command should have been refused"
	fi
}
# expect PATTERN WHAT: the last output has a line that matches, or else: what is wrong.
expect() { grep -Eq -e "$1" out || fail "$2"; }

# wait_for SECONDS PID COMMAND...: until the command succeeds. It fails when the process or the time ends before.
wait_for() {
	seconds=$1 awaited=$2
	shift 2
	until "$@"; do
		kill -0 "$awaited" 2>/dev/null && [ "$seconds" -gt 0 ] || return 1
		sleep 1
		seconds=$((seconds - 1))
	done
}
# interruptible COMMAND...: the shell hears of a signal while it waits, and not only when the command has ended.
interruptible() {
	"$@" &
	job=$!
	code=0
	wait "$job" || code=$?
	job=''
	return "$code"
}

dir=$(mktemp -d)
dir=$(cd "$dir" && pwd -P) # Vault refuses a plugin directory that a symbolic link leads to
job='' agent_pid='' vault_pid='' server_pid='' stopped=''
clean() {
	status=$?
	set +e
	trap '' HUP INT PIPE TERM
	if [ "$status" -ne 0 ] && [ -z "$stopped" ]; then
		for log in server.log vault.log agent.log; do
			[ -s "$dir/$log" ] || continue
			printf '\nThe end of %s:\n' "$log" >&2
			tail -n 20 "$dir/$log" >&2
		done
	fi
	for pid in $job $agent_pid $vault_pid $server_pid; do
		kill "$pid" 2>/dev/null
	done
	for pid in $job $agent_pid $vault_pid $server_pid; do
		wait "$pid" 2>/dev/null
	done
	rm -rf "$dir"
	exit "$status"
}
trap clean EXIT
trap 'stopped=1; exit 1' HUP INT PIPE TERM

build() {
	interruptible "$root/scripts/vault.sh" >"$dir/vault-path"
	vault=$(cat "$dir/vault-path")
	case $vault in
	/*) ;;
	*) vault=$PWD/$vault ;;
	esac
	echo "Building the plugin and the demo's servers."
	mkdir "$dir/bin" "$dir/plugins"
	ln -s "$vault" "$dir/bin/vault"
	version=$("$root/scripts/version.sh")
	CGO_ENABLED=0
	export CGO_ENABLED
	interruptible go build -C "$root" -trimpath -ldflags "-X main.version=$version" \
		-o "$dir/plugins/vault-plugin-secrets-oauth" ./cmd/vault-plugin-secrets-oauth
	interruptible go build -C "$root/tools/demo" -trimpath -o "$dir/bin/authserver" .
}

# What is started here ends when its standard input closes, which the kernel does whatever becomes of this script.
start_servers() {
	mkfifo alive server.json
	authserver -client "shop:$(cat client-secret)" -client "feed:$(cat feed-secret)" -client-lifetime feed:20s \
		-account "alice:$(cat password)" <alive >server.json 2>server.log &
	server_pid=$!
	exec 9>alive
	read -r ready <server.json || fail "the authorization server did not start"
	server=$(printf '%s' "$ready" | sed 's/.*"url":"\([^"]*\)".*/\1/')
	api=$(printf '%s' "$ready" | sed 's/.*"login_url":"\([^"]*\)".*/\1/')
}

start_vault() {
	for attempt in 1 2 3; do
		VAULT_ADDR=http://127.0.0.1:$(authserver port)
		authserver guard vault server -dev -dev-no-store-token -dev-root-token-id=root -dev-plugin-dir="$dir/plugins" \
			-dev-listen-address="${VAULT_ADDR#http://}" <alive >vault.log 2>&1 9>&- &
		vault_pid=$!
		if wait_for 60 "$vault_pid" vault status >status 2>&1; then
			return
		fi
		grep -q 'address already in use' vault.log || break # somebody was faster: another port
	done
	fail "Vault did not start"
}

# keep leaves everything running until somebody ends it.
keep() {
	say "KEEP=1: everything stays. Vault listens at $VAULT_ADDR, its root token is $VAULT_TOKEN.
The authorization server is at $server, the API with a login of its own at $api.
Vault Agent keeps $dir/header.txt fresh.

In another terminal:

    export VAULT_ADDR=$VAULT_ADDR VAULT_TOKEN=$VAULT_TOKEN PATH=$dir/bin:\$PATH

    vault read oauth/creds/crm
    vault read oauth/creds/erp
    vault write -force oauth/token/crm/renew
    vault write -force -field=trace oauth/roles/erp/test
    vault path-help oauth/roles/crm"
	trap 'exit 0' HUP INT TERM
	if [ -t 0 ]; then
		say "Press Enter, or Ctrl-C, to end it."
		read -r line || :
		return
	fi
	say "To end it: kill $$. Without a terminal it ends by itself after an hour."
	interruptible sleep 3600
}

build
PATH=$dir/bin:$PATH
HOME=$dir
for name in $(env | sed -n 's/^\(VAULT_[A-Z0-9_]*\)=.*/\1/p'); do
	unset "$name"
done
VAULT_TOKEN=root VAULT_ADDR=''
export PATH HOME VAULT_TOKEN VAULT_ADDR
cd "$dir"
umask 077
printf a-client-secret >client-secret
printf another-client-secret >feed-secret
printf a-password >password
printf a-slip-of-the-pen >wrong-secret
start_servers
start_vault
. "$root/scripts/demo-story.sh"
case ${KEEP:-0} in
0) ;;
*) keep ;;
esac
