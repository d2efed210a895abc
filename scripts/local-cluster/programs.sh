# shellcheck shell=bash
# The cluster's programs: from a given folder, else the cache, else official releases (checked by
# their sha256), else built from Go modules. Sourced after lib.sh. Invariant: a program in the cache
# is whole, because it gets its name by a rename, and its stamp is written after it.

programs_folder="$cache/programs/$KUBERNETES_VERSION"
kube_module=go.mod kube_toolchain=$GO_TOOLCHAIN
kube_programs=(kube-apiserver kube-controller-manager kube-scheduler kubelet kube-proxy kubectl)

# choose_kubernetes VERSION: the one of versions.env, or an older one there, as 1.28 or v1.28.15.
choose_kubernetes() {
  local wanted="v${1#v}" version toolchain known
  known=$(printf '%s\n%s' "$KUBERNETES_VERSION $GO_TOOLCHAIN" "$KUBERNETES_OLDER")
  while read -r version toolchain; do
    [[ $version = "$wanted" || $version = "$wanted".* ]] || continue
    [ "$version" != "$KUBERNETES_VERSION" ] || return 0
    KUBERNETES_VERSION=$version
    kube_module=$version.mod kube_toolchain=$toolchain
    programs_folder="$cache/programs/$version"
    return 0
  done <<<"$known"
  die "--kubernetes $1: prepared are $(cut -d' ' -f1 <<<"$known" | paste -sd' ')" \
    "add it to scripts/local-cluster/versions.env and run scripts/local-cluster/go/update.sh"
}

# is_kubernetes MINOR: whether the chosen one is 1.MINOR or newer.
is_kubernetes() { is_at_least "$KUBERNETES_VERSION" "v1.$1"; }

# ensure_programs control|all [GIVEN_FOLDER]: prints the folder. "control" is what a test without
# pods needs: etcd and the Kubernetes programs. "all" adds CoreDNS.
ensure_programs() {
  local parts=(etcd kube) given=${2:-} part
  [ "$1" = control ] || parts+=(dns)
  if [ -n "$given" ]; then
    check_given_folder "$1" "$given"
    (cd "$given" && pwd)
    return
  fi
  mkdir -p "$programs_folder"
  for part in "${parts[@]}"; do
    # In a subshell, so that the lock is free again as soon as this part is there.
    is_part_there "$part" || (obtain_part "$part")
  done
  echo "$programs_folder"
}

check_given_folder() {
  local names=(etcd "${kube_programs[@]}") name
  [ "$1" = control ] || names+=(coredns)
  for name in "${names[@]}"; do
    [ -x "$2/$name" ] || die "the given folder of programs, $2, has no $name" \
      "put it there, or leave --programs and RO_PROGRAMS out to have the programs obtained"
  done
}

obtain_part() {
  local part=$1
  lock "programs-$KUBERNETES_VERSION-$part"
  ! is_part_there "$part" || return 0
  rm -rf "$programs_folder"/.new-"$part"-*
  new=$(mktemp -d "$programs_folder/.new-$part-XXXXXX")
  # A failed download is no failure of the script: the next source is tried.
  if "download_$part" "$new"; then
    install_part "$part" "$new" "$(part_version "$part") released"
  else
    note "$part $(part_version "$part"): building it from Go modules instead"
    "build_$part" "$new"
    install_part "$part" "$new" "$(part_version "$part") $(source_hash "$part")"
  fi
}

install_part() {
  mv -f "$2"/* "$programs_folder/"
  rmdir "$2"
  echo "$3" >"$programs_folder/.stamp-$1"
}

is_part_there() {
  local version built
  [ -f "$programs_folder/.stamp-$1" ] || return 1
  read -r version built <"$programs_folder/.stamp-$1"
  [ "$version" = "$(part_version "$1")" ] || return 1
  [ "$built" = released ] || [ "$built" = "$(source_hash "$1")" ]
}

part_version() {
  case $1 in
    kube) echo "$KUBERNETES_VERSION" ;;
    etcd) echo "$ETCD_VERSION" ;;
    dns) echo "$COREDNS_VERSION" ;;
    helm) echo "$helm_version" ;;
  esac
}

source_hash() {
  local module=go.mod
  [ "$1" != kube ] || module=$kube_module
  (
    # Helm has no source of ours.
    shopt -s nullglob
    cat "$here/go/$1/$module" "$here/go/$1/${module%.mod}.sum" "$here/go/$1"/*.go
  ) | sha256sum | cut -c1-16
}

# ---- official releases ----------------------------------------------------------------------

# fetch URL FILE: with a short time limit for connecting, since many machines cannot reach it.
fetch() {
  command -v curl >/dev/null || return 1
  curl -fsSL --connect-timeout 4 --retry 1 --max-time 900 -o "$2" "$1" 2>/dev/null
}

# fetch_checked URL FILE SHA256_URL: a file whose checksum does not fit is an error, never used.
fetch_checked() {
  local want have
  fetch "$3" "$2.sha256" || { note "no answer from $3" && return 1; }
  fetch "$1" "$2" || { note "the download of $1 failed" && return 1; }
  # Either the bare sum, or lines of "sum  name".
  want=$(awk -v name="${1##*/}" 'NF == 1 || $2 == name || $2 == "*" name { print $1; exit }' \
    "$2.sha256")
  have=$(sha256sum "$2" | cut -d' ' -f1)
  rm -f "$2.sha256"
  [ "$want" = "$have" ] || die "the sha256 of $1 is $have, its release says ${want:-nothing}" \
    "try again; if it stays so, something between here and there changes the file"
}

