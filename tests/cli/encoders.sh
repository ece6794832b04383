#!/usr/bin/env bash
# Encoders of every family as a user has them: a published model predicts and is evaluated as it is, is fine-tuned the same
# twice, and what was trained predicts the same after its export; a head that is not whole predicts nothing.
. "$(dirname "$0")/lib.sh" "$@"
tiny_experiment 4
published() { echo "$tests/golden/encoders/$1/model"; }
run() { "$emotrain" "$@" >out 2>err </dev/null || fail "$*: $(cat err)"; }
clip=$(find corpus -name '*.wav' | sort | head -1)
short=(--set audio.max_seconds=0.9 --set run.threads=1 --set run.precision=float32 --set audio.resampler=sinc_fastest) # one of the models takes in 1 s

for name in hubert_group wavlm_layer unispeech_sat_layer data2vec_audio_even wav2vec2_mms wav2vec2_conformer_rotary \
  wav2vec2_bert_key whisper_80 emotion2vec_plus odyssey_wavlm speechbrain_wav2vec2; do
  model=$(published $name)
  run predict "$model" "$clip" --format csv -o published.csv "${short[@]}"
  [ "$(wc -l <published.csv)" = 2 ] || fail "$name: not one prediction: $(cat published.csv)"
  run export "$model" "copy-$name"
  run predict "copy-$name" "$clip" --format csv -o copied.csv "${short[@]}"
  cmp published.csv copied.csv || fail "$name: its copy predicts otherwise"
  tune=(--config tiny.ini "${short[@]}" --set model.pretrained="$model" --set train.max_steps=3)
  run "${tune[@]}" --run "$name"
  run "${tune[@]}" --run "$name-again"
  cmp "runs/$name/metrics.jsonl" "runs/$name-again/metrics.jsonl" || fail "$name: another training"
  grep -q '"loss"' "runs/$name/metrics.jsonl" || fail "$name: nothing was trained"
  if [[ $name = *conformer* ]]; then # its batch norms' statistics are of one pass, not two
    run "${tune[@]}" --run "$name-checkpointed" --set model.gradient_checkpointing=yes
    cmp "runs/$name/last/model.safetensors" "runs/$name-checkpointed/last/model.safetensors" || fail "$name: gradient checkpointing trains otherwise"
  fi
  run predict "$name" "$clip" --format csv -o trained.csv "${short[@]}"
  run export "$name" "exported-$name"
  run predict "exported-$name" "$clip" --format csv -o exported.csv "${short[@]}"
  cmp trained.csv exported.csv || fail "$name: the export predicts otherwise"
  run export "$model" "onnx-$name" --as onnx
  [ -s "onnx-$name/model.onnx" ] || fail "$name: no graph"
done

# Labels of the same emotion are matched; what the model does not know is left out and counted.
cp -r "$(published hubert_layer)" codes
sed -i 's/"0": "angry"/"0": "ang"/; s/"1": "calm"/"1": "neu"/' codes/config.json
run eval codes --config tiny.ini
grep -q 'labels: angry is the model.s ang, neutral is the model.s neu' err || fail "labels are not matched: $(cat err)"
grep -q 'left out, as the model has no such label, or several: .*calm (' err || fail "nothing was left out: $(cat err)"
run eval codes --config tiny.ini --set corpus.label_map=calm=neu
grep -q 'calm (' err && fail "label_map was not taken: $(cat err)"

# A config.json alone, and weights without their head, predict nothing.
mkdir bare && cp "$(published hubert_layer)/config.json" bare
expect_error 1 "no weights: neither model.safetensors" "$emotrain" predict bare "$clip"
cp -r "$(published wavlm_group)" beheaded
sed -i 's/"model_type": "wavlm"/"model_type": "hubert"/' beheaded/config.json
expect_error 1 "lack" "$emotrain" predict beheaded "$clip"
echo x >fairseq.pt
expect_error 2 "is a file: name the model directory" "$emotrain" --config tiny.ini --run file --set model.pretrained=fairseq.pt

# The steady part of another family is kept as well.
cached=(--config tiny.ini "${short[@]}" --set model.pretrained="$(published whisper_80)" --set model.freeze=layers:1 --set train.max_steps=3
  --set model.apply_spec_augment=no --set model.layerdrop=0 --set model.hidden_dropout=0 --set model.activation_dropout=0
  --set model.attention_dropout=0)
run "${cached[@]}" --run live
run "${cached[@]}" --run stored --set train.feature_cache=yes
[ "$(find runs/cache -name '*.features' | wc -l)" -gt 0 ] || fail "nothing was stored"
loss() { sed -n 's/.*"loss": \([0-9.e-]*\),.*/\1/p' "runs/$1/metrics.jsonl" | tail -1; }
awk -v a="$(loss live)" -v b="$(loss stored)" 'BEGIN { exit !(a > 0 && (a - b) ^ 2 < 1e-4 * a * a) }' || fail "stored: $(loss live), $(loss stored)"

# Silence after a clip belongs to what Whisper takes in, not to what is pooled.
for seconds in 0 0.95; do
  run --config tiny.ini "${short[@]}" --set model.pretrained="$(published whisper_80)" --set train.max_steps=2 --run "context-$seconds" \
    --set model.context_seconds=$seconds
done
cmp -s runs/context-0/metrics.jsonl runs/context-0.95/metrics.jsonl && fail "the context changes nothing"
"$make_corpus" long 4 0.5 1.5
expect_error 1 "Actor_.*wav: 1[.][5-9] s are longer than the 1 s that this encoder takes in" "$emotrain" --config tiny.ini "${short[@]}" \
  --set audio.max_seconds=0 --set corpus.root=long --set model.pretrained="$(published whisper_80)" --run long
run predict "$(published whisper_80)" long/Actor_01 --format csv -o long.csv --set run.precision=float32 # in windows
[ "$(wc -l <long.csv)" -gt 1 ] || fail "no prediction of clips longer than the encoder takes in"
expect_error 2 "model.context_seconds must be from 0 to 1" "$emotrain" --config tiny.ini --run much --set model.pretrained="$(published whisper_80)" \
  --set model.context_seconds=3
expect_error 2 "takes in clips as long as they are" "$emotrain" --config tiny.ini --run other --set model.pretrained="$(published hubert_layer)" \
  --set model.context_seconds=3

# The head may learn faster, lower layers slower, over scaled vectors; the scale is the checkpoint's afterwards.
rates=(--config tiny.ini --set train.max_steps=3 --set model.head=linear --set model.head_scale=standard --set train.head_learning_rate=1e-2
  --set train.layer_decay=0.5 --set model.pretrained="$(published hubert_layer)")
run "${rates[@]}" --run rates
run "${rates[@]}" --run rates-again
cmp runs/rates/metrics.jsonl runs/rates-again/metrics.jsonl || fail "rates: another training"
run predict rates "$clip" --format csv -o scaled.csv "${short[@]}"
run export rates exported-rates
run predict exported-rates "$clip" --format csv -o exported.csv "${short[@]}"
cmp scaled.csv exported.csv || fail "the scale is not in the checkpoint"
run export rates standard --as sequence-classification
run predict standard "$clip" --format csv -o standard.csv "${short[@]}"
paste -d, scaled.csv standard.csv | awk -F, 'NR > 1 { for (i = 3; i <= NF / 2; i++) { d = $i - $(i + NF / 2); if (d * d > 1e-10) exit 1 } }' ||
  fail "as transformers' class it predicts otherwise: $(cat scaled.csv standard.csv)"
