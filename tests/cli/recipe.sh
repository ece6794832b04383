#!/usr/bin/env bash
# Ingredients of a recipe for training: each changes the run, is the same to the bit after a kill in its middle, and is refused
# where it would choose by the test part.
. "$(dirname "$0")/lib.sh" "$@"
tiny_experiment 6
validation=(--set split.validation=0.2 --set train.epochs=5 --set checkpoint.every_steps=3)

# same RUN LINES SETTING...: undisturbed, and killed after so many lines of its record.
same() {
  local run=$1 lines=$2
  shift 2
  expect 0 "weighted avg" "$emotrain" --config tiny.ini --run "$run" "${validation[@]}" "$@"
  start_and_kill "$run-killed" "$lines" "${validation[@]}" "$@"
  expect 0 "weighted avg" "$emotrain" train --run "runs/$run-killed" --resume
  for file in best/model.safetensors last/model.safetensors last/optimizer.safetensors metrics.jsonl predictions.csv; do
    cmp "runs/$run/$file" "runs/$run-killed/$file" || fail "$run: $file differs after a kill"
  done
}

same plain 20
for ingredient in train.loss=focal train.class_weights=yes train.sampler=balanced train.sampler=balanced_speakers train.warmup_ratio=0.3 \
  audio.crop_seconds=0.3; do
  name=$(echo "$ingredient" | tr './=' '___')
  same "$name" 14 --set "$ingredient"
  ! cmp -s runs/plain/last/model.safetensors "runs/$name/last/model.safetensors" || fail "$ingredient changes nothing"
done

# A second task in training: what predicts it is kept for going on, and is no part of the model.
for field in sex speaker; do
  same "auxiliary-$field" 14 --set train.auxiliary_task=$field --set train.auxiliary_weight=1 --set augment.mixup=0.4
  ! cmp -s runs/plain/last/model.safetensors "runs/auxiliary-$field/last/model.safetensors" || fail "the auxiliary task changes nothing"
  ! grep -aq auxiliary "runs/auxiliary-$field/best/model.safetensors" || fail "the model holds the auxiliary task's layer"
  grep -aq trained.auxiliary.weight "runs/auxiliary-$field/last/optimizer.safetensors" || fail "the checkpoint lacks the auxiliary task's layer"
  expect 0 "weighted avg" "$emotrain" eval "auxiliary-$field"
  grep -q "^Training: AdamW.*, $field as a second task (weight 1)\.$" "runs/auxiliary-$field/classification_report.txt" &&
    grep -q "^Augmentation: mixup 0.4\.$" "runs/auxiliary-$field/classification_report.txt" || fail "the protocol does not say how it was trained"
done
expect_error 2 "clips have 1$" "$emotrain" --config tiny.ini --run no --set train.auxiliary_task=channel
expect_error 2 "nothing that it shares" "$emotrain" --config tiny.ini --run no --set model.pretrained=runs/plain/best --set train.auxiliary_task=sex --set model.freeze=encoder
expect_error 2 "nothing that it shares" "$emotrain" --config tiny.ini --run no --set model.pretrained=runs/plain/best --set train.auxiliary_task=sex --set model.freeze=layers:1 --set model.layer=1
expect_error 2 "no pooled vector" "$emotrain" --config tiny.ini --run no --set train.auxiliary_task=sex --set model.kind=linear --set model.pretrained=

mkdir noises
cp corpus/Actor_05/*-01-0[12]-*.wav noises
same distort 14 --set "augment.distort=noise:0..20dB:noises telephone room:0.2..0.4s gain:-6..6dB pitch:-2..2st" --set augment.distort_probability=0.9
grep -q "^distort = noise:0..20dB:../../noises telephone" runs/distort/config.ini || fail "$(grep ^distort runs/distort/config.ini)"

# What a model stands: the same table each time, its first row the report's.
expect 0 "^clean" "$emotrain" eval plain --distort all --distort mp3:8 --distort noise:5dB:noises
cp out table
expect 0 "^room:0.5s" "$emotrain" eval plain --distort all --distort mp3:8 --distort noise:5dB:noises
cmp -s out table || fail "another table: $(diff out table)"
[ "$(sed -n '/^distortion/,$p' table | wc -l)" = 9 ] || fail "$(cat table)"
uar=$(sed -n 's/.*, UAR //p' table)
[ "$(awk '$1 == "clean" { print $3 }' table)" = "$uar" ] || fail "the clean row is not the report's: $(cat table)"
awk '$1 == "clean" && $NF != "100.0%" { exit 1 }' table || fail "clean is not as clean: $(cat table)"
expect_error 2 "no distortion \"nois:3\": there is noise:10dB" "$emotrain" eval plain --distort nois:3
expect_error 2 "no folder \"nowhere\"" "$emotrain" eval plain --distort noise:3:nowhere

# Evaluations that do not get better: the learning rate falls, training ends.
plateau=(--set train.lr_scheduler=reduce_lr_on_plateau --set train.plateau_patience=0 --set train.plateau_factor=0.5 --set train.learning_rate=0.05
  --set eval.every_steps=4)
same plateau 14 "${plateau[@]}"
rates=$(sed -n 's/.*"learning_rate": \([0-9.e-]*\).*/\1/p' runs/plateau/metrics.jsonl | sort -gu | wc -l)
[ "$rates" -ge 3 ] || fail "the learning rate fell $rates times"
stop=(--set train.early_stopping_patience=2 --set eval.every_steps=2 --set eval.every_epochs=0 --set train.learning_rate=0.05 --set train.epochs=60)
same stopped 14 "${stop[@]}"
expect 0 "training ends (train.early_stopping_patience)" "$emotrain" --config tiny.ini --run again "${validation[@]}" "${stop[@]}"
best=$(sed -n 's/.*"best_step":[^0-9]*\([0-9]*\).*/\1/p' runs/stopped/last/trainer_state.json)
last=$(sed -n 's/^[^a-z]*"step":[^0-9]*\([0-9]*\).*/\1/p' runs/stopped/last/trainer_state.json)
[ "$last" = $((best + 4)) ] || fail "the best step is $best, the last is $last"

