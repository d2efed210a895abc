# shellcheck shell=bash
# Programs from Debian packages of any suite, taken out of the packages and not installed: for
# images where no image registry is reached, and for servers that tests run on the host. Sourced
# after lib.sh. The machine's own apt configuration is read (for its mirror), never changed.

# debian_tree SUITE PACKAGE...: prints a folder with the unpacked packages and the libraries that
# they depend on. Made once for the same list.
debian_tree() {
  local suite=$1 hash tree
  shift
  hash=$( (echo "$*" && declare -f make_debian_tree download_closure) | sha256sum | cut -c1-12)
  tree="$cache/debian/$suite/tree-$hash"
  if [ ! -d "$tree" ]; then
    (
      lock "debian-$suite"
      [ -d "$tree" ] || make_debian_tree "$suite" "$tree" "$@"
    )
  fi
  echo "$tree"
}

make_debian_tree() {
  local suite=$1 tree=$2 new package archive
  shift 2
  note "unpacking Debian packages of $suite: $*"
  new=$tree.new
  rm -rf "$new"
  mkdir -p "$new"/usr/{bin,sbin,lib,lib64}
  # One place for programs and libraries, as on every Debian of today; the packages of bookworm
  # still carry both /lib and /usr/lib.
  for package in bin sbin lib lib64; do ln -s "usr/$package" "$new/$package"; done
  for package in $(download_closure "$suite" "$@"); do
    archive="$cache/debian/$suite/archives/$package"
    dpkg-deb --fsys-tarfile "$archive" | tar -x --keep-directory-symlink -C "$new" -f - ||
      die "the package $archive could not be unpacked" "remove it and try again"
  done
  mv "$new" "$tree"
}

# download_closure SUITE PACKAGE...: downloads, and prints the files of these packages and of the
# libraries below them. An empty package database makes apt name everything, down to libc; of that
# only libraries are of use here, and not the likes of perl, which only installing would need.
download_closure() {
  local suite=$1 apt=() options file package
  shift
  private_apt "$suite"
  options=(install -y -qq --no-install-recommends)
  "${apt[@]}" "${options[@]}" --download-only "$@" >&2 ||
    die "apt could not download $* of Debian $suite" "see its message above; is the mirror reached?"
  # An empty folder of archives, or apt would leave out what it has just downloaded.
  apt+=(-o "Dir::Cache::Archives=$cache/debian/$suite/none")
  "${apt[@]}" "${options[@]}" --print-uris "$@" |
    awk '{ print $2 }' | while read -r file; do
    package=${file%%_*}
    case " $* " in
      *" $package "*) echo "$file" ;;
      *) case $package in
        libperl*) ;;
        lib* | lua-* | zlib1g) echo "$file" ;;
      esac ;;
    esac
  done
}

# private_apt SUITE: sets the array `apt` to an apt-get with its own sources, lists, database and
# archives. The mirror is the machine's own, asked for another suite.
private_apt() {
  local suite=$1 root mirror
  root="$cache/debian/$suite"
  mkdir -p "$root"/etc/{apt.conf.d,preferences.d,sources.list.d} "$root"/state/lists/partial \
    "$root"/archives/partial "$root"/none/partial
  : >"$root/state/status"
  # The machine's proxies and the like are in its apt.conf.d, which is read as usual; only the
  # sources are ours.
  apt=(apt-get -o "Dir::Etc::SourceList=$root/etc/sources.list"
    -o "Dir::Etc::SourceParts=$root/etc/sources.list.d"
    -o "Dir::Etc::PreferencesParts=$root/etc/preferences.d"
    -o "Dir::State=$root/state" -o "Dir::State::status=$root/state/status"
    -o "Dir::Cache=$root" -o "Dir::Cache::Archives=$root/archives"
    -o APT::Sandbox::User=root -o Acquire::Languages=none -o APT::Keep-Downloaded-Packages=true)
  if [ -s "$root/etc/sources.list" ]; then
    refresh_lists "$root/etc/sources.list"
    return 0
  fi
  mirror=$(machine_mirror)
  if [ -z "$mirror" ]; then
    apt-get update -qq >&2
    mirror=$(machine_mirror)
  fi
  [ -n "$mirror" ] || die "this machine's apt knows no Debian mirror" \
    "have one in /etc/apt/sources.list.d and run apt-get update"
  echo "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] $mirror $suite main" \
    >"$root/etc/sources.list.new"
  mv "$root/etc/sources.list.new" "$root/etc/sources.list.tried"
  "${apt[@]}" -o "Dir::Etc::SourceList=$root/etc/sources.list.tried" update -qq >&2 ||
    die "the machine's Debian mirror has no suite $suite" "choose another in versions.env"
  mv "$root/etc/sources.list.tried" "$root/etc/sources.list"
}

