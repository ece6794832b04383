#!/usr/bin/env bash
# train.feature_cache changes speed, not training: losses are those of the live path but for float16's rounding.
. "$(dirname "$0")/lib.sh" "$@"
tiny_experiment 4
# pretrain NAME OPTION...: the model directory runs/NAME/best, whose parts can be frozen.
pretrain() { "$emotrain" --config tiny.ini --run "$@" --set train.max_steps=1 >/dev/null 2>err || fail "$(cat err)"; }
expect_error 2 "stay as it is initialised at random" "$emotrain" --config tiny.ini --run no --set model.freeze=layers:1
expect 0 "^Untrained weights: [1-9][0-9]* of the model" "$emotrain" --config tiny.ini --run untrained --set model.freeze=feature_encoder --set train.max_steps=1
pretrain base
pretrain other --set run.seed=7
settings=(--set model.freeze=feature_encoder --set model.attention_mask=yes --set train.log_steps=1 --set model.pretrained=runs/base/best)
store=(--set train.feature_cache=yes)

losses() { sed -n 's/.*"loss": \([0-9.e-]*\),.*/\1/p' "runs/$1/metrics.jsonl"; }
train() { "$emotrain" --config tiny.ini --run "$@" "${settings[@]}" >/dev/null 2>err || fail "$(cat err)"; }
entries() { find runs/cache -name '*.features' | wc -l; }
# compare CASE: the losses of runs first and live, alike but not the same.
compare() {
  paste <(losses live) <(losses first) | awk '{ d = $1 - $2; if (d * d > 1e-4 * $1 * $1) exit 1 }' ||
    fail "$1: other losses: $(paste <(losses live) <(losses first))"
  paste <(losses live) <(losses first) | awk '$1 != $2 { other = 1 } END { exit !other }' ||
    fail "$1: nothing was rounded: the store was not used"
}

train live
[ "$(entries)" = 0 ] || fail "stored without being asked"
train first "${store[@]}"
[ "$(entries)" = 64 ] || fail "$(entries) entries for 64 clips"
[ "$(losses first | wc -l)" = "$(losses live | wc -l)" ] || fail "other steps"
compare "features"
train again "${store[@]}"
cmp <(losses first) <(losses again) || fail "what was stored is not what was computed"

# A damaged entry is made again; one of another model by that name is refused.
entry=$(find runs/cache -name '*.features' | sort | head -1)
printf 'x' | dd of="$entry" bs=1 seek=60 conv=notrunc 2>dd.err
train mended "${store[@]}"
cmp <(losses first) <(losses mended) || fail "a damaged entry was used"
rm -r runs/first
settings[7]=model.pretrained=runs/other/best # other weights, so other entries
train moved "${store[@]}"
[ "$(entries)" = 128 ] || fail "the other encoder has no entries of its own"

# Frozen layers without random numbers are kept with it, and others are not.
sed 's/"conv_dim": .*/"conv_dim": [12, 12],/' tiny.json >narrow.json # features are not as wide as a hidden state
pretrain narrow --set model.pretrained=narrow.json
settings=(--set model.freeze=layers:1 --set model.attention_mask=yes --set train.log_steps=1 --set model.pretrained=runs/narrow/best)
steady=(--set model.apply_spec_augment=no)
for name in hidden_dropout activation_dropout attention_dropout feat_proj_dropout layerdrop; do
  steady+=(--set "model.$name=0")
done
# The width of a frame in the entries that are newer than a file.
width() { od -An -tu4 -j12 -N4 "$(find runs/cache -name '*.features' -newer "$1" | head -1)" | tr -d ' '; }
for case in layers:1 encoder; do
  settings[1]=model.freeze=$case
  rm -rf runs/live runs/first runs/again
  touch before
  train live "${steady[@]}"
  train first "${steady[@]}" "${store[@]}"
  [ "$(width before)" = 16 ] || fail "$case: entries of width $(width before), not of a hidden state's"
  compare "$case"
  train again "${steady[@]}" "${store[@]}"
  cmp <(losses first) <(losses again) || fail "$case: what was stored is not what was computed"
done
settings[1]=model.freeze=layers:1
touch before
train drawing "${store[@]}" --set run.seed=8
[ "$(width before)" = 12 ] || fail "layers with dropout were kept"
grep -q 'feature encoder alone' err || fail "not said: $(cat err)"

expect_error 2 'augment' "$emotrain" --config tiny.ini --run no "${settings[@]}" "${store[@]}" --set augment.noise=0.5
expect_error 2 'model.freeze' "$emotrain" --config tiny.ini --run no "${store[@]}" --set model.attention_mask=yes
expect_error 2 'attention_mask' "$emotrain" --config tiny.ini --run no "${store[@]}" --set model.pretrained=runs/base/best --set model.freeze=feature_encoder --set model.attention_mask=no
[ ! -e runs/no ] || fail "a refused run left a folder"
