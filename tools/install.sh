# Shell functions for the launchers: installs what is missing from tools/packages.txt.
# Sourced with $root set to the repository.

# packages_of GROUP…: the packages of these groups.
packages_of() {
  local group
  for group in "$@"; do sed -n "s/^$group  *//p" "$root/tools/packages.txt"; done
}

# missing PACKAGE…: those that are not installed.
missing() {
  local package installed
  installed=$(dpkg-query -W -f='${db:Status-Status} ${Package}\n' "$@" 2>/dev/null || true)
  for package in "$@"; do
    grep -qxF "installed $package" <<<"$installed" || echo "$package"
  done
}

# without_provided PACKAGE…: a program that another installation provides makes its package unnecessary.
without_provided() {
  local package
  for package in "$@"; do
    case $package in
      nodejs) ! command -v node >/dev/null || continue ;;
      cmake) ! grep -qE 'version (3\.(2[5-9]|[3-9][0-9])|[4-9])' <<<"$(cmake --version 2>/dev/null)" || continue ;;
      git | ccache | curl | npm) ! command -v "$package" >/dev/null || continue ;;
    esac
    echo "$package"
  done
}

# agreed QUESTION: the answer that is given on the terminal. Anything but yes or an empty line is no; ㅛ and ㅜ are the
# keys y and n of a Korean keyboard.
agreed() {
  local answer
  read -r -p "$1 [Y/n] " answer || return 1
  case $answer in '' | y* | Y* | ㅛ*) ;; *) return 1 ;; esac
}

# as_root COMMAND…
as_root() {
  if [ "$(id -u)" = 0 ]; then "$@"; else sudo "$@"; fi
}

# install_groups YES GROUP…: installs what is missing of these groups; asks first unless YES is 1. Returns 2 when the
# user has to do something.
install_groups() {
  local yes=$1 wanted
  shift
  command -v dpkg-query >/dev/null || return 0  # no Debian: what is missing is said when the build is set up
  wanted=$(without_provided $(missing $(packages_of "$@")))
  [ -n "$wanted" ] || return 0
  wanted=$(echo $wanted)
  if [ "$(id -u)" != 0 ] && ! command -v sudo >/dev/null; then
    echo "maru needs these Debian packages: $wanted" >&2
    echo "maru: installing needs root and there is no sudo here; as root: apt-get install $wanted" >&2
    return 2
  fi
  if [ "$yes" != 1 ]; then
    echo "maru needs these Debian packages: $wanted" >&2
    if [ ! -t 0 ]; then
      echo "maru: run again with --yes in front of the verb to install them, or: apt-get install $wanted" >&2
      return 2
    fi
    agreed "Install them now?" || return 2
  fi
  install_packages $wanted
}

# install_packages PACKAGE…: only the package lists are fetched and these packages installed; nothing else leaves this
# machine. A source that cannot be reached is no reason to stop while the packages come from another.
install_packages() {
  local apt=(-o DPkg::Lock::Timeout=600 -o Dpkg::Use-Pty=0) left
  echo "maru: installing $# Debian packages …" >&2
  as_root apt-get "${apt[@]}" update -qq >&2 || echo "maru: not every package list could be fetched; going on with those that are here" >&2
  as_root env DEBIAN_FRONTEND=noninteractive apt-get "${apt[@]}" install -y -qq --no-install-recommends "$@" >&2 || {
    echo "maru: apt-get could not install: $*" >&2
    return 2
  }
  left=$(echo $(missing "$@"))
  [ -z "$left" ] || { echo "maru: apt-get ended without an error, but these packages are still missing: $left" >&2; return 2; }
}
