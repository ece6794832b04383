#!/usr/bin/env bash
# Fuzzes what reads files and text that others may have made (tests/fuzz), with libFuzzer and the address and
# undefined-behaviour sanitizers.  Installs what is missing.
#
#   scripts/fuzz.sh [--seconds N | --runs N] [TARGET]...     (default: 60 s of each target, one per processor at a time)
#
# An input that crashes a target stays in build-fuzz/findings.  Prints how many inputs each target ran; status 1 after a
# finding.
set -euo pipefail
cd "$(dirname "$0")/.."
limit=-max_total_time=60
while [ $# -gt 0 ]; do
  case $1 in
    --seconds) limit=-max_total_time=$2; shift 2 ;;
    --runs) limit=-runs=$2; shift 2 ;;
    *) break ;;
  esac
done

scripts/install.sh $(scripts/packages.sh fuzz)
export CC=clang CXX=clang++
targets=("$@")
[ ${#targets[@]} -gt 0 ] || targets=($(basename -s .c tests/fuzz/*.c))
TARGETS="${targets[*]/#/fuzz_}" scripts/set-up.sh build-fuzz -DEMOTRAIN_SANITIZE=ON -DEMOTRAIN_FUZZ=ON -DCMAKE_BUILD_TYPE=RelWithDebInfo

fuzz() { # TARGET LIMIT
  local corpus=build-fuzz/corpus/$1 findings=build-fuzz/findings/$1 log=build-fuzz/$1.log
  mkdir -p "$corpus" "$findings"
  if ! build-fuzz/tests/fuzz_"$1" "$2" -max_len=4096 -timeout=10 -rss_limit_mb=2048 -malloc_limit_mb=512 \
    -print_final_stats=1 -artifact_prefix="$findings/" "$corpus" tests/fuzz/seeds/"$1" >"$log" 2>&1; then
    echo "$1: a finding, in $findings: $(grep -m1 -E 'ERROR|runtime error' "$log")"
    return 1
  fi
  printf '%-14s %10d inputs, none crashes it\n' "$1" "$(awk '/number_of_executed_units/ { print $2 }' "$log")"
}
export -f fuzz
processors=$(nproc) # which heeds OMP_NUM_THREADS
export ASAN_OPTIONS=detect_leaks=1:allocator_may_return_null=0 UBSAN_OPTIONS=print_stacktrace=1 OMP_NUM_THREADS=1
trap 'rm -rf /dev/shm/emotrain-fuzz-*' EXIT
printf '%s\n' "${targets[@]}" | xargs -P "$processors" -I{} bash -c 'fuzz "$@"' - {} "$limit"
