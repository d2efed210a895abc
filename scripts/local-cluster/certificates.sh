# shellcheck shell=bash
# One authority per cluster, a certificate for each program, kubeconfigs with everything inside.
# Sourced after slots.sh. Made in a folder of another name that is renamed at the end, so that an
# interrupted run leaves nothing half made.

make_certificates() {
  [ ! -d "$cluster/pki" ] || return 0
  rm -rf "$cluster/pki.new"
  mkdir -p "$cluster/pki.new"
  chmod 700 "$cluster/pki.new"
  local names number
  names=DNS:kubernetes,DNS:kubernetes.default,DNS:kubernetes.default.svc
  names+=,DNS:kubernetes.default.svc.cluster.local,DNS:localhost
  names+=,IP:$kubernetes_address,IP:$host_address,IP:127.0.0.1
  (
    cd "$cluster/pki.new"
    openssl ecparam -name prime256v1 -genkey -noout -out ca.key
    openssl req -x509 -new -key ca.key -days 3650 -subj "/CN=redis-orchestrator-$cluster_name" \
      -addext keyUsage=critical,keyCertSign,cRLSign -out ca.crt
    certificate apiserver /CN=kube-apiserver serverAuth "$names"
    certificate apiserver-to-kubelet /O=system:masters/CN=kube-apiserver clientAuth
    certificate admin /O=system:masters/CN=admin clientAuth
    certificate controller-manager /CN=system:kube-controller-manager clientAuth
    certificate scheduler /CN=system:kube-scheduler clientAuth
    certificate proxy /CN=system:kube-proxy clientAuth
    certificate dns /CN=local-cluster-dns clientAuth
    certificate volumes /O=system:masters/CN=local-cluster-volumes clientAuth
    for number in 1 2; do
      certificate "node-$number" "/O=system:nodes/CN=system:node:node-$number" \
        clientAuth,serverAuth "DNS:node-$number,IP:$(node_address "$number")"
    done
    openssl genrsa -out service-accounts.key 2048 2>/dev/null
    openssl rsa -in service-accounts.key -pubout -out service-accounts.pub 2>/dev/null
    for user in admin controller-manager scheduler proxy dns volumes node-1 node-2; do
      kubeconfig "$user" >"$user.kubeconfig"
    done
  )
  mv "$cluster/pki.new" "$cluster/pki"
  cp "$cluster/pki/admin.kubeconfig" "$cluster/kubeconfig"
}

# certificate FILE SUBJECT USAGES [ALTERNATIVE_NAMES]
certificate() {
  openssl ecparam -name prime256v1 -genkey -noout -out "$1.key"
  {
    echo basicConstraints=CA:FALSE
    echo keyUsage=digitalSignature
    echo "extendedKeyUsage=$3"
    [ -z "${4:-}" ] || echo "subjectAltName=$4"
  } >"$1.extensions"
  openssl req -new -key "$1.key" -subj "$2" |
    openssl x509 -req -CA ca.crt -CAkey ca.key -CAcreateserial -days 3650 \
      -extfile "$1.extensions" -out "$1.crt" 2>/dev/null
  rm "$1.extensions"
}

kubeconfig() {
  local context=redis-orchestrator-$cluster_name
  cat <<YAML
apiVersion: v1
kind: Config
clusters:
- name: $context
  cluster: {server: "$api_server", certificate-authority-data: $(base64 -w0 ca.crt)}
users:
- name: $context-$1
  user: {client-certificate-data: $(base64 -w0 "$1.crt"), client-key-data: $(base64 -w0 "$1.key")}
contexts:
- name: $context
  context: {cluster: $context, user: $context-$1}
current-context: $context
YAML
}
