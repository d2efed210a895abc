# shellcheck shell=bash
# Helm 3 and Helm 4: obtained as the cluster's programs are, each in a folder of its own. One go.mod for both, so that
# what they have in common is compiled once. Sourced after programs.sh.

# obtain_helm 3|4: prints the path of the program.
obtain_helm() {
  helm_module=helm.sh/helm/v$1
  case $1 in
    3) helm_version=$HELM_3_VERSION ;;
    4) helm_version=$HELM_4_VERSION ;;
  esac
  programs_folder="$cache/programs/helm-$helm_version"
  mkdir -p "$programs_folder"
  is_part_there helm || (obtain_part helm)
  echo "$programs_folder/helm"
}

download_helm() {
  local name
  name="helm-$helm_version-linux-$(architecture)"
  fetch_checked "$HELM_RELEASES/$name.tar.gz" "$1/helm.tar.gz" \
    "$HELM_RELEASES/$name.tar.gz.sha256sum" || return 1
  tar -xzf "$1/helm.tar.gz" -C "$1" --strip-components=1 "linux-$(architecture)/helm"
  rm "$1/helm.tar.gz"
}

# What Helm's own Makefile says to the linker. Helm 4 reads the release of Kubernetes that it knows from its modules;
# Helm 3 has to be told, or it takes charts to be for 1.20.
build_helm() {
  local flags client package go_package=$helm_module/cmd/helm
  prepare_go
  flags="-s -w -X $helm_module/internal/version.version=$helm_version"
  client=$(cd "$here/go/helm" && go list -m -f '{{.Version}}' k8s.io/client-go)
  for package in pkg/lint/rules pkg/chartutil; do
    flags+=" -X $helm_module/$package.k8sVersionMajor=1"
    flags+=" -X $helm_module/$package.k8sVersionMinor=$(cut -d. -f2 <<<"$client")"
  done
  go_build helm "$1/helm" "$flags"
}
