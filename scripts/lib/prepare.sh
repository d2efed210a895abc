# shellcheck shell=bash
# What scripts/demo and scripts/test need before they begin: Node, node_modules, the bundles.
# Sourced after local-cluster/lib.sh. Each makes what is missing and touches nothing that is there;
# a lock per checkout keeps runs side by side apart.

NODE_MAJOR_MIN=20

checkout_lock() { echo "$1-$(sha256sum <<<"$repository" | cut -c1-12)"; }

need_node() {
  local version
  if ! command -v node >/dev/null || ! command -v npm >/dev/null; then
    die "node or npm is missing; Node $NODE_MAJOR_MIN or newer is needed" \
      "install it from nodejs.org or as your system does it, then run this again"
  fi
  version=$(node --version)
  version=${version#v}
  [ "${version%%.*}" -ge "$NODE_MAJOR_MIN" ] ||
    die "node is $version; $NODE_MAJOR_MIN or newer is needed" "install a newer Node"
}

# need_node_modules: npm ci, unless node_modules is what package-lock.json says.
need_node_modules() {
  ! are_node_modules_right || return 0
  (
    lock "$(checkout_lock npm)"
    ! are_node_modules_right || exit 0
    note "installing node_modules (npm ci)"
    cd "$repository"
    npm ci --no-audit --no-fund --loglevel=error >&2 ||
      die "npm ci failed" "see npm's message above; is the npm registry reached?"
  )
  are_node_modules_right || die "node_modules is incomplete after npm ci" \
    "remove node_modules and run this again; are npm's install scripts switched off?"
}

# npm writes node_modules/.package-lock.json at the very end: an interrupted npm ci has none.
are_node_modules_right() {
  [ -x "$repository/node_modules/node/bin/node" ] &&
    node "$repository/scripts/lib/installed.mjs" "$repository"
}

# need_bundles: npm run build, unless dist/ was made of these very sources.
need_bundles() {
  (
    lock "$(checkout_lock build)"
    cd "$repository"
    ! are_bundles_right || exit 0
    npm run --silent build >&2 || die "npm run build failed" "see its message above"
    hash_sources >dist/.sources
  )
}

are_bundles_right() {
  [ -f dist/agent.mjs ] && [ -f dist/webhook.mjs ] && [ -f dist/redis-orchestrator.mjs ] &&
    [ "$(cat dist/.sources 2>/dev/null)" = "$(hash_sources)" ] &&
    [ ! dist/agent.mjs -nt dist/.sources ] && [ ! dist/webhook.mjs -nt dist/.sources ] &&
    [ ! dist/redis-orchestrator.mjs -nt dist/.sources ] &&
    # The tests take the bundle only where it is no older than the sources.
    [ -z "$(find agent cli src webhook -name '*.ts' -newer dist/agent.mjs -print -quit)" ]
}

hash_sources() {
  local sources=(agent webhook src scripts/build.mjs package.json package-lock.json)
  [ ! -d cli ] || sources+=(cli)
  find "${sources[@]}" -type f -print0 |
    LC_ALL=C sort -z | xargs -0 sha256sum | sha256sum | cut -c1-24
}
