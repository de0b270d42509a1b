#!/bin/sh
# SPDX-License-Identifier: MPL-2.0
#
# register.sh BINARY [MOUNT]: registers the plugin in the Vault at $VAULT_ADDR, and mounts it at MOUNT (oauth), or moves a
# mount that is there to this version, up or down. Its configs, roles and tokens stay. Run again it changes nothing.
#
# Vault runs the plugin from the directory that its configuration calls plugin_directory, on each of its nodes. With
# $PLUGIN_DIR the file is copied there, where that is on this machine; without, it must be there already, under its name here.
set -eu

name=vault-plugin-secrets-oauth
unset VAULT_FORMAT # its tables are read below
err=$(mktemp)
trap 'rm -f "$err"' EXIT
trap 'exit 1' HUP INT TERM

fail() { printf '%s\n' "$@" >&2; exit 1; }

# run COMMAND...: shows the command, then runs it; what it complains of is in $err too.
run() {
	printf '$ %s\n' "$*"
	status=0
	"$@" 2>"$err" || status=$?
	cat "$err" >&2
	return "$status"
}

# denied PATH CAPABILITIES: ends with who has to act on a refused request, if it was refused for the token's policies.
denied() {
	! grep -q 'permission denied' "$err" || fail "This token may not do that. An administrator of Vault adds to one of its policies:" \
		"  path \"$1\" { capabilities = [$2] }"
}

# not_registered: ends with what Vault's refusal to register means, and who fixes it.
not_registered() {
	denied "sys/plugins/catalog/secret/$name" '"create", "read", "update", "delete", "sudo"'
	if grep -q 'directory is not configured' "$err"; then
		fail "Whoever runs Vault sets plugin_directory (and api_addr) in its configuration, and restarts it; a server in dev mode is started with -dev-plugin-dir. Then run this again."
	elif grep -q -e 'validating the command path' -e 'no such file' "$err"; then
		[ -z "${PLUGIN_DIR:-}" ] || elsewhere
		fail "Vault's plugin_directory has no $command. Whoever runs Vault copies it there, on each node:" \
			"  install -m 755 $binary <plugin_directory>/$command" \
			"Where plugin_directory is on this machine, PLUGIN_DIR=<plugin_directory> has this script do it."
	fi
	fail "Vault does not take the plugin, for the reason above. Its server log says more."
}

# elsewhere: ends with what to do where Vault does not see the file in $PLUGIN_DIR. What was copied there is of no use.
elsewhere() {
	own=$(sed -n "s|.* lstat \(/.*\)/$command: .*|\1|p" "$err") # Vault's error has its path
	[ -z "$copied" ] || run rm -f "$copied"
	fail "PLUGIN_DIR=$PLUGIN_DIR is not the plugin_directory of the Vault at ${VAULT_ADDR:-https://127.0.0.1:8200}: it finds no $command there." \
		"Its plugin_directory is ${own:-in the configuration that the server was started with}." \
		"If that is a directory of this machine, run this again with PLUGIN_DIR=${own:-<plugin_directory>}." \
		"If Vault runs on another machine or in a container, copy $binary there, into plugin_directory, as $(basename "$binary")," \
		"and run this again without PLUGIN_DIR."
}

# catalog FIELD [-version=V]: prints a field of the plugin's entry in the catalog: that of a version, or the one without any.
catalog() { vault plugin info -field="$1" ${2:-} secret "$name" 2>/dev/null || :; }

# register: puts the file into the catalog, and sets $version to what the plugin says of itself. No -version is given:
# Vault then runs the plugin to ask it, and one that cannot be run shows before a mount depends on it.
register() {
	before=$(catalog sha256)
	run vault plugin register -sha256="$sum" -command="$command" secret "$name" || not_registered
	if [ "$(catalog sha256)" = "$sum" ] && [ "$before" != "$sum" ]; then # an entry without a version: Vault got no answer
		[ -n "$before" ] || run vault plugin deregister secret "$name" || :
		fail "Vault could not ask the plugin for its version. Its server log says why; most likely one of these:" \
			"  - the $command in its plugin_directory is another file than $binary: copy this one there, on each node" \
			"  - $binary is for another platform than Vault's: take the one for that" \
			"  - it was built without a version: build it with \"make build\""
	fi
	versions=$(vault plugin list -detailed secret 2>"$err" | sed -n "s/^$name .* \(v[0-9][^ ]*\) .*/\1/p") || :
	[ ! -s "$err" ] || { cat "$err" >&2; denied sys/plugins/catalog '"read"'; }
	for version in $versions; do
		[ "$(catalog sha256 "-version=$version")" != "$sum" ] || return 0
	done
	fail "The plugin is registered, and not in the catalog: vault plugin list -detailed secret"
}

