# shellcheck shell=bash
# Kills the master's Redis while a client writes through the Service, and measures until the first
# write that another master acknowledged. Sourced by scripts/demo.

# The client, inside of a replica's pod: five writers, a little apart, so that one whose connection
# hangs does not hide an answer that another gets. Which server answered is told by its run id, in
# the same connection as the write. Each ends at the first answer of a new master, or after three minutes.
# shellcheck disable=SC2016 # expanded in the pod
writer='
  client=$1 service=$2 old=$3 number=0 end=$(($(date +%s) + 180))
  writer() {
    tries=0 seen=
    while [ "$(date +%s)" -lt "$end" ]; do
      tries=$((tries + 1))
      answer=$(printf "SET demo:writer %s\nINFO server\n" "$tries" |
        timeout 2 "$client" -h "$service" 2>/dev/null)
      case $answer in
        OK*run_id:*)
          id=${answer#*run_id:}
          id=${id%%[!0-9a-f]*}
          [ "$id" = "$old" ] || { echo "new $id"; return; }
          [ -n "$seen" ] || echo old
          seen=yes ;;
      esac
      sleep 0.05
    done
  }
  while [ $number -lt 5 ]; do
    number=$((number + 1))
    writer &
    sleep 0.07
  done
  wait'

kill_and_watch() {
  local old_id new_id killed_at answered_at line
  old_id=$(run_id "$master")
  kn exec "$replica" --container "$product" -- \
    sh -c "$writer" writer "$product-cli" "$product" "$old_id" >"$work/writes" 2>"$work/error" &
  writer_pid=$!
  wait_until 60 grep -q old "$work/writes" || {
    tell_load
    die "the writing client in $replica gets no answer: $(sort -u "$work/error" | tail -n 2)" \
      "run $again again"
  }
  tell "a client in $replica writes through the Service; the master is $master"
  killed_at=$(now_ms)
  kill_redis "$master"
  tell "$killed_how"
  wait_until 120 grep -q new "$work/writes" || failover_missing
  answered_at=$(now_ms)
  read -r _ new_id < <(grep new "$work/writes")
  wait "$writer_pid" || true
  writer_pid=''
  find_pod_by_run_id "$new_id"
  new_master_seconds=$(awk -v a="$killed_at" -v b="$answered_at" \
    'BEGIN { printf "%.2f", (b - a) / 1000 }')
  tell "new master: $found_pod; first write acknowledged $new_master_seconds s after the kill"
  old_master=$master
  wait_until_whole
  master=$(names_with_role master)
  replica=$(names_with_role replica | head -n 1)
  line=$(cli "$replica" GET demo:greeting) || true
  tell "the replica $replica still answers: demo:greeting is \"$line\""
  told "$old_master is back as a replica: $(pods_told)"
}

run_id() { cli "$1" INFO server | tr -d '\r' | sed -n 's/^run_id://p'; }

find_pod_by_run_id() {
  for found_pod in $(pod_names); do
    [ "$(run_id "$found_pod" || true)" != "$1" ] || return 0
  done
  found_pod="(not found any more)"
}

# A program cannot be killed from inside of its container, where it is process 1: the kernel drops
# the signal. On this machine's own cluster it is killed from outside, like a crash. Elsewhere it is
# told to end at once, saving nothing and waiting for nobody: to all others that looks the same.
kill_redis() {
  local container pid
  if [ -n "$local_cluster" ]; then
    container=$(awk -v pod="$1" '$1 == pod { print $4 }' "$work/pods")
    container=${container#*://}
    for pid in $(process_of_container "$container"); do
      if kill -KILL "$pid" 2>/dev/null; then
        killed_how="kill -KILL of process $pid, the $product-server of $1"
        return
      fi
    done
  fi
  # Before 7.0 there is no NOW.
  cli "$1" SHUTDOWN NOSAVE NOW FORCE >"$work/answer" || true
  if grep -q ERR "$work/answer"; then cli "$1" SHUTDOWN NOSAVE >"$work/answer" || true; fi
  killed_how="$product-cli SHUTDOWN NOSAVE NOW in $1 (a signal from inside would be dropped)"
}

# The containers of a local cluster are processes of this machine: found by their cgroup.
process_of_container() {
  local file pid
  { grep -lsF -- "$1" /proc/[0-9]*/cgroup || true; } | while read -r file; do
    pid=${file#/proc/}
    pid=${pid%/cgroup}
    case $(cat "/proc/$pid/comm" 2>/dev/null) in
      redis-server* | valkey-server*) echo "$pid" ;;
    esac
  done
}

failover_missing() {
  kn get pods -L redis-role >&2
  local pod
  for pod in $(pod_names); do
    note "the agent of $pod:"
    kn logs "$pod" --container redis-orchestrator --tail=5 >&2 || true
  done
  tell_load
  die "no new master within two minutes" "see above; then run $again again"
}

note_end() {
  local told
  told="$(kubectl_told) -n $namespace"
  printf '\ndone in %s: %s took over within %s s. All goes on running. To look further:\n' \
    "$(seconds_since "$run_start")" "$master" "$new_master_seconds"
  [ -z "$local_cluster" ] || [ -n "$context" ] ||
    printf '  eval "$(scripts/cluster env --name %s)"\n' "$local_cluster"
  cat <<TEXT
  npx redis-orchestrator status $product -n $namespace${context:+ --context $context}      # who leads, who is next; also: switchover, history, ui, check
  $told get pods -L redis-role --watch
  $told logs $master -c redis-orchestrator --follow
  $told get events
  $told exec $replica -c $product -- $product-cli -h $product INFO replication
  $told delete pod $master          # the next failover
to end it: $again --down
TEXT
}
