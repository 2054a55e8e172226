#!/bin/sh
# The instance is about to be terminated: take it out of service and save what must be saved.

set -eu
. "${0%/*}/lib/told.sh"

told SERVICE_NAME CLUSTER_ID MEMBER_ID APPLICATION_PATH
