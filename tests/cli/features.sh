#!/usr/bin/env bash
# emotrain features: an encoder's layers and the functionals of recordings, as CSV and NumPy archives, kept for the next time, and
# read back by a linear model.
. "$(dirname "$0")/lib.sh" "$@"
tiny_experiment 6
run() { "$emotrain" "$@" >out 2>err </dev/null || fail "$*: $(cat err)"; }
encoder=$tests/golden/encoders/wavlm_layer/model
plain=(--set run.precision=float32 --set run.threads=1 --set audio.resampler=sinc_fastest)

# A row for each recording; the second time nothing is computed, for other layers and poolings either.
run features "$encoder" corpus --layer 1,2 -o layers.csv "${plain[@]}"
[ "$(wc -l <layers.csv)" = 97 ] || fail "not a row for each of 96 recordings: $(wc -l layers.csv)"
head -1 layers.csv | grep -q "^path,layer1_mean_0,.*,layer2_mean_0," || fail "other columns: $(head -1 layers.csv | cut -c1-80)"
kept() { find runs/cache -name "*.layers" -newer mark | wc -l; }
[ "$(find runs/cache -name "*.layers" | wc -l)" = 96 ] || fail "the layers were not kept"
sleep 0.1; touch mark
run features "$encoder" corpus --layer all --pooling mean+std -o all.npz "${plain[@]}"
[ "$(kept)" = 0 ] || fail "the layers were computed again"
run features "$encoder" corpus/Actor_01 --layer last "${plain[@]}"
[ "$(wc -l <out)" = 17 ] || fail "not 16 rows on standard output"
run --config tiny.ini --set model.kind=linear --set linear.features=encoder --set model.pretrained="$encoder" --set linear.folds=3 \
  --set linear.C=0.01,0.1 --set split.protocol=speaker --set linear.layer=1 --run probe "${plain[@]}"
[ "$(kept)" = 0 ] || fail "a linear model computed the layers again"

# What is written is what a linear model on the encoder has: the same scores and predictions.
for file in layer.csv layer.npz; do
  run features "$encoder" corpus --layer 1 -o $file "${plain[@]}"
  run --config tiny.ini --set model.kind=linear --set model.pretrained= --set linear.features=$file --set linear.folds=3 \
    --set linear.classifier=logistic_regression --set linear.C=0.01,0.1 --set split.protocol=speaker --run $file "${plain[@]}"
  cmp <(cut -d, -f3- runs/probe/candidates.csv) <(cut -d, -f3- runs/$file/candidates.csv) || fail "$file: other scores"
  paste -d, <(cut -d, -f4- runs/probe/predictions.csv) <(cut -d, -f4- runs/$file/predictions.csv) |
    awk -F, 'NR > 1 { n++; for (i = 1; i <= NF / 2; i++) { d = $i - $(i + NF / 2); if (d * d > 1e-10) exit 1 } } END { exit n < 10 }' ||
    fail "$file: other predictions"
done

# Of a run: the encoder of its best checkpoint.
run features probe corpus/Actor_01 --layer 1 -o run.csv "${plain[@]}"
cmp run.csv <(head -17 layer.csv) || fail "the probe's encoder is another"

# Every frame; of no layer but those asked for.
one=$(find corpus -name '*.wav' | sort | head -1)
run features "$encoder" "$one" --layer 0,2 --pooling none -o frames.csv "${plain[@]}"
head -1 frames.csv | grep -q "^path,layer,frame,0,1," || fail "other columns: $(head -1 frames.csv | cut -c1-80)"
mean=$(awk -F, 'NR > 1 && $2 == 2 { sum += $4; n++ } END { printf "%.5f", sum / n }' frames.csv)
wanted=$("$emotrain" features "$encoder" "$one" --quiet "${plain[@]}" | awk -F, 'NR == 2 { printf "%.5f", $2 }')
[ "$mean" = "$wanted" ] || fail "frames have the mean $mean, pooled it is $wanted"
run features "$encoder" corpus/Actor_01 --pooling none -o frames.npz "${plain[@]}"
expect_error 1 "frames of" "$emotrain" --config tiny.ini --set model.kind=linear --set model.pretrained= --set linear.features=frames.npz --run x

# Functionals, at 16 kHz or as recorded.
run features egemaps corpus/Actor_01 -o egemaps.npz
run features egemaps corpus/Actor_01 -o egemaps.csv
run features egemaps corpus/Actor_01 -o native.csv --set audio.sample_rate=native
cmp -s egemaps.csv native.csv && fail "the rate changes nothing"
[ "$(awk -F, '{ print NF }' egemaps.csv | sort -u)" = 89 ] || fail "not 88 functionals"

# What cannot be: one line, and no file.
printf 'no sound' >broken.wav
expect_error 1 "1 of 2 files are left out" "$emotrain" features "$encoder" "$one" broken.wav -o some.csv "${plain[@]}"
[ "$(wc -l <some.csv)" = 2 ] || fail "the good one was not written"
expect_error 1 "none of the 1 files" "$emotrain" features "$encoder" broken.wav -o none.csv
[ -e none.csv ] && fail "a file without rows was written"
expect_error 2 "layer must be all, last, a number from 0 to 2" "$emotrain" features "$encoder" "$one" --layer 3
expect_error 2 "pooling must be mean" "$emotrain" features "$encoder" "$one" --pooling max
expect_error 2 "as .csv or .npz" "$emotrain" features "$encoder" "$one" -o features.txt
expect_error 2 "no run or model \"corpus\"" "$emotrain" features corpus "$one"
expect_error 2 "of an encoder" "$emotrain" features egemaps "$one" --layer 1
exit 0
