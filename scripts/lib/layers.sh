# shellcheck shell=bash
# Runs the layers of scripts/test and counts. Sourced by it.
#
# Invariant: the closing line tells the truth. A check is one test; a layer of tests is counted from
# its TAP by tap-count.mjs; and a layer that fails in any other way (it cannot start, it runs out of
# time, it has no tests) adds one failed.

passed=0 failed=0 skipped=0
is_through='' layer_process='' table=()
run_start=$(now_ms)

# An interrupt is heard while a layer's output goes elsewhere: what the run itself says has its own.
start_run() {
  exec 3>&1 4>&2
  if [ -n "${RO_TEST_LOGS:-}" ]; then
    logs=$RO_TEST_LOGS
    mkdir -p "$logs"
  else
    logs=$(mktemp -d "${TMPDIR:-/tmp}/redis-orchestrator-test.XXXXXX")
  fi
}

# obtain_basics: what every layer needs.
obtain_basics() {
  need_node
  need_node_modules
  need_bundles
}

# limit_of LAYER: minutes. Together with a cold build of the programs they stay under CI's 75.
limit_of() {
  case $1 in
    unit | ui) echo 6 ;;
    redis | kube | monitoring) echo 10 ;;
    # On a slow day 14 minutes were seen of each: 137 schedules a second, and faults beside little CPU.
    chaos | sim) echo 20 ;;
    e2e) echo 35 ;;
    *) echo 4 ;;
  esac
}

run_layer() {
  local layer=$1 script result log="$logs/$1.log" start
  start=$(now_ms)
  counts=(0 0 0) # passed, failed, skipped
  case $layer in
    format | lint | types | dead) script=check:$layer ;;
    *) script=test:$layer ;;
  esac
  printf '%s\n' "$layer"
  : >"$log"
  if result=$(why_not "$layer" "$script"); then
    case $result in
      'no tests yet'*) ;;
      *) counts=(0 0 1) ;;
    esac
    printf '    NOT RUN: %s\n' "$result"
  elif ! obtain_for "$layer"; then
    counts=(0 1 0)
    result="what it needs could not be obtained"
    printf '    FAILED: %s\n' "$result"
  elif [[ $script = check:* ]]; then
    run_check "$script" "$log"
  else
    run_tests "$layer" "$script" "$log"
  fi
  passed=$((passed + counts[0]))
  failed=$((failed + counts[1]))
  skipped=$((skipped + counts[2]))
  [ "${counts[1]}" -eq 0 ] || show_log "$layer"
  table+=("$(printf '%-8s %7s %7s %8s %10s  %s' "$layer" "${counts[@]}" \
    "$(seconds_since "$start")" "$result")")
}

# why_not LAYER SCRIPT: succeeds, with the reason, when the layer cannot run here.
why_not() {
  local has
  has=$(node -p 'String(require("./package.json").scripts[process.argv[1]] !== undefined)' "$2")
  if [ "$has" != true ]; then
    echo "no tests yet: package.json has no script $2"
  elif [[ $2 = test:* ]] && ! compgen -G "test/$1/*.test.ts" >/dev/null; then
    echo "no tests yet: there is no test/$1/*.test.ts"
  elif [ "$1" = e2e ] && [ "$(id -u)" != 0 ]; then
    echo "a cluster on this machine needs root; run: sudo scripts/test e2e"
  elif [ "$1" = e2e ] && ! command -v apt-get >/dev/null; then
    echo "a cluster on this machine needs a Debian; run scripts/test e2e on one (a container will do)"
  else
    return 1
  fi
}

# obtain_for LAYER: servers and programs, and PATH for them. In subshells, so that a failure is this
# layer's and not the run's; said live and kept in the layer's log.
obtain_for() {
  case $1 in
    unit) obtain_shells ;;
    redis) obtain_servers && obtain_programs ;;
    kube) obtain_servers && obtain_programs && obtain_link_tools && obtain_helms ;;
    chaos) obtain_servers && obtain_programs && obtain_link_tools ;;
    monitoring) obtain_servers && obtain_programs && obtain_link_tools && obtain_prometheus ;;
    ui) obtain_servers && obtain_programs && obtain_link_tools && obtain_browser ;;
    e2e) obtain_programs && obtain_helms && obtain_prometheus ;;
  esac
}

obtain_servers() {
  local folder
  [ -z "${RO_REDIS_SERVER:-}" ] || return 0
  "$scripts/images" servers redis-7.0 >"$logs/servers" 2> >(indent_to "$log") || return 1
  read -r _ folder <"$logs/servers"
  export RO_REDIS_SERVER="$folder/bin/redis-server" PATH="$folder/bin:$PATH"
}

# obtain_link_tools: pods have network namespaces of their own there, whose links are cut.
obtain_link_tools() {
  local tool
  if [ "$(id -u)" != 0 ]; then
    note "without root the tests that cut links are skipped; run: sudo scripts/test"
    return 0
  fi
  for tool in ip tc nft nsenter unshare; do
    command -v "$tool" >/dev/null || (need_packages iproute2 nftables util-linux) || return 1
  done 2> >(indent_to "$log")
}

# obtain_shells: their completion is tried in each; without them those tests are skipped.
obtain_shells() {
  if command -v zsh >/dev/null && command -v fish >/dev/null; then return 0; fi
  if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null; then
    note "without zsh and fish their completion is not tested; install both, then run: scripts/test unit"
    return 0
  fi
  (need_packages zsh fish) 2> >(indent_to "$log")
}

