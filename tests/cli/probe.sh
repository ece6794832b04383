#!/usr/bin/env bash
# A linear classifier on the layers of an encoder: chosen inside the training part, saved as an encoder, the same by every way
# that it predicts; logistic regression on functionals.
. "$(dirname "$0")/lib.sh" "$@"
tiny_experiment 6
run() { "$emotrain" "$@" >out 2>err </dev/null || fail "$*: $(cat err)"; }
encoder=$tests/golden/encoders/wavlm_layer/model
probe=(--config tiny.ini --set model.kind=linear --set linear.features=encoder --set model.pretrained="$encoder" --set linear.folds=3
  --set linear.C=0.01,0.1 --set split.protocol=speaker --set run.precision=float32 --set run.threads=1)

run "${probe[@]}" --run probe
[ "$(wc -l <runs/probe/candidates.csv)" = 7 ] || fail "not 3 layers times 2 C: $(cat runs/probe/candidates.csv)"
grep -q "the best of 6 candidates" err || fail "what was chosen is not said: $(cat err)"
grep -q "Chosen on the test part" out && fail "nothing was chosen on the test part"

# A second run takes the layers from the cache; --resume finds it finished.
run "${probe[@]}" --run again
cmp runs/probe/predictions.csv runs/again/predictions.csv || fail "the same experiment gave other answers"
grep -q "^features [0-9]" err && fail "the layers were computed again"

# One that was stopped after it was fitted is fitted again: its checkpoint has no more layers than it reads.
if command -v sqlite3 >/dev/null; then
  run "${probe[@]}" --run stopped --set linear.layer=1,2
  cp runs/stopped/predictions.csv stopped.csv
  sqlite3 runs/emotrain.db "UPDATE runs SET state = 'interrupted' WHERE name = 'stopped'"
  run --run stopped --resume
  cmp stopped.csv runs/stopped/predictions.csv || fail "a probe that goes on predicts otherwise"
fi

# From a recording the same as from the stored layers; the same in a copy.
same() { # the probabilities of the first clips of two tables, the first a run's
  paste -d, <(head -6 "$1" | cut -d, -f4-) <(head -6 "$2" | cut -d, -f4-) |
    awk -F, 'NR > 1 { n++; for (i = 1; i <= NF / 2; i++) { d = $i - $(i + NF / 2); if (d * d > 1e-10) exit 1 } } END { exit n != 5 }'
}
for combine in none mean concat; do
  for pooling in mean mean+std; do
    name=$combine-$pooling
    [ $pooling = mean ] && wccn=no || wccn=yes
    run "${probe[@]}" --run "$name" --set linear.combine=$combine --set linear.layer=1,2 --set linear.pooling=$pooling --set linear.wccn=$wccn
    head -6 "runs/$name/predictions.csv" | tail -5 | cut -d, -f1 | sed 's#^#corpus/#' | xargs \
      "$emotrain" predict "$name" --format csv -o predicted.csv --set run.precision=float32 --set audio.max_seconds=0 2>err || fail "$(cat err)"
    same "runs/$name/predictions.csv" predicted.csv || fail "$name: a recording is predicted otherwise: $(head -3 predicted.csv)"
    run export "$name" "copy-$name"
    run export "$name" "onnx-$name" --as onnx
    [ -s "onnx-$name/model.onnx" ] || fail "$name: no graph"
  done
done
run "${probe[@]}" --run plain --set linear.combine=mean --set linear.layer=1,2 --set linear.pooling=mean+std
[ -s runs/plain/predictions.csv ] && ! cmp -s runs/plain/predictions.csv runs/mean-mean+std/predictions.csv || fail "linear.wccn changes nothing"
run "${probe[@]}" --run poolings --set linear.pooling=auto
grep -q "the best of 12 candidates" err || fail "not both poolings: $(cat err)"
grep -q "^ *1 mean+std " runs/poolings/classification_report.txt || fail "the report has no table of candidates"
expect_error 2 "one of mean|mean+std|auto" "$emotrain" "${probe[@]}" --run wrong --set linear.pooling=max
expect_error 2 "linear.layer=3: this encoder has layers 0 to 2" "$emotrain" "${probe[@]}" --run high --set linear.layer=3
expect_error 2 "linear.C must be auto, or numbers" "$emotrain" "${probe[@]}" --run cost --set linear.C=0
expect_error 2 "linear.wccn=yes is of linear.classifier=logistic_regression" "$emotrain" "${probe[@]}" --run svm \
  --set linear.features=egemaps --set linear.classifier=svm --set linear.wccn=yes
