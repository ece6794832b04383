#!/usr/bin/env bash
# emotrain export: model directories that answer the same, cards, Hugging Face's architecture where it is one, and ONNX
# by ONNX Runtime, where it is there (ONNX_ANSWER: a program MODEL SOUND that prints its answers).
. "$(dirname "$0")/lib.sh" "$@"
tiny_experiment 4
sed -i 's/^\[audio\]/&\nsample_rate = 22050/' tiny.ini # the recordings' own: ONNX Runtime is given them as they are
answer=${ONNX_ANSWER:-$(dirname "$make_corpus")/onnx_answer}
command -v "$answer" >/dev/null || [ -x "$answer" ] || answer=
clips=$(find corpus -name '*.wav' | sort | head -3)

# same RUN FOLDER: two models answer a few clips alike.
same() {
  "$emotrain" predict "$1" $clips --format csv >a.csv 2>err || fail "$(cat err)"
  "$emotrain" predict "$2" $clips --format csv --set audio.resampler=sinc_fastest --set run.precision=float32 --set run.threads=1 >b.csv 2>err || fail "$(cat err)"
  cmp a.csv b.csv || fail "$2 answers otherwise than $1"
}

# onnx RUN: its export as ONNX answers within 1e-4.
onnx() {
  "$emotrain" export "$1" "onnx-$1" --as onnx >/dev/null 2>err || fail "$(cat err)"
  [ -s "onnx-$1/README.md" ] || fail "$1: no card"
  [ "$answer" ] || return 0
  "$emotrain" predict "$1" $clips --format csv >a.csv 2>err || fail "$(cat err)"
  local row=1 clip
  for clip in $clips; do
    row=$((row + 1))
    "$answer" "onnx-$1/model.onnx" "$clip" >answers || fail "$1: ONNX Runtime: $(cat answers)"
    sed -n "${row}p" a.csv | tr ',' '\n' | grep -E '^-?[0-9.]+(e-?[0-9]+)?$' | tail -n "$(wc -l <answers)" | paste - answers |
      awk '{ d = $1 - $2; if (d < 0) d = -d; if (NF != 2 || d > 1e-4) bad = 1 } END { exit bad || NR != 8 }' || fail "$1: $clip: $(paste -s a.csv answers)"
  done
}

"$emotrain" --config tiny.ini --run plain >/dev/null 2>err || fail "$(cat err)"
"$emotrain" export plain exported >printed 2>err || fail "$(cat err)"
[ "$(cat printed)" = exported ] || fail "the folder is not printed"
same plain exported
grep -q '^library_name' exported/README.md && grep -q 'CC BY-NC-SA' exported/README.md && grep -q 'macro avg' exported/README.md || fail "the card: $(cat exported/README.md)"
[ -z "$(find . -name '*.exporting')" ] || fail "leftovers"
expect 0 copy "$emotrain" export exported copy
same plain copy
expect_error 2 "there already" "$emotrain" export plain exported
expect_error 2 "sequence-classification" "$emotrain" export plain no --as sequence
expect_error 2 "a dense layer with an activation" "$emotrain" export plain no --as sequence-classification
expect_error 2 "no run or model" "$emotrain" export nothing no
[ ! -e no ] || fail "something was left"
onnx plain

# What recordings become before a model takes them in goes with it: the run's name, its best checkpoint, the export, the
# export's copy and an ensemble of such runs predict alike.  What is given counts more.
python3 - $clips <<'P'
import sys, wave
for path in sys.argv[1:]: # the right channel plays backwards
    with wave.open(path) as f: parameters, data = f.getparams(), f.readframes(f.getnframes())
    left = [data[i:i + 2] for i in range(0, len(data), 2)]
    with wave.open(path.rsplit("/", 1)[1], "wb") as f:
        f.setparams(parameters._replace(nchannels=2))
        f.writeframes(b"".join(a + b for a, b in zip(left, reversed(left))))
P
mono=$clips clips=$(ls 03-*.wav)
stereo=(--set audio.channel=right --set audio.resampler=linear --set audio.max_seconds=0.3)
predictions() { "$emotrain" predict "$@" $clips --format csv >"$out" 2>err || fail "$*: $(cat err)"; }
for run in stereo again; do
  "$emotrain" --config tiny.ini --run $run --set train.epochs=1 --set audio.sample_rate=16000 "${stereo[@]}" >/dev/null 2>err || fail "$(cat err)"
done
expect 0 stereo-out "$emotrain" export stereo stereo-out
expect 0 stereo-copy "$emotrain" export stereo-out stereo-copy
expect 0 "weighted avg" "$emotrain" ensemble stereo again --run both
slow=(--set run.precision=float32 --set run.threads=1)
out=run.csv predictions stereo
for name in runs/stereo/best stereo-out stereo-copy runs/both/best both; do
  out=other.csv predictions $name "${slow[@]}"
  cmp run.csv other.csv || fail "$name predicts otherwise than the run"
done
for set in channel=left resampler=sinc_best max_seconds=0; do
  out=other.csv predictions stereo-out "${slow[@]}" --set audio.$set
  ! cmp -s run.csv other.csv || fail "audio.$set changes nothing"
  out=run2.csv predictions stereo --set audio.$set
  cmp other.csv run2.csv || fail "audio.$set: the export predicts otherwise than the run"
done
for name in stereo stereo-out; do # the default, but given
  out=$name.csv predictions $name "${slow[@]}" --set audio.channel=mean
