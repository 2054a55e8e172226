#!/bin/sh
# Gives this instance the virtual IP of its Linux Virtual Server, on an interface that sends nothing:
# a real server of LVS answers for that address without owning it. Repeatable. Needs root (or
# CAP_NET_ADMIN) and iproute2. Keeping ARP silent about the address (net.ipv4.conf.all.arp_ignore=1,
# arp_announce=2) is the image's business.

set -eu
. "${0%/*}/lib/told.sh"

told LVS_DUMMY_VIRTUAL_IP LVS_SUBNET_MASK
interface=lvs0
address=${STRATOS_LVS_DUMMY_VIRTUAL_IP:?}/${STRATOS_LVS_SUBNET_MASK:-255.255.255.255}
if [ "$(id -u)" -ne 0 ] || ! command -v ip >/dev/null; then
	echo "not root, or no program ip; somebody else has to do this:" >&2
	echo "  ip link add $interface type dummy; ip address replace $address dev $interface;" \
		"ip link set $interface up" >&2
	exit 1
fi
ip link show "$interface" >/dev/null 2>&1 || ip link add "$interface" type dummy
ip address replace "$address" dev "$interface"
ip link set "$interface" up
