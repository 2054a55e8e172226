#!/bin/sh
# The artifacts of a tenant are in place, for the first time or changed (ARTIFACT_UPDATED_SCHEDULER is
# then true). The repository password is given too, still encrypted: do not print it.

set -eu
. "${0%/*}/lib/told.sh"

told APPLICATION_PATH ARTIFACT_UPDATED_CLUSTER_ID ARTIFACT_UPDATED_TENANT_ID \
	ARTIFACT_UPDATED_REPO_URL ARTIFACT_UPDATED_STATUS ARTIFACT_UPDATED_SCHEDULER
