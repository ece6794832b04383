#!/usr/bin/env bash
# A comparison of models on one corpus and split, all folds taken together; corpora to train on and others to test on.
. "$(dirname "$0")/lib.sh" "$@"
tiny_experiment 4
cp "$tests/cli/tiny_cnn.json" .
common='[run]\nprecision = float32\n[audio]\nresampler = sinc_fastest\n[train]\nepochs = 2\nbatch_size = 4\n'
printf "$common"'[model]\nkind = cnn\npretrained = tiny_cnn.json\nfreeze = none\n' >network.ini
printf "$common"'[model]\nkind = linear\nfreeze = none\n[linear]\nfolds = 2\n' >svm.ini
printf '[corpus]\nroot = corpus\n[split]\ntest = 0.25\n[compare]\nmodels = network.ini svm.ini\n[sweep]\nseeds = 1,2\n' >both.ini

expect 0 "network" "$emotrain" compare --config both.ini --jobs 2
[ "$(grep -c . runs/both/sweep.csv)" = 3 ] || fail "not two rows: $(cat runs/both/sweep.csv)"
head -1 runs/both/sweep.csv | grep -q "parameters,training_seconds,test_clips_per_second,memory_mib" || fail "costs are missing"
for file in sweep.txt sweep.json sweep.html sweep.svg models/svm.ini "model=svm,seed=2/report.html"; do
  [ -s "runs/both/$file" ] || fail "no $file"
done
grep -q "<svg" runs/both/sweep.html || fail "the page has no chart"
expect 0 "0 runs to do, 4 done" "$emotrain" compare --config both.ini
expect 0 "runs/both" "$emotrain" report both
sed -i 's/epochs = 2/epochs = 3/' network.ini
expect_error 2 "was begun with train.epochs=2" "$emotrain" compare --config both.ini
sed -i 's/epochs = 3/epochs = 2/' network.ini
expect_error 2 "svm.ini names no models to compare" "$emotrain" compare --config svm.ini
expect_error 2 "two models or more" "$emotrain" compare --config both.ini --run one --set compare.models=svm.ini --set compare.ensemble=yes
expect_error 2 "Give --config FILE" "$emotrain" compare
expect_error 2 "compare.models is of several runs: emotrain compare" "$emotrain" --config both.ini --run one
expect_error 2 "sweep.folds is of several runs: emotrain sweep" "$emotrain" --config svm.ini --run one --set sweep.folds=yes --set split.folds=2

# A model's file has its precision; --set stands over all files, also with what is a default; the comparison's own defaults do not.
grep -q "^precision = float32" runs/both/models/network.ini || fail "the model's own precision is lost"
{ cat both.ini; printf '[train]\nbatch_size = 2\n'; } >defaults.ini
expect 0 "network" "$emotrain" compare --config defaults.ini --run set --seeds 1 --set audio.resampler=sinc_best --set run.precision=auto
for line in "batch_size = 4" "resampler = sinc_best" "precision = auto"; do
  grep -q "^$line" runs/set/models/network.ini || fail "--set is dropped: no $line"
done

# The mean of all models: of their probabilities, clip by clip and seed by seed, as `emotrain ensemble` has it.
ensemble=(--config both.ini --set compare.ensemble=yes)
expect 0 "ensemble  *2 " "$emotrain" compare "${ensemble[@]}"
expect 0 "0 runs to do, 4 done" "$emotrain" compare "${ensemble[@]}"
awk -F, 'NR == 1 { fields = NF } NF != fields { exit 1 }' runs/both/sweep.csv || fail "a row has other fields than the heading: $(cat runs/both/sweep.csv)"
grep -q "^ensemble = no" runs/both/model=svm,seed=1/config.ini || fail "a run is told of the ensemble"
cp network.ini ensemble.ini
expect_error 2 "rename ensemble.ini" "$emotrain" compare --config both.ini --set compare.models="ensemble.ini svm.ini" --set compare.ensemble=yes --run no
[ "$(grep -c . runs/both/sweep.csv)" = 4 ] && grep -q "ensemble" runs/both/sweep.html || fail "no row: $(cat runs/both/sweep.csv)"
for seed in 1 2; do
  expect 0 "weighted avg" "$emotrain" ensemble both/model=network,seed=$seed both/model=svm,seed=$seed --run mean$seed
