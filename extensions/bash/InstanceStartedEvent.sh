#!/bin/sh
# The instance is up: prepare it here, before its servers are started.

set -eu
. "${0%/*}/lib/told.sh"

told APPLICATION_ID SERVICE_NAME CLUSTER_ID MEMBER_ID APPLICATION_PATH