download_kube() {
  local name base
  base="$KUBERNETES_RELEASES/$KUBERNETES_VERSION/bin/linux/$(architecture)"
  for name in "${kube_programs[@]}"; do
    fetch_checked "$base/$name" "$1/$name" "$base/$name.sha256" || return 1
    chmod 755 "$1/$name"
  done
}

download_etcd() {
  local base="$ETCD_RELEASES/$ETCD_VERSION" name
  name="etcd-$ETCD_VERSION-linux-$(architecture)"
  fetch_checked "$base/$name.tar.gz" "$1/etcd.tar.gz" "$base/SHA256SUMS" || return 1
  tar -xzf "$1/etcd.tar.gz" -C "$1" --strip-components=1 "$name/etcd"
  rm "$1/etcd.tar.gz"
}

download_dns() {
  local name base="$COREDNS_RELEASES/$COREDNS_VERSION"
  name="coredns_${COREDNS_VERSION#v}_linux_$(architecture).tgz"
  fetch_checked "$base/$name" "$1/coredns.tgz" "$base/$name.sha256" || return 1
  tar -xzf "$1/coredns.tgz" -C "$1" coredns
  rm "$1/coredns.tgz"
}

# ---- Go modules -----------------------------------------------------------------------------

build_kube() {
  local flags version=${KUBERNETES_VERSION#v} package name tags=()
  flags="-s -w"
  # Without these every program calls itself v0.0.0-master, and clients would believe it.
  for package in k8s.io/component-base/version k8s.io/client-go/pkg/version; do
    flags+=" -X $package.gitVersion=v$version -X $package.gitTreeState=clean"
    flags+=" -X $package.gitMajor=${version%%.*} -X $package.gitMinor=$(cut -d. -f2 <<<"$version")"
  done
  is_kubernetes 31 || tags=(-tags before_1_31)
  # In a subshell: the others are built with a Go of today.
  (
    [ "$kube_module" = go.mod ] || use_toolchain "$kube_toolchain"
    go_build kube "$1/kube-programs" "$flags" "-modfile=$kube_module" "${tags[@]}"
  )
  for name in "${kube_programs[@]}"; do ln -s kube-programs "$1/$name"; done
}

build_etcd() { go_build etcd "$1/etcd" "-s -w"; }

build_dns() { go_build dns "$1/coredns" "-s -w"; }

# go_build FOLDER OUTPUT LINKER_FLAGS [FLAG...]: the package there, or $go_package
go_build() {
  local start folder=$1 output=$2 linker_flags=$3
  shift 3
  start=$(now_ms)
  prepare_go
  note "building $folder with $(go env GOVERSION); on two cores: kube up to 10 min, dns 2, helm 2, etcd 1"
  (cd "$here/go/$folder" && CGO_ENABLED=0 GOFLAGS=-mod=readonly go build -trimpath -buildvcs=false \
    -ldflags "$linker_flags" "$@" -o "$output" "${go_package:-.}" >&2)
  note "built $folder: $(du -m "$output" | cut -f1) MB in $(seconds_since "$start")"
}

# prepare_go: leaves `go` in PATH as one that is new enough for our go.mod files.
prepare_go() {
  local version
  find_go
  version=$(GOTOOLCHAIN=local go env GOVERSION)
  # One that was chosen stays, be it older.
  [ "$version" != "${chosen_toolchain:-}" ] || return 0
  ! is_at_least "$version" "go$GO_MINIMUM" || return 0
  use_toolchain "$GO_TOOLCHAIN"
}

find_go() {
  command -v go >/dev/null || PATH=$PATH:/usr/local/go/bin
  if ! command -v go >/dev/null; then need_packages golang-go; fi
}

# use_toolchain NAME: from now on `go` is this one, such as go1.22.12, in this shell.
use_toolchain() {
  local version
  find_go
  version=$(GOTOOLCHAIN=local go env GOVERSION)
  chosen_toolchain=$1
  if is_at_least "$version" go1.21; then
    # From 1.21 on, Go fetches another toolchain from the module proxy when told to.
    export GOTOOLCHAIN=$1
    go version >/dev/null || toolchain_missing "$1"
    return
  fi
  unpack_toolchain "$1"
}

toolchain_missing() {
  die "Go could not fetch the toolchain $1" \
    "install Go ${1#go} or newer, or let this machine reach a Go module proxy (GOPROXY)"
}

# An older Go knows nothing of toolchains, but they are modules like any other: fetched by name,
# their checksum proven by the sum database. Only the executable bits get lost on the way.
unpack_toolchain() {
  local toolchain="$cache/toolchain/$1" folder
  if [ ! -x "$toolchain/bin/go" ]; then
    note "fetching $1 as a Go module, since $(command -v go) knows no toolchains"
    folder=$(cd / && go mod download -json \
      "golang.org/toolchain@v0.0.1-$1.linux-$(architecture)" |
      sed -n 's/^\t"Dir": "\(.*\)",\{0,1\}$/\1/p')
    [ -n "$folder" ] || toolchain_missing "$1"
    mkdir -p "$cache/toolchain"
    rm -rf "$toolchain.new"
    cp -r "$folder" "$toolchain.new"
    chmod -R u+w "$toolchain.new"
    find "$toolchain.new/bin" "$toolchain.new/pkg/tool" -type f -exec chmod 755 {} +
    mv "$toolchain.new" "$toolchain"
  fi
  export PATH="$toolchain/bin:$PATH" GOTOOLCHAIN=local
  unset GOROOT
}

is_at_least() { printf '%s\n%s\n' "$2" "$1" | sort -V -C; }
