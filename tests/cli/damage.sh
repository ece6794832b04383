#!/usr/bin/env bash
# Runs whose files are damaged, moved or of another day: what is refused, what goes on, what a report still says.
. "$(dirname "$0")/lib.sh" "$@"
tiny_experiment 4
flip() { # FILE: one bit near its end
  python3 - "$1" <<'P'
import sys
path = sys.argv[1]
data = bytearray(open(path, "rb").read())
data[-9] ^= 1
open(path, "wb").write(data)
P
}
settings=(--set train.epochs=60 --set checkpoint.every_steps=3 --set checkpoint.keep=3)
start_and_kill killed 20 "${settings[@]}"
cp -r runs saved

# The newest checkpoint is damaged: the one before is taken, and that is said.  All are: nothing goes on.
newest=$(ls -d runs/killed/checkpoints/step-* | tail -1) before=$(ls -d runs/killed/checkpoints/step-* | tail -2 | head -1)
for file in model.safetensors optimizer.safetensors trainer_state.json; do
  rm -r runs && cp -r saved runs
  if [ $file = trainer_state.json ]; then sed -i 's/"batches":\t[0-9]*/"batches":\t0/; s/"epoch":\t[0-9]*/"epoch":\t0/' "$newest/$file"; else flip "$newest/$file"; fi
  expect 0 "weighted avg" "$emotrain" --run killed --config tiny.ini --resume
  grep -q "^warning: .*$(basename "$newest")/$file: damaged: .*; going on from the checkpoint before it, $(basename "$before")" err ||
    fail "$file: $(cat err)"
done
rm -r runs && cp -r saved runs
: >"$newest/config.json"
expect 0 "weighted avg" "$emotrain" --run killed --config tiny.ini --resume
grep -q "^warning: .*$(basename "$newest")/config.json.*; going on from the checkpoint before it, $(basename "$before")" err || fail "config.json: $(cat err)"
rm -r runs && cp -r saved runs
for checkpoint in runs/killed/checkpoints/step-*; do flip "$checkpoint/model.safetensors"; done
expect_error 1 "damaged.*there is no whole checkpoint before it" "$emotrain" --config tiny.ini --run killed --resume
rm -r runs/killed

# A best checkpoint that is damaged predicts, evaluates and exports nothing.
expect 0 "weighted avg" "$emotrain" --config tiny.ini --run base --set train.epochs=1
cp -r runs/base runs/flipped
flip "$(readlink -f runs/flipped/best)/model.safetensors"
clip=corpus/Actor_01/03-01-01-01-01-01-01.wav
expect 0 neutral "$emotrain" predict base $clip
for words in "predict flipped $clip" "eval flipped" "export flipped exported"; do
  expect_error 1 "model.safetensors: damaged" "$emotrain" $words
done

# A config.ini that is empty or cut, be it at a line's end, is not taken for defaults.
cp -r runs/base runs/cut
for lines in 0 1 40 99; do
  head -n $lines runs/base/config.ini >runs/cut/config.ini
  for words in "predict cut $clip" "eval cut" "export cut exported" "report cut" "features cut $clip" "--run cut --config tiny.ini --resume"; do
    expect_error 1 "cut/config.ini: is empty or cut" "$emotrain" $words
  done
done
rm -r runs/cut

# A run whose config.ini is lost can be removed, with its row; so can a sweep with such a run.
for damage in "rm" "truncate -s 0"; do
  expect 0 "weighted avg" "$emotrain" --config tiny.ini --run broken --set train.epochs=1
  $damage runs/broken/config.ini
  expect 0 "removed .*/runs/broken" "$emotrain" runs rm broken
  [ ! -e runs/broken ] && ! "$emotrain" runs | grep broken || fail "broken is left"
done
expect 0 max "$emotrain" sweep --config tiny.ini --run pair --grid model.pooling=mean,max --set train.epochs=1
rm runs/pair/pooling=max,seed=101/config.ini
expect 0 "removed .*/runs/pair" "$emotrain" runs rm pair
[ ! -e runs/pair ] && ! "$emotrain" runs | grep pair || fail "a row of pair is left"
mkdir runs/none
expect_error 2 'no run "none"' "$emotrain" runs rm none
rmdir runs/none

# Another corpus is refused, although the run was moved, or the database has gone.
cp -r saved/killed runs/moved
mv corpus/Actor_02/03-01-01-01-01-01-02.wav kept.wav
expect_error 1 "the corpus or its split has changed since this run began" "$emotrain" --config tiny.ini --run moved --resume
mv runs runs_with_database && mkdir runs && mv runs_with_database/moved runs/
expect_error 1 "the corpus or its split has changed since this run began" "$emotrain" --config tiny.ini --run moved --resume
rm -r runs && mv runs_with_database runs
mv kept.wav corpus/Actor_02/03-01-01-01-01-01-02.wav

# A report tells of the clips as they were, not as the catalogue has them today.
grep -v "^ *seconds\|clips/s" runs/base/classification_report.txt >was.txt
rm -r corpus/Actor_0[234]
expect 0 "16 clips" "$emotrain" index --config tiny.ini
expect 0 base "$emotrain" report base
grep -v "^ *seconds\|clips/s" runs/base/classification_report.txt >is.txt
cmp -s was.txt is.txt || fail "another report: $(diff was.txt is.txt)"

# A removal that was killed is finished by the next one.
mv runs/flipped runs/.flipped.removed
expect 0 "removed .*runs/flipped$" "$emotrain" runs rm flipped
[ ! -e runs/.flipped.removed ] || fail "what a removal left is still there"
expect_error 2 "no run \"flipped\"" "$emotrain" runs rm flipped
expect 0 "removed .*runs/base$" "$emotrain" runs rm base
"$emotrain" runs list 2>/dev/null | grep -q "base" && fail "a removed run is listed"
[ -z "$(ls -A runs | grep removed)" ] || fail "left: $(ls -A runs)"

# Processes of one machine meet in a folder that nobody else can open, and nothing of it stays.
"$make_corpus" corpus 4 || fail "no corpus"
mkdir meeting
TMPDIR=$PWD/meeting "$emotrain" launch --processes 2 --config tiny.ini --run two "${settings[@]}" >/dev/null 2>err &
pid=$!
while kill -0 $pid 2>/dev/null && [ ! -s runs/two/metrics.jsonl ]; do sleep 0.05; done
[ "$(stat -c %a meeting/emotrain-launch-*)" = 700 ] || fail "others may open $(ls -ld meeting/*)"
if command -v ss >/dev/null; then
  ss -ltnp 2>/dev/null | grep '"emotrain"' | grep -v "127.0.0.1:\|\[::1\]:" >listening
  [ ! -s listening ] || fail "listens on every interface: $(cat listening)"
fi
kill -INT $pid
wait $pid
[ -z "$(ls meeting)" ] || fail "left in $PWD/meeting: $(ls meeting)"
