#!/usr/bin/env bash
# The convolutional network through the whole job, as wav2vec 2.0: learning, answering alike, a kill and going on.
. "$(dirname "$0")/lib.sh" "$@"
tiny_experiment 8
cp "$tests/cli/tiny_cnn.json" .
settings=(--set model.kind=cnn --set model.pretrained=tiny_cnn.json --set train.epochs=12 --set augment.speed=0.05
  --set augment.shift=0.02 --set augment.noise=0.5 --set augment.mixup=0.2 --set model.mask_time_length=2
  --set model.mask_feature_length=2 --set checkpoint.every_steps=3)

expect 0 "weighted avg" "$emotrain" --config tiny.ini --run whole "${settings[@]}"
accuracy=$(sed -n 's/.*"accuracy":[[:space:]]*\([0-9.]*\).*/\1/p' runs/whole/report.json | head -1)
awk "BEGIN { exit !($accuracy > 0.3) }" || fail "accuracy $accuracy on pitches is no better than chance"
"$emotrain" eval whole >eval.txt 2>err || fail "eval: $(cat err)"
head -13 runs/whole/classification_report.txt | cmp - <(head -13 eval.txt) || fail "eval differs from the run's report"
grep -q '"model_type":[[:space:]]*"cnn"' runs/whole/best/config.json || fail "config.json does not say what it is"
expect 0 "corpus/Actor_01" "$emotrain" predict runs/whole/best corpus/Actor_01

# Killed and resumed: the same weights, running statistics among them.
start_and_kill killed 30 "${settings[@]}"
expect 0 "weighted avg" "$emotrain" --run killed --resume
cmp runs/whole/last/model.safetensors runs/killed/last/model.safetensors || fail "weights differ after a kill"
cmp runs/whole/metrics.jsonl runs/killed/metrics.jsonl || fail "metrics differ after a kill"

expect_error 1 '"model_type" is "wav2vec2", not "cnn"' "$emotrain" --config tiny.ini --set model.kind=cnn