for setting in wccn=yes combine=mean; do # before a layer is computed
  expect_error 2 "linear.$setting is of model.task=single_label" "$emotrain" "${probe[@]}" --run task --set model.task=multi_label --set linear.$setting
done
for classifier in svm logistic_regression; do
  expect_error 2 "linear.combine=mean, linear.pooling=mean: other than none and mean, they are of linear.features=encoder" "$emotrain" "${probe[@]}" --run layers --set linear.features=egemaps \
    --set linear.classifier=$classifier --set linear.combine=mean
done
expect_error 2 "there is logistic_regression" "$emotrain" "${probe[@]}" --run svm --set linear.classifier=svm

# The test part is not looked at: with other labels there, the same candidates with the same scores.
list() { # the corpus as a list, its test clips with label $1
  echo "path,label,speaker,part"
  find corpus -name '*.wav' | sort | while read -r path; do
    name=$(basename "$path" .wav) label=$(basename "$path" | cut -d- -f3) part=train
    case ${name##*-} in 05 | 06) part=test label=${1:-$label} ;; esac
    echo "${path#corpus/},e$label,${name##*-},$part"
  done
}
list >true.csv
list 01 >false.csv
for labels in true false; do
  run "${probe[@]}" --set corpus.kind=list --set corpus.file=$labels.csv --set corpus.root=corpus --set split.protocol=predefined --run labels-$labels
done
cmp runs/labels-true/candidates.csv runs/labels-false/candidates.csv || fail "the test part's labels changed the choice"
cmp -s runs/labels-true/predictions.csv runs/labels-false/predictions.csv && fail "the labels were not changed"
# Nor with other test clips.
awk '!/,test$/ || n++ % 3 == 0' true.csv >fewer.csv
run "${probe[@]}" --set corpus.kind=list --set corpus.file=fewer.csv --set corpus.root=corpus --set split.protocol=predefined --run fewer
cmp runs/labels-true/candidates.csv runs/fewer/candidates.csv || fail "the test part's clips changed the choice"
[ "$(wc -l <runs/fewer/predictions.csv)" -lt "$(wc -l <runs/labels-true/predictions.csv)" ] || fail "the clips were not changed"

# Functionals: logistic regression beside the machines.
run --config tiny.ini --set model.kind=linear --set model.pretrained= --set linear.classifier=logistic_regression --set linear.folds=3 --run functionals
[ -s runs/functionals/best/model.safetensors ] || fail "nothing was saved"
accuracy=$(sed -n 's/.*"accuracy":[[:space:]]*\([0-9.]*\).*/\1/p' runs/functionals/report.json | head -1)
awk "BEGIN { exit !($accuracy > 0.3) }" || fail "accuracy $accuracy is no better than chance"
expect 0 "Actor_01" "$emotrain" predict functionals corpus/Actor_01

# Scaled by speaker: the report says so; such a model predicts in its own run alone.
run "${probe[@]}" --run by-speaker --set linear.scale=speaker
grep -q "^Scaled by speaker: " runs/by-speaker/classification_report.txt || fail "the report does not say how features were scaled"
one=$(find corpus -name '*.wav' | sort | head -1)
expect_error 2 "cannot predict a recording by itself" "$emotrain" predict by-speaker "$one"
expect_error 2 "cannot predict a recording by itself" "$emotrain" export by-speaker by-speaker-copy
[ -e by-speaker-copy ] && fail "a copy was left"
run --config tiny.ini --set model.kind=linear --set model.pretrained= --set linear.scale=speaker --set linear.classifier=logistic_regression \
  --set linear.folds=3 --run functionals-by-speaker
"$emotrain" eval functionals-by-speaker >eval.txt 2>err || fail "eval: $(cat err)"
head -12 runs/functionals-by-speaker/classification_report.txt | cmp - <(head -12 eval.txt) || fail "eval differs from the run's report"
awk -F, 'NR == 1 { print "path,label,part"; next } { print $1 "," $2 ",train" }' true.csv | sed 's/,train/,test/;3~1s/,test/,train/' >no-speakers.csv
expect_error 1 "has no speaker" "$emotrain" "${probe[@]}" --set corpus.kind=list --set corpus.file=no-speakers.csv --set corpus.root=corpus \
  --set split.protocol=predefined --set linear.scale=speaker --run nobody

# Linear probing, then fine-tuning: the first step begins where the linear model stands.
run --config tiny.ini --set model.pretrained="$encoder" --set model.head_from=concat-mean+std --set split.protocol=speaker --set model.freeze=encoder \
  --set train.learning_rate=0 --set train.epochs=1 --set run.precision=float32 --run tuned --set model.hidden_dropout=0 --set model.layerdrop=0 \
  --set model.mask_time_prob=0
same runs/concat-mean+std/predictions.csv runs/tuned/predictions.csv || fail "fine-tuning does not begin at the linear model"
grep -q "^layer = 1,2$" runs/tuned/config.ini && grep -q "^pooling = statistics$" runs/tuned/config.ini || fail "config.ini does not say what was taken over"
run --config runs/tuned/config.ini --run tuned-again
cmp runs/tuned/predictions.csv runs/tuned-again/predictions.csv || fail "config.ini does not repeat it"
run --config tiny.ini --set model.pretrained="$encoder" --set model.head_from=concat-mean+std --set split.protocol=speaker --set train.epochs=1 \
  --set train.auxiliary_task=sex --run tuned-two-tasks
# A head that knows test clips of this split: both say so.  The same split has none; of a sweep's folds, each takes its own.
grep -q "^Known clips" runs/tuned/classification_report.txt && fail "clips of the same split are no new ones"
run --config tiny.ini --set model.pretrained="$encoder" --set model.head_from=concat-mean+std --set split.seed=7 --set train.epochs=1 \
  --set eval.best_metric=last --run other-split
grep -q "test clips are among those that the model that training begins with" err || fail "no word of known clips: $(cat err)"
grep -q "^Known clips: [1-9][0-9]* of the test clips" runs/other-split/classification_report.txt || fail "the report does not say that clips are known"
grep -q "test clips are known to the model from before" runs/other-split/classification_report.txt runs/other-split/report.html ||
  fail "the protocol does not say that clips are known"
"$emotrain" eval runs/other-split/best --config runs/other-split/config.ini --set split.seed=8 >/dev/null 2>err || fail "eval: $(cat err)"
grep -q "test clips are among those that the model was trained on" err || fail "eval does not say that clips are known: $(cat err)"
run "${probe[@]}" --folds all --set split.folds=2 --run heads --set linear.combine=none
run --config tiny.ini --set model.pretrained="$encoder" --set model.head_from=heads --set split.protocol=speaker --folds all --set split.folds=2 \
  --set train.epochs=1 --set eval.best_metric=last --run tuned-heads
grep -q "^Known clips" runs/tuned-heads/*fold=1/classification_report.txt && fail "a fold took another fold's head"

expect_error 2 "averages several layers" "$emotrain" --config tiny.ini --set model.pretrained="$encoder" --set model.head_from=mean-mean --run no-head
expect_error 2 "by speaker" "$emotrain" --config tiny.ini --set model.pretrained="$encoder" --set model.head_from=by-speaker --run no-head
expect_error 2 "model.head_from .*: no run \"nothing\"" "$emotrain" --config tiny.ini --set model.pretrained="$encoder" --set model.head_from=nothing --run no-head
run "${probe[@]}" --run of-whisper --set model.pretrained="${encoder/wavlm_layer/whisper_80}" --set linear.layer=1 # its head fits by its shape
expect_error 2 "another encoder.s" "$emotrain" --config tiny.ini --set model.pretrained="$encoder" --set model.head_from=of-whisper --run no-head
run --config tiny.ini --set model.pretrained="${encoder/wavlm_layer/whisper_80}" --set model.head_from=of-whisper --set split.protocol=speaker \
  --set model.context_seconds=0.5 --set train.max_steps=1 --set audio.max_seconds=0.9 --run other-padding
grep -q "was fitted to clips padded to 1 s, and here they are padded to 0.5 s" err || fail "no word of another padding: $(cat err)"
expect_error 2 "another encoder.s" "$emotrain" --config tiny.ini --set model.pretrained="${encoder/wavlm_layer/hubert_group}" --set model.head_from=probe --run no-head
exit 0