done
cmp stereo.csv stereo-out.csv && ! cmp -s stereo.csv run.csv || fail "audio.channel=mean changes nothing"
"$emotrain" features runs/stereo/best $clips -o run.csv 2>err && "$emotrain" features stereo $clips -o other.csv 2>err || fail "$(cat err)"
cmp run.csv other.csv || fail "features of the best checkpoint are not the run's"
"$emotrain" features runs/stereo/best $clips -o other.csv --set audio.channel=left 2>err || fail "$(cat err)"
! cmp -s run.csv other.csv || fail "features: audio.channel=left changes nothing"
"$emotrain" eval stereo --config tiny.ini "${stereo[@]}" >run.txt 2>err && "$emotrain" eval stereo-out --config tiny.ini "${slow[@]}" --set audio.resampler=linear >other.txt 2>err || fail "$(cat err)"
cmp run.txt other.txt || fail "the export is evaluated otherwise than the run"
"$emotrain" eval stereo-out --config tiny.ini "${slow[@]}" --set audio.max_seconds=0 >other.txt 2>err || fail "$(cat err)"
! cmp -s run.txt other.txt || fail "audio.max_seconds=0 changes nothing"

# A model of an older emotrain does not say it; its run does, and so does what is made of the run.
sed -i '/"emotrain_/d; s/\("do_normalize":.*\),/\1/' "$(readlink -f runs/stereo/best)/preprocessor_config.json"
expect 0 old-out "$emotrain" export stereo old-out
cmp stereo-out/preprocessor_config.json old-out/preprocessor_config.json || fail "an old run's export: $(cat old-out/preprocessor_config.json)"
clips=$mono

# A model that emotrain wrote says what it takes in: without that nothing is predicted.
clip=${clips%%$'\n'*}
broken() { # EXPECTED SED: a copy whose preprocessor_config.json is changed
  rm -rf broken && cp -r stereo-out broken && sed -i "$2" broken/preprocessor_config.json
  expect_error 1 "broken/preprocessor_config.json: .*$1" "$emotrain" predict broken "$clip"
}
broken 'sampling_rate' '/sampling_rate/d'
broken 'do_normalize' '/do_normalize/d'
broken 'lacks "sampling_rate"' 's/"sampling_rate":.*/"sampling_rate": null,/'
broken 'lacks "emotrain_channel"' '/emotrain_channel/d'
broken 'must be a whole number' 's/"sampling_rate":.*/"sampling_rate": "16000",/'
broken 'must be true or false' 's/"do_normalize":.*/"do_normalize": 1,/'
broken 'of 8 Hz' 's/"sampling_rate":.*/"sampling_rate": 8,/'
broken 'emotrain_channel' 's/"right"/"middle"/'
broken 'emotrain_resampler' 's/"linear"/"best"/'
broken 'emotrain_max_seconds' 's/0.3/-1/'
rm broken/preprocessor_config.json
expect_error 1 "preprocessor_config.json: is missing" "$emotrain" predict broken "$clip"

# Every pooling, norm and layer that exports.
n=0
for pooling in sum max first last statistics attention attentive_statistics mean+max; do
  n=$((n + 1))
  "$emotrain" --config tiny.ini --run "pooling$n" --set model.pooling=$pooling --set train.epochs=1 >/dev/null 2>err || fail "$(cat err)"
  onnx "pooling$n"
done
"$emotrain" --config tiny.ini --run weighted --set model.layer=weighted --set train.epochs=1 >/dev/null 2>err || fail "$(cat err)"
onnx weighted
"$emotrain" --config tiny.ini --run first_layer --set model.layer=1 --set train.epochs=1 >/dev/null 2>err || fail "$(cat err)"
onnx first_layer
sed 's/"group"/"layer"/; s/"do_stable_layer_norm": true/"do_stable_layer_norm": false/; s/embeddings": 8/embeddings": 7/' tiny.json >post.json
"$emotrain" --config tiny.ini --run post --set model.pretrained=post.json --set train.epochs=1 >/dev/null 2>err || fail "$(cat err)"
onnx post
cp "$tests/cli/tiny_cnn.json" .
"$emotrain" --config tiny.ini --run cnn --set model.kind=cnn --set model.pretrained=tiny_cnn.json --set model.freeze=none --set train.epochs=1 \
  >/dev/null 2>err || fail "$(cat err)"
expect 0 cnn-out "$emotrain" export cnn cnn-out
same cnn cnn-out
expect_error 2 "cannot be written in ONNX" "$emotrain" export cnn no --as onnx
expect_error 2 "transformers has no class for model.kind=cnn" "$emotrain" export cnn no --as sequence-classification

# Hugging Face's own architecture.
"$emotrain" --config tiny.ini --run linear --set model.head=linear --set model.layer=weighted --set train.epochs=1 >/dev/null 2>err || fail "$(cat err)"
"$emotrain" export linear standard --as sequence-classification >/dev/null 2>err || fail "$(cat err)"
for name in '"projector.weight"' '"classifier.weight"' '"layer_weights"'; do
  head -c 20000 standard/model.safetensors | grep -aq "$name" || fail "no $name"
done
head -c 20000 standard/model.safetensors | grep -aq out_proj.weight\",classifier && fail "our head's names are there"
grep -q '"Wav2Vec2ForSequenceClassification"' standard/config.json && grep -q '"use_weighted_layer_sum":.*true' standard/config.json || fail "config.json"
onnx linear
[ "$answer" ] || echo "no ONNX Runtime here: its answers were not compared"
