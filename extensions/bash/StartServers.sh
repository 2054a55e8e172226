#!/bin/sh
# Start the servers of the cartridge here, in the background; it runs again after every start of the
# agent. What they write to standard output goes to the log of the extensions for a while.

set -eu
. "${0%/*}/lib/told.sh"

told SERVICE_NAME MEMBER_ID PORTS APPLICATION_PATH
