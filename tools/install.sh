# Shell functions for the launchers: installs what is missing from tools/packages.txt.
# Sourced with $root set to the repository.

# packages_of GROUP…: the packages of these groups.
packages_of() {
  local group
  for group in "$@"; do sed -n "s/^$group  *//p" "$root/tools/packages.txt"; done
}

# missing PACKAGE…: those that are not installed.
missing() {
  local package
  for package in "$@"; do
    dpkg-query -W -f='${db:Status-Status}' "$package" 2>/dev/null | grep -qx installed || echo "$package"
  done
}

# have PROGRAM: a program that another installation provides makes its package unnecessary.
without_provided() {
  local package
  for package in "$@"; do
    case $package in
      nodejs) command -v node >/dev/null && continue ;;
      cmake) cmake --version 2>/dev/null | grep -qE 'version (3\.(2[5-9]|[3-9][0-9])|[4-9])' && continue ;;
      git | ccache) command -v "$package" >/dev/null && continue ;;
    esac
    echo "$package"
  done
}

# install_groups YES GROUP…: asks before it installs unless YES is 1.
install_groups() {
  local yes=$1 wanted run=
  shift
  if ! command -v dpkg-query >/dev/null; then
    echo "maru: this is no Debian system; please provide the equivalents of: $(packages_of "$@" | tr '\n' ' ')" >&2
    return 0
  fi
  wanted=$(without_provided $(missing $(packages_of "$@")))
  [ -z "$wanted" ] && return 0
  if [ "$yes" != 1 ]; then
    echo "maru needs these Debian packages:" $wanted >&2
    if [ ! -t 0 ]; then
      echo "maru: run again with --yes to install them, or: apt-get install $(echo $wanted)" >&2
      return 2
    fi
    read -r -p "Install them now? [Y/n] " answer
    case $answer in n* | N*) return 2 ;; esac
  fi
  [ "$(id -u)" = 0 ] || run=sudo
  # Only the package lists are fetched and the packages named above installed; nothing else leaves this machine.
  $run apt-get update -qq && $run env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $wanted >&2
}
