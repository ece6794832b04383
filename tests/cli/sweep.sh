#!/usr/bin/env bash
# Sweeps: the product, a failed run, a kill in the middle; the table; filters over the runs; charts of several.
. "$(dirname "$0")/lib.sh" "$@"
tiny_experiment 6
grid=(--grid model.pooling=mean,max --grid train.batch_size=2,4 --seeds 1,2)

# The whole product, two at a time; each run is the run that the same settings give by hand.
expect 0 "pooling=m.. train.batch_size=" "$emotrain" sweep --config tiny.ini "${grid[@]}" --jobs 2
cp out whole.txt
[ "$(ls -d runs/tiny/pooling=*/report.html | wc -l)" = 8 ] || fail "not eight runs: $(ls runs/tiny)"
for file in sweep.ini sweep.txt sweep.csv sweep.json; do [ -s "runs/tiny/$file" ] || fail "no $file"; done
cmp out runs/tiny/sweep.txt || fail "sweep.txt is not what was printed"
[ "$(wc -l <runs/tiny/sweep.csv)" = 5 ] || fail "sweep.csv should hold four settings and a heading"
head -1 runs/tiny/sweep.csv | grep -q "^rank,model.pooling,train.batch_size,runs,metric,mean,std,low,high," || fail "heading of sweep.csv"
awk -F, 'NR > 1 { if (NR > 2 && $6 > last) exit 1; last = $6; if (!($8 <= $6 && $6 <= $9)) exit 1 }' runs/tiny/sweep.csv ||
  fail "not ranked, or a mean outside its interval: $(cat runs/tiny/sweep.csv)"
if command -v gnuplot >/dev/null; then [ -s runs/tiny/sweep.svg ] && [ -s runs/tiny/sweep.png ] || fail "no chart"; fi
expect 0 "weighted avg" "$emotrain" --config tiny.ini --run alone --set model.pooling=max --set train.batch_size=4 --set run.seed=2
cmp runs/alone/predictions.csv runs/tiny/pooling=max,train.batch_size=4,seed=2/predictions.csv || fail "a sweep's run is another run"
grep -q "grid = $" runs/tiny/pooling=max,train.batch_size=4,seed=2/config.ini || fail "a run's config.ini holds the sweep's grid"

# Once more: nothing to do, the same table.  One run gone: only that is made again.
expect 0 "0 runs to do, 8 done" "$emotrain" sweep --config tiny.ini "${grid[@]}"
cmp out whole.txt || fail "the table changes by itself"
expect 0 removed "$emotrain" runs rm tiny/pooling=mean,train.batch_size=2,seed=1
expect 0 "1 runs to do, 7 done" "$emotrain" sweep --config runs/tiny/sweep.ini
cmp out whole.txt || fail "a run made again gives another table"

# Killed in the middle, finished by the same command: the same table.
"$emotrain" sweep --config tiny.ini "${grid[@]}" --run killed >/dev/null 2>err &
pid=$!
while kill -0 $pid 2>/dev/null && [ "$(ls -d runs/killed/*/report.html 2>/dev/null | wc -l)" -lt 3 ]; do sleep 0.05; done
sleep 0.4
kill -9 $pid
wait $pid 2>/dev/null
sleep 0.2
[ "$(ls -d runs/killed/*/report.html | wc -l)" -lt 8 ] || fail "killed too late"
pgrep -f "$(pwd -P)/runs/killed" >/dev/null && fail "a killed sweep leaves its runs behind"
expect 0 "[1-5] runs to do, [3-7] done" "$emotrain" sweep --config tiny.ini "${grid[@]}" --run killed
cmp <(tail -n +2 runs/killed/sweep.csv) <(tail -n +2 runs/tiny/sweep.csv) || fail "a killed sweep ends elsewhere"

# Ctrl-C and SIGTERM: status 130, the runs saved; the same command goes on.
"$emotrain" sweep --config tiny.ini "${grid[@]}" --run stopped >/dev/null 2>err &
pid=$!
while kill -0 $pid 2>/dev/null && [ ! -s runs/stopped/pooling=mean,train.batch_size=2,seed=1/metrics.jsonl ]; do sleep 0.02; done
kill -TERM $pid
wait $pid
[ $? = 130 ] || fail "SIGTERM: $(cat err)"
grep -q "the same command goes on" err || fail "$(cat err)"
expect 0 "pooling=" "$emotrain" sweep --config tiny.ini "${grid[@]}" --run stopped --jobs 2
cmp runs/stopped/sweep.csv runs/tiny/sweep.csv || fail "a stopped sweep ends elsewhere"

