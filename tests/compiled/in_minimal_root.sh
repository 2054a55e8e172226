#!/bin/sh
# Runs a program of a minimal image as an ordinary user, who may write in a few directories only.
#
#   unshare --mount in_minimal_root.sh ROOT HOME WRITABLE... -- PROGRAM [ARGUMENT...]
#
# ROOT is the image and read-only, so is HOME, which appears in it under its own path ("-": there is
# none); what is WRITABLE does so, too, and can be written; "tmpfs" is an empty /tmp. Replaces itself
# with the program.

set -eu
root=$1 home=$2
shift 2
mount --bind "$root" "$root"
mount --bind /dev/null "$root/dev/null"
mount -t proc proc "$root/proc"
if [ "$home" != - ]; then
	mkdir -p "$root$home"
	mount --bind "$home" "$root$home"
fi
while [ "$1" != -- ]; do
	if [ "$1" = tmpfs ]; then
		mount -t tmpfs tmpfs "$root/tmp"
	else
		mkdir -p "$root$1"
		mount --bind "$1" "$root$1"
	fi
	shift
done
shift
[ "$home" = - ] || mount -o remount,bind,ro "$root$home"
mount -o remount,bind,ro "$root"
cd /
exec unshare --user --map-user=1000 --map-group=1000 --root="$root" --wd=/ -- "$@"
