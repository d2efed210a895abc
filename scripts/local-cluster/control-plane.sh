# shellcheck shell=bash
# etcd, kube-apiserver, kube-controller-manager and kube-scheduler, as processes of the host.
# Sourced after processes.sh and slots.sh; needs $programs.

start_control_plane() {
  local pki="$cluster/pki" etcd=http://$loopback_address:2379
  # --unsafe-no-fsync: a cluster for tests; a power failure may cost it its state (then: down, up).
  start_unless_alive etcd "$programs/etcd" --data-dir "$cluster/etcd" --log-level warn \
    --listen-client-urls "$etcd" --advertise-client-urls "$etcd" \
    --listen-peer-urls "http://$loopback_address:2380" \
    --initial-advertise-peer-urls "http://$loopback_address:2380" \
    --initial-cluster "default=http://$loopback_address:2380" --unsafe-no-fsync
  # The requestheader flags: without them every metrics and authentication client logs errors. The
  # allowed name must be set, or any client certificate of this authority could speak for others.
  start_unless_alive kube-apiserver "$programs/kube-apiserver" \
    --etcd-servers="$etcd" --bind-address="$host_address" --secure-port=6443 \
    --advertise-address="$host_address" --service-cluster-ip-range="$service_network" \
    --tls-cert-file="$pki/apiserver.crt" --tls-private-key-file="$pki/apiserver.key" \
    --client-ca-file="$pki/ca.crt" --cert-dir="$cluster/self-signed" \
    --kubelet-certificate-authority="$pki/ca.crt" \
    --kubelet-client-certificate="$pki/apiserver-to-kubelet.crt" \
    --kubelet-client-key="$pki/apiserver-to-kubelet.key" \
    --kubelet-preferred-address-types=InternalIP \
    --service-account-issuer=https://kubernetes.default.svc.cluster.local \
    --service-account-key-file="$pki/service-accounts.pub" \
    --service-account-signing-key-file="$pki/service-accounts.key" \
    --requestheader-client-ca-file="$pki/ca.crt" \
    --requestheader-allowed-names=front-proxy-client \
    --requestheader-username-headers=X-Remote-User \
    --requestheader-group-headers=X-Remote-Group \
    --requestheader-extra-headers-prefix=X-Remote-Extra- \
    --authorization-mode=Node,RBAC --enable-admission-plugins=NodeRestriction \
    --allow-privileged=true
  wait_for_process kube-apiserver 90 is_api_ready
  # A silent node is Unknown after 16 s, not after 50: tests of partitions wait for it.
  start_unless_alive kube-controller-manager "$programs/kube-controller-manager" \
    --kubeconfig="$pki/controller-manager.kubeconfig" \
    --authentication-kubeconfig="$pki/controller-manager.kubeconfig" \
    --authorization-kubeconfig="$pki/controller-manager.kubeconfig" \
    --service-account-private-key-file="$pki/service-accounts.key" \
    --root-ca-file="$pki/ca.crt" --use-service-account-credentials=true --leader-elect=false \
    --bind-address="$loopback_address" --cert-dir="$cluster/self-signed" \
    --node-monitor-period=2s --node-monitor-grace-period=16s \
    --kube-api-qps=200 --kube-api-burst=400
  start_unless_alive kube-scheduler "$programs/kube-scheduler" \
    --kubeconfig="$pki/scheduler.kubeconfig" \
    --authentication-kubeconfig="$pki/scheduler.kubeconfig" \
    --authorization-kubeconfig="$pki/scheduler.kubeconfig" \
    --leader-elect=false --bind-address="$loopback_address" --cert-dir="$cluster/self-signed"
}

is_api_ready() {
  [ "$(curl -s --max-time 5 --cacert "$cluster/pki/ca.crt" --cert "$cluster/pki/admin.crt" \
    --key "$cluster/pki/admin.key" "$api_server/readyz")" = ok ]
}

kubectl() { "$programs/kubectl" --kubeconfig "$cluster/kubeconfig" "$@"; }

# Pods are refused until the controller-manager has made their namespace's account.
wait_for_default_account() {
  wait_for_process kube-controller-manager 60 kubectl -n default get serviceaccount default
}
