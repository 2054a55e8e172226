#!/bin/sh
# A domain name is no longer mapped to an application of a tenant on this cluster.

set -eu
. "${0%/*}/lib/told.sh"

told SUBSCRIPTION_APPLICATION_ID SUBSCRIPTION_SERVICE_NAME SUBSCRIPTION_DOMAIN_NAME \
	SUBSCRIPTION_CLUSTER_ID SUBSCRIPTION_TENANT_ID SUBSCRIPTION_TENANT_DOMAIN
