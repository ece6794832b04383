#!/usr/bin/env bash
# Index, sweep and main job, killed at random moments (-9) or losing power, until they are done: what is there then equals
# what an undisturbed one made.  KILLS=200 by hand (scripts/torture.sh); a few in the tests.
. "$(dirname "$0")/lib.sh" "$@"
sanitized=$(ldd "$emotrain" | grep -q 'lib[at]san' && echo yes)
kills=${KILLS:-${sanitized:+2}}
kills=${kills:-4}
tools=$(dirname "$make_corpus")
command -v sqlite3 >/dev/null || skip "no sqlite3 to compare databases with"
tiny_experiment 6
RANDOM=${SEED:-$$}
echo "SEED=$RANDOM KILLS=$kills"

# kill_after SECONDS COMMAND...: runs it in a session of its own and kills it all, or with parent_only=yes its first process,
# after a random part of so long.  Status 0: it was done before that; 1: killed.
kill_after() {
  local longest=$1 pid
  shift
  setsid "$@" >/dev/null 2>err &
  pid=$!
  sleep "$(awk "BEGIN { print $longest * (0.02 + 1.0 * $RANDOM / 32768) }")"
  if kill -0 $pid 2>/dev/null; then
    [ "${parent_only:-no}" = yes ] && kill -9 $pid || kill -9 -- -$pid
  fi 2>/dev/null
  wait $pid 2>/dev/null
  case $? in
    0) return 0 ;;
    137) return 1 ;;
    *) fail "$*: $(cat err)" ;;
  esac
}

timed() { TIMEFORMAT=%R; { time "$@" >/dev/null 2>err; } 2>&1; }

clips="SELECT path, name, file_size, sha256, rate, channels, frames, duration, label, speaker, defect, duplicate_of FROM clips ORDER BY path"
parts="SELECT description, split_clips.part, position, path FROM split_clips JOIN splits ON splits.id = split_id JOIN clips ON clips.id = clip_id ORDER BY 1, 2, 3"
runs="SELECT name, state, task FROM runs ORDER BY name"
metrics="SELECT runs.name, step, epoch, metrics.name, value FROM metrics JOIN runs ON runs.id = run_id ORDER BY 1, 2, 4"
predictions="SELECT runs.name, part, position, path, label, predicted, probabilities FROM predictions JOIN runs ON runs.id = run_id ORDER BY 1, 2, 3"
dump() { sqlite3 "$1" "PRAGMA integrity_check; PRAGMA foreign_key_check; ${*:2}"; }

# ---- the index ----

index=(index --config ../tiny.ini --set corpus.root=../corpus)
mkdir whole && cd whole || exit 1
seconds=$(timed "$emotrain" "${index[@]}")
cd ..
dump whole/runs/emotrain.db "$clips" >whole.clips
# What a kill left half-written goes once it is an hour old, with the next index that opens a file.
cache() {
  find "$1/runs/cache" -name '*.tmp-*' -exec touch -d '2 hours ago' {} +
  (cd "$1" && touch -d '1 hour ago' ../corpus/Actor_01/03-01-01-01-01-01-01.wav && "$emotrain" "${index[@]}" >/dev/null 2>err) || fail "$(cat "$1/err")"
  (cd "$1/runs/cache" && find . -type f | sort | xargs sha256sum)
}
cache whole >whole.cache
hits=0
while [ $hits -lt "$kills" ]; do
  rm -rf killed && mkdir killed
  while cd killed && ! kill_after "$seconds" "$emotrain" "${index[@]}"; do
    cd .. && hits=$((hits + 1))
    [ $hits -lt "$kills" ] || { cd killed && break; }
  done
  cd "$scratch" && (cd killed && "$emotrain" "${index[@]}" >/dev/null 2>err) || fail "index: $(cat err)"
  dump killed/runs/emotrain.db "$clips" | cmp - whole.clips || fail "index: the catalogue differs"
  cache killed | cmp - whole.cache || fail "index: the cache differs"
done
echo "index: killed $hits times"

# ---- a sweep ----

sweep=(sweep --config ../tiny.ini --set corpus.root=../corpus --set model.pretrained=../tiny.json --run grid --grid train.batch_size=3,6 --seeds 1,2
  --set train.epochs=2 --set checkpoint.every_steps=4)
