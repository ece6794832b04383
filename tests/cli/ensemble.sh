#!/usr/bin/env bash
# Several runs as one: its predictions are the weighted mean of theirs, wherever it is used, and it is refused where that would
# mean nothing.
. "$(dirname "$0")/lib.sh" "$@"
tiny_experiment 6
common=(--config tiny.ini --set split.validation=0.2 --set run.precision=float32)
expect 0 "weighted avg" "$emotrain" "${common[@]}" --run one --set run.seed=1
expect 0 "weighted avg" "$emotrain" "${common[@]}" --run two --set run.seed=2 --set train.epochs=4 --set audio.normalize=no
expect 0 "weighted avg" "$emotrain" "${common[@]}" --run three --set model.kind=linear

# mean FILE... : of tables of predictions, whose probabilities begin in column $from, by $weights.
mean() {
  paste -d, "$@" | awk -F, -v files=$# -v from=$from -v weights="$weights" 'BEGIN { split(weights, w, " ") } NR > 1 { n = NF / files; printf "%s", $1
    for (k = from; k <= n; k++) { s = 0; for (f = 0; f < files; f++) s += w[f + 1] * $(f * n + k); printf ",%.5f", s } print "" }'
}
# close TABLE FILE: FILE's probabilities are those of the table.
close() { paste -d, "$1" <(tail -n +2 "$2") | awk -F, -v from=$from '{ n = (NF - from + 2) / 2; for (k = 2; k <= n; k++) if (($k - $(n + from - 2 + k))^2 > 1e-9) exit 1 }'; }

from=4
expect 0 "weighted avg" "$emotrain" ensemble one two three --run all
weights="0.333333333333 0.333333333333 0.333333333333" mean runs/{one,two,three}/predictions.csv >wanted
[ "$(wc -l <wanted)" -gt 10 ] || fail "nothing to compare: $(cat wanted)"
close wanted runs/all/predictions.csv || fail "not the mean: $(paste wanted runs/all/predictions.csv)"
grep -q "^Members" runs/all/classification_report.txt || fail "$(cat runs/all/classification_report.txt)"
grep -q "the predictions of 3 runs, averaged" runs/all/classification_report.txt || fail "$(cat runs/all/classification_report.txt)"
cp err all.err

# Weighed on the validation part: weights are recorded, and the predictions are their mean.
expect 0 "weighted avg" "$emotrain" ensemble one two three --run weighed --weigh
weights=$(tr -d '\n' <runs/weighed/best/config.json | sed 's/.*emotrain_weights[^[]*\[\([^]]*\)\].*/\1/; s/,/ /g')
echo "$weights" | awk '{ s = $1 + $2 + $3; exit !(NF == 3 && (s - 1)^2 < 1e-12 && ($1 - $3)^2 > 1e-6) }' || fail "weights $weights"
mean runs/{one,two,three}/predictions.csv >wanted
close wanted runs/weighed/predictions.csv || fail "not the weighted mean"
[ "$(cat runs/weighed/metrics.jsonl 2>/dev/null | wc -l)" = 0 ] || fail "an ensemble has no training"

grep -q emotrain_coverage runs/weighed/best/config.json || fail "an ensemble with a validation part does not know its accuracy"

# Everywhere else it is a model: evaluated, asked, exported, moved.
report=$(sed -n 's/^UAR  *\([0-9.]*\).*/\1/p' runs/all/classification_report.txt)
expect 0 "UAR ${report:-none}" "$emotrain" eval all
expect 0 "telephone" "$emotrain" eval all --distort telephone
clip=corpus/Actor_02/03-01-03-01-01-01-02.wav
expect 0 exported "$emotrain" export all exported
mv exported moved
for model in one two three all moved; do
  "$emotrain" predict $model $clip --format csv --set audio.resampler=sinc_fastest --set run.precision=float32 --set run.threads=1 >$model.csv 2>err || fail "$(cat err)"
done
weights="0.333333333333 0.333333333333 0.333333333333" mean {one,two,three}.csv >wanted
close wanted all.csv || fail "not the mean: $(cat wanted all.csv)"
cmp all.csv moved.csv || fail "another prediction where it was moved to"
expect 0 "$(printf '%s' all)" "$emotrain" runs show all
expect_error 2 "nothing to go on with" "$emotrain" train --run all --resume
expect 0 "emotrain ensemble one two three --run NAME" "$emotrain" runs show all
grep -q "(null)" out && fail "$(cat out)"
expect_error 2 "is of an ensemble" "$emotrain" --config runs/all/config.ini --run again
expect 0 runs/all "$emotrain" report all
# In windows: what takes in functionals takes in the whole, others windows, as each does by itself.
for model in one two three all; do
  "$emotrain" predict $model $clip --format csv --set audio.resampler=sinc_fastest --set run.precision=float32 --set run.threads=1 --set audio.max_seconds=0.2 >$model.csv 2>err ||
    fail "$(cat err)"
