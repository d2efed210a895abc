# shellcheck shell=bash
# Redis and Valkey servers that run on this machine itself, for tests without containers. Sourced
# after debian.sh.

command_servers() {
  local server
  [ $# -gt 0 ] || set -- redis-7.0 valkey-8.1
  for server in "$@"; do
    case $server in
      redis-6.0) ensure_server "$server" "$REDIS_6_SUITE" redis-server redis-tools ;;
      redis-7.0) ensure_server "$server" "$REDIS_7_SUITE" redis-server redis-tools ;;
      redis-8.0) ensure_server "$server" "$REDIS_8_SUITE" redis-server redis-tools ;;
      valkey-8.1) ensure_server "$server" "$VALKEY_8_SUITE" valkey-server valkey-tools ;;
      valkey-9) ensure_server "$server" "$VALKEY_9_SUITE" valkey-server valkey-tools ;;
      *) die "the server '$server' is not known" "see scripts/images --help" ;;
    esac
    echo "$server $cache/redis/$server"
  done
}

# ensure_server NAME SUITE SERVER_PACKAGE TOOLS_PACKAGE: a folder with bin/ of small starters, which
# run the packages' programs by these packages' own loader and libraries, whatever this machine has.
ensure_server() {
  local folder="$cache/redis/$1" family=${3%-server} tree loader libraries program version
  # The starters name the tree: both must be there.
  if [ -x "$folder/bin/$3" ] && "$folder/bin/$3" --version >/dev/null 2>&1; then return 0; fi
  tree=$(debian_tree "$2" "$3" "$4")
  loader=$(loader_of "$tree")
  libraries=$(library_path "$tree")
  (
    lock "server-$1"
    rm -rf "$folder.new"
    mkdir -p "$folder.new/bin"
    for program in server cli benchmark; do
      starter "$folder.new/bin/$family-$program" "$loader" "$libraries" "$tree/usr/bin/$family-$program"
      [ "$family" = redis ] || ln -s "$family-$program" "$folder.new/bin/redis-$program"
    done
    version=$("$folder.new/bin/$3" --version)
    case $version in
      *"v=${1#*-}."*) ;;
      *) die "Debian $2 has not $1 but: $version" "correct the suites in versions.env" ;;
    esac
    rm -rf "$folder"
    mv "$folder.new" "$folder"
  )
}

# starter FILE LOADER LIBRARIES PROGRAM: runs a program of a tree by that tree's own loader and libraries.
starter() {
  printf '#!/bin/sh\nexec %q --library-path %q %q "$@"\n' "$2" "$3" "$4" >"$1"
  chmod 755 "$1"
}
