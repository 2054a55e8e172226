#!/bin/sh
# Mounts the volumes of the mapping in $1: device|mountPath or device|volumeId|mountPath, repeated.
# Repeatable: what is mounted stays. A volume without a file system is left alone and is a failure,
# unless the launch parameter VOLUME_FORMAT_IF_EMPTY is true: then it gets the file system named by
# VOLUME_FILE_SYSTEM (default ext4), provided that blkid finds nothing on it, no partitions either.

set -fu
. "${0%/*}/lib/told.sh"

told VALUE1
failed=0

fail() {
	echo "$*" >&2
	failed=1
}

has_nothing_on_it() {
	blkid -p "$1" >/dev/null 2>&1
	[ "$?" -eq 2 ]
}

mount_volume() {
	device=$1
	path=$2
	if grep -q -F " $path " /proc/mounts; then
		echo "$path is mounted already"
		return
	fi
	if [ ! -e "$device" ]; then
		fail "$device: no such device"
		return
	fi
	if [ "${STRATOS_VOLUME_FORMAT_IF_EMPTY-}" = true ] && has_nothing_on_it "$device"; then
		mkfs -t "${STRATOS_VOLUME_FILE_SYSTEM:-ext4}" "$device" || fail "$device: not formatted"
	fi
	if mkdir -p -- "$path" && mount "$device" "$path"; then
		echo "$device is mounted on $path"
	else
		fail "$device: cannot be mounted on $path"
	fi
}

IFS='|'
# shellcheck disable=SC2086
set -- ${1:-${STRATOS_VALUE1-}}
unset IFS
while [ "$#" -ge 2 ]; do
	device=$1
	shift
	case $1 in
	/*) ;;
	*) shift ;;
	esac
	case ${1-} in
	/*) mount_volume "$device" "$1" ;;
	*) fail "$device: no mount path in the mapping" ;;
	esac
	[ "$#" -eq 0 ] || shift
done
[ "$#" -eq 0 ] || fail "$1: no mount path in the mapping"
exit "$failed"