# The validation part chooses too; a sweep on folds compares no clips.
expect 0 "Chosen on the validation part" "$emotrain" sweep --config tiny.ini --grid model.pooling=mean,max --run chosen --set split.validation=0.25 --set split.test=0.25 --set train.epochs=1
expect 0 "test clips differ" "$emotrain" sweep --config tiny.ini --grid split.fold=0,1 --run folds --set split.folds=2 --set train.epochs=1 --set sweep.metric=eval_loss
awk -F, 'NR > 1 && !($7 <= $5 && $5 <= $8) { exit 1 }' runs/folds/sweep.csv || fail "a fold's mean is outside its interval: $(cat runs/folds/sweep.csv)"
# What is asked for by hand wins over a run's share of the processors.
sed 's/^threads = 1/threads = 0/' tiny.ini >free.ini
expect 0 "threads=1" "$emotrain" sweep --config free.ini --grid run.threads=1 --run threads --set train.max_steps=1 --jobs 7
grep -q "^threads = 1" runs/threads/threads=1,seed=101/config.ini || fail "an axis of run.threads is not heeded"

# A setting that fails is recorded, the rest goes on.
expect_error 1 "1 of 2 runs failed" "$emotrain" sweep --config tiny.ini --grid model.freeze=none,nosuch --run failing --set train.max_steps=2
grep -q 'freeze=nosuch.*model.freeze must be' out || fail "the failure is not in the table: $(cat out)"
grep -q "model.freeze.*nosuch" runs/failing/logs/freeze=nosuch,seed=101.log || fail "no log of the failed run"
grep -q '"finished":[[:space:]]*false' runs/failing/sweep.json || fail "the failure is not in sweep.json"

# What cannot be meant.
expect_error 2 "was begun with train.epochs=3" "$emotrain" sweep --config tiny.ini "${grid[@]}" --set train.epochs=4
expect_error 2 "names no seed" "$emotrain" sweep --config tiny.ini "${grid[@]:0:4}" --seeds ,
expect_error 2 "was begun with run.database" "$emotrain" sweep --config tiny.ini "${grid[@]}" --set run.database=other.db
expect_error 2 "lies inside a run" "$emotrain" --config tiny.ini --run alone/inner
expect_error 2 "name one of its runs" "$emotrain" runs show tiny
expect_error 2 "for runs list" "$emotrain" runs rm alone --state failed
expect_error 2 "this is settled" "$emotrain" predict alone corpus/Actor_01 --set model.pooling=max
expect_error 2 "nothing to vary" "$emotrain" sweep --config tiny.ini
expect_error 2 "nearest known one is model.pooling" "$emotrain" sweep --config tiny.ini --grid model.poling=mean
expect_error 2 "must be a whole number\|batch_size" "$emotrain" sweep --config tiny.ini --grid train.batch_size=2,x
expect_error 2 "expected section.key=a,b,c" "$emotrain" sweep --config tiny.ini --grid mean,max
expect_error 2 "given twice" "$emotrain" sweep --config tiny.ini --grid model.pooling=mean --grid model.pooling=max
expect_error 2 "varied with sweep.seeds" "$emotrain" sweep --config tiny.ini --grid run.seed=1,2
expect_error 2 "is a run, not a sweep" "$emotrain" sweep --config tiny.ini "${grid[@]}" --run alone
expect_error 2 "absent" "$emotrain" sweep --config tiny.ini "${grid[@]}" --run nowhere --set corpus.root=absent

# Runs: filtered, sorted, as CSV.
expect 0 "^tiny/pooling=max,train.batch_size=4,seed=2 " "$emotrain" runs list 'tiny/*' --where model.pooling=max --sort accuracy
[ "$(wc -l <out)" = 5 ] || fail "the filter lets through: $(cat out)"
"$emotrain" runs list 'tiny/*' --sort eval_loss --format csv >sorted.csv || fail "runs as csv"
awk -F, 'NR > 2 { if ($NF < last) exit 1 } { last = $NF }' <(sed 's/"[^"]*"/x/g' sorted.csv) || fail "not sorted: $(cat sorted.csv)"
expect 0 "^run" "$emotrain" runs --state failed
[ "$(wc -l <out)" = 1 ] || fail "no run had failed after it began: $(cat out)"
expect_error 2 "no column" "$emotrain" runs --sort size
expect_error 2 "nearest known one is train.batch_size" "$emotrain" runs --where train.batchsize=2

