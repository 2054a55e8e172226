#!/bin/sh
# The instance is active: all its ports accept connections.

set -eu
. "${0%/*}/lib/told.sh"

told SERVICE_NAME CLUSTER_ID MEMBER_ID PORTS LB_IP LB_PUBLIC_IP
