# shellcheck shell=bash
# The commands of scripts/cluster. Sourced last.

# The kubelet sets these for the whole machine; the last cluster to go puts them back.
kubelet_sysctls=(vm.overcommit_memory kernel.panic kernel.panic_on_oops)

choose_cluster() {
  [[ $cluster_name =~ ^[a-z0-9]([a-z0-9-]{0,18}[a-z0-9])?$ ]] ||
    die "--name '$cluster_name' is no name for a cluster" "use at most 20 of a-z, 0-9 and -"
  cluster="$cache/clusters/$cluster_name"
  # The kubelet makes sockets some 40 characters below; a socket's path may have 107.
  [ ${#cluster} -le 66 ] || die "the folder $cluster has too long a path (${#cluster} > 66)" \
    "set RO_CACHE to a shorter one"
}

# use_existing: for all commands but `up`.
use_existing() {
  choose_cluster
  if ! find_slot || [ ! -f "$cluster/nodes" ]; then
    die "there is no cluster $cluster_name" "start it: scripts/cluster up --name $cluster_name"
  fi
  nodes=$(cat "$cluster/nodes")
  programs=$(cat "$cluster/programs")
}

command_up() {
  local start
  start=$(now_ms)
  choose_cluster
  [ "$(id -u)" = 0 ] || die "a local cluster needs root: it makes network namespaces and mounts" \
    "run as root, or use a cluster that exists: scripts/demo --context NAME"
  need_packages containerd runc containernetworking-plugins nftables iptables conntrack iproute2 \
    kmod procps openssl curl jq ca-certificates buildah
  mkdir -p "$cluster"
  lock "cluster-$cluster_name"
  mkdir -p "$cluster" # again: a `down` may have held the lock
  keep_release
  programs=$(ensure_programs all "$given_programs")
  ensure_pause
  (
    lock "$machine_state/lock"
    reserve_slot
    [ -f "$machine_state/sysctl.before" ] ||
      sysctl "${kubelet_sysctls[@]}" | sed 's/ = /=/' >"$machine_state/sysctl.before"
  )
  find_slot
  keep_more_nodes
  echo "$programs" >"$cluster/programs"
  step "certificates" make_certificates
  step "network ($bridge, $host_address)" make_network
  step "etcd, API server, controllers, scheduler" start_control_plane
  step "containerd, kubelet, kube-proxy" start_nodes
  step "cluster DNS" start_dns
  step "volumes (StorageClass standard)" start_volumes
  step "default service account" wait_for_default_account
  step "nodes Ready" wait_for_nodes
  note "cluster $cluster_name is up: Kubernetes $KUBERNETES_VERSION, $nodes node(s)," \
    "in $(seconds_since "$start")"
  note "  to use it: eval \"\$(scripts/cluster env --name $cluster_name)\""
}

# A cluster keeps the release that it was made with: the programs of two do not mix.
keep_release() {
  local before=$KUBERNETES_VERSION
  [ ! -f "$cluster/kubernetes" ] || before=$(cat "$cluster/kubernetes")
  [ "$before" = "$KUBERNETES_VERSION" ] ||
    die "cluster $cluster_name is of Kubernetes $before, not $KUBERNETES_VERSION" \
      "give --kubernetes $before, or another --name, or take it down first"
  echo "$KUBERNETES_VERSION" >"$cluster/kubernetes"
}

# A cluster keeps the nodes that it has: only more of them are a change that `up` makes.
keep_more_nodes() {
  local before=0
  [ ! -f "$cluster/nodes" ] || before=$(cat "$cluster/nodes")
  if [ -z "$nodes" ]; then nodes=$((before > 0 ? before : 1)); fi
  if [ "$before" -gt "$nodes" ]; then
    note "cluster $cluster_name has $before nodes and keeps them (down first, to have $nodes)"
    nodes=$before
  fi
  echo "$nodes" >"$cluster/nodes"
}

start_nodes() {
  local number starting=()
  for number in $(seq "$nodes"); do
    start_node "$number" &
    starting+=($!)
  done
  for number in "${starting[@]}"; do wait "$number"; done
}

wait_for_nodes() {
  local number
  for number in $(seq "$nodes"); do
    wait_for_process "node-$number-kubelet" 90 is_node_reporting "$number"
    kubectl wait --for=condition=Ready "node/node-$number" --timeout=90s >/dev/null ||
      die "node-$number is not Ready" "read $cluster/log/node-$number-kubelet.log"
  done
}

# A node from before is Ready by hearsay until its new kubelet has said so. (Not by its lease: the
# first one is written up to ten seconds after the node is Ready.)
is_node_reporting() {
  local heard
  heard=$(kubectl get "node/node-$1" -o \
    'jsonpath={.status.conditions[?(@.type=="Ready")].lastHeartbeatTime}')
  [ -n "$heard" ] &&
    [ "$(date -d "$heard" +%s)" -ge "$(stat -c %Y "$cluster/run/node-$1-kubelet.pid")" ]
}

command_down() {
  local start number
  start=$(now_ms)
  choose_cluster
  lock "cluster-$cluster_name"
  if [ ! -d "$cluster" ] && ! find_slot; then
    note "there is no cluster $cluster_name"
    return
  fi
  if find_slot; then
    stop_processes volumes
    for number in 1 2; do end_node "$number" & done
    wait
    for number in 1 2; do rm -rf "$(node_sockets "$number")"; done
    stop_processes coredns kube-scheduler kube-controller-manager
    stop_processes kube-apiserver etcd
    remove_network
  fi
  rm -rf "$cluster"
  (
    lock "$machine_state/lock"
    [ -z "${slot:-}" ] || free_slot
    if ! is_any_slot_taken && [ -f "$machine_state/sysctl.before" ]; then
      xargs -r sysctl -qw <"$machine_state/sysctl.before"
      rm "$machine_state/sysctl.before"
    fi
  )
  note "cluster $cluster_name is gone, in $(seconds_since "$start"); programs and images are kept"
}

command_env() {
  use_existing
  printf 'export KUBECONFIG=%q\n' "$cluster/kubeconfig"
  # shellcheck disable=SC2016 # PATH is the reader's
  printf 'export PATH=%q:"$PATH"\n' "$programs"
}

command_status() {
  local process all_alive=yes number
  use_existing
  echo "cluster $cluster_name: API server $api_server, pods $pod_network, Services $service_network"
  echo "folder $cluster (logs in log/), programs $programs"
  for process in $(process_names); do
    if is_alive "$process"; then
      printf '  %-26s alive, pid %s\n' "$process" "$(process_id "$process")"
    else
      printf '  %-26s ENDED: see log/%s.log\n' "$process" "$process"
      all_alive=no
    fi
  done
  for number in $(seq "$nodes"); do
    if in_namespace "$number" nft list table ip ro_partition >/dev/null 2>&1; then
      echo "  node-$number is partitioned (scripts/cluster heal --name $cluster_name)"
    fi
  done
  [ "$all_alive" = yes ] || die "not every process lives" \
    "start them again: scripts/cluster up --name $cluster_name"
  kubectl get nodes -o wide
}

process_names() {
  local number
  echo etcd kube-apiserver kube-controller-manager kube-scheduler coredns volumes
  for number in $(seq "$nodes"); do
    echo "node-$number-holder node-$number-containerd node-$number-kubelet node-$number-proxy"
  done
}

command_load() {
  local file number
  use_existing
  [ $# -gt 0 ] || die "load needs the files of image archives" \
    "scripts/cluster load \$(scripts/images build)"
  for file in "$@"; do
    for number in $(seq "$nodes"); do load_archive "$number" "$file"; done
  done
}

command_partition() {
  use_existing
  case ${1:-} in
    nodes) partition_nodes ;;
    control-plane) partition_control_plane "${2:-}" ;;
    *) die "partition '${1:-}' is not known" "partition nodes, or partition control-plane NUMBER" ;;
  esac
}

command_heal() {
  use_existing
  heal_network
}
