#!/bin/sh
# The tenants are known, or have changed. They may be too many for an environment: read the file.

set -eu
. "${0%/*}/lib/told.sh"

told TENANT_LIST_JSON_FILE
