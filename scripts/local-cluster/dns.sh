# shellcheck shell=bash
# CoreDNS on the bridge's address, behind the Service kube-dns whose endpoints are written by hand.
# On the host and not in a pod: it starts at once, and a cluster without images has names already.
# Sourced after control-plane.sh.

start_dns() {
  write_corefile >"$cluster/Corefile"
  if [ ! -f "$cluster/dns-applied" ]; then
    dns_objects | kubectl apply -f - >/dev/null
    touch "$cluster/dns-applied"
  fi
  start_unless_alive coredns "$programs/coredns" -conf "$cluster/Corefile"
  wait_for_process coredns 60 curl -sf --max-time 2 "http://$host_address:8181/ready"
}

# A name outside of the cluster does not exist: there is nobody to ask. It has a block of its own,
# since within one block `template` would answer before `kubernetes`.
write_corefile() {
  cat <<COREFILE
cluster.local:5353 {
  bind $host_address
  ready $host_address:8181
  errors
  kubernetes {
    kubeconfig $cluster/pki/dns.kubeconfig
  }
}
.:5353 {
  bind $host_address
  template ANY ANY {
    rcode NXDOMAIN
  }
}
COREFILE
}

dns_objects() {
  cat <<YAML
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata: {name: local-cluster-dns}
rules:
- {apiGroups: [""], resources: [services, namespaces, pods], verbs: [list, watch]}
- {apiGroups: [discovery.k8s.io], resources: [endpointslices], verbs: [list, watch]}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata: {name: local-cluster-dns}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: local-cluster-dns}
subjects: [{apiGroup: rbac.authorization.k8s.io, kind: User, name: local-cluster-dns}]
---
apiVersion: v1
kind: Service
metadata: {name: kube-dns, namespace: kube-system}
spec:
  clusterIP: $dns_address
  ports:
  - {name: dns, port: 53, targetPort: 5353, protocol: UDP}
  - {name: dns-tcp, port: 53, targetPort: 5353, protocol: TCP}
---
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata:
  name: kube-dns-by-hand
  namespace: kube-system
  labels: {kubernetes.io/service-name: kube-dns}
addressType: IPv4
ports:
- {name: dns, port: 5353, protocol: UDP}
- {name: dns-tcp, port: 5353, protocol: TCP}
endpoints: [{addresses: ["$host_address"], conditions: {ready: true}}]
YAML
}