# A temperature, fitted to the validation part: predictions are those of the report, exported ones too.
same tempered 14 --set eval.temperature_scaling=yes --set train.epochs=8 --set train.learning_rate=0.02
grep -q "^before temperature scaling (T = " runs/tempered/classification_report.txt || fail "$(cat runs/tempered/classification_report.txt)"
temperature=$(sed -n 's/.*"emotrain_temperature":[^0-9]*\([0-9.]*\).*/\1/p' runs/tempered/best/config.json)
[ "$temperature" ] || fail "no temperature in $(cat runs/tempered/best/config.json)"
expect 0 exported "$emotrain" export tempered exported
! grep -q emotrain_temperature exported/config.json || fail "other programs know of no temperature"
clip=corpus/Actor_02/03-01-03-01-01-01-02.wav
for model in tempered exported; do
  "$emotrain" predict $model $clip --format csv --set audio.resampler=sinc_fastest --set run.precision=float32 >$model.csv 2>err || fail "$(cat err)"
done
paste -d, tempered.csv exported.csv | tail -1 | awk -F, '{ for (i = 4; i <= 11; i++) if (($i - $(i + 11))^2 > 1e-10) exit 1 }' ||
  fail "an exported model predicts otherwise: $(cat tempered.csv exported.csv)"

for form in classification sequence-classification; do # a head whose last layer has another name
  [ $form = classification ] && head=relu || head=projector
  expect 0 "weighted avg" "$emotrain" --config tiny.ini --run tempered-$head "${validation[@]}" --set eval.temperature_scaling=yes \
    --set train.epochs=2 --set model.head=$head --set model.pooling=mean
  expect 0 exported "$emotrain" export tempered-$head exported-$head --as $form
done
grep -q ForSequenceClassification runs/tempered-projector/best/config.json && fail "with a temperature, transformers' class gives other probabilities"
grep -q ForSequenceClassification exported-projector/config.json || fail "without one it is transformers' class"