# Charts and tables of the sweep again, and several runs in one chart.
if command -v gnuplot >/dev/null; then
  cp runs/tiny/sweep.svg before.svg
  rm runs/tiny/sweep.*[a-hj-z]
  expect 0 tiny "$emotrain" report tiny
  cmp before.svg runs/tiny/sweep.svg || fail "the sweep's chart changes"
  cmp whole.txt runs/tiny/sweep.txt || fail "the sweep's table changes"
  expect 0 both "$emotrain" plot alone tiny/pooling=mean,train.batch_size=2,seed=1 -o both
  for chart in loss learning_rate class_f1 reliability; do [ -s both/$chart.svg ] && [ -s both/$chart.png ] || fail "no $chart of two runs"; done
  grep -q "alone" both/loss.svg && grep -q "tiny/pooling=mean,train.batch_size=2,seed=1" both/loss.svg || fail "the legend lacks a run"
fi

# A run killed before its first epoch has ended, under a name that means something to shells and to gnuplot.
"$emotrain" --config tiny.ini --run 'early `touch PWNED` $(touch PWNED)' --set train.epochs=500 --set train.log_steps=1 \
  --set train.batch_size=1 --set train.gradient_accumulation_steps=1 >/dev/null 2>err &
pid=$!
while kill -0 $pid 2>/dev/null && [ ! -s runs/early*/metrics.jsonl ]; do sleep 0.02; done
kill -9 $pid
wait $pid 2>/dev/null
expect 0 "^early.* killed " "$emotrain" runs --state killed
if command -v gnuplot >/dev/null; then
  expect 0 early "$emotrain" plot 'early `touch PWNED` $(touch PWNED)'
  [ -s runs/early*/loss.svg ] || fail "no chart of an early run"
  [ -z "$(find . -name PWNED)" ] || fail "a name was run as a command"
  expect 0 here "$emotrain" plot tiny -o here
  [ -s here/sweep.png ] || fail "plot SWEEP -o writes elsewhere"
fi

# A name that no configuration can hold.
expect_error 2 "run.name must be one line" "$emotrain" sweep --config tiny.ini --grid model.pooling=mean --run $'two\nlines'
expect_error 2 "run.name must not begin or end with a space" "$emotrain" sweep --config tiny.ini --grid model.pooling=mean --run " lead"
ls runs | grep -q "lead\|two" && fail "a sweep that was refused left a folder"

# A report against a baseline.
expect 0 alone "$emotrain" report alone --baseline tiny/pooling=mean,train.batch_size=2,seed=1
grep -q "against the run tiny/pooling=mean" runs/alone/classification_report.txt || fail "no baseline in the report"
grep -q "model.pooling: mean -> max" runs/alone/classification_report.txt || fail "no changed setting in the report"
grep -q '"mcnemar_p"' runs/alone/report.json || fail "no test in report.json"
expect_error 2 'no run "nobody"' "$emotrain" report alone --baseline nobody
expect_error 2 'no run "nobody"' "$emotrain" --config tiny.ini --run late --set report.baseline=nobody
[ ! -e runs/late ] || fail "a missing baseline is noticed too late"

# A sweep and all its runs go together.
expect 0 "removed .*runs/tiny$" "$emotrain" runs rm tiny
[ ! -e runs/tiny ] || fail "rm leaves the sweep's folder"
expect 0 "^run" "$emotrain" runs list 'tiny/*'
[ "$(wc -l <out)" = 1 ] || fail "rm leaves rows: $(cat out)"

