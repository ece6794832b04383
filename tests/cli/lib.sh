# What the command-line tests share.  Each runs in a scratch folder of its own as
#     SCRIPT EMOTRAIN MAKE_CORPUS TESTS_FOLDER
set -u
emotrain=$1 make_corpus=$2 tests=$3
scratch=$(mktemp -d)
trap '[ "${KEEP:-}" ] && echo "kept $scratch" || rm -rf "$scratch"' EXIT
cd "$scratch" || exit 1

fail() { echo "FAILED: $*" >&2; exit 1; }
skip() { echo "skipped: $(basename "$0" .sh): $*"; exit 77; } # ctest keeps the line in Testing/Temporary/LastTest.log

# expect STATUS PATTERN COMMAND...: the status, one line on stderr at most besides the log, holding PATTERN.
expect() {
  local status=$1 pattern=$2 got
  shift 2
  "$@" >out 2>err </dev/null
  got=$?
  [ "$got" = "$status" ] || fail "$*: status $got, not $status: $(cat err)"
  grep -q -- "$pattern" out err || fail "$*: no \"$pattern\" in: $(cat out err)"
}

# expect_error STATUS PATTERN COMMAND...: the same, and exactly one line "emotrain: ..." that holds the pattern.
expect_error() {
  local pattern=$2
  expect "$@"
  [ "$(grep -c '^emotrain: ' err)" = 1 ] || fail "$*: not one error line: $(cat err)"
  grep '^emotrain: ' err | grep -q -- "$pattern" || fail "$*: the error line lacks \"$pattern\": $(cat err)"
}

# start_and_kill RUN LINES OPTION...: starts the run and kills it (-9) once its record has so many lines.
start_and_kill() {
  local run=$1 lines=$2 pid
  shift 2
  "$emotrain" --config tiny.ini --run "$run" "$@" >/dev/null 2>err &
  pid=$!
  while kill -0 $pid 2>/dev/null && [ "$(cat "runs/$run/metrics.jsonl" 2>/dev/null | wc -l)" -lt "$lines" ]; do sleep 0.02; done
  kill -9 $pid
  wait $pid 2>/dev/null
  [ ! -e "runs/$run/report.html" ] || fail "$run: killed too late"
}

tiny_experiment() {
  "$make_corpus" corpus "${1:-4}" || fail "no corpus"
  cp "$tests/cli/tiny.ini" "$tests/cli/tiny.json" .
}
