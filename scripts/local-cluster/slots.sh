# shellcheck shell=bash
# Which addresses and names a cluster has on this machine. Each takes one of ten slots, and all that
# could collide is derived from the slot's number. The reservations are under /run: one table for
# the machine whatever RO_CACHE is, and a reboot, which takes the bridges away, empties it too.
# Sourced after lib.sh.

machine_state=/run/redis-orchestrator

# reserve_slot: gives $cluster its slot; a slot lost to another cluster means beginning anew.
reserve_slot() {
  local slot before=
  mkdir -p "$machine_state/slots"
  [ ! -f "$cluster/slot" ] || before=$(cat "$cluster/slot")
  for slot in $before 0 1 2 3 4 5 6 7 8 9; do
    if is_slot_mine "$slot" || is_slot_free "$slot"; then break; fi
    slot=
  done
  [ -n "$slot" ] || die "all ten slots for clusters are taken (see $machine_state/slots)" \
    "end one: scripts/cluster down --name NAME"
  if [ -n "$before" ] && [ "$before" != "$slot" ]; then
    note "slot $before belongs to another cluster now: $cluster_name starts anew, in slot $slot"
    rm -rf "$cluster"
    mkdir -p "$cluster"
  fi
  echo "$cluster" >"$machine_state/slots/$slot"
  echo "$slot" >"$cluster/slot"
  use_slot "$slot"
}

is_slot_mine() { [ "$(cat "$machine_state/slots/$1" 2>/dev/null)" = "$cluster" ]; }

# Free: reserved by nobody, or by a cluster whose folder is gone; and no other network is there.
is_slot_free() {
  local owner
  if owner=$(cat "$machine_state/slots/$1" 2>/dev/null); then
    [ ! -d "$owner" ] && [ ! -e "/sys/class/net/ro$1br" ]
    return
  fi
  [ -e "/sys/class/net/ro$1br" ] || ! ip -4 route show | grep -q "^172\.30\.$1\.0/24 "
}

# find_slot: the slot of a cluster that is there, also after an `up` that was interrupted.
find_slot() {
  local number
  for number in 0 1 2 3 4 5 6 7 8 9; do
    if is_slot_mine "$number"; then
      use_slot "$number"
      return 0
    fi
  done
  return 1
}

free_slot() { rm -f "$machine_state/slots/$slot" "$cluster/slot"; }

is_any_slot_taken() { compgen -G "$machine_state/slots/*" >/dev/null; }

# use_slot NUMBER: the names and addresses.
use_slot() {
  slot=$1
  bridge=ro${slot}br
  host_address=172.30.$slot.1
  loopback_address=127.30.$slot.1 # what must not be reached from pods listens here
  pod_network=10.$((220 + slot)).0.0/16
  service_network=10.$((200 + slot)).0.0/16
  kubernetes_address=10.$((200 + slot)).0.1
  dns_address=10.$((200 + slot)).0.10
  api_server=https://$host_address:6443
}

node_address() { echo "172.30.$slot.1$1"; }
node_pods() { echo "10.$((220 + slot)).$1.0/24"; }
node_namespace() { echo "ro$slot-n$1"; } # of the network; its cgroups have the same name
node_sockets() { echo "$machine_state/run/$slot-$1"; } # short, since a socket's path has a limit
