#!/usr/bin/env bash
# Several labels and numbers: a corpus shaped like EmoReact and lists of other shapes, through the whole job.
. "$(dirname "$0")/lib.sh" "$@"
tiny_experiment 6
cp "$tests/cli/tiny_cnn.json" .
mkdir -p emoreact/Labels
parts=(Train Train Train Train Validation Test)
for actor in 1 2 3 4 5 6; do
  part=${parts[actor - 1]}
  mkdir -p "emoreact/Audio/$part"
  file=$(tr A-Z a-z <<<"$part") prefix=$part
  [ "$part" = Validation ] && file=val prefix=Val
  for clip in corpus/Actor_0$actor/*.wav; do
    name=$(basename "$clip" .wav) emotion=$(cut -d- -f3 <<<"$name")
    e=${emotion#0}
    cp "$clip" "emoreact/Audio/$part/$name.wav"
    echo "$name.mp4" >>"emoreact/Labels/${prefix}_names.txt"
    # the pitch's bits are the affects; valence rises with it
    echo "$((e & 1)),$((e / 2 & 1)),$((e / 4 & 1)),$((e > 4)),$((e < 3)),0,$((e == 8)),$((e == 1)),$(awk "BEGIN { print 1 + $e * 0.7 }")" \
      >>"emoreact/Labels/${file}_labels.text"
  done
done
emoreact=(--set corpus.kind=emoreact --set corpus.root=emoreact --set split.protocol=predefined
  --set "corpus.labels=curiosity,uncertainty,excitement,happiness,surprise,fear,frustration")
cnn=(--set model.kind=cnn --set model.pretrained=tiny_cnn.json --set train.epochs=8 --set model.apply_spec_augment=no)

expect 0 "exact match" "$emotrain" --config tiny.ini --run multi "${emoreact[@]}" "${cnn[@]}" --set model.task=multi_label
head -1 out | grep -q "AUC" || fail "no AUC: $(cat out)"
grep -q '"emotrain_thresholds"' runs/multi/best/config.json || fail "no thresholds were saved"
grep -q '"macro_auc"' runs/multi/report.json && grep -q '"micro avg"' runs/multi/report.json || fail "report.json lacks figures"
[ -s runs/multi/class_f1.svg ] && [ ! -e runs/multi/confusion.svg ] || fail "not the charts of several labels"
awk -F'"macro_auc":' 'NR == 1 { exit }' runs/multi/report.json
auc=$(sed -n 's/.*"macro_auc":[[:space:]]*\([0-9.]*\).*/\1/p' runs/multi/report.json | head -1)
awk "BEGIN { exit !($auc > 0.6) }" || fail "macro AUC $auc is no better than chance"
expect 0 "exact match" "$emotrain" eval multi
expect 0 "predicted" "$emotrain" predict multi corpus/Actor_06
"$emotrain" --config tiny.ini --run again "${emoreact[@]}" "${cnn[@]}" --set model.task=multi_label --set report.baseline=multi >out 2>err || fail "$(cat err)"
cmp runs/multi/predictions.csv runs/again/predictions.csv || fail "the same experiment gave other answers"
grep -q "no setting changed\|against the run multi" out || fail "no word on the baseline"

valence=(--set corpus.kind=emoreact --set corpus.root=emoreact --set split.protocol=predefined --set corpus.labels=valence
  --set model.task=regression)
for loss in mse ccc; do
  expect 0 "CCC" "$emotrain" --config tiny.ini --run "valence-$loss" "${valence[@]}" "${cnn[@]}" --set train.loss=$loss --set train.epochs=12
  ccc=$(sed -n 's/.*"ccc":[[:space:]]*\(-\{0,1\}[0-9.]*\).*/\1/p' "runs/valence-$loss/report.json" | head -1)
  awk "BEGIN { exit !($ccc > 0.3) }" || fail "$loss: CCC $ccc"
  [ -s "runs/valence-$loss/agreement.svg" ] || fail "no chart of the numbers"
done
expect 0 "valence" "$emotrain" predict valence-mse corpus/Actor_06 --format csv
for task in multi_label regression; do
  labels=(); [ $task = regression ] && labels=(--set corpus.labels=valence)
  expect 0 "clips" "$emotrain" --config tiny.ini --run "svm-$task" "${emoreact[@]}" "${labels[@]}" --set model.kind=linear \
    --set model.pretrained= --set linear.folds=2 --set model.task=$task
