#!/usr/bin/env bash
# Bad input: one clear line, the right status, nothing half-written.
. "$(dirname "$0")/lib.sh" "$@"
tiny_experiment 2

expect_error 2 "which experiment" "$emotrain" train
expect_error 2 'no command "trian"; the nearest is "train"' "$emotrain" trian
expect_error 2 "unknown option --confg; the nearest is --config" "$emotrain" --confg tiny.ini
expect_error 2 "needs a value" "$emotrain" --config
expect_error 2 "takes no value" "$emotrain" --config tiny.ini --resume=yes
expect_error 2 "cannot read the configuration none.ini" "$emotrain" --config none.ini
expect_error 2 "unknown key train.accumulate; it is called train.gradient_accumulation_steps" \
  "$emotrain" --config tiny.ini --set train.accumulate=1
expect_error 2 "unknown key train.epoch; the nearest known one is train.epochs" \
  "$emotrain" --config tiny.ini --set train.epoch=1
expect_error 2 "corpus.root: no folder" "$emotrain" --config tiny.ini --set corpus.root=nowhere
expect_error 2 "corpus.root: no folder" "$emotrain" index --config tiny.ini --set corpus.root=nowhere
expect_error 2 "corpus.kind must be one of" "$emotrain" --config tiny.ini --set corpus.kind=ravdes
expect_error 2 "model.pretrained: no \"nothing\"" "$emotrain" --config tiny.ini --set model.pretrained=nothing
expect_error 2 "model.pretrained: name a model" "$emotrain" --config tiny.ini --set model.pretrained=
expect_error 2 "model.pooling must be one of" "$emotrain" --config tiny.ini --set model.pooling=median
expect_error 2 "model.kind must be one of" "$emotrain" --config tiny.ini --set model.kind=lstm
expect_error 2 "model.freeze must be" "$emotrain" --config tiny.ini --set model.freeze=all
expect_error 2 "train.lr_scheduler must be one of" "$emotrain" --config tiny.ini --set train.lr_scheduler=step
expect_error 2 "split.protocol must be one of" "$emotrain" --config tiny.ini --set split.protocol=random
expect_error 2 "run.device" "$emotrain" --config tiny.ini --set run.device=tpu
expect_error 2 "run.device=cuda:7" "$emotrain" --config tiny.ini --set run.device=cuda:7
mkdir full && echo mine >full/thesis.txt
expect 2 "is there already, and not empty" "$tests/../scripts/make-demo-corpus.sh" full
[ -s full/thesis.txt ] || fail "the demo corpus took a folder's place"
expect_error 2 "corpus.labels: names no label" "$emotrain" --config tiny.ini --set corpus.labels=,
expect_error 2 "has a label of corpus.labels=happy;sad; their labels are angry, calm" "$emotrain" --config tiny.ini --set "corpus.labels=happy;sad"
expect_error 2 "run.name" "$emotrain" --config tiny.ini --run "a ;b"
expect_error 2 "both 0" "$emotrain" --config tiny.ini --set train.epochs=0
expect_error 2 "a name, or folder/name" "$emotrain" --config tiny.ini --run ../up
expect_error 2 "no run \"ghost\"" "$emotrain" --config tiny.ini --run ghost --resume
expect_error 2 "which run" "$emotrain" --config tiny.ini --resume
[ -z "$(ls runs | grep -v -e emotrain.db -e cache)" ] || fail "a refused run left something: $(ls runs)"

printf '' >corpus/03-01-01-01-01-02-01.wav
head -c 600 corpus/Actor_01/03-01-02-01-01-01-01.wav >corpus/03-01-02-01-01-02-01.wav
echo text >corpus/03-01-03-01-01-02-01.wav
cp corpus/Actor_01/03-01-02-01-01-01-01.wav corpus/unnamed.wav
expect 0 "4 broken left out" "$emotrain" index --config tiny.ini
for reason in "empty file" truncated "not audio" "name outside the scheme"; do
  [ "$(grep -c "warning: .*left out: $reason" err)" = 1 ] || fail "\"$reason\" is not named once: $(cat err)"
done
expect 0 "0 opened this time" "$emotrain" index --config tiny.ini
expect_error 1 "4 broken files, and corpus.strict=yes" "$emotrain" index --config tiny.ini --set corpus.strict=yes

# A name in use is refused; --set cannot change a run that goes on.
expect 0 "weighted avg" "$emotrain" --config tiny.ini --run used --set train.max_steps=1
expect_error 2 "is there already" "$emotrain" --config tiny.ini --run used
expect_error 2 "leave out --set" "$emotrain" --config tiny.ini --run used --resume --set train.epochs=9
expect 0 "is finished: there is nothing to go on with" "$emotrain" --config tiny.ini --run used --resume
cp corpus/Actor_01/03-01-02-01-01-01-01.wav corpus/03-01-02-01-01-02-02.wav
expect_error 1 "has changed since this run began" "$emotrain" --config tiny.ini --run used --resume
rm corpus/03-01-02-01-01-02-02.wav

# A damaged checkpoint is named, not taken.
head -c 500 runs/used/last/model.safetensors >cut && cp cut "$(readlink -f runs/used/last)/model.safetensors"
expect_error 1 "model.safetensors" "$emotrain" --config tiny.ini --run used --resume
