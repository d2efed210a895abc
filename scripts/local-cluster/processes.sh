# shellcheck shell=bash
# Long-running processes of one cluster: started detached, found again by pid *and* start time, so
# that a pid which the system gave to somebody else meanwhile is never taken for ours. Sourced after
# lib.sh; needs $cluster, the cluster's folder.

# start_process NAME COMMAND...: its output goes to log/NAME.log; the previous log is kept once.
start_process() {
  local name=$1 log="$cluster/log/$1.log" fd self
  shift
  mkdir -p "$cluster/log" "$cluster/run"
  [ ! -f "$log" ] || mv -f "$log" "$log.previous"
  rm -f "$cluster/run/$name.pid"
  (
    # It notes its own pid before it becomes the program: whenever this run is interrupted, no
    # program is left that nobody knows of.
    self=$BASHPID
    echo "$self $(start_time "$self")" >"$cluster/run/$name.new"
    mv "$cluster/run/$name.new" "$cluster/run/$name.pid"
    # Neither the caller's pipes (it may wait for their end) nor our locks may live on in it.
    for fd in "/proc/$self/fd/"*; do
      fd=${fd##*/}
      [ "$fd" -le 2 ] || eval "exec $fd>&-"
    done
    exec setsid "$@" </dev/null >"$log" 2>&1
  ) &
  disown $!
  wait_until 10 test -f "$cluster/run/$name.pid" ||
    die "$name could not be started" "is the disk full? See $cluster/run"
}

# start_time PID: in clock ticks since boot; nothing for a process that has ended. A zombie that
# nobody has reaped yet has ended too, though `kill -0` says otherwise.
start_time() {
  local stat fields
  stat=$(cat "/proc/$1/stat" 2>/dev/null) || return 0
  read -ra fields <<<"${stat##*) }" # the name before it may hold spaces
  case ${fields[0]} in
    Z | X) ;;
    *) echo "${fields[19]}" ;;
  esac
}

# process_id NAME: its pid, or failure when it does not live.
process_id() {
  local pid started
  read -r pid started 2>/dev/null <"$cluster/run/$1.pid" || return 1
  [ -n "${started:-}" ] && [ "$(start_time "$pid")" = "$started" ] && echo "$pid"
}

is_alive() { process_id "$1" >/dev/null; }

# start_unless_alive NAME COMMAND...
start_unless_alive() {
  ! is_alive "$1" || return 0
  [ ! -f "$cluster/run/$1.pid" ] || note "$1 had ended; it is started again (log/$1.log.previous)"
  start_process "$@"
}

# wait_for_process NAME SECONDS COMMAND...: until the command succeeds; an error with the end of its
# log when the process ends before.
wait_for_process() {
  local name=$1 deadline
  deadline=$(($(now_ms) + $2 * 1000))
  shift 2
  until "$@" >/dev/null 2>&1; do
    if ! is_alive "$name"; then
      tail -n 8 "$cluster/log/$name.log" >&2
      die "$name ended while starting" "read the lines above and $cluster/log/$name.log"
    fi
    [ "$(now_ms)" -lt "$deadline" ] ||
      die "$name does not answer in time" "read $cluster/log/$name.log"
    sleep 0.1
  done
}

# stop_processes NAME...: all at once. Kindly at first, but not for long: what they would still tidy
# up is about to be removed.
stop_processes() {
  local name pid deadline
  for name in "$@"; do
    if pid=$(process_id "$name"); then kill "$pid" 2>/dev/null || true; fi
  done
  deadline=$(($(now_ms) + 1500))
  for name in "$@"; do
    while pid=$(process_id "$name"); do
      if [ "$(now_ms)" -gt "$deadline" ]; then kill -9 "$pid" 2>/dev/null || true; fi
      sleep 0.05
    done
    rm -f "$cluster/run/$name.pid"
  done
}
