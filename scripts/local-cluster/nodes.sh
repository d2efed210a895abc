# shellcheck shell=bash
# One node: containerd, kubelet and kube-proxy in a network namespace and a mount namespace of their
# own. Sourced after processes.sh, slots.sh and network.sh; needs $programs.

start_node() {
  local number=$1 folder="$cluster/node-$1"
  local holder="node-$1-holder"
  mkdir -p "$folder"/{cni,ipam,logs/pods,logs/containers,kubelet-constants,kubelet,plugins,loaded} \
    "$(node_sockets "$number")"
  # The pods of a node whose mount namespace is gone cannot be carried over: end what is left.
  is_alive "$holder" || end_node "$number"
  make_cgroups "$(node_namespace "$number")"
  start_holder "$number" "$folder"
  write_containerd_config "$number" "$folder"
  write_kubelet_config "$number" "$folder"
  write_proxy_config "$number" "$folder"
  start_in_node "$number" containerd containerd --config "$folder/containerd.toml"
  wait_for_process "node-$number-containerd" 60 node_ctr "$number" version
  load_archive "$number" "$pause_archive"
  start_in_node "$number" kubelet "$programs/kubelet" --config="$folder/kubelet.yaml" \
    --kubeconfig="$cluster/pki/node-$number.kubeconfig" --root-dir="$folder/kubelet" \
    --cert-dir="$folder/kubelet/pki" --hostname-override="node-$number" \
    --node-ip="$(node_address "$number")"
  start_in_node "$number" proxy "$programs/kube-proxy" --config="$folder/proxy.yaml"
}

# Some folders are constants of the kubelet: /var/log/pods and /var/log/containers, and under
# /var/lib/kubelet the sockets of device plugins. Each node gets its own behind these names, in a
# mount namespace that a sleeping process keeps; what is mounted in there never shows on the host.
start_holder() {
  local number=$1 folder=$2
  ! is_alive "node-$number-holder" || return 0
  mkdir -p /var/log/pods /var/log/containers /var/lib/kubelet
  rm -f "$folder/mounted"
  # shellcheck disable=SC2016 # expanded by the inner shell
  start_process "node-$number-holder" nsenter "--net=/run/netns/$(node_namespace "$number")" \
    unshare --mount --propagation slave bash -euc '
      mount --bind "$1/logs/pods" /var/log/pods
      mount --bind "$1/logs/containers" /var/log/containers
      mount --bind "$1/kubelet-constants" /var/lib/kubelet
      touch "$1/mounted"
      exec sleep infinity' holder "$folder"
  wait_for_process "node-$number-holder" 20 test -f "$folder/mounted"
}

# start_in_node NUMBER NAME COMMAND...: nsenter turns into the program, so the pid is the program's.
# (`ip netns exec` would mount a fresh /sys, and the cgroups with the old one would be gone.)
start_in_node() {
  local number=$1 process="node-$1-$2"
  shift 2
  start_unless_alive "$process" \
    nsenter --target "$(process_id "node-$number-holder")" --mount --net "$@"
}

node_ctr() {
  local number=$1
  shift
  ctr --address "$(node_sockets "$number")/containerd.sock" --namespace k8s.io "$@"
}

# make_cgroups NAME: a root of its own for each kubelet, else two would remove each other's pods.
# The kubelet wants it to be there, in each hierarchy (version 1) or with controllers (version 2).
make_cgroups() {
  local controller
  if [ -f /sys/fs/cgroup/cgroup.controllers ]; then
    for controller in cpuset cpu io memory pids; do
      echo "+$controller" >/sys/fs/cgroup/cgroup.subtree_control 2>/dev/null || true
    done
    mkdir -p "/sys/fs/cgroup/$1"
    return
  fi
  for controller in /sys/fs/cgroup/*/; do
    [ ! -f "$controller/cgroup.procs" ] || mkdir -p "$controller/$1"
  done
  controller=/sys/fs/cgroup/cpuset
  if [ -d "$controller" ]; then
    cat "$controller/cpuset.cpus" >"$controller/$1/cpuset.cpus"
    cat "$controller/cpuset.mems" >"$controller/$1/cpuset.mems"
  fi
}

cgroup_folders() {
  compgen -G "/sys/fs/cgroup/$1" || true
  compgen -G "/sys/fs/cgroup/*/$1" || true
}

# end_node NUMBER: its programs, then its containers. Containers are found by the node's cgroups,
# and their shims by the address of the node's containerd: both are nobody else's.
end_node() {
  local number=$1 space pid mount_point folder
  space=$(node_namespace "$number")
  stop_processes "node-$number-kubelet" "node-$number-proxy"
  for _ in 1 2 3 4 5; do
    for pid in $(container_processes "$space") $(shims "$number"); do
      kill -9 "$pid" 2>/dev/null || true
    done
    [ -n "$(container_processes "$space")$(shims "$number")" ] || break
    sleep 0.2
  done
  stop_processes "node-$number-containerd" "node-$number-holder"
  # Seen on the host only where the holder died with mounts made outside of its namespace.
  awk '{ print $2 }' /proc/mounts | { grep "^$cluster/node-$number/" || true; } | sort -r |
    while read -r mount_point; do umount -l "$mount_point" || true; done
  for folder in $(cgroup_folders "$space"); do
    find "$folder" -depth -type d -exec rmdir {} \; 2>/dev/null || true
  done
  # The state of containers that are gone, and the addresses that they had.
  rm -rf "$cluster/node-$number"/{containerd-state,ipam,runc} "$(node_sockets "$number")"
  mkdir -p "$cluster/node-$number/ipam" "$(node_sockets "$number")"
}

