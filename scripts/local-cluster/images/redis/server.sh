#!/bin/sh
# The official image is compiled with `protected-mode no` as its default; Debian's binary is not.
# This adds it where neither the arguments nor the configuration file say anything about it.
real=/usr/local/lib/@SERVER@/@SERVER@

case ${1:-} in
  -v | --version | -h | --help | --test-memory | --check-system | -) exec "$real" "$@" ;;
esac
for argument in "$@"; do
  case $argument in
    --protected-mode*) exec "$real" "$@" ;;
  esac
done
case ${1:-} in
  '' | -*) ;;
  *) ! grep -qiE '^[[:space:]]*"?protected-mode' "$1" 2>/dev/null || exec "$real" "$@" ;;
esac
exec "$real" "$@" --protected-mode no
