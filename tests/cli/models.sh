#!/usr/bin/env bash
# Models beside wav2vec 2.0 and the network through the whole job: support vector machines on functionals and on a list
# of features, VGGish, DeepMoji.
. "$(dirname "$0")/lib.sh" "$@"
tiny_experiment 6
cp -r "$tests/golden/vggish_tiny/model" vggish
cp -r "$tests/golden/deepmoji_tiny/model" deepmoji

accuracy_of() { sed -n 's/.*"accuracy":[[:space:]]*\([0-9.]*\).*/\1/p' "runs/$1/report.json" | head -1; }
knows() { awk "BEGIN { exit !($(accuracy_of "$1") > 0.3) }" || fail "$1: accuracy $(accuracy_of "$1") is no better than chance"; }

# Support vector machines: functionals from the cache, chosen in the train part; the same twice; from files.
svm=(--set model.kind=linear --set model.pretrained= --set linear.folds=3)
expect 0 "weighted avg" "$emotrain" --config tiny.ini --run svm "${svm[@]}"
knows svm
grep -q '"svm_kernel"' runs/svm/best/config.json && [ -s runs/svm/best/svm-0.txt ] || fail "no machine was saved"
expect 0 "weighted avg" "$emotrain" --config tiny.ini --run svm2 "${svm[@]}"
cmp runs/svm/predictions.csv runs/svm2/predictions.csv || fail "the same experiment gave other answers"
expect 0 "Actor_01" "$emotrain" predict runs/svm/best corpus/Actor_01
expect 0 "weighted avg" "$emotrain" --config tiny.ini --run grouped "${svm[@]}" --set split.protocol=speaker

# Features of a list, as our own command and as openSMILE write them.
"$emotrain" features egemaps corpus -o features.csv 2>err || fail "features: $(cat err)"
[ "$(wc -l <features.csv)" = 97 ] && [ "$(head -1 features.csv | tr ',' '\n' | wc -l)" = 89 ] || fail "features.csv is not 96 x 89"
sed 's#^corpus/##' features.csv >listed.csv
expect 0 "weighted avg" "$emotrain" --config tiny.ini --run listed "${svm[@]}" --set linear.features=listed.csv
expect 0 "weighted avg" "$emotrain" --config tiny.ini --run as-written "${svm[@]}" --set linear.features=features.csv
cmp runs/listed/predictions.csv runs/as-written/predictions.csv || fail "features.csv is not taken back as it was written"
knows listed
sed "s/,/;/g; s#^corpus/[^/]*/\([^;.]*\).wav#'\1'#; 1s/path/name/" features.csv >opensmile.csv
expect 0 "weighted avg" "$emotrain" --config tiny.ini --run opensmile "${svm[@]}" --set linear.features=opensmile.csv
cmp runs/listed/predictions.csv runs/opensmile/predictions.csv || fail "the same features gave other answers"
expect 0 "weighted avg" "$emotrain" eval listed
expect_error 2 "was trained on a table" "$emotrain" predict listed corpus/Actor_01
expect_error 2 "was trained on a table" "$emotrain" ensemble svm listed --run none
expect_error 2 "was trained on a table" "$emotrain" eval runs/listed/best --config tiny.ini
expect 0 "^warning: model.kind=linear is fitted once: train.label" "$emotrain" --config tiny.ini --run warned "${svm[@]}" --set train.label_smoothing=0.1 \
  --set augment.speed=0.1
grep -q "^warning: model.kind=linear is fitted once, to clips as they are" err || fail "no word of augment.speed: $(cat err)"
head -5 listed.csv >short.csv
expect_error 1 "no row for the clip" "$emotrain" --config tiny.ini --run short "${svm[@]}" --set linear.features=short.csv
expect_error 2 "none" "$emotrain" --config tiny.ini --run frozen "${svm[@]}" --set model.freeze=encoder

# VGGish: from a checkpoint in the published names; frozen, only the head moves.
vggish=(--set model.kind=vggish --set model.pretrained=vggish --set train.epochs=2)
expect 0 "weighted avg" "$emotrain" --config tiny.ini --run vggish "${vggish[@]}"
expect 0 "weighted avg" "$emotrain" --config tiny.ini --run frozen "${vggish[@]}" --set model.freeze=encoder --set model.pooling=mean+max
grep -q '"trainable":[[:space:]]*[1-9]' runs/frozen/report.json || fail "nothing was trained"
expect 0 "Actor_01" "$emotrain" predict runs/vggish/best corpus/Actor_01
expect_error 2 "vggish takes 16000 Hz" "$emotrain" --config tiny.ini --run rate "${vggish[@]}" --set audio.sample_rate=8000

# DeepMoji reads: chain-thaw goes on after a kill as if there had been none; text alone is said to know nothing.
deepmoji=(--set model.kind=deepmoji --set model.pretrained=deepmoji --set model.freeze=chain_thaw --set train.epochs=6
  --set checkpoint.every_steps=5 --set train.ema_decay=0.9)
expect_error 2 "reads texts" "$emotrain" --config tiny.ini --run no "${deepmoji[@]}" --set augment.shift=0.1
expect 0 "Predicting the most common label of each text would be right" "$emotrain" --config tiny.ini --run deepmoji "${deepmoji[@]}"
start_and_kill killed 20 "${deepmoji[@]}"
expect 0 "weighted avg" "$emotrain" --run killed --resume
cmp runs/deepmoji/last/model.safetensors runs/killed/last/model.safetensors || fail "weights differ after a kill"
[ -s runs/deepmoji/best/vocabulary.json ] || fail "the vocabulary did not go along"
printf 'Kids are talking by the door\n\nI love this :)\n' >texts.txt
expect 0 "texts.txt:3" "$emotrain" predict deepmoji texts.txt
expect_error 1 "1 of 1 files have no prediction" "$emotrain" predict deepmoji - </dev/null
printf '\357\273\277I love this :)\n' >mark.txt # a byte order mark is none of the text
printf 'I love this :)\n' >plain.txt
for name in mark plain; do "$emotrain" predict deepmoji $name.txt --format csv 2>/dev/null | tail -1 | cut -d, -f2- >$name.csv; done
[ -s mark.csv ] && cmp mark.csv plain.csv || fail "a byte order mark changes a prediction"
expect 1 "this model reads" "$emotrain" predict deepmoji corpus/Actor_01/03-01-01-01-01-01-01.wav
cp "$tests/golden/deepmoji_tiny/model/config.json" alone.json
expect_error 1 "vocabulary.json" "$emotrain" --config tiny.ini --run alone "${deepmoji[@]}" --set model.pretrained=alone.json
