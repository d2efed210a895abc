# shellcheck shell=bash
# Progress for people: numbered stages, each with its time. Sourced after local-cluster/lib.sh.

stage_number=0 stage_count=0 stage_start=0 run_start=$(now_ms)

# stage WHAT: begins one.
stage() {
  stage_number=$((stage_number + 1))
  stage_start=$(now_ms)
  printf '[%2d/%d] %s\n' "$stage_number" "$stage_count" "$1"
}

# told RESULT: ends it, with its time and what came of it.
told() { printf '        %s (%s)\n' "$1" "$(seconds_since "$stage_start")"; }

# tell LINE: something to see within a stage.
tell() { printf '        %s\n' "$1"; }

# tell_load: to be said where a time limit was missed: on a machine that does too much else, every
# part of a cluster is late.
tell_load() {
  local load cores
  [ -r /proc/loadavg ] || return 0
  load=$(cut -d. -f1 /proc/loadavg)
  cores=$(nproc)
  [ "$load" -le $((cores * 4)) ] ||
    note "this machine is overloaded: load $load on $cores cores; that alone explains missed limits"
}