# mounted FIELD: prints a field of the mount.
mounted() { vault read -field="$1" "sys/mounts/$mount" 2>"$err"; }

case ${1:--} in
-*) fail "usage: [VAULT_ADDR=...] [PLUGIN_DIR=...] $0 BINARY [MOUNT]" ;;
esac
binary=$1
mount=${2:-oauth}
mount=${mount#/} mount=${mount%/}

[ -e "$binary" ] || fail "There is no file $binary. \"make build\" makes bin/$name."
[ -f "$binary" ] || fail "$binary is not a file. The first argument is the plugin itself, for instance bin/$name."
[ -r "$binary" ] || fail "You may not read $binary. Its owner does: chmod a+rx $binary"
[ -x "$binary" ] || fail "$binary is not executable, and Vault could not run it: chmod +x $binary"
command -v vault >/dev/null || fail "There is no vault command here. Install it, or add its directory to PATH."
vault token lookup >/dev/null 2>"$err" || {
	cat "$err" >&2
	! grep -q 'Vault is sealed' "$err" || fail "This Vault is sealed. Whoever keeps its keys does: vault operator unseal"
	! grep -q -e 'permission denied' -e 'missing client token' "$err" ||
		fail "You are not logged in to the Vault at ${VAULT_ADDR:-https://127.0.0.1:8200}: vault login, or set VAULT_TOKEN."
	fail "The Vault at ${VAULT_ADDR:-https://127.0.0.1:8200} cannot be used. Set VAULT_ADDR, and try: vault status"
}

if command -v sha256sum >/dev/null; then sum=$(sha256sum <"$binary"); else sum=$(shasum -a 256 <"$binary"); fi
sum=${sum%% *}
command=$(basename "$binary")
copied=

if [ -n "${PLUGIN_DIR:-}" ]; then
	[ -d "$PLUGIN_DIR" ] || fail "PLUGIN_DIR=$PLUGIN_DIR is no directory. It is what Vault's configuration calls plugin_directory (of a server in dev mode: -dev-plugin-dir)."
	# A name of its own for each build: what runs now stays whole, and one can go back to it.
	command=${name}_$(printf %.12s "$sum")
	if ! cmp -s "$binary" "$PLUGIN_DIR/$command"; then
		[ -w "$PLUGIN_DIR" ] || fail "You may not write to $PLUGIN_DIR. Its owner does, and then this is run again:" \
			"  install -m 755 $binary $PLUGIN_DIR/$command"
		run cp "$binary" "$PLUGIN_DIR/.$command.$$" # hidden, and moved when whole: Vault never sees a part
		chmod 755 "$PLUGIN_DIR/.$command.$$"
		copied=$PLUGIN_DIR/$command
		run mv -f "$PLUGIN_DIR/.$command.$$" "$copied"
	fi
	echo "If this Vault has several nodes: copy the same file, named $command, into plugin_directory of each other node."
else
	echo "This file must be in plugin_directory of each of Vault's nodes, named $command. (PLUGIN_DIR=... copies it where that is on this machine.)"
fi

register

if ! type=$(mounted type); then
	grep -q 'No secret engine mount' "$err" || { cat "$err" >&2; denied "sys/mounts/$mount" '"read"'; fail "What is mounted at $mount/ cannot be read."; }
	run vault secrets enable -path="$mount" -plugin-version="$version" "$name" || {
		denied "sys/mounts/$mount" '"create", "read", "update"'
		fail "The plugin is registered as $version, and not mounted, for the reason above."
	}
elif [ "$type" != "$name" ]; then
	fail "At $mount/ there is an engine of type $type. Choose another mount: $0 $binary <mount>"
elif [ "$(mounted plugin_version)" = "$version" ] && [ "$(mounted running_sha256)" = "$sum" ]; then
	echo "$mount/ runs $version already."
else
	run vault secrets tune -plugin-version="$version" "$mount/" || {
		denied "sys/mounts/$mount/tune" '"read", "update"'
		fail "The plugin is registered as $version, and $mount/ does not use it, for the reason above."
	}
	run vault plugin reload -plugin="$name" -scope=global || {
		denied "sys/plugins/reload/+/$name" '"update", "sudo"'
		fail "$mount/ is to use $version, and has not been restarted. Fix the reason above, and run this again."
	}
fi
[ "$(mounted running_sha256)" = "$sum" ] || fail "$mount/ does not run this file. Vault's server log says why; then run this again."

echo
echo "$mount/ runs $name $version. Next:"
if [ -n "$(vault list "$mount/config" 2>/dev/null)" ]; then
	echo "  vault list $mount/config"
else
	echo "  vault write $mount/config/crm token_url=https://login.example.com/oauth2/token client_id=app client_secret=@secret.txt"
	echo "  vault path-help $mount"
fi
