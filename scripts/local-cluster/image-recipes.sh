# shellcheck shell=bash
# What goes into each image but pause: key_IMAGE prints the hash of its ingredients, build_IMAGE
# makes its archive. Sourced after image-builder.sh.

product_version=$(jq -r .version "$repository/package.json")
agent_name=docker.io/redis-orchestrator/agent:$product_version
webhook_name=docker.io/redis-orchestrator/webhook:$product_version
stand_in="a stand-in made from Debian packages, because no image registry is reached"

# ---- our own ----------------------------------------------------------------------------------

key_agent() { key_of_ours agent; }
key_webhook() { key_of_ours webhook; }
build_agent() { build_ours agent "$agent_name"; }
build_webhook() { build_ours webhook "$webhook_name"; }

# bundles_of IMAGE: what its Dockerfile copies, as paths in the repository.
bundles_of() { sed -n 's|^COPY \(dist/[^ ]*\) .*|\1|p' "$repository/Dockerfile.$1"; }

key_of_ours() {
  local bundle files=()
  for bundle in $(bundles_of "$1"); do
    [ -f "$repository/$bundle" ] ||
      die "there is no $bundle for the image" "run first: npm ci && npm run build"
    files+=("$repository/$bundle")
  done
  hash_of "$repository/Dockerfile.$1" "${files[@]}" "$repository/package.json" \
    "$here/image-recipes.sh" "$here/image-builder.sh" "$here/versions.env" \
    <(echo "${BASE_IMAGE:-}")
}

build_ours() {
  local base=${BASE_IMAGE:-}
  [ -n "$base" ] || base=$(node_base)
  mkdir -p "$work/context/dist"
  (cd "$repository" && bundles_of "$1" | xargs cp -t "$work/context/dist")
  build_nameless "$repository/Dockerfile.$1" "$work/context" --build-arg "BASE_IMAGE=$base"
  archive_image "$1" "$(cat "$work/id")" "$2"
}

# node_base: prints the base image's name: the official one where a registry is reached, else one
# made of a stripped `node` and the few libraries that it links to.
node_base() {
  local name recipe
  recipe=$(declare -f make_node_base copy_libraries new_root | sha256sum | cut -c1-8)
  name="localhost/redis-orchestrator/node:$NODE_VERSION-$recipe"
  if own_buildah inspect --type image "$name" >/dev/null 2>&1; then
    echo "$name"
    return
  fi
  if [ "${RO_REGISTRY:-auto}" != no ] &&
    timeout 300 "${buildah_command[@]}" pull -q --policy always "$NODE_IMAGE" >/dev/null 2>&1; then
    echo "$NODE_IMAGE"
    return
  fi
  note "  base image: $stand_in"
  make_node_base "$name"
  echo "$name"
}

