# shellcheck shell=bash
# The demo's Redis: a plain StatefulSet in a labelled namespace. Sourced by scripts/demo. Works by
# kubectl exec alone, so that it is the same on every cluster.

make_group() {
  local before
  wait_for_end_of_namespace
  k get namespace "$namespace" >/dev/null 2>&1 || k create namespace "$namespace" | indent
  k label --overwrite namespace "$namespace" redis-orchestrator.io/inject=enabled >/dev/null
  # The webhook's controller makes it; a pod that is created before would wait for it anyhow.
  wait_until 60 kn get serviceaccount redis-orchestrator || die \
    "the service account redis-orchestrator does not appear in $namespace" \
    "read: $(kubectl_told) -n $system logs deployment/redis-orchestrator-webhook"
  before=$(noted_image "$namespace" "$product-agent")
  kn apply -f "$repository/manifests/examples/plain-$product.yaml" | changed
  if [ -n "$before" ] && [ "$before" != "$agent_id" ]; then
    tell "the agent's image is another one than before: the pods are replaced"
    kn delete pods --selector "app=$product" --timeout=120s >/dev/null
  fi
  note_image "$namespace" "$product-agent" "$agent_id"
}

changed() { { grep -v ' unchanged$' || true; } | indent; }

# A `--down` of a moment ago may still be at work.
wait_for_end_of_namespace() {
  local phase
  phase=$(k get namespace "$namespace" -o 'jsonpath={.status.phase}' 2>/dev/null || true)
  [ "$phase" != Terminating ] ||
    k wait --for=delete "namespace/$namespace" --timeout=180s >/dev/null
}

# pods: a line each, "NAME ROLE READY CONTAINER_ID". Ready are pods with every container ready.
pods() {
  kn get pods --selector "app=$product" -o json | jq -r --arg name "$product" '
    .items[] | select(.metadata.deletionTimestamp == null) | [.metadata.name,
      (.metadata.labels["redis-role"] // "none"),
      ((.status.conditions // []) | any(.type == "Ready" and .status == "True") | tostring),
      ((.status.containerStatuses // []) | map(select(.name == $name))[0].containerID // "none")]
    | join(" ")'
}

pod_names() { cut -d' ' -f1 "$work/pods"; }

names_with_role() { awk -v role="$1" '$2 == role { print $1 }' "$work/pods"; }

read_pods() { pods >"$work/pods"; }

# One master, the others its replicas, all ready.
is_group_whole() {
  read_pods
  [ "$(wc -l <"$work/pods")" -ge 3 ] && [ "$(names_with_role master | wc -l)" = 1 ] &&
    [ "$(names_with_role replica | wc -l)" = $(($(wc -l <"$work/pods") - 1)) ] &&
    ! awk '{ print $3 }' "$work/pods" | grep -qv true
}

# A member that holds back (RO_DATA_CONFLICT) fails the demo: giving the word in a person's stead
# would discard data and hide a fault of the product.
wait_until_whole() { wait_until 240 is_group_whole || group_missing; }

wait_for_group() {
  wait_until_whole
  master=$(names_with_role master)
  replica=$(names_with_role replica | head -n 1)
}

pods_told() {
  awk '{ printf "%s%s %s", (NR > 1 ? ", " : ""), $1, $2 } END { print "" }' "$work/pods"
}

group_missing() {
  local pod
  kn get pods -L redis-role >&2
  kn get events --sort-by=.lastTimestamp 2>/dev/null | tail -n 10 >&2
  for pod in $(pod_names); do
    note "the agent of $pod:"
    kn logs "$pod" --container redis-orchestrator --tail=5 >&2 || true
  done
  tell_load
  die "the pods did not become one master with its replicas" \
    "see above; $(kubectl_told) -n $namespace describe pods"
}

# cli POD ARGUMENT...: the command line client inside of a pod.
cli() {
  local pod=$1
  shift
  kn exec "$pod" --container "$product" -- "$product-cli" "$@" 2>"$work/error"
}

write_and_read() {
  local value
  value="written at $(date +%H:%M:%S)"
  # The labels are a moment older than the Service's way in the kernel.
  wait_until 30 is_written "$value" || die \
    "a write through the Service $product failed: $(cat "$work/error" "$work/answer")" \
    "$(kubectl_told) -n $namespace get endpointslices,pods -L redis-role"
  tell "in $replica: $product-cli -h $product SET demo:greeting \"$value\" -> OK"
  wait_until 30 is_read "$value" || die \
    "$replica does not have what was written, but: $(cat "$work/answer")" \
    "$(kubectl_told) -n $namespace exec $replica -c $product -- $product-cli INFO replication"
  tell "in $replica: $product-cli GET demo:greeting -> $(cat "$work/answer")"
  told "written to $master by the Service, read from the replica $replica itself"
}

is_written() {
  cli "$replica" -h "$product" SET demo:greeting "$1" >"$work/answer" &&
    [ "$(cat "$work/answer")" = OK ]
}

is_read() { cli "$replica" GET demo:greeting >"$work/answer" && [ "$(cat "$work/answer")" = "$1" ]; }

show_states() {
  local pod path
  path="/api/v1/namespaces/$namespace/pods/POD:8080/proxy/state"
  for pod in $(pod_names); do
    k get --raw "${path/POD/$pod}" >"$work/state" || die "the agent of $pod does not answer" \
      "$(kubectl_told) -n $namespace logs $pod -c redis-orchestrator"
    jq -c '{podName, role, state, isHealthy, holder, term, offset, lagBytes,
      peers: [.peers[] | "\(.podName) \(.role)"]}' "$work/state" | indent
    jq -r 'select(.lastDecision != null) | "  last decision: " + .lastDecision.reason' \
      "$work/state" | indent
  done
  told "shortened; the whole: $(kubectl_told) get --raw ${path/POD/$master}"
}
