#!/usr/bin/env bash
# Numbers gone wrong, and memory that runs out: said at that step, of which clips, and nothing is lost.
. "$(dirname "$0")/lib.sh" "$@"
tiny_experiment 4

# One clip so loud that sums of its squares overflow: an encoder, which normalises what its first layer makes, takes it;
# louder ones are no clips.
"$make_corpus" louder 2 3e38 || fail "no louder corpus"
expect_error 1 "no usable clip" "$emotrain" split --config tiny.ini --set corpus.root=louder
grep -q "left out: holds [-0-9.e+]* (frame [0-9]*), which is no sample" err || fail "no word of what is no sound: $(cat err)"
"$make_corpus" loud 2 9e17 || fail "no loud corpus"
mkdir both && cp -r corpus/Actor_* both && mkdir both/Actor_05
cp loud/Actor_01/03-01-01-01-01-01-01.wav both/Actor_05/03-01-01-01-01-01-05.wav
settings=(--set corpus.root=both --set split.protocol=predefined --set split.file=parts.csv --set audio.normalize=no)
for clip in both/*/*.wav; do
  name=$(basename "$clip" .wav)
  echo "$name,$([[ $name == *-04 ]] && echo test || echo train)"
done | sed '1i name,part' >parts.csv
expect 0 "weighted avg" "$emotrain" --config tiny.ini --run loud "${settings[@]}"
grep -q "left out" err && fail "a step was left out: $(cat err)"
grep -q nan runs/loud/metrics.jsonl runs/loud/classification_report.txt && fail "NaN in the record"
"$emotrain" predict loud corpus/Actor_04/*.wav | grep -qi nan && fail "the model has gone wrong"

# The steps of the CNN with it change nothing, by name, and training goes on: the statistics of its batch norms, which move
# in the forward pass, stay what they were.
cp "$tests/cli/tiny_cnn.json" .
expect 0 "weighted avg" "$emotrain" --config tiny.ini --run loud_cnn "${settings[@]}" --set model.kind=cnn --set model.pretrained=tiny_cnn.json
[ "$(grep -c "warning: step .* left out: the loss is .*nan.*03-01-01-01-01-01-05.wav" err)" = 3 ] || fail "not once an epoch: $(cat err)"
grep -q nan runs/loud_cnn/metrics.jsonl runs/loud_cnn/classification_report.txt && fail "NaN in the record"
"$emotrain" predict loud_cnn corpus/Actor_04/*.wav >answers || fail "$(cat err)"
grep -qi nan answers && fail "the CNN's statistics have gone wrong: $(cat answers)"

# Only such steps: training stops, saved, and goes on with --resume once something has changed.
expect_error 1 "of 3 steps in a row were not finite: lower train.learning_rate.*saved at step" \
  "$emotrain" --config tiny.ini --run wild --set corpus.root=loud --set model.kind=cnn --set model.pretrained=tiny_cnn.json --set train.max_nonfinite_steps=3
[ "$(grep -c "left out" err)" = 3 ] || fail "$(cat err)"
[ -s runs/wild/last/model.safetensors ] || fail "nothing was saved"
grep -q '"state": *"failed"\|failed' <("$emotrain" runs show wild) || fail "the run is not failed: $("$emotrain" runs show wild)"

# Memory: the line names the batch, its clips and settings that make it smaller.
ldd "$emotrain" | grep -q 'lib[at]san' && exit 0 # a sanitizer needs terabytes of addresses
"$make_corpus" long 2 0.5 40 || fail "no long corpus"
expect 0 . "$emotrain" index --config tiny.ini --set corpus.root=long
(
  ulimit -v 2500000
  expect_error 1 "no memory for a batch of 16 clips of 40.0 to .* (.* is the longest): try train.batch_size=8 train.gradient_accumulation_steps=4.*model.gradient_checkpointing=yes" \
    "$emotrain" --config tiny.ini --run large --set corpus.root=long --set train.batch_size=16 --set audio.max_seconds=60
) || exit 1
