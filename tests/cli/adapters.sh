#!/usr/bin/env bash
# LoRA adapters and 8-bit moments: runs that are killed and go on to the bit; ordinary checkpoints.
. "$(dirname "$0")/lib.sh" "$@"
tiny_experiment 5

# goes_on NAME OPTION...: the run NAME, and another that is killed and goes on, are equal to the bit.
goes_on() {
  local name=$1
  shift
  "$emotrain" --config tiny.ini --run "$name" "$@" >/dev/null 2>err || fail "$(cat err)"
  start_and_kill "killed-$name" 12 "$@"
  "$emotrain" --run "killed-$name" --resume >/dev/null 2>err || fail "$(cat err)"
  for file in metrics.jsonl predictions.csv last/model.safetensors last/optimizer.safetensors; do
    cmp "runs/$name/$file" "runs/killed-$name/$file" || fail "$name: $file differs after a kill"
  done
}

long=(--set train.epochs=8 --set checkpoint.every_steps=3)
sed 's/"hidden_size": 16/"hidden_size": 64/; s/"conv_dim": \[16, 16\]/"conv_dim": [64, 64]/' tiny.json >wide.json
goes_on eight "${long[@]}" --set model.pretrained=wide.json --set train.optimizer=adamw_8bit
goes_on exact "${long[@]}" --set model.pretrained=wide.json
cmp -s runs/eight/last/model.safetensors runs/exact/last/model.safetensors && fail "moments in 8 bits change nothing"
"$emotrain" --config tiny.ini --run base --set train.epochs=1 >/dev/null 2>err || fail "$(cat err)"
expect_error 2 "stay as it is initialised at random" "$emotrain" --config tiny.ini --run no --set model.lora_rank=2
goes_on whole "${long[@]}" --set model.pretrained=runs/base/best --set model.lora_rank=2 --set model.lora_targets=q_proj,k_proj,v_proj,out_proj,intermediate_dense,output_dense

# The checkpoint is an ordinary one: no adapters in it, and it answers as the run did.
grep -qa lora runs/whole/last/model.safetensors && fail "adapters in the checkpoint"
grep -q lora runs/whole/last/config.json && fail "adapters in config.json"
expect 0 "weighted avg" "$emotrain" eval runs/whole/best --config tiny.ini
head -13 runs/whole/classification_report.txt | cmp - <(head -13 out) || fail "eval differs from the run's report"

expect_error 2 "leave out one" "$emotrain" --config tiny.ini --run no --set model.lora_rank=2 --set train.ema_decay=0.9
cp "$tests/cli/tiny_cnn.json" .
expect_error 2 "model.kind=cnn has no adapters" "$emotrain" --config tiny.ini --run no --set model.kind=cnn --set model.lora_rank=2 \
  --set model.pretrained=tiny_cnn.json --set model.freeze=none
