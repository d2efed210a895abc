#!/usr/bin/env bash
# Writes go.mod and go.sum of the three modules here for the versions in versions.env.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=scripts/local-cluster/versions.env
. "$here/../versions.env"
export GOFLAGS=-mod=mod

# new_module FOLDER PACKAGE VERSION: an empty go.mod that requires one module.
new_module() {
  printf 'module redis-orchestrator/local-cluster/%s\n\ngo %s\n\nrequire %s %s\n' \
    "$1" "$GO_MINIMUM" "$2" "$3" >"$here/$1/go.mod"
  rm -f "$here/$1/go.sum"
}

# resolve FOLDER: adds the indirect requirements and the sums of what is really imported.
resolve() {
  (cd "$here/$1" && go list -deps . >/dev/null)
  echo "$1: $(wc -l <"$here/$1/go.sum") sums" >&2
}

# k8s.io/kubernetes replaces its staging modules by folders of its own repository. A replace does
# not reach a dependent, so each is said again here, with the version published for that release.
new_module kube k8s.io/kubernetes "$KUBERNETES_VERSION"
own_mod=$(cd "$here/kube" && go mod download -json "k8s.io/kubernetes@$KUBERNETES_VERSION" |
  sed -n 's/^\t"GoMod": "\(.*\)",$/\1/p')
{
  printf '\nreplace (\n'
  sed -nE "s#^\t(k8s\.io/[^ ]+) => \./staging/.*#\t\1 => \1 v0${KUBERNETES_VERSION#v1}#p" "$own_mod"
  printf ')\n'
} >>"$here/kube/go.mod"
resolve kube

new_module etcd go.etcd.io/etcd/server/v3 "$ETCD_VERSION"
resolve etcd

new_module dns github.com/coredns/coredns "$COREDNS_VERSION"
resolve dns
