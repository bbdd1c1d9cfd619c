# What the program says to somebody who does not know it yet. Sourced by tests/run_launcher ($home, maru, check, fails_with, $small).

check "options of the launcher are those of the program" bash -c "
  of() { ./maru \$1 --help | sed -nE 's/^  (-[a-z],)?(--[a-z-]+) (TEXT|INT|FLOAT|UINT|a [a-z ]*number).*/\2/p' | sort | tr '\n' ' '; }
  wants() { sed -n \"s/^\$1=\\\"\(.*\)\\\"/\1/p\" maru | tr ' ' '\n' | grep . | sort | tr '\n' ' '; }
  echo \"program: \$(of '') / \$(of up)\"; echo \"launcher: \$(wants value_options) / \$(wants up_value_options)\"
  test \"\$(of '')\" = \"\$(wants value_options)\" && test \"\$(of up)\" = \"\$(wants up_value_options)\""
check "a mistyped verb" fails_with 2 'unknown verb "upp"; did you mean "up"?' maru upp
check "and where to read on" fails_with 2 'See: maru --help' maru upp
check "a mistyped verb of data" fails_with 2 'did you mean "build"?' maru data biuld
check "a mistyped verb that removes" fails_with 2 'did you mean "remove"?' maru remvoe x
check "no verb" fails_with 2 'expected a verb: up, data' maru
check "a mistyped option" fails_with 2 'did you mean --minutes?' maru up --minuts 3
check "no number" fails_with 2 '--minutes: expected a number from 0.01 to 1000000, got "x"' maru up --minutes x
check "no whole number" fails_with 2 '--port: expected a whole number from 0 to 65535, got "http"' maru serve tiny --port http
json_error() {  # json_error TEXT ARGUMENT…: on standard output one line of JSON that says this
  local text=$1 got=0
  shift
  ./maru --home "$home" "$@" >"$home/said" 2>/dev/null || got=$?
  cat "$home/said"
  [ "$got" = 2 ] && [ "$(wc -l <"$home/said")" = 1 ] && grep -qF '{"error":{"code":"invalid_argument","message":"' "$home/said" && grep -qF -- "$text" "$home/said"
}
check "a usage error in JSON: the verb" json_error 'did you mean \"up\"' --json upp
check "a usage error in JSON: an option" json_error 'did you mean --minutes' up --minuts 3 --json
check "a usage error in JSON: a value" json_error 'got \"x\"' up --minutes x --json
check "a usage error in JSON: what is missing" json_error 'model is required' generate --json
check "a usage error in JSON: a word too many" json_error 'unexpected' models too many --json
check "a usage error in JSON: a folder for a recipe" json_error 'is a folder' up docs --json
check "help for people is short" bash -c "./maru up --help >'$home/help'; test \$(wc -l <'$home/help') -le 40 && ! grep -q max_duplicate_lines '$home/help'"
check "help with every key" bash -c "./maru up --help-all | grep -q 'train.model.hidden_size = 256'"
check "every verb has both" bash -c "
  n=0; for v in \$(./maru --help-all | sed -nE 's/^([a-z]+)\$/\1/p'); do
    n=\$((n + 1)); ./maru \$v --help | grep -q . && ./maru \$v --help-all | grep -q . || { echo \$v; exit 1; }
  done
  test \$n -ge 15"

check "a word behind --input is an input" bash -c "
  ./maru --home '$home' --quiet data build --name both --input README.md README.ko.md | grep '2 of 2 documents' && grep -q 'README.ko.md' '$home/datasets/both/manifest.json'"
check "text for a recipe" fails_with 2 'was "README.md" meant as a recipe (YAML)? Text to read is given with --input' maru up README.md
check "the data of a task that is not there" fails_with 3 'give the data with --task-file FILE, in lines of JSON with "text" and "rating"' \
  maru eval nobody --task recipes/eval/nsmc.yaml
check "as many files as tasks" fails_with 2 'expected one for each --task, got 2 for 1' maru eval nobody --task recipes/eval/nsmc.yaml --task-file a --task-file b

# Before minutes are spent: what would fail behind the training fails in front of it.
tiny_line() { maru up $(echo "$small" | sed 's/ split.held_out=0.2//') "$@"; }
echo "한 줄로 된 글은 나눌 곳이 없다. 그래서 배울 글과 잴 글로 가를 수 없고, 학습을 시작하기 전에 무엇이 더 필요한지 알려 주어야 한다. 오래 기다린 다음에야 알게 되면 너무 늦다." >"$home/one-line.txt"
check "one line cannot be divided" fails_with 2 'Needed are two documents, or one of at least two paragraphs' \
  tiny_line --name one-line --input "$home/one-line.txt" --no-serve
check "and nothing was trained" test ! -e "$home/runs/one-line" -a ! -e "$home/models/one-line"
check "without a held-out part" fails_with 2 'data.split.held_out is 0' tiny_line --name none --input docs --no-serve data.split.held_out=0
one_document() {
  tiny_line --name one --input README.ko.md --no-serve && zstdcat "$home/datasets/one/held_out.jsonl.zst" | grep -q . || return 1
  ! grep -qE '"value": ?0(\.0)?[,}]' "$home/models/one/evaluation/evaluation.json"
}
check "of one document the end is held out, and the model is measured on it" one_document
occupied() {
  python3 -c 'import socket,time; s=socket.socket(); s.bind(("127.0.0.1",0)); s.listen(); print(s.getsockname()[1],flush=True); time.sleep(60)' >"$home/port" &
  local holder=$! got=0
  until [ -s "$home/port" ]; do sleep 0.1; done
  fails_with 4 "is in use, perhaps by another maru; give --port N" tiny_line --name busy --input docs --port "$(cat "$home/port")" || got=1
  kill "$holder"
  [ "$got" = 0 ] && [ ! -e "$home/datasets/busy" ]
}
check "a port in use is found before the training" occupied
check "a listener without a key too" fails_with 2 'needs an API key' tiny_line --name busy --input docs serve.http.address=0.0.0.0
check "a task without its data too" fails_with 3 'eval.tasks: x: file: "nowhere.jsonl" is not there' tiny_line --name busy --input docs --no-serve 'eval.tasks=[{name: x, file: nowhere.jsonl}]'
check "and nothing was made for them" test ! -e "$home/datasets/busy"
tilde() {
  HOME=$home ./maru '--home=~/wave' --quiet data build --name here --input README.md --input README.ko.md
  test -e "$home/wave/datasets/here" -a ! -e '~'
}
check "a ~ that the shell left is the home" tilde
check "no place for artefacts" fails_with 2 'give --home DIR, or set MARU_HOME' env -u HOME -u MARU_HOME -u XDG_DATA_HOME ./maru models
