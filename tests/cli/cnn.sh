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

# Scaled by speaker: a whole speaker made quieter is predicted as before; eval gives what the run gave.
sed 's/"head_size": 16/"head_size": 16, "floor": 1e-9, "input_norm": "speaker"/' tiny_cnn.json >by_speaker.json
by_speaker=(--set model.kind=cnn --set model.pretrained=by_speaker.json --set train.epochs=12 --set augment.speed=0.05
  --set checkpoint.every_steps=3)
expect 0 "^Scaled by speaker: " "$emotrain" --config tiny.ini --run by-speaker "${by_speaker[@]}"
grep -q "^Model: .*; input standardised over all clips of each speaker" runs/by-speaker/classification_report.txt || fail "the protocol is silent"
accuracy=$(sed -n 's/.*"accuracy":[[:space:]]*\([0-9.]*\).*/\1/p' runs/by-speaker/report.json | head -1)
awk "BEGIN { exit !($accuracy > 0.3) }" || fail "accuracy $accuracy, scaled by speaker, is no better than chance"
"$emotrain" eval by-speaker --distort gain:-12dB >eval.txt 2>err || fail "eval: $(cat err)"
head -13 runs/by-speaker/classification_report.txt | cmp - <(head -13 eval.txt) || fail "eval of a model scaled by speaker differs from its report"
grep -q "^gain:-12dB .* 100.0%$" eval.txt || fail "a gain for all of a speaker's recordings changes predictions: $(tail -1 eval.txt)"
expect_error 2 "cannot predict a recording by itself" "$emotrain" predict by-speaker corpus/Actor_01
expect_error 2 "cannot predict a recording by itself" "$emotrain" ensemble by-speaker whole --run no
expect_error 2 "augment.mixup" "$emotrain" --config tiny.ini --run no "${by_speaker[@]}" --set augment.mixup=0.2
start_and_kill by-speaker-killed 30 "${by_speaker[@]}"
expect 0 "weighted avg" "$emotrain" --run by-speaker-killed --resume
cmp runs/by-speaker/last/model.safetensors runs/by-speaker-killed/last/model.safetensors || fail "weights scaled by speaker differ after a kill"

expect_error 1 '"model_type" is "wav2vec2", not "cnn"' "$emotrain" --config tiny.ini --set model.kind=cnn
