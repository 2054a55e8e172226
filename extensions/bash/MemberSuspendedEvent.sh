#!/bin/sh
# A member of a known cluster is suspended. EVENT_* tell which one; MEMBER_ID is this instance's own.

set -eu
. "${0%/*}/lib/told.sh"

told EVENT_SERVICE_NAME EVENT_CLUSTER_ID EVENT_MEMBER_ID EVENT_CLUSTER_INSTANCE_ID \
	EVENT_NETWORK_PARTITION_ID EVENT_PARTITION_ID MEMBER_LIST_JSON_FILE
