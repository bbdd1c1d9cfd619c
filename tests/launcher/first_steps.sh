# The launcher and what it fetches, before there is a program: in a checkout of the scripts alone, with cmake, ninja, apt and dpkg
# played by small scripts that write down how they were called. Sourced by tests/run_launcher ($home, check, fails_with).

steps=$home/steps
stage() {  # stage DIRECTORY: a checkout of the launcher in this directory, built by played tools
  mkdir -p "$1/tools" "$1/src" "$1/console" "$1/cmake"
  cp maru "$1/" && cp tools/*.sh tools/fetch_corpus tools/packages.txt "$1/tools/" && : >"$1/CMakeLists.txt"
}
play() {  # play NAME <SCRIPT: a program in front of the real ones
  mkdir -p "$steps/bin"
  { echo '#!/bin/bash'; cat; } >"$steps/bin/$1"
  chmod +x "$steps/bin/$1"
}
played() { env -u MARU_BUILD -u MARU_YES HOME="$steps/home" XDG_DATA_HOME= MARU_HOME= PATH="$steps/bin:$PATH" "$@"; }
launch() { played "${checkout:-$steps/a}/maru" "$@"; }
terminal() {  # terminal KEYS COMMAND: on a terminal, with these keys typed after a moment
  { sleep 0.4; printf "$1"; sleep 0.4; } | played script -qec "$2" /dev/null
}
says() { grep -qF -- "$1" "$home/said" || { cat "$home/said"; echo "expected: $1"; return 1; }; }
says_not() { ! grep -qF -- "$1" "$home/said" || { cat "$home/said"; echo "not expected: $1"; return 1; }; }
said_by() { local got=0; "$@" >"$home/said" 2>&1 || got=$?; return "$got"; }

play cmake <<'END'
[ "$1" != --version ] || { echo cmake version 3.25.1; exit; }
build=$PWD/build/release
[[ $* != *" -B "* ]] || build=$(sed 's/.* -B \(.*\) -DMARU_TESTS.*/\1/' <<<"$*")
mkdir -p "$build"
echo "cmake $*" >>"$(dirname "$0")/calls"
[ ! -e "$(dirname "$0")/cmake-fails" ] || { echo "CMake Error: no such library"; exit 1; }
printf 'CMAKE_HOME_DIRECTORY:INTERNAL=%s\nMARU_TESTS:BOOL=%s\n' "$PWD" "$(sed 's/.*MARU_TESTS=\([A-Z]*\).*/\1/' <<<"$*")" >"$build/CMakeCache.txt"
: >"$build/build.ninja"
END
# Compiles `steps` files in `seconds` each, then makes a program that shows its arguments, one in brackets each.
play ninja <<'END'
here=$(dirname "$0")
build=$2
echo "ninja $*" >>"$here/calls"
mkdir "$here/running" 2>/dev/null || { echo "two builds at once"; exit 1; }
trap 'rmdir "$here/running"' EXIT
[ ! -e "$here/ninja-fails" ] || { echo "[1/9] Building CXX object a.o"; echo "FAILED: b.o"; echo "b.cc:1: error: expected ';'"; echo "ninja: build stopped: subcommand failed."; exit 1; }
for i in $(seq "$(cat "$here/steps" 2>/dev/null || echo 0)"); do sleep 0.25; echo "[$i/$(cat "$here/steps")] Building CXX object $i.o"; done
mkdir -p "$build/src/cli"
printf '#!/bin/bash\nprintf "[%%s]" "$@"; echo; [ -z "$MARU_YES" ] || echo agreed; ls -l /proc/self/fd | grep -c launcher.lock; exit 0\n' >"$build/src/cli/maru"
chmod +x "$build/src/cli/maru"
END
play dpkg-query <<'END'
shift 2
for package; do case " $(cat "$(dirname "$0")/missing" 2>/dev/null) " in *" $package "*) ;; *) echo "installed $package" ;; esac; done
END
play apt-get <<'END'
here=$(dirname "$0")
echo "apt-get $*" >>"$here/calls"
[ ! -e "$here/apt-fails" ] || { echo "E: Temporary failure resolving"; exit 100; }
case $* in *" install "*) : >"$here/missing" ;; esac
END
play id <<'END'
[ "$*" != -u ] || { cat "$(dirname "$0")/uid" 2>/dev/null || echo 0; }
END
play nproc <<<'echo 2'
mkdir -p "$steps/home"
stage "$steps/a"
forget() { rm -f "$steps"/bin/{calls,steps,missing,uid,ninja-fails,cmake-fails,apt-fails}; }

