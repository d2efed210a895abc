# shellcheck shell=bash
# A bridge on the host, and for each node a network namespace plugged into it. The namespaces have
# no default route: nothing in the cluster reaches anything outside of the machine. Sourced after
# slots.sh.

in_namespace() {
  local number=$1
  shift
  nsenter --net="/run/netns/$(node_namespace "$number")" "$@"
}

make_network() {
  local number
  # On a stock Debian these are modules; where they are built in, or we are in a container, modprobe
  # has nothing to do or cannot, and what is really missing shows up below.
  modprobe -aq br_netfilter overlay nf_conntrack 2>/dev/null || true
  if [ ! -e "/sys/class/net/$bridge" ]; then ip link add "$bridge" type bridge; fi
  ip addr replace "$host_address/24" dev "$bridge"
  ip link set "$bridge" up
  for number in $(seq "$nodes"); do make_node_network "$number"; done
  # The API server is on the host: it reaches webhooks' Services through node 1's kube-proxy.
  ip route replace "$service_network" via "$(node_address 1)"
}

make_node_network() {
  local space veth other
  space=$(node_namespace "$1")
  veth=ro${slot}v$1
  # An interrupted run may have left a namespace without its cable: then both are made again.
  if [ ! -e "/run/netns/$space" ] || [ ! -e "/sys/class/net/$veth" ]; then
    remove_node_network "$1"
    ip netns add "$space"
    ip link add "$veth" type veth peer name eth0 netns "$space"
  fi
  ip link set "$veth" master "$bridge" up
  ip -n "$space" link set lo up
  ip -n "$space" addr replace "$(node_address "$1")/24" dev eth0
  ip -n "$space" link set eth0 up
  # kube-proxy rewrites a packet to a ClusterIP only after the kernel has found it a route.
  ip -n "$space" route replace "$service_network" via "$host_address"
  # bridge-nf-call-iptables: a pod that reaches a pod of its own node through a ClusterIP gets its
  # answer across the bridge only, and it must pass the address translation all the same.
  in_namespace "$1" sysctl -qw net.ipv4.ip_forward=1 net.ipv4.conf.all.route_localnet=1 \
    net.bridge.bridge-nf-call-iptables=1
  ip route replace "$(node_pods "$1")" via "$(node_address "$1")"
  for other in $(seq "$nodes"); do
    [ "$other" = "$1" ] ||
      ip -n "$space" route replace "$(node_pods "$other")" via "$(node_address "$other")"
  done
}

remove_node_network() {
  ip link del "ro${slot}v$1" 2>/dev/null || true
  ip netns del "$(node_namespace "$1")" 2>/dev/null || true
}

remove_network() {
  local number
  for number in 1 2; do remove_node_network "$number"; done
  ip link del "$bridge" 2>/dev/null || true # and the host's routes with it
}

# lose_packets NUMBER ADDRESSES: packets from and to them are lost in the node's own tables, before
# and after everything else; connections hang as they do when a cable is pulled.
lose_packets() {
  in_namespace "$1" nft -f - <<RULES
add table ip ro_partition
add chain ip ro_partition arriving { type filter hook prerouting priority -400; }
add chain ip ro_partition leaving { type filter hook postrouting priority 400; }
add rule ip ro_partition arriving ip saddr { $2 } drop
add rule ip ro_partition leaving ip daddr { $2 } drop
RULES
}

partition_nodes() {
  [ "$nodes" = 2 ] || die "cluster $cluster_name has one node: nothing to part" \
    "scripts/cluster up --name $cluster_name --nodes 2"
  lose_packets 1 "$(node_address 2), $(node_pods 2)"
  lose_packets 2 "$(node_address 1), $(node_pods 1)"
}

# partition_control_plane NUMBER: from the host, hence from the API server and from the cluster DNS.
partition_control_plane() {
  case ${1:-} in
    1 | 2) [ "$1" -le "$nodes" ] || die "cluster $cluster_name has no node $1" "it has $nodes" ;;
    *) die "partition control-plane needs a node's number, not '${1:-}'" "give 1 or 2" ;;
  esac
  lose_packets "$1" "$host_address"
}

heal_network() {
  local number
  for number in $(seq "$nodes"); do
    in_namespace "$number" nft delete table ip ro_partition 2>/dev/null || true
  done
}
