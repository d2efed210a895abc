# shellcheck shell=bash
# A browser that runs on this machine itself, for the tests of the live page. Sourced after debian.sh.

# Its shell without windows: the same engine, a third of the packages.
BROWSER_PACKAGES=(chromium-headless-shell chromium-common fonts-dejavu-core fontconfig-config)

# command_browser: prints the path of a starter of Chromium.
command_browser() {
  local folder="$cache/browser"
  if [ ! -x "$folder/chromium" ] || ! "$folder/chromium" --version >/dev/null 2>&1; then
    step "Debian's chromium for the tests of the live page" ensure_browser "$folder"
  fi
  echo "$folder/chromium"
}

# ensure_browser FOLDER: the packages' program by these packages' own loader and libraries, whatever this machine has.
# Chromium looks for its data beside the file that runs, which is the loader: so that stands beside them. Its helpers
# are started the same way (--no-zygote: the zygote alone would be started by the file).
ensure_browser() {
  local folder=$1 tree libraries home
  tree=$(debian_tree "$BROWSER_SUITE" "${BROWSER_PACKAGES[@]}")
  libraries=$(library_path "$tree")
  home=$tree/usr/lib/chromium
  (
    lock browser
    cp -L "$(loader_of "$tree")" "$home/loader.new"
    mv "$home/loader.new" "$home/loader"
    rm -rf "$folder.new"
    mkdir -p "$folder.new"
    cat >"$folder.new/fonts.conf" <<XML
<?xml version="1.0"?>
<!DOCTYPE fontconfig SYSTEM "urn:fontconfig:fonts.dtd">
<fontconfig><dir>$tree/usr/share/fonts</dir><cachedir>$folder/fonts</cachedir></fontconfig>
XML
    cat >"$folder.new/chromium" <<SH
#!/bin/sh
export FONTCONFIG_FILE='$folder/fonts.conf'
exec '$home/loader' --library-path '$libraries:$libraries/pulseaudio:$home' \\
  '$home/chromium-headless-shell' --no-zygote --browser-subprocess-path='$folder/chromium' "\$@"
SH
    chmod 755 "$folder.new/chromium"
    rm -rf "$folder"
    mv "$folder.new" "$folder"
    "$folder/chromium" --version >&2 ||
      die "Debian's chromium of $BROWSER_SUITE does not start" \
        "see its message above; RO_CHROMIUM names another"
  )
}
