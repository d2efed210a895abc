# shellcheck shell=bash
# Prometheus and its promtool for tests on this machine itself, out of Debian's package. Sourced after
# servers.sh.

command_prometheus() {
  local folder="$cache/prometheus/$PROMETHEUS_SUITE" tree loader libraries program
  # The starters name the tree: both must be there.
  if ! "$folder/bin/promtool" --version >/dev/null 2>&1; then
    tree=$(debian_tree "$PROMETHEUS_SUITE" prometheus promtool)
    loader=$(loader_of "$tree")
    libraries=$(library_path "$tree")
    (
      lock "prometheus-$PROMETHEUS_SUITE"
      rm -rf "$folder.new"
      mkdir -p "$folder.new/bin"
      for program in prometheus promtool; do
        starter "$folder.new/bin/$program" "$loader" "$libraries" "$tree/usr/bin/$program"
      done
      "$folder.new/bin/promtool" --version >/dev/null 2>&1 ||
        die "Debian $PROMETHEUS_SUITE has no promtool that runs here" "choose another suite in versions.env"
      rm -rf "$folder"
      mv "$folder.new" "$folder"
    )
  fi
  echo "prometheus $folder"
}