passes() {  # passes EXPECTED ARGUMENT…: the program sees exactly this
  local expected=$1
  shift
  said_by launch "$@" </dev/null || { cat "$home/said"; return 1; }
  says "$expected"
}
check "words reach the program as they are" passes '[generate][docs][give up now][--max-tokens][4]' generate docs "give up now" --max-tokens 4
check "the word up elsewhere is no verb" passes '[generate][up][ up ]' generate up " up "
check "--yes behind a verb is the verb's" passes '[generate][docs][--yes]' generate docs --yes
check "--yes before the verb is the launcher's" passes '[generate][docs][-y]' --yes generate docs -y
check "an option's value is no verb" passes '[--home][up][models]' --home up models
check "neither behind an equals sign" passes '[--home=x y][--threads][2][models]' "--home=x y" --threads 2 models
check "a verb of its own after --json" passes '[--json][data][build][--input][up]' --json data build --input up
check "no words at all" passes '[]'
check "empty words and quotes" passes "[generate][a'b\"c][][가 나]" generate "a'b\"c" "" "가 나"
as_sh() { (cd "$steps/a" && played sh maru models) | grep -F '[models]'; }
check "as sh maru" as_sh
through_a_link() { ln -sf "$steps/a/maru" "$steps/link" && (cd / && played "$steps/link" models) | grep -F '[models]'; }
check "through a link from elsewhere" through_a_link
lock_is_free() { launch models | grep -qx 0; }
check "the build's lock ends with the build" lock_is_free
in_checkout() { stage "$1"; checkout=$1 passes '[models]' models; }
for name in "with space" "한글 폴더" "it's \"quoted\"" 'dollar$HOME'; do
  check "a checkout in $name" in_checkout "$steps/$name"
