#!/usr/bin/env bash
# The main job, whole; then what answers from it.
. "$(dirname "$0")/lib.sh" "$@"
tiny_experiment 8

expect 0 "weighted avg" "$emotrain" --config tiny.ini --run one --set train.epochs=8
grep -q "Speakers shared: 8 of 8" out || fail "no word on shared speakers"
grep -q "Chosen on the test part" out || fail "no word on the choice of the checkpoint"
for file in config.ini environment.json metrics.jsonl classification_report.txt report.json predictions.csv \
  report.html best/model.safetensors best/config.json best/preprocessor_config.json last/optimizer.safetensors \
  last/trainer_state.json; do
  [ -s "runs/one/$file" ] || fail "no $file"
done
if command -v gnuplot >/dev/null; then
  for file in loss.svg loss.png confusion.svg confusion.png; do
    [ -s "runs/one/$file" ] || fail "no $file"
  done
fi
[ "$(ls runs/one/events.out.tfevents.[0-9]* | wc -l)" = 1 ] && [ -s runs/one/events.out.tfevents.charts ] || fail "no events for TensorBoard"
for tag in train/loss train/learning_rate eval/accuracy eval/loss; do
  grep -aq "$tag" runs/one/events.out.tfevents.[0-9]* || fail "no $tag in the events"
done
[ "$(find runs/one -name '*tmp*' | wc -l)" = 0 ] || fail "temporary files stayed"
[ "$(wc -l <runs/one/predictions.csv)" = 33 ] || fail "predictions.csv should hold 32 clips and a heading"
head -1 runs/one/predictions.csv | grep -q "^path,label,predicted,angry,calm,disgust,fearful,happy,neutral,sad,surprised$" ||
  fail "wrong heading of predictions.csv"
grep -q '"id2label"' runs/one/best/config.json || fail "config.json names no labels"
accuracy=$(sed -n 's/.*"accuracy":[[:space:]]*\([0-9.]*\).*/\1/p' runs/one/report.json | head -1)
awk "BEGIN { exit !($accuracy > 0.25) }" || fail "accuracy $accuracy on pitches is no better than chance"

# The run's config.ini repeats it, to the bit, from any folder.
(mkdir -p elsewhere && cd elsewhere && "$emotrain" --config ../runs/one/config.ini --run two >../out 2>../err) || fail "config.ini: $(cat err)"
cmp runs/one/metrics.jsonl runs/two/metrics.jsonl || fail "the run is not repeatable"
cmp runs/one/best/model.safetensors runs/two/best/model.safetensors || fail "the weights are not repeatable"

# eval predicts from the checkpoint as training did.
"$emotrain" eval one --part test >eval.txt 2>err || fail "eval: $(cat err)"
head -13 runs/one/classification_report.txt | cmp - <(head -13 eval.txt) || fail "eval differs from the run's report"
expect 0 "weighted avg" "$emotrain" eval runs/one/best --config tiny.ini
expect_error 2 "the validation part is empty" "$emotrain" eval one --part validation
expect_error 2 'no part "tst"' "$emotrain" eval one --part tst

# predict: the probabilities of predictions.csv, for files and folders, in each format.
clip=$(sed -n 2p runs/one/predictions.csv | cut -d, -f1)
"$emotrain" predict one "corpus/$clip" --format csv >one.csv 2>err || fail "predict: $(cat err)"
a=$(sed -n 2p runs/one/predictions.csv | cut -d, -f4-)
b=$(sed -n 2p one.csv | cut -d, -f4-)
awk -v a="$a" -v b="$b" 'BEGIN { n = split(a, x, ","); split(b, y, ",");
  for (i = 1; i <= n; i++) if ((x[i] - y[i])^2 > 1e-10) exit 1; exit n != 8 }' || fail "predict differs: $a, $b"
"$emotrain" predict runs/one/best corpus --format json -o answers.jsonl 2>err || fail "predict folder: $(cat err)"
[ "$(wc -l <answers.jsonl)" = 128 ] || fail "not one answer per file"
grep -q '"probabilities":{"angry":' answers.jsonl || fail "json lacks probabilities"
echo "no sound" >bad.wav
expect 1 "bad.wav: not audio" "$emotrain" predict one bad.wav "corpus/$clip"
grep -q "$clip" out || fail "a bad file took the good one's answer with it"
expect_error 2 "no such file" "$emotrain" predict one absent.wav
expect_error 2 "no run or model" "$emotrain" predict nobody "corpus/$clip"
expect_error 2 "format must be" "$emotrain" predict one "corpus/$clip" --format yaml

