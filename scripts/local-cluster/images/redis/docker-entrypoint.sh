#!/bin/sh
# Stand-in for the official image's entrypoint: flags or a configuration alone mean the server, and
# a server started as root gives itself the data and steps down to its own user.
set -e

server=@SERVER@
user=@USER@

case ${1:-} in
  -* | *.conf) set -- "$server" "$@" ;;
esac

if [ "$1" = "$server" ] && [ "$(id -u)" = 0 ]; then
  find . ! -user "$user" -exec chown "$user" {} +
  exec setpriv --reuid="$user" --regid="$user" --clear-groups -- "$0" "$@"
fi

# New files are the server's own business, unless somebody has said otherwise.
[ "$(umask)" != 0022 ] || umask 0077
exec "$@"
