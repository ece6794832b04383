#!/usr/bin/env bash
# Processes that train together do what one process does: losses, metrics, evaluation; a rank that dies ends the others,
# and the run goes on with another number of them; hosts in network namespaces.
. "$(dirname "$0")/lib.sh" "$@"
tiny_experiment 5
settings=(--set train.batch_size=2 --set train.gradient_accumulation_steps=4 --set train.epochs=3 --set eval.every_steps=4
  --set checkpoint.every_steps=2 --set train.log_steps=1 --set run.timeout=60)

# near RUN RUN: every number of two records, line by line, within 1e-5 of its size.
near() {
  awk -v OFS=, 'function number(x) { gsub(/[^-0-9.e+]/, "", x); return x + 0 }
    FNR == NR { first[FNR] = $0; lines = FNR; next }
    { n = split(first[FNR], a, ","); m = split($0, b, ",")
      if (n != m) { print "line " FNR ": " first[FNR] " | " $0; bad = 1 }
      for (i = 1; i <= n; i++) {
        split(a[i], x, ": "); split(b[i], y, ": "); p = number(x[2]); q = number(y[2]); d = p - q; s = p < 0 ? -p : p
        if (d < 0) d = -d
        if (d > 1e-5 * (s > 1 ? s : 1)) { print "line " FNR ": " a[i] " | " b[i]; bad = 1 } } }
    END { if (FNR != lines) { print lines " lines, " FNR; bad = 1 } exit bad }' \
    "runs/$1/metrics.jsonl" "runs/$2/metrics.jsonl" >apart || fail "$2 is not $1: $(head -3 apart)"
}

"$emotrain" --config tiny.ini --run alone "${settings[@]}" >/dev/null 2>err || fail "$(cat err)"

# Any number of ranks, some of them without a batch in an epoch's last step.
for n in 1 2 3 4; do
  "$emotrain" launch --processes $n --config tiny.ini --run "ranks$n" "${settings[@]}" >out 2>err || fail "$n: $(cat err)"
  near alone "ranks$n"
  [ "$(grep -c '^    accuracy' out)" = 1 ] || fail "$n: not one report: $(cat out)"
  [ "$(grep -c 'report:' err)" = 1 ] || fail "$n: not one log: $(cat err)"
  awk -F, 'FNR == NR { for (i = 4; i <= NF; i++) p[FNR, i] = $i; next }
    FNR > 1 { for (i = 4; i <= NF; i++) if ((p[FNR, i] - $i)^2 > 1e-9) exit 1 }' \
    runs/alone/predictions.csv "runs/ranks$n/predictions.csv" || fail "$n: other predictions"
done

# Two ranks with half the batch are one process with the whole.
plain=(--set model.hidden_dropout=0 --set model.activation_dropout=0 --set model.attention_dropout=0 --set model.layerdrop=0
  --set model.feat_proj_dropout=0 --set model.final_dropout=0 --set model.apply_spec_augment=no)
"$emotrain" --config tiny.ini --run whole "${settings[@]}" "${plain[@]}" --set train.batch_size=6 --set train.gradient_accumulation_steps=2 \
  >/dev/null 2>err || fail "$(cat err)"
"$emotrain" launch --processes 2 --config tiny.ini --run halves "${settings[@]}" "${plain[@]}" --set train.batch_size=3 \
  >/dev/null 2>err || fail "$(cat err)"
near whole halves

# Recomputed layers, running statistics of norms, 8-bit moments.
"$emotrain" launch --processes 2 --config tiny.ini --run again "${settings[@]}" --set model.gradient_checkpointing=yes \
  >/dev/null 2>err || fail "$(cat err)"
near alone again
cp "$tests/cli/tiny_cnn.json" .
cnn=(--set model.kind=cnn --set model.pretrained=tiny_cnn.json --set model.freeze=none --set audio.normalize=auto)
"$emotrain" launch --processes 2 --config tiny.ini --run cnn "${settings[@]}" "${cnn[@]}" >/dev/null 2>err || fail "$(cat err)"

# A second task, each clip's loss counting as much whatever rank has it.
tasks=(--set train.auxiliary_task=sex --set train.auxiliary_weight=1 --set train.class_weights=yes)
"$emotrain" --config tiny.ini --run tasks "${settings[@]}" "${tasks[@]}" >/dev/null 2>err || fail "$(cat err)"
"$emotrain" launch --processes 2 --config tiny.ini --run tasks-dealt "${settings[@]}" "${tasks[@]}" >/dev/null 2>err || fail "$(cat err)"
near tasks tasks-dealt

# What cannot be dealt, fitted or found is said once.
expect_error 2 "train.gradient_accumulation_steps=2.*accumulation_steps=3 would be a step" "$emotrain" launch --processes 3 --config tiny.ini --run no \
  --set train.gradient_accumulation_steps=2
expect_error 2 "fitted at once" "$emotrain" launch --processes 2 --config tiny.ini --run no --set model.kind=linear \
  --set model.pretrained= --set model.freeze=none --set audio.normalize=no
