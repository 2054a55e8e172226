#!/bin/sh
# A tenant has signed off from this application; its artifacts have been removed.

set -eu
. "${0%/*}/lib/told.sh"

told APPLICATION_ID CLUSTER_ID APPLICATION_PATH
