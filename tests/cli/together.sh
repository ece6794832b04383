#!/usr/bin/env bash
# Two at once on one catalogue and one cache: no lost rows, no torn cache, no deadlock; a name in use is refused.
. "$(dirname "$0")/lib.sh" "$@"
tiny_experiment 4

finished() { "$emotrain" runs list --state finished --format csv | grep -c "^$1"; }

# Two runs that both find an empty catalogue and cache.
"$emotrain" --config tiny.ini --run first >/dev/null 2>err1 &
"$emotrain" --config tiny.ini --run second >/dev/null 2>err2 || fail "second: $(cat err2)"
wait $! || fail "first: $(cat err1)"
[ "$(finished first)$(finished second)" = 11 ] || fail "not two finished runs: $("$emotrain" runs)"
for file in last/model.safetensors metrics.jsonl predictions.csv; do
  cmp runs/first/$file runs/second/$file || fail "$file: not the same"
done
expect 0 "0 opened this time" "$emotrain" index --config tiny.ini
[ "$(find runs/cache -name '*.pcm' | wc -l)" = 64 ] || fail "the cache is not whole"
[ -z "$(find runs -name '*tmp*')" ] || fail "leftovers: $(find runs -name '*tmp*')"

# A name in use: the second is refused while the first goes on; so are removing it and another sweep of that name.
"$emotrain" --config tiny.ini --run busy --set train.epochs=200 >/dev/null 2>err1 &
busy=$!
while kill -0 $busy 2>/dev/null && [ ! -s runs/busy/metrics.jsonl ]; do sleep 0.05; done
expect_error 2 "busy" "$emotrain" --config tiny.ini --run busy
expect_error 2 "busy is being written" "$emotrain" train --run busy --resume
expect_error 2 "busy is being written" "$emotrain" runs rm busy
expect 0 . "$emotrain" runs rm second
expect 0 "running" "$emotrain" runs show busy
kill -0 $busy 2>/dev/null || fail "the run in use came to an end: $(cat err1)"
kill -INT $busy
wait $busy
[ $? = 130 ] || fail "the run in use was disturbed: $(cat err1)"
expect 0 . "$emotrain" runs rm busy
[ "$(finished first)$(finished second)" = 10 ] || fail "another run's rows are gone: $("$emotrain" runs)"

# Two sweeps, of other names and of one.
sweep=(sweep --config tiny.ini --grid train.batch_size=3,6 --seeds 1 --set train.epochs=2)
"$emotrain" "${sweep[@]}" --run a >/dev/null 2>err1 &
first=$!
"$emotrain" "${sweep[@]}" --run b >/dev/null 2>err2 || fail "sweep b: $(cat err2)"
wait $first || fail "sweep a: $(cat err1)"
cmp <(grep -o 'accuracy.*' runs/a/sweep.csv) <(grep -o 'accuracy.*' runs/b/sweep.csv) || fail "two sweeps of one kind differ"
"$emotrain" "${sweep[@]}" --run same >/dev/null 2>err1 &
first=$!
while kill -0 $first 2>/dev/null && [ ! -d runs/same ]; do sleep 0.02; done
sleep 0.2
expect_error 2 "same is being written" "$emotrain" "${sweep[@]}" --run same
wait $first || fail "sweep same: $(cat err1)"

# A catalogue that another program holds for a while is waited for.
if command -v sqlite3 >/dev/null; then
  (echo "BEGIN EXCLUSIVE;"; sleep 2) | sqlite3 runs/emotrain.db &
  sleep 0.3
  expect 0 "64 clips" "$emotrain" index --config tiny.ini
  wait $!
fi