obtain_prometheus() {
  # The tests ask scripts/images for the folder themselves; here it is only filled.
  "$scripts/images" prometheus >/dev/null 2> >(indent_to "$log")
}

obtain_browser() {
  [ -z "${RO_CHROMIUM:-}" ] || return 0
  RO_CHROMIUM=$("$scripts/images" browser 2> >(indent_to "$log" >&2)) || return 1
  export RO_CHROMIUM
}

obtain_programs() {
  # The tests ask scripts/cluster for the folder themselves; here it is only filled.
  "$scripts/cluster" programs all >/dev/null 2> >(indent_to "$log")
}

# obtain_helms: the chart is installed by both.
obtain_helms() {
  local major
  for major in 3 4; do
    "$scripts/helm" "$major" >/dev/null 2> >(indent_to "$log") || return 1
  done
}

indent_to() { tee -a "$1" | sed 's/^/    /'; }

run_check() {
  local code=0
  in_time "${1#check:}" npm run --silent "$1" >"$2" 2>&1 || code=$?
  if [ "$code" -eq 0 ]; then counts=(1 0 0); else counts=(0 1 0); fi
  result=$(ending "$code")
}

run_tests() {
  local layer=$1 script=$2 log=$3 code=0 file="$logs/$1.counts" jobs=()
  rm -f "$file"
  case $layer in
    unit) jobs=(-- --reporter=tap --jobs=2) ;;
    redis | kube) jobs=(-- --reporter=tap "--jobs=${RO_TEST_JOBS:-2}") ;;
    # These measure time: package.json says how many files at once.
    sim | ui | monitoring) jobs=(-- --reporter=tap) ;;
    chaos) jobs=(-- --reporter=tap ${RO_TEST_JOBS:+"--jobs=$RO_TEST_JOBS"}) ;;
    e2e) ;; # test/e2e/run.ts brings up a cluster, runs tap on it and takes it down
  esac
  in_time "$layer" npm run --silent "$script" "${jobs[@]}" \
    > >(node "$scripts/lib/tap-count.mjs" "$logs/$layer.tap" "$file") 2>>"$log" || code=$?
  wait_until 30 test -s "$file" || true
  read -ra counts <"$file" || counts=(0 1 0)
  result=$(ending "$code")
  if [ "$code" -ne 0 ] && [ "${counts[1]}" -eq 0 ]; then counts[1]=1; fi
  if [ $((counts[0] + counts[1] + counts[2])) -eq 0 ]; then
    counts[1]=1
    result="no test ran"
  fi
}

# in_time LAYER COMMAND...: in the background, so that an interrupt is heard at once.
in_time() {
  local limit
  limit=$(limit_of "$1")
  shift
  timeout --kill-after=90 "${limit}m" "$@" </dev/null &
  layer_process=$!
  local code=0
  wait "$layer_process" || code=$?
  layer_process=''
  return "$code"
}

ending() {
  case $1 in
    0) ;;
    124 | 137) echo "ran out of its $(limit_of "$layer") minutes" ;;
    *) [ "${counts[1]}" -gt 0 ] || echo "ended with code $1" ;;
  esac
}

# show_log LAYER: of a failed layer the failing points; and the last of what it said beside TAP.
show_log() {
  local tap="$logs/$1.tap" log="$logs/$1.log"
  if [ -f "$tap" ]; then
    node "$scripts/lib/tap-failures.mjs" <"$tap" | head -n 80 | sed 's/^/    | /' || true
    printf '    the whole: %s\n' "$tap"
  fi
  [ -s "$log" ] || return 0
  tail -n 30 "$log" | sed 's/^/    | /'
  printf '    the whole: %s\n' "$log"
}

# name_failures: once more at the end, a line each: whoever reads a long log reads its end.
name_failures() {
  local layer tap
  for layer in "${layers[@]}"; do
    tap="${logs:-}/$layer.tap"
    [ ! -f "$tap" ] || node "$scripts/lib/tap-failures.mjs" <"$tap"
  done | sed -n 's/^not ok: //p' | cut -c 1-240 | head -n 30 | sed 's/^/failed: /' || true
}

interrupt_run() {
  trap '' INT TERM HUP
  exec 1>&3 2>&4
  note "interrupted"
  if [ -n "$layer_process" ]; then
    # timeout passes it on to all below it; what they started is ended by them.
    kill "$layer_process" 2>/dev/null || true
    wait "$layer_process" 2>/dev/null || true
  fi
  exit 130
}

close_run() {
  local code=$?
  trap - EXIT
  exec 1>&3 2>&4
  if [ -z "$is_through" ]; then failed=$((failed + 1)); fi
  if [ $((passed + failed)) -eq 0 ]; then
    note "not one test ran"
    failed=1
  fi
  if [ ${#table[@]} -gt 0 ]; then
    printf '\n%-8s %7s %7s %8s %10s\n' layer passed failed skipped time
    printf '%s\n' "${table[@]}"
  fi
  [ "$failed" -eq 0 ] || name_failures
  printf 'all in %s; logs in %s\n' "$(seconds_since "$run_start")" "${logs:-none}"
  printf '%d passed, %d failed, %d skipped\n' "$passed" "$failed" "$skipped"
  [ "$failed" -eq 0 ] || exit 1
  exit "$code"
}
