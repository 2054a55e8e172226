#!/bin/bash
# Starts a clustered server: writes its list of members from the topology, starts it in the background
# and leaves it running. Running it again is harmless: the list is brought up to date, and a server
# that runs already is told of a changed list and left alone otherwise.
#
# How to use it: copy it to extensions/bash/StartServers.sh and put the server's own command into
# start_command. So that members that come and go are noticed, link it as well to
# extensions/MemberActivatedEvent.d/50-cluster and extensions/MemberTerminatedEvent.d/50-cluster.
#
# Launch parameters (all optional):
#   CLUSTERING             true: write members; anything else: a server on its own
#   CLUSTERING_PORT        port on which members talk to each other, default 4000
#   SERVER_PORT            port of the application, default the first of PORTS, else 8080
#   SERVER_START_TIMEOUT   seconds to wait for the server to stay up, default 2
#
# Files, below APPLICATION_PATH (or SERVER_HOME):
#   conf/cluster.conf      written here, replaced whole, never half of it
#   server.pid             process id and start time of the server
#   logs/server.log        what the server prints
#
# Needs bash, grep, awk, cmp and mktemp; no jq and no Python.

set -euo pipefail
umask 027
export LC_ALL=C

log() {
	printf '%s\n' "$*"
}

fail() {
	printf 'cannot start the server: %s\n' "$*" >&2
	exit 1
}

# value NAME [DEFAULT]: a value of the agent. Not "set and empty": the platform writes null for both.
value() {
	local name=STRATOS_$1
	local found=${!name-}
	case $found in
	'' | null | None) printf '%s' "${2-}" ;;
	*) printf '%s' "$found" ;;
	esac
}