container_processes() {
  local folder
  for folder in $(cgroup_folders "$1"); do
    find "$folder" -name cgroup.procs -exec cat {} + 2>/dev/null || true
  done | sort -un
}

shims() {
  pgrep -f "^[^ ]*containerd-shim.* -address $(node_sockets "$1")/containerd.sock" || true
}

# load_archive NUMBER FILE: into the node's containerd, once for each content.
load_archive() {
  local number=$1 file=$2 mark
  [ -f "$file" ] || die "there is no image archive $file" "make it: scripts/images build"
  mark="$cluster/node-$number/loaded/$(basename "$file")"
  [ "$(cat "$mark" 2>/dev/null)" != "$(file_identity "$file")" ] || return 0
  node_ctr "$number" images import "$file" >/dev/null ||
    die "node-$number's containerd refused $file" "is it an OCI or docker archive? See $cluster/log"
  file_identity "$file" >"$mark"
}

file_identity() { stat -L -c '%i %s %Y' "$1"; }

# write_changed FILE: from stdin. kube-proxy ends itself when the file is written, be it the same.
write_changed() {
  local content
  content=$(cat)
  [ "$(cat "$1" 2>/dev/null)" = "$content" ] || printf '%s\n' "$content" >"$1"
}

write_containerd_config() {
  # restrict_oom_score_adj: where the capability SYS_RESOURCE is missing, runc could not lower the
  # score and would not start anything. oom_score = 0 for the same reason.
  write_changed "$2/containerd.toml" <<TOML
version = 2
root = "$2/containerd"
state = "$2/containerd-state"
oom_score = 0
[grpc]
  address = "$(node_sockets "$1")/containerd.sock"
[ttrpc]
  address = "$(node_sockets "$1")/containerd.sock.ttrpc"
[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = "$pause_name"
  restrict_oom_score_adj = true
  disable_apparmor = true
  netns_mounts_under_state_dir = true
  [plugins."io.containerd.grpc.v1.cri".containerd]
    snapshotter = "overlayfs"
    [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
      runtime_type = "io.containerd.runc.v2"
      [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc.options]
        Root = "$2/runc"
        SystemdCgroup = false
  [plugins."io.containerd.grpc.v1.cri".cni]
    bin_dir = "/usr/lib/cni"
    conf_dir = "$2/cni"
TOML
  write_changed "$2/cni/10-bridge.conflist" <<JSON
{"cniVersion": "1.0.0", "name": "local-cluster", "plugins": [
  {"type": "bridge", "bridge": "cni0", "isGateway": true, "ipMasq": false, "hairpinMode": true,
   "ipam": {"type": "host-local", "dataDir": "$2/ipam",
            "ranges": [[{"subnet": "$(node_pods "$1")"}]], "routes": [{"dst": "0.0.0.0/0"}]}},
  {"type": "portmap", "capabilities": {"portMappings": true}}]}
JSON
}

write_kubelet_config() {
  echo "nameserver $host_address" >"$2/resolv.conf"
  write_changed "$2/kubelet.yaml" <<YAML
apiVersion: kubelet.config.k8s.io/v1beta1
kind: KubeletConfiguration
containerRuntimeEndpoint: unix://$(node_sockets "$1")/containerd.sock
cgroupDriver: cgroupfs
cgroupRoot: /$(node_namespace "$1")
$(! is_kubernetes 31 || echo "failCgroupV1: false")
failSwapOn: false
oomScoreAdj: 0
authentication:
  anonymous: {enabled: false}
  webhook: {enabled: true}
  x509: {clientCAFile: $cluster/pki/ca.crt}
authorization: {mode: Webhook}
tlsCertFile: $cluster/pki/node-$1.crt
tlsPrivateKeyFile: $cluster/pki/node-$1.key
clusterDNS: [$dns_address]
clusterDomain: cluster.local
resolvConf: $2/resolv.conf
# A developer's disk is often nearly full; and images that were loaded cannot be pulled again.
evictionHard: {memory.available: 100Mi, nodefs.available: 1%, imagefs.available: 1%}
imageGCHighThresholdPercent: 100
nodeStatusUpdateFrequency: 2s
volumePluginDir: $2/plugins
serializeImagePulls: false
YAML
}

write_proxy_config() {
  write_changed "$2/proxy.yaml" <<YAML
apiVersion: kubeproxy.config.k8s.io/v1alpha1
kind: KubeProxyConfiguration
mode: $(is_kubernetes 31 && echo nftables || echo iptables)
clientConnection: {kubeconfig: $cluster/pki/proxy.kubeconfig}
clusterCIDR: $pod_network
hostnameOverride: node-$1
# The limits of connection tracking are the whole machine's: left alone.
conntrack: {maxPerCore: 0, min: 0, tcpEstablishedTimeout: 0s, tcpCloseWaitTimeout: 0s}
oomScoreAdj: 0
YAML
}
