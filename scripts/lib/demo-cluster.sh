# shellcheck shell=bash
# The demo's cluster: its own, or one that exists. Sourced by scripts/demo.
# Leaves: `k` (kubectl to that cluster), $local_cluster (its name with scripts/cluster, or empty).

find_cluster() {
  if [ -z "$context" ]; then
    "$scripts/cluster" up --name "$cluster_name" --nodes 1 2>&1 | indent
    use_local_cluster "$cluster_name"
    return
  fi
  local_cluster=''
  command -v kubectl >/dev/null || die "there is no kubectl in PATH" \
    "install it; for a cluster of scripts/cluster: eval \"\$(scripts/cluster env --name NAME)\""
  kubectl_command=(kubectl --context "$context")
  k get --raw /version >/dev/null 2>"$work/error" || die \
    "the cluster of context $context does not answer: $(tail -n 1 "$work/error")" \
    "contexts here: $(kubectl config get-contexts -o name 2>/dev/null | paste -sd' ')"
  local_cluster=$(local_cluster_of_context)
}

use_local_cluster() {
  local lines
  lines=$("$scripts/cluster" env --name "$1")
  eval "$lines"
  kubectl_command=(kubectl)
  local_cluster=$1
}

k() { "${kubectl_command[@]}" "$@"; }
kn() { k --namespace "$namespace" "$@"; }

# How a person says it, in a shell of theirs.
kubectl_told() { echo "kubectl${context:+ --context $context}"; }

# Ours is known by its API server's address, which no other cluster on this machine has.
local_cluster_of_context() {
  local server config
  server=$(k config view --minify -o 'jsonpath={.clusters[0].cluster.server}')
  for config in "$cache"/clusters/*/kubeconfig; do
    [ -f "$config" ] || continue
    if grep -qF "\"$server\"" "$config"; then
      basename "$(dirname "$config")"
      return
    fi
  done
}

cluster_description() {
  local version nodes
  version=$(k get --raw /version | jq -r .gitVersion)
  nodes=$(k get nodes -o name | wc -l)
  echo "Kubernetes $version, $nodes node(s)${context:+, context $context}${local_cluster:+, cluster $local_cluster on this machine}"
}

indent() { sed 's/^/          /'; }

demo_down() {
  if [ -z "$context" ]; then
    "$scripts/cluster" down --name "$cluster_name"
    return
  fi
  find_cluster
  k delete namespace "$namespace" --ignore-not-found --timeout=120s
  note "the product stays, since others may use it; to remove it:"
  note "  $(kubectl_told) delete -k manifests/base"
}
