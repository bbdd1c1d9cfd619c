# Shell functions about the sample corpus of `maru up`: the Korean documentation in packages of Debian. Their files are
# unpacked below the home; nothing is installed. The folders are also named in src/cli/sample_corpus.cc.

# A package and its folder on each line.
corpus_parts="libreoffice-help-ko usr/share/libreoffice/help/ko
gnome-user-docs usr/share/help/ko
installation-guide-amd64 usr/share/doc/installation-guide-amd64/ko"

# corpus_directory HOME: where the corpus of this home is; HOME may be empty: the program's default.
corpus_directory() {
  local home=${1:-${MARU_HOME-}}
  if [ -z "$home" ]; then
    case ${XDG_DATA_HOME-} in /*) home=$XDG_DATA_HOME/maru ;; *) home=${HOME-}/.local/share/maru ;; esac
  fi
  echo "$home/corpus/debian-ko"
}

# corpus_is_here DIRECTORY: unpacked there, or its packages are installed.
corpus_is_here() {
  local package folder at
  for at in "$1" ""; do
    while read -r package folder; do [ -d "$at/$folder" ] || continue 2; done <<<"$corpus_parts"
    return 0
  done
  return 1
}

# agree_to_corpus YES: asks, unless YES is 1.
agree_to_corpus() {
  [ "$1" != 1 ] || return 0
  echo "maru up without --input learns from a sample: Korean documentation from Debian's packages (30 MB), unpacked below" >&2
  echo "Maru's home; nothing of it is installed. For your own text: ./maru up --input FILE-OR-FOLDER" >&2
  if [ ! -t 0 ]; then
    echo "maru: run again with --yes in front of the verb to fetch the sample, or with --input" >&2
    return 2
  fi
  agreed "Fetch the sample?" || return 2
  export MARU_YES=1  # asked once
}