# Random search: some of the grid, the same ones each time, ranked by the validation part.
search=(--grid model.pooling=mean,max,sum,last --grid train.batch_size=2,4 --set split.validation=0.25 --set split.test=0.25 --set train.epochs=2)
expect 0 "ranked by the validation part" "$emotrain" sweep --config tiny.ini "${search[@]}" --run drawn --set sweep.search=random --set sweep.trials=3
[ "$(ls -d runs/drawn/pooling=*/report.html | wc -l)" = 3 ] || fail "not three settings: $(ls runs/drawn)"
grep -q "optimistic" runs/drawn/sweep.txt && fail "what was chosen on the validation part is not optimistic"
awk -F, 'NR > 2 && $10 > last { exit 1 } { last = $10 }' runs/drawn/sweep.csv || fail "not ranked by the validation part: $(cat runs/drawn/sweep.csv)"
cp runs/drawn/sweep.csv drawn.csv
expect 0 "2 runs to do, 3 done" "$emotrain" sweep --config tiny.ini "${search[@]}" --run drawn --set sweep.search=random --set sweep.trials=5
expect 0 "0 runs to do, 3 done" "$emotrain" sweep --config tiny.ini "${search[@]}" --run drawn --set sweep.search=random --set sweep.trials=3
cmp drawn.csv runs/drawn/sweep.csv || fail "three of five trials are others"
expect_error 2 "chooses on a validation part" "$emotrain" sweep --config tiny.ini --grid model.pooling=mean,max --run no --set sweep.search=random
expect_error 2 "best_metric=last" "$emotrain" sweep --config tiny.ini "${search[@]}" --run no --set sweep.search=random --set eval.best_metric=last
expect_error 2 "best_metric=last" "$emotrain" sweep --config tiny.ini "${search[@]}" --grid eval.best_metric=uar,last --run no --set sweep.search=random
expect_error 2 "train.epochs cannot vary" "$emotrain" sweep --config tiny.ini "${search[@]}" --grid train.epochs=9,27 --run no --set sweep.search=halving
expect_error 2 "need train.epochs of at least 9" "$emotrain" sweep --config tiny.ini "${search[@]}" --run no --set sweep.search=halving
expect_error 2 "grid runs every setting" "$emotrain" sweep --config tiny.ini "${search[@]}" --run no --set sweep.trials=2
expect_error 2 "max_steps must be 0" "$emotrain" sweep --config tiny.ini "${search[@]}" --run no --set sweep.search=halving --set train.max_steps=4

# Successive halving: eight settings, three, one; killed, it goes on.
halve=("${search[@]}" --set train.epochs=9 --set sweep.search=halving --jobs 2)
expect 0 "halving.csv has what they" "$emotrain" sweep --config tiny.ini "${halve[@]}" --run halved
[ "$(cut -d, -f1 runs/halved/halving.csv | tail -n +2 | sort -n | uniq -c | tr -s ' ' | tr '\n' ';')" = " 8 1; 3 3;" ] || fail "stages: $(cat runs/halved/halving.csv)"
[ "$(ls -d runs/halved/*/report.html | wc -l)" = 12 ] || fail "not 8 + 3 + 1 runs: $(ls runs/halved)"
awk -F, 'NR > 1 { if ($1 == stage && $NF == "yes" && was == "no") exit 1; if ($1 == stage && $(NF - 1) > last) exit 1; stage = $1; was = $NF; last = $(NF - 1) }' runs/halved/halving.csv ||
  fail "not the best went on: $(cat runs/halved/halving.csv)"
left=$(ls -d runs/halved/pooling=*/ | grep -v stage=)
grep -q "^epochs = 9" "${left}config.ini" || fail "the last stage is not the whole training: $left"
"$emotrain" sweep --config tiny.ini "${halve[@]}" --run halved-killed >/dev/null 2>err &
pid=$!
while kill -0 $pid 2>/dev/null && [ "$(ls -d runs/halved-killed/*/report.html 2>/dev/null | wc -l)" -lt 9 ]; do sleep 0.05; done
kill -9 $pid
wait $pid 2>/dev/null
sleep 0.2
expect 0 "halving.csv has what they" "$emotrain" sweep --config tiny.ini "${halve[@]}" --run halved-killed
cmp runs/halved/halving.csv runs/halved-killed/halving.csv || fail "a killed search ends elsewhere"

# A budget of time: what is begun is finished, the same command goes on.
expect 0 "sweep.hours are over: [1-7] runs are left" "$emotrain" sweep --config tiny.ini "${search[@]}" --run timed --set sweep.hours=0.0003
expect 0 "pooling=" "$emotrain" sweep --config tiny.ini "${search[@]}" --run timed
[ "$(ls -d runs/timed/pooling=*/report.html | wc -l)" = 8 ] || fail "the rest was not run"
