#!/bin/sh
# A tenant has subscribed to this service; sent by old platforms only.

set -eu
. "${0%/*}/lib/told.sh"

told SERVICE_NAME TENANT_LIST_JSON_FILE