mkdir whole_sweep killed_sweep && cd whole_sweep || exit 1
seconds=$(timed "$emotrain" "${sweep[@]}")
cd ..
same_sweep() {
  local a=whole_sweep/runs b=$1/runs file
  [ -s "$b/grid/sweep.csv" ] || fail "sweep: no table: $(ls "$b/grid")"
  for file in $(cd $a && find grid -name model.safetensors -o -name predictions.csv -o -name metrics.jsonl | grep -v checkpoints); do
    cmp "$a/$file" "$b/$file" || fail "sweep: $file differs"
  done
  dump "$a/emotrain.db" "$metrics; $predictions; $runs" >whole.metrics
  dump "$b/emotrain.db" "$metrics; $predictions; $runs" | cmp - whole.metrics || fail "sweep: the catalogue differs"
}
hits=0
while [ $hits -lt "$kills" ]; do
  rm -rf killed && mkdir killed && cd killed || exit 1
  while ! parent_only=$([ $((RANDOM % 2)) = 0 ] && echo yes || echo no) kill_after "$seconds" "$emotrain" "${sweep[@]}"; do
    hits=$((hits + 1))
    [ $hits -lt "$kills" ] || break
  done
  "$emotrain" "${sweep[@]}" >/dev/null 2>err || fail "sweep: $(cat err)"
  cd .. && same_sweep killed
done
echo "sweep: killed $hits times"

# ---- an export, and a download ----

# again_and_again WHAT FOLDER COMMAND...: kills it KILLS times; what it leaves of the folder is nothing or the whole, and in
# the end it makes what it makes undisturbed.
again_and_again() {
  local what=$1 folder=$2 hits=0 seconds
  shift 2
  rm -rf "$folder" && seconds=$(timed "$@") && mv "$folder" "$folder.whole" || fail "$what: $(cat err)"
  while [ $hits -lt "$kills" ]; do
    rm -rf "$folder" ${HF_HOME:+"$HF_HOME"}
    kill_after "$seconds" "$@" || hits=$((hits + 1))
    [ ! -e "$folder" ] || diff -r "$folder.whole" "$folder" >/dev/null || fail "$what: half of it: $(ls "$folder")"
    rm -rf "$folder" && "$@" >/dev/null 2>err || fail "$what: $(cat err)"
    diff -r "$folder.whole" "$folder" || fail "$what: another one"
  done
  echo "$what: killed $hits times"
}
again_and_again export exported "$emotrain" export "$(dirname "$(ls whole_sweep/runs/grid/*/config.ini | head -1)")" exported
if command -v python3 >/dev/null; then
  python3 "$tests/cli/bad_server.py" exported.whole /dev/null asked >port 2>server.err &
  server=$!
  trap 'kill $server 2>/dev/null; rm -rf "$scratch"' EXIT
  for _ in $(seq 100); do [ -s port ] && break; sleep 0.05; done
  export HF_HOME=$scratch/home HF_ENDPOINT=http://127.0.0.1:$(cat port)
  unset HF_HUB_CACHE HUGGINGFACE_HUB_CACHE HF_HUB_OFFLINE http_proxy https_proxy all_proxy
  again_and_again fetch fetched "$emotrain" fetch own/good fetched
  kill $server
fi

# ---- power ----

if [ "$sanitized" ]; then
  echo "power: not under a sanitizer, which must be loaded first"
  exit 0
fi
job=(train --config ../tiny.ini --set corpus.root=../corpus --set model.pretrained=../tiny.json --run job --set train.epochs=6 --set eval.every_steps=5
  --set checkpoint.every_steps=3)
mkdir whole_job && cd whole_job || exit 1
seconds=$(timed "$emotrain" "${job[@]}")
cd ..
dump whole_job/runs/emotrain.db "$clips; $parts; $metrics; $predictions; $runs" >whole.all
hits=0
while [ $hits -lt "$kills" ]; do
  rm -rf lost disk && mkdir lost disk
  export POWER_ROOT=$scratch/lost POWER_DISK=$scratch/disk
  next=("${job[@]}")
  while cd lost && ! LD_PRELOAD=$tools/power_loss.so kill_after "$seconds" "$emotrain" "${next[@]}"; do
    cd "$scratch" && hits=$((hits + 1))
    how=$([ $((RANDOM % 2)) = 0 ] && echo strict || echo journal)
    "$tools/power_restore" $how || fail "cannot restore"
    next=("${job[@]}")
    [ -e lost/runs/job/config.ini ] && next=(train --run job --resume)
    [ $hits -lt "$kills" ] || { cd lost && break; }
  done
  cd "$scratch/lost" || exit 1
  [ -e runs/job/config.ini ] && next=(train --run job --resume)
  "$emotrain" "${next[@]}" >/dev/null 2>err || fail "power ($how): does not go on: $(cat err)"
  cd "$scratch" || exit 1
  for file in last/model.safetensors last/optimizer.safetensors metrics.jsonl predictions.csv; do
    cmp "whole_job/runs/job/$file" "lost/runs/job/$file" || fail "power ($how): $file differs"
  done
  dump lost/runs/emotrain.db "$clips; $parts; $metrics; $predictions; $runs" | cmp - whole.all || fail "power ($how): the catalogue differs"
done
echo "power: lost $hits times"