make_node_base() {
  local tree root="$work/node-root"
  tree=$(debian_tree bookworm libc6 libgcc-s1 libstdc++6 libatomic1 ca-certificates)
  new_root "$root"
  add_user "$root" nonroot 65532 /nonexistent
  strip -o "$work/node" "$(node_program)"
  install -D -m 755 "$work/node" "$root/usr/local/bin/node"
  copy_libraries "$tree" "$root/usr/local/bin/node" "$root"
  mkdir -p "$root/etc/ssl/certs"
  cat "$tree"/usr/share/ca-certificates/mozilla/*.crt >"$root/etc/ssl/certs/ca-certificates.crt"
  own_buildah build -q --isolation chroot -t "$1" -f "$here/images/Dockerfile.root" "$root" \
    >/dev/null
}

# node_program: the repository's own devDependency, else the npm package of that name.
node_program() {
  local program="$repository/node_modules/node/bin/node"
  if [ "$("$program" --version 2>/dev/null)" != "v$NODE_VERSION" ]; then
    program="$cache/node-$NODE_VERSION/node_modules/node/bin/node"
    [ -x "$program" ] || npm install --silent --no-save --prefix "$cache/node-$NODE_VERSION" \
      "node@$NODE_VERSION" >&2 ||
      die "npm could not install the package node@$NODE_VERSION" "run npm ci in $repository first"
  fi
  echo "$program"
}

# ---- stand-ins for public images --------------------------------------------------------------

key_redis() { recipe_key redis "$here"/images/redis/*; }
key_valkey() { recipe_key valkey "$here"/images/redis/*; }
key_bitnami() { recipe_key bitnami "$here"/images/bitnami/*; }

build_redis() {
  local names=(docker.io/library/redis:7.0 docker.io/library/redis:7)
  ! pull_image redis "${names[@]}" || return 0
  note "  ${names[*]}: $stand_in"
  server_root "$REDIS_7_SUITE" redis-server redis-tools
  server_scripts redis-server redis
  server_links redis redis-sentinel redis-check-aof redis-check-rdb
  finish_image redis "$here/images/Dockerfile.redis" "${names[@]}"
}

build_valkey() {
  local names=(docker.io/valkey/valkey:8) link
  ! pull_image valkey "${names[@]}" || return 0
  note "  ${names[*]}: $stand_in"
  server_root "$VALKEY_8_SUITE" valkey-server valkey-tools
  server_scripts valkey-server valkey
  server_links valkey valkey-sentinel valkey-check-aof valkey-check-rdb
  # As in the official image, the old names work too.
  for link in server cli benchmark sentinel check-aof check-rdb; do
    ln -s "valkey-$link" "$work/root/usr/local/bin/redis-$link"
  done
  finish_image valkey "$here/images/Dockerfile.valkey" "${names[@]}"
}

build_bitnami() {
  local names=(docker.io/bitnami/redis:7.0) root="$work/root" tree program
  ! pull_image bitnami "${names[@]}" || return 0
  note "  ${names[*]}: $stand_in"
  server_root "$REDIS_7_SUITE" redis-server redis-tools
  tree=$(server_tree "$REDIS_7_SUITE" redis-server redis-tools)
  mkdir -p "$root"/opt/bitnami/{scripts/redis,redis/{bin,etc,tmp}} "$root/bitnami/redis/data"
  for program in server cli benchmark; do
    copy_program "$tree" "/usr/bin/redis-$program" "$root" "/opt/bitnami/redis/bin/redis-$program"
  done
  rm -rf "$root"/usr/local/bin/redis-*
  install -m 755 "$here/images/bitnami/"*.sh "$root/opt/bitnami/scripts/redis/"
  # As in theirs: the group is root's, so that any user in that group may run it.
  chmod -R g+rwX "$root/opt/bitnami/redis" "$root/bitnami"
  chmod 777 "$root"/opt/bitnami/redis/{etc,tmp} "$root/bitnami/redis/data"
  finish_image bitnami "$here/images/Dockerfile.bitnami" "${names[@]}"
}

server_tree() { debian_tree "$1" "$2" "$3" dash bash util-linux; }

# server_root SUITE SERVER_PACKAGE TOOLS_PACKAGE: the server, its client, a shell and tools.
server_root() {
  local family=${2%-server} tree static root="$work/root" program applet
  tree=$(server_tree "$@")
  static=$(debian_tree bookworm busybox-static)
  new_root "$root"
  add_user "$root" "$family" 999 /data
  install -d -m 755 -o 999 -g 999 "$root/data"
  copy_program "$tree" "/usr/bin/$2" "$root" "/usr/local/lib/$2/$2"
  for program in cli benchmark; do
    copy_program "$tree" "/usr/bin/$family-$program" "$root" "/usr/local/bin/$family-$program"
  done
  # Not busybox's shell: that one prefers its own applets, and its setpriv cannot change the user.
  copy_program "$tree" /usr/bin/dash "$root"
  ln -s dash "$root/usr/bin/sh"
  copy_program "$tree" /usr/bin/bash "$root"
  copy_program "$tree" /usr/bin/setpriv "$root"
  copy_program "$static" /usr/bin/busybox "$root"
  for applet in $("$root/usr/bin/busybox" --list); do
    [ -e "$root/usr/bin/$applet" ] || ln -s busybox "$root/usr/bin/$applet"
  done
}

# server_scripts SERVER USER: the entrypoint, and the wrapper that is the server in PATH.
server_scripts() {
  local script
  for script in docker-entrypoint.sh server.sh; do
    sed "s/@SERVER@/$1/g; s/@USER@/$2/g" "$here/images/redis/$script" >"$work/script"
    case $script in
      server.sh) install -m 755 "$work/script" "$work/root/usr/local/bin/$1" ;;
      *) install -m 755 "$work/script" "$work/root/usr/local/bin/$script" ;;
    esac
  done
}

# server_links FAMILY NAME...: the server is these programs too, by the name that it is called by.
server_links() {
  local family=$1 name
  shift
  for name in "$@"; do
    ln -s "/usr/local/lib/$family-server/$family-server" "$work/root/usr/local/bin/$name"
  done
}
