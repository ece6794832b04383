#!/usr/bin/env bash
# Batches of a step that run at the same time make the run that they make one after the other, with all that is random,
# and the same bits each time.
. "$(dirname "$0")/lib.sh" "$@"
tiny_experiment 4
[ "$(nproc)" -ge 2 ] || skip "one processor runs one batch at a time"

# NAME CONCURRENT SETTING...: three epochs, in steps of five batches: two rounds of two and one of one.
run() {
  local name=$1 concurrent=$2
  shift 2
  "$emotrain" --config tiny.ini --run "$name" --set run.threads=2 --set train.log_steps=1 --set train.batch_size=2 \
    --set train.gradient_accumulation_steps=5 --set train.concurrent_batches="$concurrent" "$@" >/dev/null 2>err || fail "$name: $(cat err)"
  [ "$(metrics "$name" | wc -l)" -ge 12 ] || fail "$name: too few steps"
}
metrics() { sed -n 's/.*"loss": \([0-9.e-]*\),.*"grad_norm": \([0-9.e-]*\).*/\1 \2/p' "runs/$1/metrics.jsonl"; }
weights() { sha256sum <"runs/$1/last/model.safetensors"; }

# NAME TOLERANCE SETTING...
compare() {
  local name=$1 tolerance=$2
  shift 2
  run "$name-1" 1 "$@"
  run "$name-2" 2 "$@"
  run "$name-again" 2 "$@"
  paste <(metrics "$name-1") <(metrics "$name-2") | awk -v t="$tolerance" '
    function differs(a, b) { return (a - b)^2 > (t * (1 + a))^2 }
    differs($1, $3) || differs($2, $4) { bad = 1; print } END { exit bad }' || fail "$name: two at the same time make another run"
  [ "$(weights "$name-2")" = "$(weights "$name-again")" ] || fail "$name: not the same bits again"
}

compare float32 1e-5
compare bfloat16 2e-3 --set run.precision=bfloat16
compare checkpointed 1e-5 --set model.gradient_checkpointing=yes
run base 1
compare adapters 2e-3 --set run.precision=bfloat16 --set model.pretrained=runs/base/best --set model.lora_rank=2 --set train.optimizer=adamw_8bit
compare mixed 1e-5 --set augment.mixup=0.4

# Nothing else than a number is taken.
expect 2 "concurrent_batches" "$emotrain" --config tiny.ini --set train.concurrent_batches=many
