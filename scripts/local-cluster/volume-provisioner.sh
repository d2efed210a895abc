#!/usr/bin/env bash
# volume-provisioner.sh KUBECTL API_SERVER PKI_FOLDER FOLDER: gives each claim of the class
# "standard" a folder on its pod's node, and takes it away after the claim. For tests: no limit of
# size is kept, and the volume stays on its node. Watches: idle, it costs nothing.
set -euo pipefail
kubectl=$1 api_server=$2 pki=$3 folder=$4
export KUBECONFIG=$pki/volumes.kubeconfig
mkdir -p "$folder"

# Its children are in its own process group (it was started by setsid): they end with it.
trap 'trap - TERM; kill 0' TERM INT

# shellcheck disable=SC2016 # variables of jq's
pending_claims='select(.status.phase == "Pending" and .spec.storageClassName == "standard")
  | (.metadata.annotations["volume.kubernetes.io/selected-node"] // empty) as $node
  | [.metadata.namespace, .metadata.name, .metadata.uid, $node,
     .spec.resources.requests.storage, (.spec.accessModes | tojson)] | @tsv'
released_volumes='select(.status.phase == "Released" and .metadata.deletionTimestamp == null
    and .metadata.annotations["pv.kubernetes.io/provisioned-by"]
      == "redis-orchestrator.local/folder")
  | [.metadata.name, .spec.local.path] | @tsv'

# watch KIND FILTER: lines about what is there and what comes. By curl, which takes a tenth of the
# memory of kubectl. The API server ends a watch now and then; the caller begins it anew.
watch() {
  curl -sN --cacert "$pki/ca.crt" --cert "$pki/volumes.crt" --key "$pki/volumes.key" \
    "$api_server/api/v1/$1?watch=true" | jq --unbuffered -r ".object | $2"
}

provision() {
  while IFS=$'\t' read -r namespace name uid node size modes; do
    mkdir -p "$folder/$node/$uid"
    chmod 777 "$folder/$node/$uid" # the user of the pod is not known here
    if volume | "$kubectl" create -f - >/dev/null 2>"$folder/.error"; then
      echo "made $folder/$node/$uid for $namespace/$name"
    elif ! grep -q AlreadyExists "$folder/.error"; then
      cat "$folder/.error"
    fi
  done
}

volume() {
  cat <<YAML
apiVersion: v1
kind: PersistentVolume
metadata:
  name: pvc-$uid
  annotations: {pv.kubernetes.io/provisioned-by: redis-orchestrator.local/folder}
spec:
  storageClassName: standard
  capacity: {storage: "$size"}
  accessModes: $modes
  persistentVolumeReclaimPolicy: Delete
  claimRef:
    {apiVersion: v1, kind: PersistentVolumeClaim, namespace: $namespace, name: $name, uid: $uid}
  local: {path: $folder/$node/$uid}
  nodeAffinity:
    required:
      nodeSelectorTerms:
      - matchExpressions: [{key: kubernetes.io/hostname, operator: In, values: [$node]}]
YAML
}

remove() {
  while IFS=$'\t' read -r name path; do
    case $path in
      "$folder"/*) rm -rf "$path" ;;
    esac
    "$kubectl" delete persistentvolume "$name" --wait=false
  done
}

again() {
  while kill -0 $$ 2>/dev/null; do
    watch "$1" "$2" | "$3" || true
    sleep 1
  done
}

again persistentvolumeclaims "$pending_claims" provision &
again persistentvolumes "$released_volumes" remove &
wait
