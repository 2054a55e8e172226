#!/bin/sh
# Copies SOURCE, a file or what is in a folder, into the folder DEST; makes DEST when it is missing.

set -eu
. "${0%/*}/lib/told.sh"

told SOURCE DEST
source=${1:-${STRATOS_SOURCE-}}
dest=${2:-${STRATOS_DEST-}}
if [ -z "$source" ] || [ -z "$dest" ]; then
	echo 'SOURCE and DEST must be set' >&2
	exit 64
fi
[ ! -d "$source" ] || source=$source/.
mkdir -p -- "$dest"
cp -R -P -- "$source" "$dest/"