# Standard input, a stream without a length among them; windows, whose mean over time is the answer.
"$emotrain" predict one - --format csv <"corpus/$clip" >input.csv 2>err || fail "predict -: $(cat err)"
[ "$(sed -n 2p input.csv | cut -d, -f3-)" = "$(sed -n 2p one.csv | cut -d, -f3-)" ] || fail "standard input gives another answer"
{ head -c 4 "corpus/$clip"; printf '\377\377\377\377'; tail -c +9 "corpus/$clip"; } | "$emotrain" predict one - >out 2>err || fail "a stream: $(cat err)"
head -c 2000 "corpus/$clip" >cut.wav
status=0; "$emotrain" predict one - <cut.wav >out 2>err || status=$?
[ $status = 1 ] && grep -q "standard input: truncated" err || fail "a cut stream: $(cat err)"
expect_error 2 "only once" "$emotrain" predict one - -
"$emotrain" predict one "corpus/$clip" --windows --format csv --set audio.max_seconds=0.1 >windows.csv 2>err || fail "$(cat err)"
"$emotrain" predict one "corpus/$clip" --format csv --set audio.max_seconds=0.1 >mean.csv 2>err || fail "$(cat err)"
head -1 windows.csv | grep -q "^path,start,end,predicted,angry,calm,disgust,fearful,happy,neutral,sad,surprised$" || fail "heading of windows"
[ "$(wc -l <windows.csv)" -ge 3 ] || fail "no windows: $(cat windows.csv)"
awk -F, 'NR == FNR { if (FNR > 1) { if ($2 - last > 1e-9 || last - $2 > 1e-9) exit 1; last = $3; n = $3 - $2; t += n;
    for (k = 5; k <= NF; k++) s[k] += n * $k }; next }
  FNR > 1 { for (k = 4; k <= NF; k++) if ((s[k + 1] / t - $k)^2 > 1e-10) exit 1 }' windows.csv mean.csv ||
  fail "windows do not follow each other, or the answer is not their mean: $(cat windows.csv mean.csv)"
"$emotrain" predict one "corpus/$clip" --format json --set audio.max_seconds=0.1 >out 2>err || fail "$(cat err)"
grep -q '"windows":\[{"start":0,"end":0' out || fail "json lacks windows: $(cat out)"

# Charts and report again, from the database alone.
if command -v gnuplot >/dev/null; then
  cp runs/one/loss.svg before.svg
  rm runs/one/metrics.jsonl runs/one/loss.svg
  expect 0 one "$emotrain" plot one
  cmp before.svg runs/one/loss.svg || fail "plot makes another chart"
fi
rm runs/one/report.html
expect 0 one "$emotrain" report runs/one
[ -s runs/one/report.html ] || fail "report writes no page"
expect 0 libtorch "$emotrain" doctor

# Two runs that begin in one second get two names; a name in use is refused, also while it is being written.
for i in 1 2; do "$emotrain" --config tiny.ini --set train.max_steps=1 --set run.directory=pair >/dev/null 2>"err$i" & done
wait
[ "$(ls pair | wc -l)" = 2 ] || fail "two runs at once: $(ls pair; cat err1 err2)"
[ "$(ls -d pair/*/report.html | wc -l)" = 2 ] || fail "two runs at once: $(cat err1 err2)"
"$emotrain" --config tiny.ini --run busy --set train.epochs=500 >/dev/null 2>busy.err &
pid=$!
while kill -0 $pid 2>/dev/null && [ ! -s runs/busy/metrics.jsonl ]; do sleep 0.02; done
expect_error 2 "is there already" "$emotrain" --config tiny.ini --run busy
expect_error 2 "is being written by another process" "$emotrain" --config tiny.ini --run busy --resume
expect_error 1 "not tested yet" "$emotrain" report busy
kill -HUP $pid
wait $pid
[ $? = 130 ] || fail "SIGHUP: $(cat busy.err)"

# Output goes through links and into devices, and replaces neither.
ln -s answers.csv link
"$emotrain" predict one corpus/Actor_01 --format csv -o link 2>err || fail "$(cat err)"
[ -L link ] && [ "$(wc -l <answers.csv)" = 17 ] || fail "-o does not follow a link"
mkfifo pipe
"$emotrain" predict one corpus/Actor_01 --format csv -o pipe 2>err &
[ "$(wc -l <pipe)" = 17 ] && [ -p pipe ] || fail "-o does not write into a pipe"
wait

# Runs are listed, shown, compared, removed; one that is being written is not.
expect 0 "^two  *finished .* 32 " "$emotrain" runs
expect 0 "emotrain --config .*/runs/two/config.ini" "$emotrain" runs show two
"$emotrain" --config tiny.ini --run wide --set train.epochs=1 --set model.pooling=max >/dev/null 2>err || fail "$(cat err)"
expect 0 "^model.pooling  *mean  *max$" "$emotrain" runs compare two wide
grep -q "run.name\|train.batch_size" out && fail "compare shows what is the same"
expect 0 "removed" "$emotrain" runs rm wide
[ ! -e runs/wide ] || fail "rm leaves the folder"
"$emotrain" runs | grep -q wide && fail "rm leaves the rows"
expect_error 2 "no run \"wide\"" "$emotrain" runs rm wide
expect_error 2 "no action" "$emotrain" runs lst
expect_error 2 "needs two runs" "$emotrain" runs compare two

# Clips of another split are told apart from those that it was trained on.
"$emotrain" eval one --set split.seed=7 >out 2>err || fail "$(cat err)"
grep -q "test clips are among those that the model was trained on" err || fail "eval on learned clips gives no warning"
