# shellcheck shell=bash
# What every script of the local cluster shares: where things are, messages, locks, Debian packages.
# Sourced. Messages go to stderr, so that stdout is free for answers (a path, `env` lines).

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
repository=$(cd "$here/../.." && pwd)
cache=${RO_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/redis-orchestrator}
# shellcheck source=scripts/local-cluster/versions.env
. "$here/versions.env"

note() { printf '%s\n' "$*" >&2; }

# die WHAT REMEDY: every error says what to do about it.
die() {
  printf 'error: %s\n' "$1" >&2
  [ $# -lt 2 ] || printf '  what to do: %s\n' "$2" >&2
  exit 1
}

now_ms() { date +%s%3N; }

seconds_since() { awk -v a="$1" -v b="$(now_ms)" 'BEGIN { printf "%.1f s", (b - a) / 1000 }'; }

# step WHAT COMMAND...: runs it and says how long it took. Never call it in a condition: bash would
# then go on after a failure inside of it.
step() {
  local what=$1 start
  shift
  start=$(now_ms)
  "$@"
  note "$(printf '%-52s %s' "$what" "$(seconds_since "$start")")"
}

# lock NAME|/PATH: waits until no other run holds it; released when this shell ends. Whoever starts
# a process that outlives this shell must close the descriptor in it (see processes.sh).
lock() {
  local file fd
  case $1 in
    /*) file=$1 ;;
    *) file=$cache/locks/$1 ;;
  esac
  mkdir -p "${file%/*}"
  exec {fd}>"$file"
  flock -n "$fd" && return
  note "waiting for another run, which holds $file"
  flock "$fd"
}

# wait_until SECONDS COMMAND...: polls a condition, with a bound.
wait_until() {
  local deadline=$(($(now_ms) + $1 * 1000))
  shift
  until "$@" >/dev/null 2>&1; do
    [ "$(now_ms)" -lt "$deadline" ] || return 1
    sleep 0.02
  done
}

architecture() {
  case $(uname -m) in
    x86_64) echo amd64 ;;
    aarch64) echo arm64 ;;
    *) die "this machine's processor is $(uname -m); only x86_64 and aarch64 are known" \
      "use a cluster that exists: scripts/demo --context NAME" ;;
  esac
}

# need_packages PACKAGE...: installs what is missing of them (Debian only, as root).
need_packages() {
  local missing=() package
  if ! command -v dpkg-query >/dev/null || ! command -v apt-get >/dev/null; then
    die "this machine is not a Debian; needed are its packages: $*" \
      "use a cluster that exists (kind, minikube, any): scripts/demo --context NAME"
  fi
  for package in "$@"; do
    [ "$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null)" = installed ] ||
      missing+=("$package")
  done
  [ ${#missing[@]} -gt 0 ] || return 0
  [ "$(id -u)" = 0 ] || die "these Debian packages are missing: ${missing[*]}" \
    "run as root, or: sudo apt-get install --no-install-recommends ${missing[*]}"
  note "installing Debian packages: ${missing[*]}"
  lock apt
  install_packages "${missing[@]}" && return
  note "the package lists may be old: apt-get update, then once more"
  apt-get update -qq >&2
  install_packages "${missing[@]}" || die "apt-get could not install: ${missing[*]}" \
    "see its message above; with another apt running, wait for it and try again"
}

install_packages() {
  DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends \
    -o DPkg::Lock::Timeout=300 -o Dpkg::Use-Pty=0 "$@" >/dev/null
}