done
python3 - <<'P' || fail "not as the ensembles"
import json
row = next(s for s in json.load(open("runs/both/sweep.json"))["settings"] if s["label"] == "ensemble")
for run in row["runs"]:
    report = json.load(open(f"runs/mean{run['seed']}/report.json"))
    assert all(abs(run[name] - report[name]) < 1e-7 for name in ("uar", "accuracy", "eval_loss")), (run, report)
    assert run["parameters"] > 0 and "reports" not in run
P
mv runs/both/model=svm,seed=2 gone
expect 0 "^warning: 1 of 4 are not in the table" "$emotrain" report both
mv gone runs/both/model=svm,seed=2
expect 0 "0 runs to do, 4 done" "$emotrain" compare --config both.ini
! grep -q "ensemble" runs/both/sweep.csv || fail "an ensemble that nobody asked for"

# A model's file with another value or two; one file several times.
expect 0 "svm,kernel=linear" "$emotrain" compare --config both.ini --run variants --seeds 1 --set compare.models="svm.ini svm.ini:linear.kernel=linear:linear.C=0.1"
grep -q "^kernel = linear" "runs/variants/models/svm,kernel=linear,C=0.1.ini" && grep -q "^C = 0.1" "runs/variants/model=svm,kernel=linear,C=0.1,seed=1/config.ini" ||
  fail "the values are not the run's"
expect_error 2 "the comparison itself has linear.kernel=rbf: leave out one" "$emotrain" compare --config both.ini --run none --set linear.kernel=rbf \
  --set compare.models="svm.ini svm.ini:linear.kernel=linear"
expect_error 2 "a path cannot stand there" "$emotrain" compare --config both.ini --run none --set compare.models="svm.ini svm.ini:linear.features=./x.csv"
expect_error 2 "compare.models: unknown key linear.nope" "$emotrain" compare --config both.ini --run none --set compare.models="svm.ini svm.ini:linear.nope=1"
expect_error 2 "nothere.ini" "$emotrain" compare --config both.ini --run y --set compare.models=nothere.ini

# By speaker, every clip tested once: four folds of a speaker each.
folds=(--set split.protocol=speaker --set split.folds=4 --set sweep.folds=yes --set sweep.seeds=1)
expect 0 "64 clips" "$emotrain" compare --config both.ini --run folds "${folds[@]}"
[ "$(ls -d runs/folds/model=svm,seed=1,fold=? | wc -l)" = 4 ] || fail "not four folds"

# --folds all: one report of all folds' predictions together, with each fold's own metrics, also where every speaker is a fold.
alone=(--config svm.ini --folds all --set corpus.root=corpus --set split.protocol=speaker)
expect 0 "accuracy .* 64" "$emotrain" "${alone[@]}" --set split.folds=speakers --run alone
pooled=runs/alone/seed=101,fold=all
[ "$(ls -d runs/alone/seed=101,fold=? | wc -l)" = 4 ] || fail "not a fold for each speaker"
grep -q "^Folds$" $pooled/classification_report.txt && grep -q "^ *std " $pooled/classification_report.txt || fail "no table of folds"
[ "$(wc -l <$pooled/predictions.csv)" = 65 ] || fail "not every clip once"
grep -q "Speakers shared" $pooled/classification_report.txt && fail "no speaker trains and tests"
expect 0 "accuracy .* 64" "$emotrain" "${alone[@]}" --set split.folds=speakers --run alone
expect_error 2 "alone is a sweep: name one of its runs" "$emotrain" eval alone
cp runs/alone/sweep.ini kept.ini
for lines in 0 40 $(($(wc -l <kept.ini) - 3)); do
  head -n $lines kept.ini >runs/alone/sweep.ini
  expect_error 1 "sweep.ini: is empty or cut" "$emotrain" report alone
  expect_error 1 "sweep.ini: is empty or cut" "$emotrain" "${alone[@]}" --set split.folds=speakers --run alone
