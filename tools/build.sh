# Shell functions for the launchers: sets up the build, builds, shows how far it is.
# Sourced with $root set to the repository.

# build_directory: where to build. MARU_BUILD, else build/release of the checkout; where that cannot be written, the
# user's cache.
build_directory() {
  local build=${MARU_BUILD:-$root/build/release}
  if ! mkdir -p "$build" 2>/dev/null || [ ! -w "$build" ]; then
    [ -n "${XDG_CACHE_HOME:-${HOME-}}" ] || { echo "maru: $build cannot be written; name another directory in MARU_BUILD" >&2; return 1; }
    build=${XDG_CACHE_HOME:-$HOME/.cache}/maru/build-$(cksum <<<"$root" | cut -d' ' -f1)
    mkdir -p "$build" || return 1
  fi
  echo "$build"
}

# finished_elsewhere: a program that another user has built in a checkout that this one cannot write.
finished_elsewhere() {
  local program=$root/build/release/src/cli/maru
  [ -z "${MARU_BUILD-}" ] && [ -x "$program" ] && [ ! -w "$root/build/release" ] || return 1
  [ -z "$(find "$root/src" "$root/console" "$root/cmake" "$root/CMakeLists.txt" -newer "$program" -print -quit)" ] || return 1
  echo "$program"
}

# lock_build DIRECTORY: one build at a time; $lock is the descriptor that holds it. Needs flock (util-linux).
lock_build() {
  lock=
  command -v flock >/dev/null || return 0
  exec {lock}>>"$1/launcher.lock"
  flock -n "$lock" && return
  echo "maru: another ./maru or ./test is building in $1; waiting for it …" >&2
  flock "$lock"
}

unlock_build() { [ -z "$lock" ] || exec {lock}>&-; }

# set_up_build DIRECTORY [tests]: runs cmake where it has not run, has run for a checkout in another place, or without
# the tests that are wanted now.
set_up_build() {
  local build=$1 tests=${2-} log=$1/cmake.log at options=(-DMARU_TESTS=OFF -DMARU_FAST_BUILD=ON)
  at=$(sed -n 's/^CMAKE_HOME_DIRECTORY:INTERNAL=//p' "$build/CMakeCache.txt" 2>/dev/null || true)
  if [ -f "$build/build.ninja" ] && [ "$at" = "$root" ]; then
    [ -n "$tests" ] && ! grep -qx 'MARU_TESTS:BOOL=ON' "$build/CMakeCache.txt" || return 0
  fi
  if [ -z "$at" ]; then echo "maru: setting up the build …" >&2
  elif [ "$at" != "$root" ]; then echo "maru: this was built as $at; setting the build up anew …" >&2
  fi
  [ -z "$tests" ] || options=(-DMARU_TESTS=ON -DMARU_FAST_BUILD=ON)
  [ "$at" = "$root" ] || options+=(--fresh)
  (cd "$root" && cmake --preset release -B "$build" "${options[@]}") >"$log" 2>&1 && return
  cat "$log" >&2
  command -v dpkg-query >/dev/null ||
    echo "maru: this is no Debian system; the build needs the equivalents of: $(echo $(packages_of build))" >&2
  echo "maru: the build could not be set up; the log: $log" >&2
  return 1
}

# jobs_option: fewer compilers at a time than ninja would start, where memory is short (1.2 GB for each).
jobs_option() {
  local kib limit jobs
  [ -z "${MARU_JOBS-}" ] || { echo "-j$MARU_JOBS"; return; }
  kib=$(sed -n 's/^MemAvailable: *\([0-9]*\) kB/\1/p' /proc/meminfo 2>/dev/null || true)
  limit=$(cat /sys/fs/cgroup/memory.max 2>/dev/null || true)  # of a container
  case $limit in '' | max) ;; *) [ "$((limit / 1024))" -ge "${kib:-$((limit / 1024))}" ] || kib=$((limit / 1024)) ;; esac
  [ -n "$kib" ] || return 0
  jobs=$((kib / 1200000))
  [ "$jobs" -ge "$(($(nproc) + 2))" ] || echo "-j$((jobs > 0 ? jobs : 1))"
}

time_left() {  # time_left SECONDS
  if [ "$1" -lt 60 ]; then echo "less than a minute"; else echo "about $((($1 + 30) / 60)) min"; fi
}

# show_build TITLE: reads ninja's lines and says how many steps are done, and about how long the rest takes: on a terminal in
# one line, elsewhere in a line every ten seconds. Says nothing about a build of less than two seconds.
show_build() {
  local line part= done=0 total=0 said=0 start=$SECONDS every=10 now text status
  [ ! -t 2 ] || every=1
  while :; do
    status=0
    IFS= read -r -t 1 line || status=$?
    if [ "$status" -gt 128 ]; then part+=$line  # nothing came for a second, or half a line
    elif [ "$status" != 0 ]; then break
    else
      [[ ! $part$line =~ ^\[([0-9]+)/([0-9]+)\] ]] || { done=${BASH_REMATCH[1]} total=${BASH_REMATCH[2]}; }
      part=
    fi
    now=$((SECONDS - start))
    if [ "$now" -lt 2 ] || { [ "$said" != 0 ] && [ "$((now - said))" -lt "$every" ]; }; then continue; fi
    if [ "$total" = 0 ]; then text="building $1 …"
    else
      text="building $1: $done of $total steps, $((100 * done / total)) %"
      [ "$done" -lt 5 ] || [ "$now" -lt 5 ] || text+=", $(time_left $((now * (total - done) / done))) left"
    fi
    said=$now
    if [ -t 2 ]; then printf '\r\033[K%s' "$text" >&2; else echo "$text" >&2; fi
  done
  if [ "$said" != 0 ] && [ -t 2 ]; then printf '\r\033[K' >&2; fi
  if [ "$said" != 0 ] && [ "$done" = "$total" ]; then echo "built $1: $total steps in $now s" >&2; fi
}

# build_targets DIRECTORY TARGET…: without a target, everything. Silent when there is nothing to do.
build_targets() {
  local build=$1 log=$1/build.log title=maru interrupted=0
  shift
  [ $# -gt 0 ] || title="maru and its tests"
  # Where the home cannot be written ccache keeps its files beside the build.
  [ -w "${HOME:-/nonexistent}" ] || export CCACHE_DIR=${CCACHE_DIR:-$build/ccache}
  trap 'interrupted=1' INT TERM
  if NINJA_STATUS='[%f/%t] ' ninja -C "$build" $(jobs_option) "$@" 2>&1 | tee "$log" | show_build "$title"; then
    trap - INT TERM
    return 0
  fi
  trap - INT TERM
  if [ "$interrupted" = 1 ]; then
    echo "maru: the build was interrupted; run again to go on from here" >&2
    return 130
  fi
  grep -vE '^\[[0-9]+/[0-9]+\] |^ninja: Entering' "$log" >&2 || true
  if grep -qE 'Killed signal terminated program|internal compiler error: Killed' "$log"; then
    echo "maru: memory ran out while compiling; MARU_JOBS=1 in front of the command compiles one file at a time" >&2
  fi
  echo "maru: the build failed; the whole log: $log" >&2
  return 1
}
