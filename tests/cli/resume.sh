#!/usr/bin/env bash
# kill -9 at random moments, Ctrl-C and SIGTERM; resumed each time, the run equals one never interrupted.
# KILLS=20 by hand; a few in the tests.
. "$(dirname "$0")/lib.sh" "$@"
kills=${KILLS:-4}
tiny_experiment 6
settings=(--set train.epochs=12 --set eval.every_steps=5 --set checkpoint.every_steps=3)

"$emotrain" --config tiny.ini --run whole "${settings[@]}" >/dev/null 2>err || fail "$(cat err)"
seconds=$( { TIMEFORMAT=%R; time "$emotrain" --config tiny.ini --run timed "${settings[@]}" >/dev/null 2>&1; } 2>&1)

equal() {
  cmp runs/whole/metrics.jsonl "runs/$1/metrics.jsonl" || fail "$1: metrics differ"
  cmp runs/whole/predictions.csv "runs/$1/predictions.csv" || fail "$1: predictions differ"
  cmp runs/whole/last/model.safetensors "runs/$1/last/model.safetensors" || fail "$1: weights differ"
  cmp runs/whole/last/optimizer.safetensors "runs/$1/last/optimizer.safetensors" || fail "$1: optimizer differs"
  [ "$(readlink runs/whole/best)" = "$(readlink "runs/$1/best")" ] || fail "$1: another best checkpoint"
  [ -z "$(find "runs/$1" -name '*tmp*')" ] || fail "$1: leftovers"
}

# One run, killed again and again.
RANDOM=${SEED:-$$}
arguments=("${settings[@]}")
for i in $(seq "$kills"); do
  "$emotrain" --config tiny.ini --run killed "${arguments[@]}" >/dev/null 2>err &
  pid=$!
  sleep "$(awk "BEGIN { print $seconds * (0.25 + 0.7 * $RANDOM / 32768) }")"
  kill -9 $pid 2>/dev/null
  wait $pid 2>/dev/null
  [ -e runs/killed/config.ini ] && arguments=(--resume)
done
[ "${arguments[0]}" = --resume ] || fail "killed too early each time"
"$emotrain" --config tiny.ini --run killed --resume >/dev/null 2>err || fail "$(cat err)"
equal killed
echo "killed $kills times (a run takes $seconds s): equal"

# Ctrl-C and SIGTERM: the step is finished, saved, status 130.
for signal in INT TERM; do
  "$emotrain" --config tiny.ini --run "stop$signal" "${settings[@]}" >/dev/null 2>err &
  pid=$!
  while kill -0 $pid 2>/dev/null && [ ! -s "runs/stop$signal/metrics.jsonl" ]; do sleep 0.02; done
  kill -$signal $pid
  wait $pid
  [ $? = 130 ] || fail "SIG$signal: status $? ($(cat err))"
  grep -q "^emotrain: interrupted .*--resume" err || fail "SIG$signal: $(cat err)"
  "$emotrain" --config tiny.ini --run "stop$signal" --resume >/dev/null 2>err || fail "$(cat err)"
  equal "stop$signal"
done
