#!/usr/bin/env bash
# What is done with runs afterwards: from folders below, without write access, again when finished; and what the main job and
# a sweep say before and while they work.
. "$(dirname "$0")/lib.sh" "$@"
tiny_experiment 4
quick=(--set train.epochs=1)

# The costs are said before training.
expect 0 "plan: steps 8, evaluations about 1 (clips each: 16), test clips 16; a checkpoint takes" \
  "$emotrain" --config tiny.ini --run one "${quick[@]}"

# A finished run has nothing to go on with, and stays as it is.
cp runs/one/report.json before.json
expect 0 "one is finished: there is nothing to go on with" "$emotrain" --run one --resume
cmp runs/one/report.json before.json || fail "a finished run was written again"

# The runs folder is found from any folder below it, and a run by its path from anywhere.
mkdir -p deep/er
(cd deep/er && "$emotrain" runs list >../../out 2>../../err) || fail "runs list from below: $(cat err)"
grep -q "^one .*finished" out || fail "the run is not listed from below: $(cat out)"
(cd deep/er && "$emotrain" report one >../../out 2>../../err) || fail "report from below: $(cat err)"
[ ! -e deep/er/runs ] || fail "reading made a folder"
mkdir aside
(cd aside && "$emotrain" eval ../runs/one --config ../tiny.ini >../out 2>../err) || fail "eval by path: $(cat err)"
grep -q "weighted avg" out || fail "no report: $(cat out)"

# The whole folder can be moved, and goes on.
start_and_kill moved 2 --set train.epochs=30 --set checkpoint.every_steps=2
mkdir elsewhere && mv runs corpus tiny.ini tiny.json elsewhere
(cd elsewhere && "$emotrain" --run moved --resume >../out 2>../err) || fail "moved: $(cat err)"
grep -q "going on from step-" err || fail "the moved run began anew: $(cat err)"

# Reading needs no write access: not to the folder, not to the database.
cd elsewhere
expect 2 "no catalogue of runs here" "$emotrain" runs list --set run.database=none/emotrain.db
[ ! -e none ] || fail "listing made a database"
if [ "$(id -u)" = 0 ] && command -v setpriv >/dev/null; then
  chmod -R a+rX "$scratch"
  "$emotrain" --version >/dev/null
  reader=(setpriv --reuid=65534 --regid=65534 --clear-groups)
  if "${reader[@]}" test -x "$emotrain"; then
    expect 0 "^one .*finished" "${reader[@]}" "$emotrain" runs list
    expect 0 "^moved: finished" "${reader[@]}" "$emotrain" runs show moved
  fi
fi

# Copies across corpora are counted, said once, and stand in the report.
cp -r corpus copy
leak=("${quick[@]}" --set corpus.part=train --set corpus.copy.root=copy --set corpus.copy.part=test)
expect_error 1 "every clip of the train part sounds like one" "$emotrain" --config tiny.ini --run leak "${leak[@]}"
expect 0 "weighted avg" "$emotrain" --config tiny.ini --run leak "${leak[@]}" --set split.copies=keep
[ "$(grep -c "the same sound as one of the train part" err)" = 1 ] || fail "copies are not said once: $(cat err)"
grep -q "64 clips of the test part have" err || fail "copies are not counted: $(cat err)"
grep -q "Same sound: 64 of the test clips" runs/leak/classification_report.txt || fail "the report is silent about copies"
grep -q '"leaks":[[:space:]]*64' runs/leak/report.json || fail "report.json is silent about copies"

# A sweep says how far it is and what is best so far; a wrong value is found before the first run.
expect 0 "\[2/2\] .*finished in .* test accuracy .*best so far" "$emotrain" sweep --config tiny.ini --run sweep "${quick[@]}" \
  --grid model.pooling=mean,max
expect_error 2 "model.pooling must be one of" "$emotrain" sweep --config tiny.ini --run wrong --grid model.pooling=mean,maxx
[ ! -e runs/wrong ] || fail "a sweep with a wrong value left a folder"

# Only what emotrain made is removed: no folder of the user's own that is called like a run.
mkdir own own.removed
cp tiny.ini own/config.ini
touch own/recording.wav own.removed/recording.wav
expect_error 2 "own is no run" "$emotrain" runs rm own
expect 0 "weighted avg" "$emotrain" --config own/config.ini --run own --set model.pretrained=tiny.json --set corpus.root=corpus "${quick[@]}"
expect 0 "weighted avg" "$emotrain" --config tiny.ini --run own.removed "${quick[@]}"
expect 0 "removed .*/runs/own$" "$emotrain" runs rm own
[ -e own/recording.wav ] && [ -e own.removed/recording.wav ] && [ ! -e runs/own ] && [ -e runs/own.removed ] || fail "wrong folders: $(ls own* runs)"
expect_error 2 "no run \"own\"\|own is no run" "$emotrain" runs rm own
"$emotrain" runs list 2>/dev/null | grep -q "^own .* finished" && fail "its row is still there"
mkdir search && cp tiny.ini search/sweep.ini
expect_error 2 "search is no sweep" "$emotrain" runs rm search
"$emotrain" --config tiny.ini --run lost --set train.epochs=1 >/dev/null 2>err || fail "$(cat err)"
rm -r runs/lost
expect 0 "^lost .* finished" "$emotrain" runs list
expect 0 "removed .*/runs/lost, whose folder was gone" "$emotrain" runs rm lost
"$emotrain" runs list | grep -q "^lost " && fail "a run whose folder is gone cannot be removed"
expect_error 2 "no run \"lost\"" "$emotrain" runs rm lost
mkdir runs/.one.removed && touch runs/.one.removed/rest # of a removal that was killed, before another run had the name
expect 0 "removed .*/runs/one$" "$emotrain" runs rm one
[ ! -e runs/one ] && [ ! -e runs/.one.removed ] || fail "left: $(ls -A runs)"
expect 0 "^own.removed " "$emotrain" runs list --sort loss
