#!/usr/bin/env bash
# A long run: memory and file handles stay flat after the first 500 steps, the log stays readable.  STEPS=10000 by hand
# (scripts/long-run.sh); fewer in the tests.
. "$(dirname "$0")/lib.sh" "$@"
ldd "$emotrain" | grep -q 'lib[at]san' && skip "a sanitizer's own memory grows"
steps=${STEPS:-1500}
tiny_experiment 2
"$emotrain" --config tiny.ini --run long --set train.epochs=0 --set train.max_steps="$steps" --set train.log_steps=50 --set eval.every_epochs=0 \
  --set eval.every_steps=250 --set checkpoint.every_epochs=0 --set checkpoint.every_steps=250 --set train.lr_scheduler=constant >out 2>err &
pid=$!
while kill -0 $pid 2>/dev/null; do
  step=$(tail -1 runs/long/metrics.jsonl 2>/dev/null | grep -o '"step": *[0-9]*' | grep -o '[0-9]*$')
  memory=$(awk '/^VmRSS/ { print $2 }' /proc/$pid/status 2>/dev/null)
  huge=$(awk '/^AnonHugePages/ { print $2 }' /proc/$pid/smaps_rollup 2>/dev/null)
  files=$(ls /proc/$pid/fd 2>/dev/null | wc -l)
  [ -n "$memory" ] && [ -n "$huge" ] && [ "${step:-0}" -ge 500 ] && [ "$step" -lt "$steps" ] && echo "$step $memory $files $huge"
  sleep 0.2
done >samples
wait $pid || fail "$(cat err)"
[ "$(wc -l <samples)" -ge 10 ] || fail "too few samples: $(cat samples)"
# The median of the first and of the last fifth, as evaluations and checkpoints come and go.  What the kernel adds by making
# one huge page of a few small ones (2 MiB, whether in use or not) is no growth of the program's.
awk '{ step[NR] = $1; memory[NR] = $2; files[NR] = $3; huge[NR] = $4 }
  function median(values, from, to,   n, i, j, t, v) {
    for (i = from; i <= to; i++) v[++n] = values[i]
    for (i = 2; i <= n; i++) for (j = i; j > 1 && v[j] < v[j - 1]; j--) { t = v[j]; v[j] = v[j - 1]; v[j - 1] = t }
    return v[int((n + 1) / 2)]
  }
  END {
    n = int(NR / 5); if (n < 1) n = 1
    before = median(memory, 1, n); after = median(memory, NR - n + 1, NR)
    joined = median(huge, NR - n + 1, NR) - median(huge, 1, n); if (joined < 0) joined = 0
    handles = median(files, 1, n); later = median(files, NR - n + 1, NR)
    printf "steps %d to %d: %.1f MiB, then %.1f MiB (%+.2f %%, %.1f MiB of it by huge pages); %d file handles, then %d\n", step[1], step[NR],
      before / 1024, after / 1024, (after / before - 1) * 100, joined / 1024, handles, later
    exit !(after - joined <= before * 1.01 && later <= handles)
  }' samples || fail "memory or file handles grow"
[ "$(wc -l <err)" -lt 60 ] || [ "$steps" -gt 1500 ] || fail "the log is $(wc -l <err) lines: $(tail -5 err)"
grep -q $'\r' err && fail "a terminal's control characters in the log"
exit 0
