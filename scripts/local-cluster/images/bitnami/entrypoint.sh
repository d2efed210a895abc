#!/bin/bash
# Stand-in for Bitnami's entrypoint: it writes the configuration from the environment, then runs
# the command. Known: REDIS_PASSWORD, REDIS_PASSWORD_FILE, ALLOW_EMPTY_PASSWORD, REDIS_PORT_NUMBER,
# REDIS_AOF_ENABLED, and REDIS_EXTRA_FLAGS (in run.sh). Not known: replication, Sentinel, TLS.
set -euo pipefail

configure() {
  local password=${REDIS_PASSWORD:-}
  if [ -n "${REDIS_PASSWORD_FILE:-}" ]; then password=$(cat "$REDIS_PASSWORD_FILE"); fi
  if [ -z "$password" ] && [ "${ALLOW_EMPTY_PASSWORD:-no}" != yes ]; then
    echo "REDIS_PASSWORD is empty; set it, or ALLOW_EMPTY_PASSWORD=yes for a test" >&2
    exit 1
  fi
  cat >/opt/bitnami/redis/etc/redis.conf <<CONFIG
bind 0.0.0.0 -::*
port ${REDIS_PORT_NUMBER:-6379}
dir /bitnami/redis/data
pidfile /opt/bitnami/redis/tmp/redis.pid
appendonly ${REDIS_AOF_ENABLED:-yes}
CONFIG
  if [ -n "$password" ]; then
    printf 'requirepass "%s"\nmasterauth "%s"\n' "$password" "$password"
  else
    echo 'protected-mode no'
  fi >>/opt/bitnami/redis/etc/redis.conf
}

case "$*" in
  */redis/run.sh*) configure ;;
esac
exec "$@"