done
build_shows_progress() {
  forget; echo 14 >"$steps/bin/steps"; rm -rf "$steps/a/build"
  said_by launch models </dev/null || return 1
  says "setting up the build" && says "building maru: " && says "of 14 steps" && says "built maru: 14 steps" || return 1
  [ "$(grep -c '^building' "$home/said")" -le 2 ] || { cat "$home/said"; echo "a line per step"; return 1; }
}
check "a build says how far it is" build_shows_progress
nothing_to_do() { forget; said_by launch models </dev/null && says_not building && says_not setting; }
check "silent when there is nothing to build" nothing_to_do
terminal_bar() { forget; echo 14 >"$steps/bin/steps"; terminal '' "'$steps/a/maru' models" >"$home/said"; says $'\r\033[Kbuilding maru: '; }
check "on a terminal it is one line" terminal_bar
failing_build() { forget; : >"$steps/bin/ninja-fails"; said_by launch models </dev/null && return 1; says "b.cc:1: error: expected ';'" && says "the whole log: $steps/a/build/release/build.log" && says_not "[1/9]"; }
check "compiler errors are shown whole, with the log" failing_build
failing_cmake() { forget; : >"$steps/bin/cmake-fails"; rm -rf "$steps/a/build"; said_by launch models </dev/null && return 1; says "CMake Error: no such library" && says "the log: $steps/a/build/release/cmake.log"; }
check "cmake's errors too" failing_cmake
after_failing_cmake() { forget; passes '[models]' models; }
check "and the next try sets the build up again" after_failing_cmake
moved() {
  forget; rm -rf "$steps/b"; cp -r "$steps/a" "$steps/b"
  checkout=$steps/b said_by launch models </dev/null && says "this was built as $steps/a" && grep -q -- "--fresh" "$steps/bin/calls"
}
check "a copied checkout is built anew" moved
until_building() { for _ in $(seq 200); do [ ! -d "$steps/bin/running" ] || return 0; sleep 0.1; done; }
two_launchers() {
  forget; echo 8 >"$steps/bin/steps"
  launch models </dev/null >"$home/first" 2>&1 & local first=$!
  until_building
  said_by launch models </dev/null; local second=$?
  wait "$first" && [ "$second" = 0 ] && says "waiting for it" && says "[models]"
}
check "two launchers build one after the other" two_launchers
interrupted_build() {
  forget; echo 40 >"$steps/bin/steps"
  set -m; launch models </dev/null >"$home/said" 2>&1 & local job=$! got=0; set +m
  until_building; sleep 1; kill -INT -- "-$job"; wait "$job" || got=$?
  rm -rf "$steps/bin/running"
  [ "$got" = 130 ] && says "interrupted; run again" || { echo "exit code $got"; return 1; }
}
check "Ctrl-C ends a build and says so" interrupted_build
killed_build() {
  forget; echo 40 >"$steps/bin/steps"
  set -m; launch models </dev/null >/dev/null 2>&1 & local job=$!; set +m
  until_building; sleep 1; kill -KILL -- "-$job"; wait "$job" 2>/dev/null
  rm -rf "$steps/bin/running"; forget
  passes '[models]' models
}
check "after a killed build the next one goes on" killed_build
elsewhere() {  # where the checkout cannot be written
  forget; rm -rf "$steps/a/build"; : >"$steps/a/build"
  said_by launch models </dev/null; local got=$?
  rm "$steps/a/build"
  [ "$got" = 0 ] && says "[models]" && ls -d "$steps"/home/.cache/maru/build-*/build.ninja
}
check "a checkout that cannot be written is built in the cache" elsewhere
named_build() { forget; played env MARU_BUILD="$steps/my build" "$steps/a/maru" models && test -f "$steps/my build/build.ninja"; }
check "MARU_BUILD names the place" named_build
few_jobs() { forget; MARU_JOBS=1 passes '[models]' models && grep -q 'ninja .* -j1 ' "$steps/bin/calls"; }
check "MARU_JOBS" few_jobs
no_home() { forget; played env -u HOME "$steps/a/maru" models </dev/null | grep -F '[models]'; }
check "without HOME" no_home

asks() {  # asks ANSWER EXIT-CODE TEXT: with a package missing, on a terminal
  forget; echo cmake ninja-build >"$steps/bin/missing"
  local got=0
  terminal "$1" "'$steps/a/maru' models" >"$home/said" || got=$?
  [ "$got" = "$2" ] && says "$3" || { cat "$home/said"; echo "exit code $got"; return 1; }
}
check "packages are asked for" asks 'y\n' 0 '[models]'
check "an empty answer is yes" asks '\n' 0 '[models]'
check "so is the key y of a Korean keyboard" asks 'ㅛ\n' 0 '[models]'
check "n is no" asks 'n\n' 2 'ninja-build'
check "its Korean key too" asks 'ㅜ\n' 2 'ninja-build'
check "anything else is no" asks 'quit\n' 2 'ninja-build'
check "and no answer at all" asks '\004' 2 'ninja-build'
unattended() { forget; echo ninja-build >"$steps/bin/missing"; said_by launch models </dev/null; [ $? = 2 ] && says "run again with --yes in front of the verb" && ! grep -q install "$steps/bin/calls" 2>/dev/null; }
check "without a terminal nothing is installed unasked" unattended
with_yes() { forget; echo ninja-build >"$steps/bin/missing"; said_by launch --yes models </dev/null && says '[models]' && grep -q 'install .*ninja-build' "$steps/bin/calls"; }
check "--yes installs" with_yes
no_sudo() {
  forget; echo ninja-build >"$steps/bin/missing"; echo 1000 >"$steps/bin/uid"
  ln -sf "$(command -v bash)" "$steps/bash"
  local got=0 tools=$steps/few tool
  mkdir -p "$tools"; for tool in bash env dirname readlink sed grep cat cut mkdir cksum; do ln -sf "$(command -v $tool)" "$tools/"; done
  HOME=$steps/home PATH="$steps/bin:$tools" "$steps/a/maru" --yes models </dev/null >"$home/said" 2>&1 || got=$?
  [ "$got" = 2 ] && says "there is no sudo here; as root: apt-get install ninja-build"
}
check "without root and sudo it says what to do" no_sudo
failing_apt() { forget; echo ninja-build >"$steps/bin/missing"; : >"$steps/bin/apt-fails"; said_by launch --yes models </dev/null; [ $? = 2 ] && says "Temporary failure resolving" && says "could not install: ninja-build"; }
check "apt's errors are shown" failing_apt
lying_apt() { forget; echo libnever-dev ninja-build >"$steps/bin/missing"; sed -i 's/^build .*/& libnever-dev/' "$steps/a/tools/packages.txt"; play apt-get <<<'exit 0'; said_by launch --yes models </dev/null; [ $? = 2 ] && says "still missing: ninja-build libnever-dev"; }
check "what is still missing is named" lying_apt
cp tools/packages.txt "$steps/a/tools/"