done
expect_error 2 "no loss for model.task=multi_label" "$emotrain" --config tiny.ini --run x "${emoreact[@]}" "${cnn[@]}" \
  --set model.task=multi_label --set train.loss=ccc
expect 0 "valence-mse" "$emotrain" runs

# Lists: labels together in one column, or a column for each; several numbers.
{
  echo "path,labels,valence,arousal,low,high"
  for clip in corpus/Actor_0[1-6]/*.wav; do
    e=$(basename "$clip" | cut -d- -f3) e=${e#0}
    low=$((e < 5)) high=$((e > 2)) words=
    [ $low = 1 ] && words=low
    [ $high = 1 ] && words=${words:+$words;}high
    echo "${clip#corpus/},$words,$e,$((9 - e)).5,$low,$high"
  done
} >list.csv
list=(--set corpus.kind=list --set corpus.file=list.csv "${cnn[@]}" --set train.epochs=4)
expect 0 "exact match" "$emotrain" --config tiny.ini --run words "${list[@]}" --set model.task=multi_label
cut -d, -f1,5,6 list.csv >columns.csv
expect 0 "exact match" "$emotrain" --config tiny.ini --run columns "${list[@]}" --set corpus.file=columns.csv \
  --set model.task=multi_label --set corpus.labels=high,low
cut -d, -f1,3,4 list.csv >numbers.csv
expect 0 "arousal" "$emotrain" --config tiny.ini --run numbers "${list[@]}" --set corpus.file=numbers.csv \
  --set model.task=regression --set corpus.labels=valence,arousal
expect_error 2 "the baseline words is of model.task=multi_label" "$emotrain" report numbers --baseline words
expect_error 2 "eval.best_metric=uar: model.task=regression has no such metric, but ccc" "$emotrain" --config tiny.ini --run x "${list[@]}" \
  --set corpus.file=numbers.csv --set model.task=regression --set corpus.labels=valence,arousal --set eval.best_metric=uar
expect 0 "no labels to smooth" "$emotrain" --config tiny.ini --run smooth "${list[@]}" --set corpus.file=numbers.csv --set model.task=regression \
  --set corpus.labels=valence,arousal --set train.label_smoothing=0.1
cmp runs/numbers/predictions.csv runs/smooth/predictions.csv || fail "label smoothing changes numbers"
grep -q "label smoothing" runs/smooth/classification_report.txt && fail "the protocol says what was not done"
# For transformers, a regression's last layer gives the numbers themselves: what such a model directory predicts is the same.
expect 0 "arousal" "$emotrain" --config tiny.ini --run plain --set corpus.kind=list --set corpus.file=numbers.csv --set train.epochs=1 \
  --set model.pretrained="$tests/golden/encoders/wavlm_layer/model" --set model.head=linear --set model.task=regression --set corpus.labels=valence,arousal
grep -q ForSequenceClassification runs/plain/best/config.json && fail "transformers' class would give standardised numbers"
expect 0 "plain-hf" "$emotrain" export plain plain-hf --as sequence-classification
grep -q 'function_to_apply="none"' plain-hf/README.md || fail "the card takes numbers for probabilities"
"$emotrain" predict plain corpus/Actor_06 --format csv >before.csv 2>err || fail "$(cat err)"
"$emotrain" predict plain-hf corpus/Actor_06 --format csv >after.csv 2>err || fail "$(cat err)"
paste -d, before.csv after.csv | awk -F, 'NR > 1 { n++; for (i = NF / 2; i > 1; i--) { d = $i - $(i + NF / 2); bad = bad || d * d > 1e-8 } } END { exit bad || !n }' ||
  fail "numbers changed: $(paste -d, before.csv after.csv | head -3)"
tr -d ' \t\n' <plain-hf/config.json | grep -q '"emotrain_target_means":\[0,0\]' || fail "the last layer's numbers are standardised still"
expect 0 "low" "$emotrain" split --config tiny.ini "${list[@]}" --set model.task=multi_label
expect_error 1 "is no number" "$emotrain" split --config tiny.ini "${list[@]}" --set model.task=regression

# A model of one task begins training for another: nothing of its thresholds or its numbers' scale stays with it.
for from in multi numbers; do
  expect 0 "UAR" "$emotrain" --config tiny.ini --run "from-$from" "${cnn[@]}" --set model.pretrained=runs/$from/best --set train.epochs=1
  grep -q '"emotrain_thresholds"\|"emotrain_target' "runs/from-$from/best/config.json" && fail "from-$from: numbers of the model before"
  expect 0 "predicted" "$emotrain" predict "from-$from" corpus/Actor_06
done
