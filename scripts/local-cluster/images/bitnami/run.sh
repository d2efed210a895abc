#!/bin/bash
# Stand-in for Bitnami's run.sh: the server in the foreground, with REDIS_EXTRA_FLAGS and arguments.
set -euo pipefail
read -ra extra_flags <<<"${REDIS_EXTRA_FLAGS:-}"
exec redis-server /opt/bitnami/redis/etc/redis.conf --daemonize no "${extra_flags[@]}" "$@"
