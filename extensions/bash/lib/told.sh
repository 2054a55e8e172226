# shellcheck shell=sh
# told NAME...: prints the event and each of the named values that the agent has given, names without
# STRATOS_. What is printed ends up in a log: name no passwords and no keys.
told() {
	printf 'event %s\n' "${STRATOS_EVENT-unknown}"
	for told_name in "$@"; do
		eval "told_value=\${STRATOS_$told_name-}"
		# shellcheck disable=SC2154
		[ -z "$told_value" ] || printf '%s=%s\n' "$told_name" "$told_value"
	done
}