expect_error 2 "nothing.json" "$emotrain" launch --processes 2 --config tiny.ini --run no --set model.pretrained=nothing.json
expect_error 2 "processes" "$emotrain" launch --processes none --config tiny.ini
expect_error 2 "MASTER_ADDR" env RANK=1 WORLD_SIZE=2 LOCAL_WORLD_SIZE=1 "$emotrain" --config tiny.ini
expect_error 2 "RANK=7" env RANK=7 WORLD_SIZE=2 "$emotrain" --config tiny.ini
[ ! -e runs/no ] || fail "a run that could not begin left a folder"
expect_error 1 "did not find the others" env RANK=0 WORLD_SIZE=2 MASTER_ADDR=127.0.0.1 MASTER_PORT=29871 "$emotrain" --config tiny.ini \
  --set run.timeout=2

# A rank that dies ends the others within seconds, with one line; the run goes on with another number of them.
long=("${settings[@]}" --set train.epochs=30)
"$emotrain" --config tiny.ini --run long "${long[@]}" >/dev/null 2>err || fail "$(cat err)"
"$emotrain" launch --processes 2 --config tiny.ini --run killed "${long[@]}" >/dev/null 2>err &
pid=$!
while kill -0 $pid 2>/dev/null && [ "$(cat runs/killed/metrics.jsonl 2>/dev/null | wc -l)" -lt 20 ]; do sleep 0.02; done
second=$(for p in $(pgrep -P $pid); do tr '\0' '\n' <"/proc/$p/environ" | grep -qx RANK=1 && echo "$p"; done)
kill -9 "$second"
since=$SECONDS
wait $pid
[ $? = 1 ] || fail "a killed rank: not status 1: $(cat err)"
[ $((SECONDS - since)) -le 20 ] || fail "a killed rank: the others went on for $((SECONDS - since)) s"
[ "$(grep -c '^emotrain: ' err)" = 1 ] && grep -q "rank 1 of 2 was ended by signal 9.*--resume --run killed" err ||
  fail "a killed rank: $(cat err)"
"$emotrain" --run killed --resume >/dev/null 2>err || fail "$(cat err)"
near long killed

# Ctrl-C is heard by all at one step; three go on where two stopped.
"$emotrain" launch --processes 2 --config tiny.ini --run stopped "${long[@]}" >/dev/null 2>err &
pid=$!
while kill -0 $pid 2>/dev/null && [ "$(cat runs/stopped/metrics.jsonl 2>/dev/null | wc -l)" -lt 20 ]; do sleep 0.02; done
kill -INT $pid
wait $pid
[ $? = 130 ] || fail "interrupted: not status 130: $(cat err)"
[ "$(grep -c '^emotrain: interrupted' err)" = 1 ] || fail "interrupted: $(cat err)"
"$emotrain" launch --processes 3 --run stopped --resume >/dev/null 2>err || fail "$(cat err)"
near long stopped

# As Slurm starts them.
for r in 0 1; do
  SLURM_PROCID=$r SLURM_STEP_NUM_TASKS=2 SLURM_LOCALID=$r SLURM_JOB_ID=4242 SLURM_LAUNCH_NODE_IPADDR=127.0.0.1 \
    "$emotrain" --config tiny.ini --run slurm "${settings[@]}" >"out$r" 2>"err$r" &
done
wait
[ -e runs/slurm/report.html ] || fail "Slurm: $(cat err0 err1)"
near alone slurm

# As hosts: each rank in a network namespace of its own.  The first `ip netns add` mounts /run/netns upon itself: undone here.
mountpoint -q /run/netns && netns_was_mounted=1
remove_hosts() {
  for h in a b; do ip netns del "et$$$h" 2>/dev/null; done
  [ "${netns_was_mounted:-}" ] || [ -n "$(ls -A /run/netns 2>/dev/null)" ] || umount /run/netns 2>/dev/null
}
trap 'remove_hosts; rm -rf "$scratch"' EXIT
if [ "$(id -u)" = 0 ] && command -v ip >/dev/null && ip netns add "et$$a" 2>/dev/null && ip netns exec "et$$a" true 2>/dev/null; then
  ip netns add "et$$b" && ip link add "et$$a" type veth peer name "et$$b" || skip "no veth pairs here"
  for h in a b; do
    ip link set "et$$$h" netns "et$$$h"
    ip -n "et$$$h" addr add "10.111.0.$([ $h = a ] && echo 1 || echo 2)/24" dev "et$$$h"
    ip -n "et$$$h" link set "et$$$h" up
    ip -n "et$$$h" link set lo up
  done
  r=0
  for h in a b; do
    ip netns exec "et$$$h" env RANK=$r WORLD_SIZE=2 LOCAL_RANK=0 LOCAL_WORLD_SIZE=1 MASTER_ADDR=10.111.0.1 MASTER_PORT=29500 \
      "$emotrain" --config tiny.ini --run hosts "${settings[@]}" >"out$h" 2>"err$h" &
    r=1
  done
  wait
  [ -e runs/hosts/report.html ] || fail "hosts: $(cat erra errb)"
  near alone hosts
else
  echo "no network namespaces here: hosts were not tried"
fi