# The sample corpus, from packages of three small files that a played apt-get hands out.
sed -i 's#usr/share/#usr/share/played/#' "$steps/a/tools/corpus.sh"
mkdir -p "$steps/debs"
for part in libreoffice-help-ko:libreoffice/help/ko gnome-user-docs:help/ko installation-guide-amd64:doc/installation-guide-amd64/ko; do
  package=${part%%:*} tree=$steps/tree
  rm -rf "$tree"
  mkdir -p "$tree/DEBIAN" "$tree/usr/share/played/${part#*:}" "$tree/usr/share/played/other/en" "$tree/usr/share/doc/$package"
  printf 'Package: %s\nVersion: 4:1.0\nArchitecture: all\nMaintainer: nobody <n@example.org>\nDescription: test\n' "$package" >"$tree/DEBIAN/control"
  echo "한국어 도움말" >"$tree/usr/share/played/${part#*:}/page.html"
  ln -s ../../../../../etc/passwd "$tree/usr/share/played/${part#*:}/link.html"
  echo licence >"$tree/usr/share/doc/$package/copyright"
  dpkg-deb --root-owner-group -b "$tree" "$steps/debs/${package}_4%3a1.0_all.deb" >/dev/null
done
play apt-get <<'END'
here=$(dirname "$0") debs=$(dirname "$0")/../debs
echo "apt-get $*" >>"$here/calls"
if [ -e "$here/apt-fails" ]; then echo "E: Temporary failure resolving" >&2; exit 100; fi
case $* in
  *" update"*) : >"$here/lists" ;;
  *--print-uris*)
    if [ -e "$here/no-lists" ] && [ ! -e "$here/lists" ]; then echo "E: Unable to locate package" >&2; exit 100; fi
    for f in "$debs"/*.deb; do echo "'http://example.org/${f##*/}' ${f##*/} $(stat -c %s "$f") SHA256:$(sha256sum <"$f" | cut -d' ' -f1)"; done ;;
  *" download "*)
    for f in "$debs"/*.deb; do
      [ -e "${f##*/}" ] && cmp -s "$f" "${f##*/}" && continue  # as apt does
      echo "fetched ${f##*/}" >>"$here/calls"
      if [ -e "$here/cut" ]; then head -c 500 "$f" >"${f##*/}"; [ "$(cat "$here/cut")" = silently ] || exit 100; continue; fi
      cp "$f" .
    done ;;
esac
END
corpus=$steps/home/.local/share/maru/corpus/debian-ko
forget_corpus() { forget; rm -rf "$corpus" "$corpus.partial" "$steps"/bin/{cut,lists,no-lists} "$steps/a/build/release/src/cli/maru"; }
fetch() { played env MARU_YES="${agreed-1}" "$steps/a/tools/fetch_corpus" "$corpus" </dev/null; }
calls() { cat "$steps/bin/calls" 2>/dev/null | grep -c -- "$1" || true; }
is_whole() {
  [ "$(find "$corpus" -type f -name page.html | wc -l)" = 3 ] && [ "$(wc -l <"$corpus/sources")" = 3 ] && [ ! -e "$corpus.partial" ] &&
    [ -z "$(find "$corpus" -type l -o -path '*other*')" ] && [ "$(calls ' install ')" = 0 ]
}
unasked() { forget_corpus; said_by launch up </dev/null; [ $? = 2 ] && says "--yes" && says "./maru up --input" && [ ! -e "$steps/bin/calls" ]; }
check "without a terminal nothing is fetched unasked, and that is said before the build" unasked
for words in "up --input x" "up --input=x" "up data.inputs=[]" "up mine.yaml" "up --help" "up --help-all" "--json up --name a --input up" "models up"; do
  not_asked() { forget_corpus; said_by launch $words </dev/null && says_not Debian; }
  check "no sample is asked for by: $words" not_asked
done
for words in "up" "--home x up --minutes 1" "up --name --help" "up --no-serve" "up --name inputs"; do
  asked_for() { forget_corpus; said_by launch $words </dev/null; [ $? = 2 ]; }
  check "the sample is asked for by: $words" asked_for
done
decides() { forget_corpus; launch models </dev/null >/dev/null && said_by launch up --minuts 1 </dev/null && says "[up][--minuts][1]" && says_not Debian; }
check "a program that is there decides about the sample itself" decides
for words in "--yes up" "up --yes" "up --minutes 1 -y"; do
  agreed_to() { forget_corpus; said_by launch $words </dev/null && says agreed; }
  check "agreed to by: $words" agreed_to
done
asked_once() { forget_corpus; terminal 'y\n' "'$steps/a/maru' up" >"$home/said" && says "Fetch the sample?" && says agreed; }
check "on a terminal it is asked for once, before the build" asked_once
fetched() { forget_corpus; said_by fetch && is_whole && grep -q '^gnome-user-docs_' "$corpus/sources"; }
check "the sample is fetched and unpacked, nothing installed" fetched
fetched_already() { rm -f "$steps/bin/calls"; said_by fetch && [ "$(calls .)" = 0 ] && launch up | grep -F '[up]'; }
check "once" fetched_already
own_lists() { forget_corpus; : >"$steps/bin/no-lists"; said_by fetch && is_whole && grep -q "update" "$steps/bin/calls" && grep -q "Dir::State::Lists=$corpus.partial" "$steps/bin/calls"; }
check "with lists of its own where the machine has none" own_lists
offline() { forget_corpus; : >"$steps/bin/apt-fails"; said_by fetch; [ $? = 6 ] && says "Temporary failure resolving" && says "Your own text needs none: --input" && [ ! -e "$corpus" ]; }
check "without a network it says what to do" offline
damaged() { forget_corpus; echo silently >"$steps/bin/cut"; said_by fetch; [ $? = 6 ] && [ ! -e "$corpus" ]; }
check "a damaged package is refused" damaged
resumed() {
  forget_corpus; echo loudly >"$steps/bin/cut"; said_by fetch && return 1
  rm "$steps/bin/cut"; (cd "$corpus.partial" && cp "$steps/debs"/lib*.deb .); : >"$steps/bin/calls"
  said_by fetch && is_whole && [ "$(calls 'fetched lib')" = 0 ] && [ "$(calls 'fetched gnome')" = 1 ]
}
check "what came before an interruption is used" resumed
half_unpacked() { forget_corpus; mkdir -p "$corpus.partial/tree/usr"; said_by fetch && is_whole; }
check "half an unpacked tree is thrown away" half_unpacked
broken_corpus() { forget_corpus; said_by fetch && rm -r "$corpus/usr/share/played/help" && said_by fetch && is_whole; }
check "a corpus with a folder lost is made again" broken_corpus
strange_folder() { forget_corpus; mkdir -p "$corpus/mine"; said_by fetch; [ $? = 6 ] && says "was not made by Maru" && [ -d "$corpus/mine" ]; }
check "a folder that is not ours is left alone" strange_folder
two_fetches() {
  forget_corpus
  fetch >"$home/first" 2>&1 & local first=$!
  said_by fetch; local second=$?
  wait "$first" && [ "$second" = 0 ] && is_whole && [ "$(calls 'fetched')" = 3 ]
}
check "two fetch it once" two_fetches
declined() { forget_corpus; agreed=0 said_by fetch; [ $? = 2 ] && [ ! -e "$corpus.partial" ]; }
check "not agreed to, nothing is left behind" declined
