#!/bin/sh
# The topology is known, or has changed. It may be too large for an environment: read the file.

set -eu
. "${0%/*}/lib/told.sh"

told TOPOLOGY_JSON_FILE MEMBER_LIST_JSON_FILE LB_IP LB_PUBLIC_IP
