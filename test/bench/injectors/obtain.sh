#!/usr/bin/env bash
# Injectors of other people, for the bench of the webhook: the exact versions that go.mod, go.sum and
# package-lock.json beside this file name, in the cache folder. Prints the folder of one.
#   obtain.sh vault-k8s|istio|pepr
set -euo pipefail

own=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
. "$own/../../../scripts/local-cluster/lib.sh"
. "$own/../../../scripts/local-cluster/programs.sh"

# build NAME MODULE PACKAGE FOLDER: the program itself, as its project has it, not a copy of its main.
build() {
  local name=$1 package=$3 folder=$4
  prepare_go
  (cd "$own/$name" && CGO_ENABLED=0 GOFLAGS=-mod=readonly go build -trimpath -buildvcs=false \
    -ldflags "-s -w" -o "$folder/$name" "$package" >&2)
  (cd "$own/$name" && go list -m -f '{{.Version}}' "$2") >"$folder/version"
}

obtain_vault-k8s() {
  build vault-k8s github.com/hashicorp/vault-k8s github.com/hashicorp/vault-k8s "$1"
}

# With it what its chart makes of the injector's ConfigMap.
obtain_istio() {
  local chart
  build istio istio.io/istio istio.io/istio/pilot/cmd/pilot-discovery "$1"
  chart=$(cd "$own/istio" && go list -m -f '{{.Dir}}' istio.io/istio)
  chart+=/manifests/charts/istio-control/istio-discovery
  install -m 644 "$chart/values.yaml" "$chart/files/injection-template.yaml" "$1"
}

obtain_pepr() {
  install -m 644 "$own"/pepr/{package.json,package-lock.json,module.cjs} "$1"
  npm ci --prefix "$1" --omit=dev --omit=peer --ignore-scripts --no-audit --no-fund --silent >&2
  node -p 'require(process.argv[1]).version' "$1/node_modules/pepr/package.json" >"$1/version"
}

name=${1:-}
declare -F "obtain_$name" >/dev/null ||
  die "the injector '$name' is not known" "one of: vault-k8s, istio, pepr"
# What it is made from is in its name: another version is another folder.
sources=$(cd "$own" && find "$name" obtain.sh -type f | LC_ALL=C sort)
hash=$(cd "$own" && xargs cat <<<"$sources" | sha256sum | cut -c1-12)
folder=$cache/injectors/$name-$hash
lock "injector-$name"
if [ ! -d "$folder" ]; then
  note "obtaining $name into $folder; on two cores: vault-k8s 2 min, istio 10, pepr 1"
  rm -rf "$folder.new"
  mkdir -p "$folder.new"
  step "obtained $name" "obtain_$name" "$folder.new"
  mv "$folder.new" "$folder"
fi
echo "$folder"
