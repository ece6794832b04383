#!/usr/bin/env bash
# batch_size and accumulate change memory and speed, not the gradient: also with uneven last batches, class weights
# and label smoothing.  And what is reported of a model is the model's own.
. "$(dirname "$0")/lib.sh" "$@"
tiny_experiment 4
plain=(--set model.hidden_dropout=0 --set model.activation_dropout=0 --set model.attention_dropout=0
  --set model.feat_proj_dropout=0 --set model.final_dropout=0 --set model.layerdrop=0
  --set model.apply_spec_augment=no --set train.log_steps=1 --set split.test=23
  --set train.class_weights=yes --set train.label_smoothing=0.1 --set train.epochs=2)

losses() { sed -n 's/.*"loss": \([0-9.e-]*\),.*/\1/p' "runs/$1/metrics.jsonl"; }
for setting in "6 1" "2 3" "3 2" "1 6"; do # 41 clips train: the last step of an epoch has five
  set -- $setting
  "$emotrain" --config tiny.ini --run "b$1" "${plain[@]}" --set train.batch_size="$1" --set train.gradient_accumulation_steps="$2" \
    >/dev/null 2>err || fail "$(cat err)"
  [ "$(losses "b$1" | wc -l)" = 14 ] || fail "batch $1: not 14 steps"
  paste <(losses b6) <(losses "b$1") | awk '($1 - $2)^2 > 1e-9 { exit 1 }' || fail "batch $1: other losses"
done

# eval takes rate and normalisation from the model, whatever the configuration says.
"$emotrain" eval b6 >one.txt 2>err || fail "$(cat err)"
sed 's/^sample_rate = .*/sample_rate = 8000/; s/^normalize = .*/normalize = no/' runs/b6/config.ini >runs/b6/other.ini
"$emotrain" eval b6 --config runs/b6/other.ini >two.txt 2>err || fail "$(cat err)"
cmp one.txt two.txt || fail "eval saw something else than the model was trained on"
expect_error 2 "audio.sample_rate=8000: the model is trained, this is settled" "$emotrain" eval b6 --set audio.sample_rate=8000

# Clips whose label the model does not know are left out of report and loss, and that is said.
mkdir some && for e in 01 02 03; do mkdir -p some/a && cp corpus/Actor_0*/03-01-$e-* some/a/; done
"$emotrain" --config tiny.ini --run few "${plain[@]}" --set corpus.root=some --set corpus.labels=calm,happy \
  --set split.test=0.25 >/dev/null 2>err || fail "$(cat err)"
expect 0 "left out, as the model has no such label, or several: neutral (2 clips)" "$emotrain" eval few --config tiny.ini --set corpus.root=some
