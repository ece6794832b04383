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

# One run, killed again and again; a kill that comes after the end counts for nothing and starts another run.
RANDOM=${SEED:-$$}
hits=0 runs=0
while [ $hits -lt "$kills" ]; do
  runs=$((runs + 1)) arguments=("${settings[@]}") left=$seconds
  while :; do
    "$emotrain" --config tiny.ini --run "killed$runs" "${arguments[@]}" >/dev/null 2>err &
    pid=$!
    sleep "$(awk "BEGIN { print $left * (0.3 + 0.65 * $RANDOM / 32768) }")"
    kill -9 $pid 2>/dev/null || break
    wait $pid 2>/dev/null
    [ $? = 137 ] || break
    hits=$((hits + 1))
    left=$(awk "BEGIN { l = $left * 0.85; print l < $seconds / 2 ? $seconds / 2 : l }")
    [ -e "runs/killed$runs/config.ini" ] && arguments=(--resume)
    [ $hits -lt "$kills" ] || break
  done
  wait $pid 2>/dev/null
  if [ -e "runs/killed$runs/report.html" ]; then arguments=(--resume); fi
  "$emotrain" --config tiny.ini --run "killed$runs" "${arguments[@]}" >/dev/null 2>err || fail "$(cat err)"
  equal "killed$runs"
done
echo "killed $hits times in $runs runs (one takes $seconds s): equal"

# A run goes on by the settings that it began with; where things are, and how fast they go, may change.
"$emotrain" --config tiny.ini --run edited "${settings[@]}" >/dev/null 2>err &
pid=$!
while kill -0 $pid 2>/dev/null && ! compgen -G "runs/edited/checkpoints/step-*" >/dev/null; do sleep 0.02; done
kill -9 $pid 2>/dev/null
wait $pid 2>/dev/null
cp runs/edited/config.ini begun.ini
edit() { # KEY VALUE of the one section that has this key with a value of its own
  sed "s/^$1 = .*/$1 = $2/" begun.ini >runs/edited/config.ini
  cmp -s begun.ini runs/edited/config.ini && fail "config.ini has no $1 to change"
}
for change in "auxiliary_task sex" "learning_rate 0.5" "freeze encoder" "best_metric eval_loss" "loss focal" "batch_size 4"; do
  read -r key value <<<"$change"
  edit "$key" "$value"
  expect_error 2 "runs/edited/config.ini: this run began with [a-z]*.$key=.*, now it is \"$value\": put it back" \
    "$emotrain" --run edited --resume
done
cp begun.ini runs/edited/config.ini
mv runs/edited/metrics.jsonl whole.jsonl
expect_error 1 "metrics.jsonl: is gone or shorter .* another --run" "$emotrain" --run edited --resume
head -c 20 whole.jsonl >runs/edited/metrics.jsonl
expect_error 1 "metrics.jsonl: is gone or shorter .* another --run" "$emotrain" --run edited --resume
mv whole.jsonl runs/edited/metrics.jsonl
edit gradient_checkpointing yes
"$emotrain" --run edited --resume >/dev/null 2>err || fail "$(cat err)"
equal edited

# Ctrl-C and SIGTERM: the step is finished, saved, status 130.
for signal in INT TERM; do
  "$emotrain" --config tiny.ini --run "stop$signal" "${settings[@]}" >/dev/null 2>err &
  pid=$!
  while kill -0 $pid 2>/dev/null && [ ! -s "runs/stop$signal/metrics.jsonl" ]; do sleep 0.02; done
  kill -$signal $pid
  wait $pid
  [ $? = 130 ] || fail "SIG$signal: status $? ($(cat err))"
  grep -q "^emotrain: interrupted .*--resume" err || fail "SIG$signal: $(cat err)"
  # Once more, at once: what Ctrl-C left must outlive a kill in the resumed run's first moments.
  "$emotrain" --config tiny.ini --run "stop$signal" --resume >/dev/null 2>err &
  pid=$!
  sleep "$(awk "BEGIN { print $seconds * 0.3 }")"
  kill -9 $pid 2>/dev/null
  wait $pid 2>/dev/null
  "$emotrain" --config tiny.ini --run "stop$signal" --resume >/dev/null 2>err || fail "$(cat err)"
  equal "stop$signal"
done

# Interrupted in the step after which an evaluation is due, in the middle of an epoch and at the end: it is made up for,
# and the run is described.
steps=(--set train.epochs=3 --set eval.every_steps=5 --set train.log_steps=1 --set train.batch_size=4)
"$emotrain" --config tiny.ini --run whole-steps "${steps[@]}" >/dev/null 2>err || fail "$(cat err)"
last=$(sed -n 's/.*"step": \([0-9]*\),.*/\1/p' runs/whole-steps/metrics.jsonl | tail -1)
interrupt_in() { # STEP: tries until the signal comes during it
  local try
  for try in {1..40}; do
    rm -rf runs/in-step
    "$emotrain" --config tiny.ini --run in-step "${steps[@]}" >/dev/null 2>err &
    pid=$!
    while kill -0 $pid 2>/dev/null && ! grep -qs "\"step\": $(($1 - 1))," runs/in-step/metrics.jsonl; do :; done
    kill -INT $pid 2>/dev/null
    wait $pid
    ! grep -q "^emotrain: interrupted at step $1 of" err || return 0
    "$emotrain" runs rm in-step >/dev/null 2>&1
  done
  fail "no signal came during step $1: $(cat err)"
}
for step in 5 "$last"; do
  interrupt_in "$step"
  "$emotrain" --run in-step --resume >/dev/null 2>err || fail "$(cat err)"
  for file in metrics.jsonl predictions.csv; do
    cmp runs/whole-steps/$file runs/in-step/$file || fail "interrupted in step $step: another $file"
  done
  grep -q "\"steps\": $last,\|\"steps\":[[:space:]]*$last," runs/in-step/run_info.json || fail "interrupted in step $step: no word of its training"
  "$emotrain" runs rm in-step >/dev/null 2>err || fail "$(cat err)"
done
