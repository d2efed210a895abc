# shellcheck shell=bash
# The StorageClass "standard": folders of this machine as `local` volumes, made by
# volume-provisioner.sh when a claim's pod is scheduled. Sourced after control-plane.sh.

start_volumes() {
  if [ ! -f "$cluster/storage-class-applied" ]; then
    storage_class | kubectl apply -f - >/dev/null
    touch "$cluster/storage-class-applied"
  fi
  start_unless_alive volumes "$here/volume-provisioner.sh" \
    "$programs/kubectl" "$api_server" "$cluster/pki" "$cluster/volumes"
}

storage_class() {
  cat <<'YAML'
apiVersion: storage.k8s.io/v1
kind: StorageClass
metadata:
  name: standard
  annotations: {storageclass.kubernetes.io/is-default-class: "true"}
provisioner: redis-orchestrator.local/folder
volumeBindingMode: WaitForFirstConsumer
reclaimPolicy: Delete
YAML
}
