#!/usr/bin/env bash
# Writes go.mod and go.sum of the modules here for the versions in versions.env.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=scripts/local-cluster/versions.env
. "$here/../versions.env"
export GOFLAGS=-mod=mod

# new_module FOLDER PACKAGE VERSION [FILE GO]: an empty go.mod that requires one module.
new_module() {
  local file="$here/$1/${4:-go.mod}"
  printf 'module redis-orchestrator/local-cluster/%s\n\ngo %s\n\nrequire %s %s\n' \
    "$1" "${5:-$GO_MINIMUM}" "$2" "$3" >"$file"
  rm -f "${file%.mod}.sum"
}

# resolve FOLDER [FILE TAGS]: adds the indirect requirements and the sums of what is really imported.
resolve() {
  local file=${2:-go.mod}
  (cd "$here/$1" && go list "-modfile=$file" -tags "${3:-}" -deps . >/dev/null)
  echo "$1/$file: $(wc -l <"$here/$1/${file%.mod}.sum") sums" >&2
}

# k8s.io/kubernetes replaces its staging modules by folders of its own repository. A replace does
# not reach a dependent, so each is said again here, with the version published for that release.
# kube VERSION [FILE GO TAGS]
kube() {
  local version=$1 file=${2:-go.mod} own_mod
  new_module kube k8s.io/kubernetes "$version" "$file" "${3:-$GO_MINIMUM}"
  own_mod=$(cd / && go mod download -json "k8s.io/kubernetes@$version" |
    sed -n 's/^\t"GoMod": "\(.*\)",$/\1/p')
  {
    printf '\nreplace (\n'
    sed -nE "s#^\t(k8s\.io/[^ ]+) => \./staging/.*#\t\1 => \1 v0${version#v1}#p" "$own_mod"
    printf ')\n'
  } >>"$here/kube/$file"
  resolve kube "$file" "${4:-}"
}

kube "$KUBERNETES_VERSION"
while read -r version toolchain; do
  tags=''
  [ "$(printf 'v1.31\n%s\n' "$version" | sort -V | head -1)" = v1.31 ] || tags=before_1_31
  # With its own Go: a newer one would write what that one cannot read.
  GOTOOLCHAIN=$toolchain kube "$version" "$version.mod" "${toolchain#go}" "$tags"
done <<<"$KUBERNETES_OLDER"

new_module etcd go.etcd.io/etcd/server/v3 "$ETCD_VERSION"
resolve etcd

new_module dns github.com/coredns/coredns "$COREDNS_VERSION"
resolve dns

# Their programs are built as they are: there is no source of ours that imports them.
new_module helm helm.sh/helm/v3 "$HELM_3_VERSION"
printf '\nrequire helm.sh/helm/v4 %s\n' "$HELM_4_VERSION" >>"$here/helm/go.mod"
(cd "$here/helm" && go list -deps helm.sh/helm/v3/cmd/helm helm.sh/helm/v4/cmd/helm >/dev/null)
