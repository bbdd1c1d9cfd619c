# What is in a home, and taking it out again. Sourced by tests/run_launcher when the artefacts are there.

check "list says what is there" bash -c "
  ./maru --home '$home' list | tee '$home/facts'; grep -qE '^models/tiny .*from datasets/tiny/tokens-tiny.* needed by ' '$home/facts' && grep -qE '^runs/tiny ' '$home/facts'"
check "foreign weights show" bash -c "./maru --home '$home' list models | grep -qE '^models/foreign .*foreign: foreign from https://example.org/tiny'"
check "list of one kind in JSON" bash -c "./maru --home '$home' --json list adapters | grep -q '^\[{\"kind\":\"adapters\",\"name\":\"law\"'"
check "list names the kind that was meant" fails_with 2 'unknown kind "modles"; did you mean "models"?' maru list modles
check "a name of several kinds is not removed" fails_with 2 '"tiny" is the name of several: say datasets/tiny or tokenizers/tiny or models/tiny or runs/tiny' maru remove tiny --yes
check "what something was made from is not removed" fails_with 4 "models/tiny-int4" maru remove models/tiny --yes
check "a name that is not there" fails_with 3 'nothing is called "foreign-88"; did you mean "foreign-8"?' maru remove foreign-88 --yes
check "without a terminal yes has to be said" fails_with 2 "--yes says yes" bash -c "./maru --home '$home' remove foreign-8 </dev/null"
check "on a terminal it asks" bash -c "
  printf 'n\n' | script -qec \"./maru --home '$home' remove foreign-8\" /dev/null | tee '$home/facts'; grep -q 'nothing was removed' '$home/facts' && [ -e '$home/models/foreign-8' ]"
touch "$home/models/foreign-8/thesis.txt"
check "a file of somebody else stays, by force too" fails_with 4 "thesis.txt: was not made by Maru" maru remove foreign-8 --yes --force
rm "$home/models/foreign-8/thesis.txt"
check "it is removed, and its linked weights are not" bash -c "
  ./maru --home '$home' remove foreign-8 --yes && [ ! -e '$home/models/foreign-8' ] && [ -s '$home/exported/tiny/model.safetensors' ] && [ -z \"\$(find '$home/models' -name '*foreign-8*')\" ]"
check "by force also what others need" bash -c "./maru --home '$home' --json remove adapters/law --yes --force | grep -q '\"models/tiny/evaluation-law\"\]'"
check "a directory that Maru did not make" bash -c "mkdir '$home/models/theirs' && touch '$home/models/theirs/x' && ! ./maru --home '$home' remove theirs --yes --force && rm -r '$home/models/theirs'"
