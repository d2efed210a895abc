# shellcheck shell=bash
# Builds image archives into $cache/images with buildah: the cluster's pause image, our own two, and
# stand-ins for public images where no registry is reached. Sourced after debian.sh. Each archive
# has a key, the hash of all that it is made of: what has not changed is not built again.

images="$cache/images"
pause_name=localhost/pause:1
pause_archive="$images/pause.tar"

# The storage is our own, and vfs works in every container, where overlay may not.
own_buildah() { "${buildah_command[@]}" "$@"; }
buildah_command=(buildah --root "$cache/buildah/storage" --runroot "$cache/buildah/run"
  --storage-driver vfs)

ensure_pause() { ensure_image pause; }

# ensure_image IMAGE: builds the archive unless one with the same key is there.
ensure_image() {
  local image=$1 key
  mkdir -p "$images"
  key=$("key_$image")
  ! is_built "$image" "$key" || return 0
  need_packages buildah binutils
  (
    lock images
    ! is_built "$image" "$key" || exit 0
    work=$(mktemp -d "$images/.work-XXXXXX")
    trap 'rm -rf "$work"' EXIT
    step "image $image" "build_$image"
    echo "$key" >"$images/$image.key"
  )
}

is_built() { [ -f "$images/$1.tar" ] && [ "$(cat "$images/$1.key" 2>/dev/null)" = "$2" ]; }

hash_of() { sha256sum "$@" | cut -d' ' -f1 | sha256sum | cut -c1-24; }

# recipe_key IMAGE FILE...
recipe_key() {
  hash_of "$here"/{debian,image-builder,image-recipes}.sh "$here/versions.env" \
    "$here/images/Dockerfile.$1" "${@:2}"
}

# root_image: the prepared tree $work/root as an image; prints nothing, its name is fixed.
root_image_name=localhost/redis-orchestrator/root:building
root_image() {
  own_buildah build -q --isolation chroot -t "$root_image_name" \
    -f "$here/images/Dockerfile.root" "$work/root" >/dev/null
}

# finish_image IMAGE DOCKERFILE NAME...: builds on the root image and writes the archive.
finish_image() {
  local image=$1 dockerfile=$2
  shift 2
  root_image
  build_nameless "$dockerfile" "$work" --build-arg "ROOT_IMAGE=$root_image_name"
  archive_image "$image" "$(cat "$work/id")" "$@"
}

# build_nameless DOCKERFILE CONTEXT FLAG...: leaves the image's id in $work/id. Without a name in
# buildah's storage, because it would get into the archive; and a later pull of a public name would
# take a stand-in for the real one.
build_nameless() {
  own_buildah build -q --isolation chroot --iidfile "$work/id" -f "$1" "${@:3}" "$2" >/dev/null
}

# archive_image IMAGE ID NAME...: a docker archive, since docker, kind, minikube and containerd all
# read it.
archive_image() {
  local image=$1 id=$2 file="$work/$1.tar"
  shift 2
  own_buildah push -q "$id" "docker-archive:$file:$1"
  [ $# -eq 1 ] || add_names "$file" "$@"
  mv "$file" "$images/$image.tar"
  note "  $1: $(du -m --apparent-size "$images/$image.tar" | cut -f1) MB"
  # What lost its name by this build would pile up.
  own_buildah rmi --prune >/dev/null 2>&1 || true
}

# add_names ARCHIVE NAME...: buildah writes one name, but an image may have several. By unpacking:
# tar --delete damages the members before the one that it takes away.
add_names() {
  local file=$1 names
  shift
  names=$(printf '%s\n' "$@" | jq -R . | jq -cs .)
  mkdir "$work/archive"
  tar -xf "$file" -C "$work/archive"
  jq -c --argjson names "$names" '.[0].RepoTags = $names' "$work/archive/manifest.json" \
    >"$work/manifest.json"
  install -m 444 "$work/manifest.json" "$work/archive/manifest.json"
  find "$work/archive" -mindepth 1 -maxdepth 1 -printf '%f\0' |
    tar -cf "$file" -C "$work/archive" --null --files-from -
}

# pull_image IMAGE NAME...: the real image, where a registry is reached. RO_REGISTRY=no: do not try.
pull_image() {
  local image=$1
  shift
  [ "${RO_REGISTRY:-auto}" != no ] || return 1
  timeout 120 "${buildah_command[@]}" pull -q --policy always "$1" >/dev/null 2>&1 || return 1
  archive_image "$image" "$1" "$@"
}

# ---- pause ------------------------------------------------------------------------------------

key_pause() { recipe_key pause; }

build_pause() {
  local tree
  tree=$(debian_tree bookworm catatonit)
  new_root "$work/root"
  copy_program "$tree" /usr/bin/catatonit "$work/root"
  finish_image pause "$here/images/Dockerfile.pause" "$pause_name"
}
