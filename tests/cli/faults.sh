#!/usr/bin/env bash
# A disk that fails once, at each call that a command makes in turn: one clear line and status 1, or done all the same; what
# was there stays whole, and the command then does its work.  And a database of which each statement fails in turn, likewise.
# STRIDE=1 by hand: every call; in the tests, some.
. "$(dirname "$0")/lib.sh" "$@"
ldd "$emotrain" | grep -q 'lib[at]san' && skip "a sanitizer must be loaded before what makes calls fail"
command -v sqlite3 >/dev/null || skip "no sqlite3 to compare databases with"
faults=$(dirname "$make_corpus")/faults.so
stride=${STRIDE:-11}
tiny_experiment 2
"$emotrain" --config tiny.ini --run one --set train.epochs=2 >/dev/null 2>err || fail "$(cat err)"
"$emotrain" --config tiny.ini --run two --set train.epochs=1 >/dev/null 2>err || fail "$(cat err)"
cp -r runs before

clips="SELECT path, name, sha256, frames, label, defect, duplicate_of FROM clips ORDER BY path"
runs="SELECT name, state FROM runs ORDER BY name"
metrics="SELECT run_id, step, name, value FROM metrics ORDER BY 1, 2, 3"
dump() { sqlite3 "$1" "PRAGMA integrity_check; PRAGMA foreign_key_check; $clips; $runs; $metrics"; }

# each PREPARE COMMAND...: what PREPARE does to the state before is where the command begins.
each() { each_of disk "$@" && each_of sql "$@"; }
each_of() {
  local kind=$1 prepare=$2 count status total=0
  shift 2
  export FAULT_KIND=$kind
  reset() { rm -rf runs && cp -r before runs && eval "$prepare"; }
  reset
  FAULT_AT=0 FAULT_COUNT=$scratch/count LD_PRELOAD=$faults "$emotrain" "$@" >whole.out 2>err || fail "$*: $(cat err)"
  count=$(cat count)
  dump runs/emotrain.db >whole.dump
  for ((n = 1 + RANDOM % stride; n <= count; n += stride)); do
    reset
    timeout 60 env FAULT_AT=$n FAULT_ERRNO=$((n % 2 ? 28 : 5)) LD_PRELOAD="$faults" "$emotrain" "$@" >out 2>err
    status=$?
    if [ $status != 0 ]; then
      [ $status = 1 ] || [ $status = 2 ] || fail "$*: call $n of $count: status $status: $(cat err)"
      [ "$(grep -c '^emotrain: ' err)" = 1 ] || fail "$*: call $n of $count: not one error line: $(cat err)"
    fi
    [ "$(sqlite3 runs/emotrain.db 'PRAGMA integrity_check')" = ok ] || fail "$*: call $n of $count: the catalogue is damaged"
    total=$((total + (status != 0)))
    # Once more: a file that could not be read was left out with a warning, and is tried again.
    "$emotrain" "$@" >out 2>err || fail "$*: after call $n of $count failed: $(cat err)"
    dump runs/emotrain.db | cmp - whole.dump || fail "$*: after call $n of $count failed: the catalogue differs"
  done
  echo "$1: $count calls ($kind), every ${stride}th failed in turn: $total times with an error"
}

each "rm -rf runs/cache runs/emotrain.db*" index --config tiny.ini
each "sqlite3 runs/emotrain.db 'PRAGMA foreign_keys = ON; DELETE FROM splits'" split --config tiny.ini
each ":" runs list
each ":" report one
each ":" plot one two
each ":" features egemaps corpus/Actor_01 -o features.csv
