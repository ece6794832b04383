#!/usr/bin/env bash
# A full disk: one clear line, the last good state whole, and the run goes on once there is room.
. "$(dirname "$0")/lib.sh" "$@"
tiny_experiment 4
mkdir small
mount -t tmpfs -o size=3m tmpfs small 2>/dev/null || skip "cannot mount a tmpfs here"
trap 'umount "$scratch/small"; rm -rf "$scratch"' EXIT
settings=(--set run.directory=small/runs --set checkpoint.every_steps=1 --set train.epochs=4)

fill() { head -c "${1:-100M}" /dev/zero >small/filler 2>/dev/null; }

# While indexing: the cache cannot be written.
fill
expect_error 1 "No space left on device" "$emotrain" index --config tiny.ini --set run.database=db.sqlite \
  --set audio.cache=small/cache
rm small/filler
expect 0 "64 clips" "$emotrain" index --config tiny.ini --set run.database=db.sqlite --set audio.cache=small/cache
rm -rf small/cache

# While training: fill up once a checkpoint is there.
"$emotrain" --config tiny.ini --run full "${settings[@]}" --set train.epochs=60 >/dev/null 2>err &
pid=$!
while kill -0 $pid 2>/dev/null && [ ! -e small/runs/full/last ]; do sleep 0.02; done
fill
wait $pid
[ $? = 1 ] || fail "status is not 1: $(cat err)"
[ "$(grep -c '^emotrain: ' err)" = 1 ] && grep '^emotrain: ' err | grep -q "No space left" || fail "$(cat err)"
[ -s small/runs/full/last/model.safetensors ] || fail "the last checkpoint is gone"
[ -z "$(find small/runs/full -name '*tmp*')" ] || fail "half-written: $(find small/runs/full -name '*tmp*')"
rm small/filler
"$emotrain" train --run small/runs/full --resume >out 2>err || fail "does not go on: $(cat err)"

# While a report is written again: the one that stood there stays whole.
sha256sum small/runs/full/* 2>/dev/null | grep -E 'report|predictions' >before
fill
status=0
"$emotrain" report small/runs/full >out 2>err || status=$?
[ $status = 1 ] && [ "$(grep -c '^emotrain: ' err)" = 1 ] && grep '^emotrain: ' err | grep -q "No space left" ||
  fail "report on a full disk: status $status: $(cat err)"
sha256sum --quiet -c before || fail "a report was half-written"
[ -z "$(find small/runs/full -name '*tmp*')" ] || fail "half-written: $(find small/runs/full -name '*tmp*')"
rm small/filler
expect 0 full "$emotrain" report small/runs/full

# A disk that cannot be written to: one line that names the place; what only reads goes on.
cp runs/emotrain.db small/copy.db
mount -o remount,ro small
expect_error 1 "small/runs.*Read-only file system" "$emotrain" --config tiny.ini --run again "${settings[@]}"
expect_error 1 "small/cache.*Read-only file system" "$emotrain" index --config tiny.ini --set run.database=other.sqlite --set audio.cache=small/cache
expect_error 1 "Read-only file system\|readonly database" "$emotrain" report small/runs/full
expect 0 "" "$emotrain" runs list --set run.database=small/copy.db
expect_error 2 "no catalogue of runs here" "$emotrain" runs list --set run.database=small/new.db
mount -o remount,rw small