# Votes of annotators as targets: a row of each, or a column for each label.
labels=(neutral calm happy sad angry fearful disgust surprised)
list_votes() { # each clip's own label twice, and the next one
  echo path,label,speaker
  find corpus -name '*.wav' | sort | while read -r path; do
    name=${path##*/}
    own=$((10#${name:6:2} - 1))
    for k in $own $own $(((own + 1) % 8)); do echo "${path#corpus/},${labels[$k]},${name:18:2}"; done
  done
}
list_votes >rows.csv
{ (IFS=,; echo "path,speaker,${labels[*]}")
  find corpus -name '*.wav' | sort | while read -r path; do
    name=${path##*/}
    own=$((10#${name:6:2} - 1)) row=
    for k in 0 1 2 3 4 5 6 7; do row+=,$((k == own ? 2 : k == (own + 1) % 8)); done
    echo "${path#corpus/},${name:18:2}$row"
  done; } >columns.csv
listed=(--set corpus.kind=list --set corpus.file=rows.csv --set corpus.votes=majority)
same votes 14 "${listed[@]}" --set train.loss=kl
"$emotrain" --config tiny.ini --run hard "${validation[@]}" "${listed[@]}" >/dev/null 2>err || fail "$(cat err)"
! cmp -s runs/hard/last/model.safetensors runs/votes/last/model.safetensors || fail "votes change nothing"
"$emotrain" --config tiny.ini --run columns "${validation[@]}" "${listed[@]}" --set corpus.file=columns.csv --set train.loss=kl \
  --set "corpus.labels=$(IFS=,; echo "${labels[*]}")" >/dev/null 2>err || fail "$(cat err)"
"$emotrain" --config tiny.ini --run joined "${validation[@]}" "${listed[@]}" --set train.loss=kl --set corpus.label_map=calm=neutral,disgust=- \
  >/dev/null 2>err || fail "$(cat err)"
expect_error 2 "train.loss=focal: .*is fitted by its own loss" "$emotrain" --config tiny.ini --run refused --set train.loss=focal --set model.kind=linear --set model.pretrained=
expect_error 2 "train.loss=kl: .*is fitted by its own loss" "$emotrain" --config tiny.ini --run refused "${listed[@]}" --set train.loss=kl --set model.kind=linear
expect_error 2 "no clip of the training part has votes" "$emotrain" --config tiny.ini --run refused --set train.loss=kl

# Unsure predictions are withheld, by what was right on the validation part.
least=$(tr -d '\n\t ' <runs/tempered/best/config.json | sed 's/.*"emotrain_coverage":\[\(.*\]\)\].*/\1/; s/\],\[/\n/g; s/[][]//g' | awk -F, '$3 > a { a = $3; t = $2 } END { print t, a }')
accuracy=${least#* } least=${least% *}
"$emotrain" eval tempered --part validation --reject "$accuracy" >out 2>err || fail "$(cat err)"
awk -v a="$accuracy" '/^--reject/ { if (($(NF - 9) - a)^2 > 1e-8) exit 1; found = 1 } END { exit !found }' out || fail "accuracy $accuracy, but $(cat out)"
expect 0 "^--reject $accuracy: " "$emotrain" eval tempered --reject "$accuracy"
"$emotrain" predict tempered corpus/Actor_0[12] --reject "$accuracy" --format csv >rejected.csv 2>err || fail "$(cat err)"
grep -q "with a probability below $(printf %.3f "$least") are withheld" err || fail "$(cat err)"
awk -F, -v t="$least" 'NR > 1 { m = 0; for (k = 4; k <= NF; k++) if ($k > m) m = $k; n += $3 == ""; if (($3 == "") != (m < t)) exit 1 } END { exit !(n > 0 && n < NR - 1) }' rejected.csv ||
  fail "not those below $least: $(cat rejected.csv)"
"$emotrain" predict tempered corpus/Actor_0[12] --reject "$accuracy" 2>err | grep -q "(unsure)" || fail "a table without unsure ones"
"$emotrain" predict tempered corpus/Actor_0[12] --reject "$accuracy" --format json 2>err | grep -q '"predicted":null' || fail "$(cat err)"
"$emotrain" predict exported $clip --reject "$accuracy" >/dev/null 2>err || fail "an exported model: $(cat err)"
expect_error 2 "no share of its predictions" "$emotrain" predict plain $clip --reject 1
expect 0 "weighted avg" "$emotrain" --config tiny.ini --run without --set train.epochs=1
expect_error 2 "nothing says which of its predictions were right" "$emotrain" predict without $clip --reject 0.9
expect_error 2 "expected an accuracy" "$emotrain" eval tempered --reject 90

# Nothing that goes by evaluations goes by those of the test part, and nothing is taken that cannot be done.
refuse() { expect_error 2 "$1" "$emotrain" --config tiny.ini --run refused "${@:2}"; }
refuse "early_stopping_patience needs a validation part" --set train.early_stopping_patience=2
refuse "reduce_lr_on_plateau needs a validation part" --set train.lr_scheduler=reduce_lr_on_plateau
refuse "temperature_scaling=yes needs a validation part" --set eval.temperature_scaling=yes
refuse "best_metric=last is none" --set train.early_stopping_patience=2 --set split.validation=0.2 --set eval.best_metric=last
refuse "leave out one" --set train.warmup_ratio=0.1 --set train.warmup_steps=3
refuse "leave out train.shuffle=no" --set train.sampler=balanced --set train.shuffle=no
refuse "leave out train.shuffle=no" --set train.group_by_length=yes --set train.shuffle=no
refuse "train.batch_size must be above 1" --set augment.mixup=0.2 --set train.batch_size=1
refuse "class_weights=yes of model.task=multi_label" --set model.kind=linear --set model.pretrained= --set model.task=multi_label \
  --set linear.classifier=logistic_regression --set train.class_weights=yes
refuse "no distortion \"noise\|expected noise:10dB" --set augment.distort=noise
refuse "leave out \[augment\]" --set augment.distort=telephone --set train.feature_cache=yes --set model.pretrained=runs/plain/best --set model.freeze=feature_encoder
refuse "no loss for model.task" --set train.loss=ccc
[ ! -e runs/refused ] || fail "a refused run began"