# refresh_lists SOURCES: a suite that moves takes old versions off the mirror, so lists of another day
# name what is gone. Without the mirror what was downloaded then still serves.
refresh_lists() {
  [ -z "$(find "$1" -mtime -1)" ] || return 0
  if "${apt[@]}" update -qq >&2; then touch "$1"; fi
}

machine_mirror() {
  # shellcheck disable=SC2016 # fields of apt's, not of the shell's
  apt-get indextargets --format '$(REPO_URI)|$(RELEASE)|$(COMPONENT)|$(LABEL)' \
    'Created-By: Packages' | awk -F'|' '$4 == "Debian" && $3 == "main" && $2 !~ /-/ { print $1; exit }'
}

# copy_program TREE PROGRAM ROOT [NEW_PATH]: with its libraries, into the root of an image.
copy_program() {
  local target=$3${4:-$2}
  mkdir -p "${target%/*}"
  cp -L "$1$2" "$target"
  copy_libraries "$1" "$target" "$3"
}

# copy_libraries TREE PROGRAM ROOT: from the tree into the root, what the program links to and the
# loader, under the path that the program names; nothing for a static program.
copy_libraries() {
  local tree=$1 program=$2 root=$3 interpreter loader list file
  interpreter=$(readelf -l "$program" 2>/dev/null |
    sed -n 's/.*program interpreter: \(.*\)\]/\1/p')
  [ -n "$interpreter" ] || return 0
  loader=$(loader_of "$tree")
  [ -e "$root$interpreter" ] || install -D -m 755 "$loader" "$root$interpreter"
  # Asked of the tree's own loader: another suite's library may want a newer one than the machine's.
  list=$("$loader" --library-path "$(library_path "$tree")" --list "$program" 2>&1) || true
  case $list in
    *'not found'* | *'cannot open'*) die "$program lacks a library: $list" \
      "add its package to the pattern in download_closure" ;;
  esac
  awk -v tree="$tree" 'index($3, tree) == 1 { print substr($3, length(tree) + 1) }' <<<"$list" |
    while read -r file; do
      [ -e "$root$file" ] || install -D -m 644 "$tree$file" "$root$file"
    done
}

# loader_of TREE: the file itself, since /lib64's link is absolute and would lead to the host's.
loader_of() {
  compgen -G "$1/usr/lib/*-linux-gnu/ld-linux-*.so.*" ||
    compgen -G "$1/usr/lib/*-linux-gnu/ld-[0-9]*.so"
}

library_path() { compgen -G "$1/usr/lib/*-linux-gnu" | head -n 1; }

# new_root FOLDER: an empty root file system of the shape that programs expect.
new_root() {
  rm -rf "$1"
  mkdir -p "$1"/{etc,tmp,dev,proc,sys,run,root,var/tmp} "$1"/usr/{bin,sbin,lib,lib64,local/bin}
  chmod 1777 "$1/tmp" "$1/var/tmp"
  local link
  for link in bin sbin lib lib64; do ln -s "usr/$link" "$1/$link"; done
  echo 'hosts: files dns' >"$1/etc/nsswitch.conf"
  printf 'root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534:nobody:/nonexistent:/bin/false\n' \
    >"$1/etc/passwd"
  printf 'root:x:0:\nnobody:x:65534:\n' >"$1/etc/group"
}

# add_user ROOT NAME ID HOME
add_user() {
  echo "$2:x:$3:$3:$2:$4:/bin/sh" >>"$1/etc/passwd"
  echo "$2:x:$3:" >>"$1/etc/group"
}