done
weights="0.333333333333 0.333333333333 0.333333333333" mean {one,two,three}.csv >wanted
close wanted all.csv || fail "not the mean of windows: $(cat wanted all.csv)"
expect_error 2 "transformers has no class" "$emotrain" export all standard --as sequence-classification
expect_error 2 "model.kind=linear cannot be written in ONNX" "$emotrain" export all graph --as onnx
expect 0 "weighted avg" "$emotrain" ensemble one two --run both
expect 0 graph "$emotrain" export both graph --as onnx
[ -s graph/model.onnx ] || fail "no graph"

# Clips that are cut for some members only: the test predictions are still the mean of the runs'.
cut=(--set audio.max_seconds=0.3)
expect 0 "weighted avg" "$emotrain" "${common[@]}" "${cut[@]}" --run cut
expect 0 "weighted avg" "$emotrain" "${common[@]}" "${cut[@]}" --run cut-linear --set model.kind=linear
expect 0 "weighted avg" "$emotrain" ensemble cut cut-linear --run cut-both
weights="0.5 0.5" mean runs/{cut,cut-linear}/predictions.csv >wanted
close wanted runs/cut-both/predictions.csv || fail "not the mean where clips are cut"

# What cannot be averaged, or would look at the test part.
refuse() { expect_error 2 "$1" "$emotrain" ensemble "${@:2}" --run refused; }
expect_error 2 "runs/all is there already" "$emotrain" ensemble one two --run all
expect_error 2 "this is settled" "$emotrain" ensemble one two --run refused --set eval.temperature_scaling=yes
refuse "is named twice" one two one
refuse "is a model, not a run" one moved
refuse "is an ensemble itself" one all
expect 0 "weighted avg" "$emotrain" "${common[@]}" --run other --set split.seed=5
refuse "other: was trained on another split" one other
expect 0 "weighted avg" "$emotrain" "${common[@]}" --run louder --set audio.channel=left
refuse "audio.channel is mean in" one louder
refuse "no run or model" one nothing
expect 0 "weighted avg" "$emotrain" --config tiny.ini --run plain --set run.seed=1
expect 0 "weighted avg" "$emotrain" --config tiny.ini --run plain2 --set run.seed=2
refuse "no validation part" plain plain2 --weigh
[ ! -e runs/refused ] || fail "a refused run began"

# Killed at any moment, it is a whole run or none, and can be made again.
for delay in 0.2 0.5 0.8 1.1 1.4; do
  "$emotrain" ensemble one two --run killed >/dev/null 2>err &
  sleep $delay
  kill -9 $! 2>/dev/null
  wait $! 2>/dev/null
  [ ! -e runs/killed ] || [ -s runs/killed/config.ini ] || fail "half a run after $delay s: $(ls runs/killed)"
  [ ! -e runs/killed ] || expect 0 killed "$emotrain" runs rm killed
done
expect 0 "weighted avg" "$emotrain" ensemble one two --run killed
cp -r runs/killed runs/unknown # as a kill before its row leaves it
expect 0 "removed .*/runs/unknown" "$emotrain" runs rm unknown
[ -e runs/unknown ] && fail "the folder of a run without a row is left"
[ -z "$(ls -d runs/*.making 2>/dev/null)" ] || fail "$(ls runs)"

# What is damaged is refused, not averaged.
damage() { cp -r moved damaged && sed -i "$1" damaged/config.json && expect_error 1 "$2" "$emotrain" predict damaged $clip; rm -rf damaged; }
damage 's/0\.333/0.5/' "sum to 1"
damage 's/"model_type":.*/"model_type": "ensemble", "x": 0,/; s/0\.333[0-9]*,/-1,/' "sum to 1"
cp -r moved nested && rm -r nested/member-2 && cp -r moved nested/member-2
expect_error 1 "an ensemble in an ensemble" "$emotrain" predict nested $clip
rm -r nested/member-2 && cp -r moved/member-2 nested && cp -r moved/member-2 nested/member-4
expect_error 1 "has 3 numbers, and there are more members" "$emotrain" predict nested $clip
rm -r nested/member-[24]
expect_error 1 "member-2: is missing" "$emotrain" predict nested $clip
rm -r runs/killed/best/member-1
expect_error 1 "member-1: is missing" "$emotrain" predict killed $clip