# number NAME DEFAULT MAX: a value that must be a number from 1 to MAX.
number() {
	local found
	found=$(value "$1" "$2")
	if ! [[ $found =~ ^[0-9]{1,9}$ ]] || ((10#$found < 1 || 10#$found > $3)); then
		fail "$1 is \"$found\", not a number from 1 to $3"
	fi
	printf '%s' "$((10#$found))"
}

# document NAME: a JSON value. One that is too large for an environment is in a file alone.
document() {
	local name=STRATOS_$1_JSON
	local file=${name}_FILE
	if [[ -n ${!name-} ]]; then
		printf '%s\n' "${!name}"
	elif [[ -n ${!file-} && -r ${!file} ]]; then
		cat -- "${!file}"
	fi
}

# ---- JSON ---------------------------------------------------------------------------------------

# Splits JSON into tokens, one a line. Strings keep their quotes and escapes, so none spans lines.
json_tokens() {
	grep -oE '"([^"\\]|\\.)*"|[][{}:,]|[^][{}:,"[:space:]]+' || [[ $? -eq 1 ]]
}

# Prints every plain value as "path<TAB>value"; path is the keys and positions from the top, each after
# a slash. Quotes are taken off; escapes stay as they are, which addresses and names do not have.
json_values() {
	json_tokens | awk '
		function bare(text) {
			if (text ~ /^"/) return substr(text, 2, length(text) - 2)
			return text
		}
		function path(   i, all) {
			for (i = 1; i <= depth; i++) all = all "/" key[i]
			return all
		}
		$0 == "{" { kind[++depth] = "object"; key[depth] = ""; wants_key = 1; next }
		$0 == "[" { kind[++depth] = "list"; key[depth] = 0; wants_key = 0; next }
		$0 == "}" || $0 == "]" { depth--; wants_key = 0; next }
		$0 == ":" { wants_key = 0; next }
		$0 == "," {
			if (kind[depth] == "object") wants_key = 1
			else key[depth]++
			next
		}
		wants_key { key[depth] = bare($0); next }
		{ print path() "\t" bare($0) }
	'
}

# ---- Members ------------------------------------------------------------------------------------

# Prints "address member" for each member of the own cluster that runs, sorted, this one included.
members() {
	document MEMBER_LIST | json_values | awk -F '\t' '
		{
			split($1, part, "/")
			# A member id holds no slash; anything deeper is a list or a map of the member.
			id = part[2]
		}
		# The states that it was in; the last one is the present one.
		index($1, "/" id "/memberStateManager/stateStack/") == 1 { state[id] = $2 }
		$1 == "/" id "/defaultPrivateIP" { address[id] = $2 }
		END {
			for (id in address) {
				if (state[id] ~ /^(In_Maintenance|ReadyToShutDown|Suspended|Terminated)$/) continue
				print address[id], id
			}
		}
	' | sort -u
}

# An address goes into a file that a server reads: nothing but an address may come through.
is_address() {
	[[ $1 =~ ^[0-9A-Fa-f.:]{2,45}$ || $1 =~ ^[A-Za-z0-9]([A-Za-z0-9.-]{0,252})$ ]]
}

# Prints the configuration of the cluster.
cluster_configuration() {
	local own own_address='' list='' address member
	own=$(value MEMBER_ID)
	while read -r address member; do
		if ! is_address "$address"; then
			log "left out member $member: \"$address\" is no address" >&2
			continue
		fi
		if [[ $member == "$own" ]]; then
			own_address=$address
		else
			list+="${list:+,}$address:$clustering_port"
		fi
	done < <(members)
	printf '# Written by the extension StartServers. Changes are lost.\n'
	printf 'cluster.enabled=true\n'
	printf 'cluster.domain=%s\n' "$(value CLUSTER_ID | tr -c 'A-Za-z0-9._-' _)"
	printf 'cluster.local.address=%s\n' "${own_address:-0.0.0.0}"
	printf 'cluster.local.port=%s\n' "$clustering_port"
	printf 'cluster.members=%s\n' "$list"
}

# ---- Files --------------------------------------------------------------------------------------

# replace FILE: puts standard input into a file, whole or not at all. Fails (1) when nothing changed.
replace() {
	local file=$1 beside
	beside=$(mktemp "$file.XXXXXX")
	# shellcheck disable=SC2064
	trap "rm -f -- '${beside//\'/\'\\\'\'}'" EXIT
	cat >"$beside"
	if cmp -s -- "$beside" "$file"; then
		rm -f -- "$beside"
		trap - EXIT
		return 1
	fi
	chmod 640 -- "$beside"
	mv -f -- "$beside" "$file"
	trap - EXIT
}

# ---- The server ---------------------------------------------------------------------------------

# The command that becomes the server. Put your own here.
start_command() {
	if [[ -x $server_home/bin/server ]]; then
		exec "$server_home/bin/server" --port "$server_port" --cluster "$configuration"
	fi
	fail "$server_home/bin/server is not there or not executable"
}

# When a process was started, in ticks since the boot: a process id alone may belong to somebody else
# by now.
start_time() {
	local stat
	{ read -r stat <"/proc/$1/stat"; } 2>/dev/null || return 1
	# Fields follow the name in brackets; start time is the twentieth of them.
	# shellcheck disable=SC2086
	set -- ${stat##*) }
	# One that is dead and not waited for does not run.
	[[ $1 != Z ]] && printf '%s' "${20}"
}

# Sets server_pid when the server runs.
find_server() {
	local pid time
	server_pid=
	[[ -r $pid_file ]] || return 1
	read -r pid time <"$pid_file" || return 1
	[[ $pid =~ ^[0-9]+$ ]] && [[ $(start_time "$pid") == "$time" ]] || return 1
	server_pid=$pid
}

ended_at_once() {
	fail "it ended at once; last lines of $log_file: $(tail -n 5 -- "$log_file")"
}

# The agent leaves alone what a script that ended well has left in the background.
start_server() {
	local pid time
	(
		trap '' HUP
		exec </dev/null >>"$log_file" 2>&1
		start_command
	) &
	pid=$!
	time=$(start_time "$pid") || ended_at_once
	printf '%s %s\n' "$pid" "$time" | replace "$pid_file" || true
	log "server started, process $pid"
}

# A server that dies in its first seconds is a failed start, not a started server.
wait_until_up() {
	local turns=$((start_timeout * 10))
	while ((turns-- > 0)); do
		find_server || ended_at_once
		sleep 0.1
	done
}

# ---- What is done -------------------------------------------------------------------------------

server_home=$(value SERVER_HOME "$(value APPLICATION_PATH)")
[[ -n $server_home && -d $server_home ]] ||
	fail "APPLICATION_PATH is \"$server_home\", which is no folder"
ports=$(value PORTS 8080)
clustering_port=$(number CLUSTERING_PORT 4000 65535)
server_port=$(number SERVER_PORT "${ports%%|*}" 65535)
start_timeout=$(number SERVER_START_TIMEOUT 2 600)
configuration=$server_home/conf/cluster.conf
pid_file=$server_home/server.pid
log_file=$server_home/logs/server.log
mkdir -p -- "$server_home/conf" "$server_home/logs"

# Two events may come at the same time; the one that comes second waits its turn.
exec 9>"$server_home/.start.lock"
! command -v flock >/dev/null || flock 9

changed=no
if [[ $(value CLUSTERING false) == true ]]; then
	if cluster_configuration | replace "$configuration"; then
		changed=yes
		log "members: $(grep -c . < <(members)) in $configuration"
	fi
elif printf 'cluster.enabled=false\n' | replace "$configuration"; then
	changed=yes
fi

if find_server; then
	if [[ $changed == yes ]]; then
		kill -HUP "$server_pid"
		log "server $server_pid runs already and was told of its new members"
	else
		log "server $server_pid runs already, nothing changed"
	fi
else
	# Not the server's: the lock would be held for as long as it runs.
	start_server 9>&-
	wait_until_up
fi