done
cp kept.ini runs/alone/sweep.ini
mv runs/alone/seed=101,fold=1 gone
expect 0 "^warning: 1 of 1 are not in the table: .* seed=101,fold=1;" "$emotrain" report alone
mv gone runs/alone/seed=101,fold=1
expect 0 "runs/alone" "$emotrain" report alone
! grep -q warning err || fail "all folds are there: $(cat err)"
expect 0 "2 at a time" "$emotrain" "${alone[@]}" --set split.folds=speakers --run alone --jobs 2
expect_error 2 "jobs is of --folds all" "$emotrain" --config svm.ini --jobs 2
expect 0 "fold=all" "$emotrain" runs
expect 0 "fold=all" "$emotrain" report $pooled --baseline runs/alone/seed=101,fold=0
grep -q "not the same test clips" $pooled/classification_report.txt || fail "folds and one of them have other clips"
# Against another sweep: the same fold of it, and all folds together.
expect 0 "accuracy .* 64" "$emotrain" "${alone[@]}" --set split.folds=speakers --run other --set linear.C=0.01 --set linear.kernel=linear --set report.baseline=alone
for fold in 0 3 all; do
  grep -q "against the run alone/seed=101,fold=$fold" "runs/other/seed=101,fold=$fold/classification_report.txt" || fail "fold $fold has no baseline"
done
expect 1 "alone has no run seed=7,fold=0, as this one is called" "$emotrain" "${alone[@]}" --set split.folds=speakers --run other-seed --set run.seed=7 \
  --set report.baseline=alone
expect_error 2 "alone is a sweep: name one of its runs" "$emotrain" --config svm.ini --set corpus.root=corpus --run single --set report.baseline=alone
# Folds of one corpus and a fold of another are not one result.
one=$(find corpus -name '*.wav' | sort | head -1)
cp "$one" kept.wav
grep -q "The corpus changed" runs/alone/sweep.txt && fail "the corpus has not changed"
printf '\1' | dd of="$one" bs=1 seek=1000 conv=notrunc 2>/dev/null
expect 0 "removed" "$emotrain" runs rm alone/seed=101,fold=1
expect 0 "The corpus changed between these runs" "$emotrain" "${alone[@]}" --set split.folds=speakers --run alone
cp kept.wav "$one"
expect_error 2 "report of all folds" "$emotrain" predict $pooled corpus
expect_error 2 "has no folds" "$emotrain" "${alone[@]}" --run none
expect_error 2 "takes" "$emotrain" --config svm.ini --folds 3

# Trained on one corpus, tested on another: their speakers and paths stay apart.
"$make_corpus" other 2 || fail "no other corpus"
for clip in other/*/*.wav; do mv "$clip" "${clip%.wav}-x.wav" && mv "${clip%.wav}-x.wav" "$(dirname "$clip")/$(basename "$clip" | sed 's/^03-01-\(..\)-01/03-01-\1-02/')"; done
across=(--set corpus.part=train --set corpus.second.root=other --set corpus.second.part=test)
expect 0 "weighted avg" "$emotrain" --config svm.ini --run across --set corpus.root=corpus "${across[@]}"
grep -q "^ *accuracy .* 32$" runs/across/classification_report.txt || fail "not tested on the 32 clips of the other corpus"
grep -q "Speakers shared" runs/across/classification_report.txt && fail "speakers of two corpora are not the same people"
grep -q "second:01" runs/across/classification_report.txt || fail "the other corpus' speakers are not known"
grep -q "$scratch/other/Actor_01" runs/across/predictions.csv || fail "paths do not say which corpus"
expect 0 "weighted avg" "$emotrain" --config svm.ini --run joint --set corpus.root=corpus --set corpus.second.root=other --set split.test=0.25
expect_error 2 "no folder \"gone\"" "$emotrain" --config svm.ini --run gone --set corpus.root=corpus --set corpus.second.root=gone
